//! What `entra setup` says: what was or would be changed, how to try it, how to take it back. Never a secret.

use std::path::Path;

use entra_proto::lease::LeaseGrant;
use serde_json::Value;

use super::apply::{PLACEHOLDER, Prepared, Touched, is_lease_secret};
use super::links;
use super::plan::Plan;
use super::undo::Undone;
use crate::failure::Failure;
use crate::print::{self, Stream};
use crate::text::plain;

/// The warnings of a plan.
pub(super) fn warn(plan: &Plan) {
    for warning in &plan.warnings {
        print::warn(warning);
    }
}

/// After a tool was set up; `changed` is nothing when all was so already.
pub(super) fn done(
    tool: &str,
    plan: &Plan,
    changed: Option<&Touched>,
    grant: Option<&LeaseGrant>,
) -> Result<(), Failure> {
    let mut lines = match changed {
        Some(_) => vec![format!("Set up {tool}.")],
        None => vec![format!("{tool} is set up already; nothing was changed.")],
    };
    if let Some(Touched { files, links }) = changed {
        lines.extend(files.iter().map(|(path, _)| format!("  changed  {}", path.display())));
        lines.extend(links.iter().map(|link| format!("  linked   {}", link.display())));
    }
    if let Some(LeaseGrant { lease, .. }) = grant {
        lines.push(format!("  lease    {} (id {}) for {}", lease.name, lease.id, lease.resources.join(", ")));
    }
    if plan.is_on_path {
        lines.extend(plan.links.iter().filter_map(|link| path_advice(link)));
    }
    lines.extend(plan.words.iter().cloned());
    lines.push(format!("Undo it: entra setup {tool} --undo"));
    say(&lines)
}

/// What would be done.
pub(super) fn would(prepared: &Prepared, program: &Path) -> Result<(), Failure> {
    let mut lines = Vec::new();
    for (path, puts) in &prepared.touched.files {
        lines.push(path.display().to_string());
        if puts.is_empty() {
            lines.push("  ~ as the tool's own program writes it".to_owned());
        }
        for put in puts {
            let sign = if put.was.is_some() { '~' } else { '+' };
            let value = put.value.as_ref().map(shown).unwrap_or_default();
            lines.push(format!("  {sign} {} = {value}", put.path.join(" / ")));
        }
    }
    for link in &prepared.touched.links {
        lines.push(format!("{} -> {}", link.display(), program.display()));
    }
    if lines.is_empty() {
        lines.push("All of it stands there already; nothing would be changed.".to_owned());
    } else {
        lines.push("Nothing was changed. + is new, ~ is in place of another value.".to_owned());
    }
    say(&lines)
}

/// After a tool's settings were taken back.
pub(super) fn undone(tool: &str, undone: &Undone, is_revoked: bool) -> Result<(), Failure> {
    let mut lines = vec![format!("Took the set-up of {tool} back.")];
    lines.extend(undone.files.iter().map(|path| format!("  restored  {}", path.display())));
    lines.extend(undone.links.iter().map(|link| format!("  removed   {}", link.display())));
    if is_revoked {
        lines.push(format!("  revoked   the lease of {tool}"));
    }
    lines.extend(undone.words.iter().cloned());
    say(&lines)
}

/// What is missing for the tool to find the link by its name, if anything.
fn path_advice(link: &Path) -> Option<String> {
    let (folder, name) = (link.parent()?, link.file_name()?.to_str()?);
    let line = links::path_line(folder);
    match links::on_path(name) {
        Some(found) if found == link => None,
        Some(found) => {
            let found = found.display();
            Some(format!("`{name}` on PATH is {found}, before entra's. To put entra's first, {line}"))
        }
        None => {
            Some(format!("The tool looks for `{name}` on PATH, where it is not. To put it there, {line}"))
        }
    }
}

fn shown(value: &Value) -> String {
    match value {
        value if value == PLACEHOLDER => "(the secret of a new lease)".to_owned(),
        value if is_lease_secret(value) => "(the secret of the lease)".to_owned(),
        value => value.to_string(),
    }
}

fn say(lines: &[String]) -> Result<(), Failure> {
    let stream = Stream::output();
    let text: String = lines.iter().map(|line| format!("{}\n", plain(line))).collect();
    stream.write(text.as_bytes())
}
