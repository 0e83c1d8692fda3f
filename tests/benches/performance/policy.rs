//! What rules cost a token from memory: some that are held against what is asked alone, and one for which the caller is looked at.

use super::Effort;
use super::figures::Figures;
use super::sides::Sides;
use super::stage::Stage;

pub(crate) fn measure(stage: &Stage, effort: Effort, figures: &mut Figures) {
    let without = stage.workstation();
    for (what, rules, target) in [
        ("with 20 rules of what is asked / without", OF_REQUEST.repeat(20), 1.1),
        ("with a rule of the caller / without", OF_CALLER.to_owned(), f64::INFINITY),
    ] {
        let with = stage.workstation_with(&[("ENTRAD_POLICY", rules.as_str())]);
        Sides { what, ours: &with, theirs: &without, target, effort }.answers(figures);
    }
}

/// None of them fits, and each is held against the request.
const OF_REQUEST: &str = "deny resource=devops account=*@contoso.example\n";

/// It does not fit this bench, which takes a look to know.
const OF_CALLER: &str = "deny program=/nobody resource=graph\n";
