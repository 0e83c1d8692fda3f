//! This daemon against another build of it, which `ENTRAD_BESIDE` names: what a cached token costs more than it did.

use std::path::Path;

use super::Effort;
use super::figures::Figures;
use super::sides::Sides;
use super::stage::Stage;

pub(crate) fn measure(stage: &Stage, effort: Effort, figures: &mut Figures) {
    let Ok(other) = std::env::var("ENTRAD_BESIDE") else {
        figures.skip("this daemon / another", "ENTRAD_BESIDE names no other program");
        return;
    };
    let other = stage.with_daemon(Path::new(&other));
    let (ours, theirs) = (stage.workstation(), other.workstation());
    let sides = Sides { what: "this daemon / the other", ours: &ours, theirs: &theirs, target: 1.1, effort };
    sides.whole(figures);
    sides.answers(figures);
}
