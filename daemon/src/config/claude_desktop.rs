//! What Claude Desktop's managed settings name for Foundry, taken as defaults: the same tenant, app registration and resource.
//!
//! They are read from where only administrators write, by the keys of Claude Desktop's deployment guide ("Foundry"). Its other
//! keys are its own business. A fault there is told and costs nothing but these defaults.

use super::error::LayerError;
use super::layer::Layer;
use super::managed_values::{self, Node};
use super::places::Place;
use super::source::Source;

/// The settings of a place, which may name none of them; `None` where it is not there.
pub(super) fn layer(place: &Place) -> Result<Option<Layer>, LayerError> {
    let Some(values) = managed_values::read(place)? else { return Ok(None) };
    let mut layer = Layer::default();
    for (theirs, ours) in KEYS {
        // An empty text is how a form leaves a key out.
        let is_empty = |node: &Node| matches!(node, Node::Value(super::values::Given::Text(text)) if text.trim().is_empty());
        if let Some(node) = values.get(theirs).filter(|node| !is_empty(node)) {
            let given = managed_values::flat(node);
            layer.take(ours, given, Source::ClaudeDesktop(format!("{place} ({theirs})")))?;
        }
    }
    Ok(Some(layer))
}

const KEYS: [(&str, &str); 3] = [
    ("inferenceFoundryTenantId", "tenant"),
    ("inferenceFoundryClientId", "client_id"),
    ("inferenceFoundryResource", "foundry_resource"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_no_fault() {
        let folder = tempfile::tempdir().unwrap();
        assert!(layer(&Place::Json(folder.path().join("none.json"))).unwrap().is_none());
    }
}
