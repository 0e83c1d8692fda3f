//! Claude Desktop on Microsoft Foundry: a configuration of its local library, whose credential is our helper's.

use std::path::Path;

use serde_json::{Value, json};

use super::super::edit::{Format, Want};
use super::super::file;
use super::super::places::Places;
use super::super::plan::{FilePlan, Plan};
use super::{text, usage};
use crate::args::ClaudeDesktopArgs;
use crate::failure::Failure;

/// The configuration, and the link that it names.
pub(in super::super) fn plan(places: &Places, args: &ClaudeDesktopArgs) -> Result<Plan, Failure> {
    let link = places.helper(HELPER);
    let own = settings(args, &link)?.into_iter().map(|(key, value)| Want::new(&[key], value)).collect();
    let library = places.claude_desktop();
    let list = library.join("_meta.json");
    let mut plan = Plan {
        links: vec![link],
        words: vec![
            "Claude Desktop reads this when it starts. Where it takes helpers from managed configuration alone, `--export` prints that."
                .to_owned(),
            "Try it: start Claude Desktop again; Help, Troubleshooting, Copy Managed Configuration Report shows what it read."
                .to_owned(),
        ],
        ..Plan::default()
    };
    let old = file::read(&list)?;
    let old = old.as_ref().map(|old| old.text(&list)).transpose()?.unwrap_or_default();
    // A list that does not parse is refused where it is to be changed.
    let old: Value = serde_json::from_str(old.trim_start_matches('\u{feff}')).unwrap_or_default();
    let entry = json!({ "id": ID, "name": "entrad" });
    let mut entries = old["entries"].as_array().cloned().unwrap_or_default();
    if !entries.iter().any(|entry| entry["id"] == ID) {
        entries.push(entry);
    }
    if let Some(other) = old["appliedId"].as_str().filter(|id| *id != ID) {
        let name = old["entries"].as_array().and_then(|all| all.iter().find(|entry| entry["id"] == other));
        let name = name.and_then(|entry| entry["name"].as_str()).unwrap_or(other);
        plan.warnings.push(format!(
            "Claude Desktop had the configuration `{name}` applied; it stays in the list, and `entrad` is applied in its place."
        ));
    }
    let chosen = vec![Want::new(&["entries"], entries), Want::new(&["appliedId"], ID)];
    plan.files = vec![
        FilePlan::values(library.join(format!("{ID}.json")), Format::Json, own),
        FilePlan::values(list, Format::Json, chosen),
    ];
    Ok(plan)
}

/// The keys of the configuration with their values.
pub(in super::super) fn settings(
    args: &ClaudeDesktopArgs,
    helper: &Path,
) -> Result<Vec<(&'static str, Value)>, Failure> {
    let foundry = args.foundry.as_deref().unwrap_or_default();
    let is_name = !foundry.is_empty() && foundry.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if !is_name {
        return Err(usage(
            format!("`{foundry}` is not the name of a Foundry resource."),
            "Give the name alone, as in `--foundry my-resource` for my-resource.services.ai.azure.com.",
        ));
    }
    // Of any system, since what is exported is for other machines.
    let is_elsewhere = |path: &str| path.starts_with('/') || path.contains(":\\");
    if !helper.is_absolute() && !is_elsewhere(&helper.to_string_lossy()) {
        return Err(usage("Claude Desktop wants the helper's absolute path.", "Give it with `--helper`."));
    }
    Ok(vec![
        ("inferenceProvider", "foundry".into()),
        ("inferenceFoundryResource", foundry.into()),
        ("inferenceModels", args.model.clone().into()),
        ("inferenceCredentialKind", "helper-script".into()),
        ("inferenceCredentialHelper", text(helper)?.into()),
        ("inferenceCredentialHelperTtlSec", LIFE.into()),
    ])
}

/// The name of the link. Claude Desktop calls helpers without a word.
pub(in super::super) const HELPER: &str = "entra-claude-helper";

/// Claude Desktop keeps a token for so many seconds, whatever its expiry; the helper hands out none that has less.
const LIFE: u64 = 900;

/// Of our entry in the list: one for all, so that a second run finds it.
const ID: &str = "5f0c3e2a-8d41-4b7e-9a36-e17da0c1e5b4";
