//! Docker: a credential helper for each registry (docker, "docker login", "Credential helpers").
//!
//! Never the store for everything (`credsStore`), where other credentials are kept.

use super::super::edit::{Format, Want};
use super::super::places::Places;
use super::super::plan::{FilePlan, Plan};
use super::{is_host, usage};
use crate::failure::Failure;

/// The helper for these registries.
pub(in super::super) fn plan(places: &Places, registries: &[String]) -> Result<Plan, Failure> {
    let Some(first) = registries.first() else {
        return Err(usage("Say which registries are yours.", "Add `--registry NAME.azurecr.io` for each."));
    };
    if let Some(wrong) = registries.iter().find(|host| !is_host(host)) {
        return Err(usage(
            format!("`{wrong}` is not a registry's host."),
            "Give it as in `NAME.azurecr.io`.",
        ));
    }
    let wants = registries.iter().map(|host| Want::new(&["credHelpers", host], "entra")).collect();
    Ok(Plan {
        files: vec![FilePlan::values(places.docker(), Format::Json, wants)],
        links: vec![places.helper("docker-credential-entra")],
        is_on_path: true,
        words: vec![
            "When docker finds no helper on PATH it pulls as nobody, without a word.".to_owned(),
            format!("Try it: docker pull {first}/IMAGE"),
        ],
        ..Plan::default()
    })
}
