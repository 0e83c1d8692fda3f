//! npm and pnpm, which share a file. npm has no helpers; pnpm runs one from the user's own file alone (pnpm, "Settings").

use super::super::edit::{Format, Want};
use super::super::places::Places;
use super::super::plan::{FilePlan, Plan};
use super::{nerf_dart, text, usage};
use crate::dialects::hosts::is_of_packages;
use crate::failure::Failure;

/// npm's line, which takes the token from the environment.
pub(in super::super) fn npm(places: &Places, registries: &[String]) -> Result<Plan, Failure> {
    let wants = named(registries)?
        .into_iter()
        .map(|name| Want::new(&[&format!("{name}:_authToken")], "${ENTRA_NPM_TOKEN}"))
        .collect();
    Ok(Plan {
        files: vec![FilePlan::values(places.npm(), Format::Npm, wants)],
        words: vec![
            "npm runs no helpers; it takes the token from its environment, so run it by entra.".to_owned(),
            "Try it: entra run --env ENTRA_NPM_TOKEN=devops -- npm ping".to_owned(),
        ],
        ..Plan::default()
    })
}

/// pnpm's line, which names the helper. The helper is not told for whom it is called and always has a token of Azure DevOps, so
/// the line may stand for no other registry.
pub(in super::super) fn pnpm(places: &Places, registries: &[String]) -> Result<Plan, Failure> {
    let link = places.helper("pnpm-token-entra");
    let program = text(&link)?;
    if let Some(foreign) =
        registries.iter().find(|address| nerf_dart(address).is_some() && !is_of_packages(address))
    {
        let sentence =
            format!("`{foreign}` is no registry of Azure Artifacts, and no other is sent its token.");
        return Err(usage(sentence, HINT));
    }
    let wants = named(registries)?
        .into_iter()
        .map(|name| Want::new(&[&format!("{name}:tokenHelper")], program.as_str()))
        .collect();
    let is_broken = program.contains(char::is_whitespace);
    Ok(Plan {
        files: vec![FilePlan::values(places.npm(), Format::Npm, wants)],
        links: vec![link],
        warnings: is_broken
            .then(|| {
                format!("pnpm hands the helper's path to a shell as it stands, and {program} has a space; pnpm may not find it.")
            })
            .into_iter()
            .collect(),
        words: vec!["Try it: pnpm ping".to_owned()],
        ..Plan::default()
    })
}

fn named(registries: &[String]) -> Result<Vec<String>, Failure> {
    if registries.is_empty() {
        return Err(usage("Say which registries are yours.", HINT));
    }
    let name = |address: &String| {
        nerf_dart(address)
            .ok_or_else(|| usage(format!("`{address}` is not the address of a registry over HTTPS."), HINT))
    };
    registries.iter().map(name).collect()
}

const HINT: &str =
    "Add `--registry https://pkgs.dev.azure.com/ORGANIZATION/_packaging/FEED/npm/registry/` for each.";
