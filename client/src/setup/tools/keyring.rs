//! pip and uv: both run a program of the name `keyring` (pip, "Authentication"; uv, "Authentication").

use super::super::edit::{Format, Want};
use super::super::places::Places;
use super::super::plan::{FilePlan, Plan};

/// pip's setting.
pub(in super::super) fn pip(places: &Places) -> Plan {
    let wants = vec![Want::new(&["global", "keyring-provider"], "subprocess")];
    Plan {
        files: vec![FilePlan::values(places.pip(), Format::Pip, wants)],
        words: vec![
            "Try it: pip download --no-deps --index-url https://pkgs.dev.azure.com/ORGANIZATION/_packaging/FEED/pypi/simple/ PACKAGE"
                .to_owned(),
        ],
        ..shared(places)
    }
}

/// uv's setting.
pub(in super::super) fn uv(places: &Places) -> Plan {
    let wants = vec![Want::new(&["keyring-provider"], "subprocess")];
    Plan {
        files: vec![FilePlan::values(places.uv(), Format::Toml, wants)],
        words: vec![
            "uv asks only when the address names a user; `VssSessionToken` will do.".to_owned(),
            "Try it: uv pip install --index-url https://VssSessionToken@pkgs.dev.azure.com/ORGANIZATION/_packaging/FEED/pypi/simple/ PACKAGE"
                .to_owned(),
        ],
        ..shared(places)
    }
}

fn shared(places: &Places) -> Plan {
    Plan { links: vec![places.helper("keyring")], is_on_path: true, ..Plan::default() }
}
