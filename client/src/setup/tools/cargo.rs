//! Cargo: a credential provider for registries (The Cargo Book, "Registry Authentication").

use serde_json::json;

use super::super::edit::{Format, Want};
use super::super::places::Places;
use super::super::plan::{FilePlan, Plan};
use super::{text, usage};
use crate::failure::Failure;

/// The provider for these registries, or for all. It passes on registries that are not Azure's.
pub(in super::super) fn plan(places: &Places, registries: &[String]) -> Result<Plan, Failure> {
    let link = places.helper("cargo-credential-entra");
    let program = text(&link)?;
    let mut wants = Vec::new();
    for name in registries {
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
            let sentence = format!("`{name}` is not the name of a registry.");
            return Err(usage(sentence, "Give it as it stands in `[registries.NAME]`."));
        }
        wants.push(Want::new(&["registries", name, "credential-provider"], json!([program])));
    }
    if registries.is_empty() {
        // Cargo splits a global provider at its spaces, but not an alias; of the providers it asks the last first.
        wants.push(Want::new(&["credential-alias", "entra"], json!([program])));
        wants.push(Want::new(&["registry", "global-credential-providers"], json!(["cargo:token", "entra"])));
    }
    Ok(Plan {
        files: vec![FilePlan::values(places.cargo(), Format::Toml, wants)],
        links: vec![link],
        words: vec!["Try it in a project that uses the registry: cargo fetch".to_owned()],
        ..Plan::default()
    })
}
