//! Cargo: a credential provider for registries (The Cargo Book, "Registry Authentication").

use std::path::Path;

use serde_json::{Value, json};

use super::super::apply::refused;
use super::super::edit::{Format, Want};
use super::super::file;
use super::super::places::Places;
use super::super::plan::{FilePlan, Plan};
use super::{text, usage};
use crate::failure::Failure;

/// The provider for these registries, or for all. It passes on registries that are not Azure's.
pub(in super::super) fn plan(places: &Places, registries: &[String]) -> Result<Plan, Failure> {
    let link = places.helper("cargo-credential-entra");
    let program = text(&link)?;
    let path = places.cargo();
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
        let mut providers = global_providers(&path)?.unwrap_or_else(|| vec!["cargo:token".into()]);
        if !providers.iter().any(|provider| provider == "entra") {
            providers.push("entra".into());
        }
        wants.push(Want::new(&GLOBAL, providers));
    }
    Ok(Plan {
        files: vec![FilePlan::values(path, Format::Toml, wants)],
        links: vec![link],
        words: vec!["Try it in a project that uses the registry: cargo fetch".to_owned()],
        ..Plan::default()
    })
}

/// The providers that are asked for every registry, where the file names them.
fn global_providers(path: &Path) -> Result<Option<Vec<Value>>, Failure> {
    let Some(old) = file::read(path)? else { return Ok(None) };
    let value = Format::Toml
        .value(old.text(path)?, &GLOBAL.map(str::to_owned))
        .map_err(|fault| refused(path, fault))?;
    Ok(value.and_then(|value| value.as_array().cloned()))
}

const GLOBAL: [&str; 2] = ["registry", "global-credential-providers"];
