//! `az` and `azd`: programs of these names that answer what SDKs ask of them, and pass everything else on to the real ones.

use super::super::places::Places;
use super::super::plan::Plan;

/// The link `az`.
pub(in super::super) fn az(places: &Places) -> Plan {
    Plan {
        links: vec![places.shim("az")],
        is_on_path: true,
        words: vec![
            "From then on every program that runs `az` for a token gets entrad's. Whoever has the Azure CLI can do without: \
             `az login --identity` signs it in by entrad, where entrad's variables are set."
                .to_owned(),
            "Try it: az account get-access-token --resource https://management.azure.com".to_owned(),
        ],
        ..Plan::default()
    }
}

/// The link `azd`.
pub(in super::super) fn azd(places: &Places) -> Plan {
    Plan {
        links: vec![places.shim("azd")],
        is_on_path: true,
        words: vec![
            "Try it: azd auth token --output json --scope https://management.azure.com/.default".to_owned(),
        ],
        ..Plan::default()
    }
}
