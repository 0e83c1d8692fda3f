//! Replays what is committed below `fuzz/corpus`, as a plain test of whichever package includes this file.

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

/// A target by its name.
type Target<'a> = (&'a str, fn(&[u8]));

/// Runs the inputs of these targets, which are all that `module` has.
pub(crate) fn all(module: &str, targets: &[Target<'_>]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let call = format!(" {module}::");
    let is_of_module = |path: &PathBuf| fs::read_to_string(path).is_ok_and(|text| text.contains(&call));
    let of_module = files(&folder.join("targets")).into_iter().filter(is_of_module);
    let named = of_module.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()));
    let known = targets.iter().map(|(name, _)| (*name).to_owned());
    assert_eq!(named.collect::<BTreeSet<_>>(), known.collect(), "fuzz/targets has others than {module}");
    for (name, target) in targets {
        let inputs = files(&folder.join("corpus").join(name));
        assert!(!inputs.is_empty(), "fuzz/corpus/{name} is empty");
        for input in inputs {
            let bytes = fs::read(&input).unwrap_or_default();
            assert!(catch_unwind(|| target(&bytes)).is_ok(), "{} is not fine", input.display());
        }
        // What no file is needed for.
        target(b"");
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    files
}
