//! Whether the state folder is on a disk of this machine.

use std::io;
use std::path::Path;

use entra_proto::doctor::Check;

use super::check::{Finding, Named, waits_for};
use super::configuration::VALID;
use crate::files::network_file_system;

/// What the state folder is on. A server that is away takes all of the limit.
pub(super) const STATE_FILE_SYSTEM: Named = Named::new("permissions.state_file_system", 1000);

pub(super) async fn look(state_dir: Option<&Path>) -> Check {
    let Some(path) = state_dir.map(Path::to_owned) else {
        return STATE_FILE_SYSTEM.found(None, waits_for(VALID));
    };
    STATE_FILE_SYSTEM.run_aside(None, move || finding(&path, network_file_system(&path))).await
}

fn finding(path: &Path, found: io::Result<Option<String>>) -> Finding {
    let shown = path.display();
    match found {
        Ok(None) => Finding::good(format!("{shown} is on a file system of this machine.")),
        Ok(Some(name)) => Finding::warning(
            format!(
                "{shown} is on a network file system ({name}). Its locks may not hold between machines: where entrad runs on two of them, one may write over what the other has just saved, and sign-ins are lost."
            ),
            "Set `state_dir` to a folder on a disk of this machine that is yours alone, and sign in there: `entra login`.",
        ),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Finding::skipped(format!("There is no {shown}."))
        }
        Err(error) => Finding::failed(
            format!("What {shown} is on cannot be told: {error}."),
            "See that it and the folders above it are yours and can be reached.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use entra_proto::doctor::CheckResult;

    use super::*;

    fn result(found: io::Result<Option<String>>) -> (CheckResult, String) {
        let check = STATE_FILE_SYSTEM.found(None, finding(Path::new("/state"), found));
        (check.result, format!("{} {}", check.evidence, check.remedy.unwrap_or_default()))
    }

    #[test]
    fn a_network_file_system_is_warned_of_with_what_to_do() {
        let (found, said) = result(Ok(Some("NFS".to_owned())));
        assert_eq!(found, CheckResult::Warning);
        assert!(said.contains("/state") && said.contains("(NFS)") && said.contains("`state_dir`"), "{said}");
    }

    #[test]
    fn a_disk_is_well_and_what_is_missing_is_passed_over() {
        assert_eq!(result(Ok(None)).0, CheckResult::Good);
        assert_eq!(result(Err(io::ErrorKind::NotFound.into())).0, CheckResult::Skipped);
        assert_eq!(result(Err(io::ErrorKind::PermissionDenied.into())).0, CheckResult::Failed);
    }
}
