//! Every place that is looked at, each with what it holds or why nothing of it is used.
//!
//! Reading never fails as a whole: what a fault means is decided by whoever starts or reloads. A bad file of the user's, or of
//! Claude Desktop, is left out and said; a bad source of an administrator's, of the environment or of the command line is not
//! to be worked around.

use std::path::{Path, PathBuf};

use entra_proto::config::{self as wire, SourceInfo};

use super::error::{ConfigError, LayerError};
use super::layer::{Layer, Layers, shown};
use super::places::{Place, Places};
use super::policy::{self, POLICY, PolicyPart};
use super::values;
use super::{Owner, claude_desktop, file, keys, managed_folder, managed_values};

/// All sources, from the weakest to the strongest.
pub(super) struct Sources {
    all: Vec<Source>,
    /// The user's file, and whether somebody named it.
    pub(super) user_file: PathBuf,
    is_named: bool,
}

struct Source {
    kind: wire::Layer,
    place: String,
    held: Held,
    /// Whether there may be rules of who may ask for what among what is not used of it.
    may_hold_rules: bool,
}

enum Held {
    Nothing,
    Settings(Layer),
    Fault(Fault),
}

enum Fault {
    Bad(LayerError),
    /// It was read, and is not used for this reason.
    Unused(String),
}

impl Sources {
    pub(super) fn read(places: &Places<'_>) -> Result<Self, ConfigError> {
        let folders = directories::BaseDirs::new().ok_or(ConfigError::NoHome)?;
        let command_line = Layer::command_line(&places.args);
        let environment = Layer::environment(places.variable);
        let named = [&command_line, &environment]
            .into_iter()
            .find_map(|layer| layer.as_ref().ok()?.get(keys::FILE).map(|file| PathBuf::from(&file.value)));
        let is_named = named.is_some();
        let user_file = named.unwrap_or_else(|| folders.config_dir().join("entrad").join("config.toml"));
        // What is watched has a folder to be watched in. Only an empty path has no other form, and is told of as it is.
        let user_file = std::path::absolute(&user_file).unwrap_or(user_file);

        let machine = &places.administrators.machine_file;
        let machine = of_file(machine, Owner::Administrator);
        let managed: Vec<_> = places.administrators.managed.iter().flat_map(managed_by).collect();
        let user = match of_file(&user_file, Owner::User) {
            user @ Source { held: Held::Nothing, .. } if is_named => {
                let reason = std::io::ErrorKind::NotFound.into();
                let missing = LayerError::Unreadable { path: user_file.clone(), reason };
                Source { held: Held::Fault(Fault::Bad(missing)), ..user }
            }
            user => user,
        };
        let off = managed.iter().rev().chain([&machine]).find_map(|source| source.get(ADOPT));
        let off = off
            .filter(|setting| setting.value == values::OFF)
            .map(|setting| format!("It is not looked at, since `{ADOPT}` is off ({}).", setting.source));
        let mut all: Vec<_> =
            places.administrators.claude_desktop.iter().map(|place| adopted(place, off.as_deref())).collect();
        all.extend([machine, user]);
        all.push(Source::new(wire::Layer::Environment, "environment".to_owned(), environment.map(Some)));
        all.push(Source::new(wire::Layer::CommandLine, "command line".to_owned(), command_line.map(Some)));
        all.extend(managed);
        Ok(Self { all, user_file, is_named })
    }

    /// The fault that nothing may be worked around, if there is one. It is left out.
    pub(super) fn take_fatal(&mut self) -> Option<LayerError> {
        for at in 0..self.all.len() {
            if self.may_be_left_out(self.all[at].kind) {
                continue;
            }
            let source = &mut self.all[at];
            match std::mem::replace(&mut source.held, Held::Nothing) {
                Held::Fault(Fault::Bad(error)) => return Some(error),
                held => source.held = held,
            }
        }
        None
    }

    /// Every fault is told, and no bad source is in the way.
    pub(super) fn leave_out_all_bad(&mut self) {
        for source in &mut self.all {
            source.held = match std::mem::replace(&mut source.held, Held::Nothing) {
                Held::Fault(Fault::Bad(error)) => Held::Fault(Fault::Unused(error.to_string())),
                held => held,
            };
        }
    }

    /// Whether a fault in this layer leaves the layer out, and the rest in force.
    pub(super) fn may_be_left_out(&self, layer: wire::Layer) -> bool {
        match layer {
            wire::Layer::User => !self.is_named,
            wire::Layer::ClaudeDesktop => true,
            _ => false,
        }
    }

    /// Whether anything of this layer is used.
    pub(super) fn holds(&self, layer: wire::Layer) -> bool {
        self.all.iter().any(|source| source.kind == layer && matches!(source.held, Held::Settings(_)))
    }

    /// Leaves all of a layer out, for this reason.
    pub(super) fn leave_out(&mut self, layer: wire::Layer, reason: &str) {
        for source in self.all.iter_mut().filter(|source| source.kind == layer) {
            if matches!(source.held, Held::Settings(_)) {
                source.held = Held::Fault(Fault::Unused(reason.to_owned()));
            }
        }
    }

    /// The layers that are used.
    pub(super) fn layers(&self) -> Layers {
        let layers = self.all.iter().filter_map(|source| match &source.held {
            Held::Settings(layer) => Some(layer.clone()),
            Held::Nothing | Held::Fault(_) => None,
        });
        Layers(layers.collect())
    }

    /// The rules of who may ask for what, in the order in which they count.
    pub(super) fn policy(&self) -> Vec<PolicyPart> {
        let is_administrators =
            |source: &&Source| matches!(source.kind, wire::Layer::Machine | wire::Layer::Managed);
        let in_order = policy::in_order(self.all.iter().rev(), is_administrators);
        in_order.filter_map(Source::policy).collect()
    }

    /// As the answer tells them.
    pub(super) fn told(&self) -> Vec<SourceInfo> {
        self.all.iter().map(Source::told).collect()
    }

    /// What a person should know of what is left out.
    pub(super) fn warnings(&self) -> Vec<String> {
        let bad = self.all.iter().filter(|source| matches!(source.kind, wire::Layer::User));
        bad.filter_map(|source| {
            let fault = source.told().fault?;
            let place = &source.place;
            // Without its rules all that they may have forbidden would pass.
            let shut = if source.may_hold_rules {
                " Until then every request is refused that no administrator's rule decides, since it may hold rules."
            } else {
                ""
            };
            Some(format!("Nothing of {place} is used: {fault} Mend it; it is read again when it changes.{shut}"))
        })
        .collect()
    }
}

impl Source {
    fn new(kind: wire::Layer, place: String, read: Result<Option<Layer>, LayerError>) -> Self {
        let held = match read {
            Ok(Some(layer)) => Held::Settings(layer),
            Ok(None) => Held::Nothing,
            Err(error) => Held::Fault(Fault::Bad(error)),
        };
        let may_hold_rules = match &held {
            Held::Nothing => false,
            Held::Settings(layer) => layer.get(POLICY).is_some(),
            // Settings of another program are none of ours.
            Held::Fault(_) => kind != wire::Layer::ClaudeDesktop,
        };
        Self { kind, place, held, may_hold_rules }
    }

    fn policy(&self) -> Option<PolicyPart> {
        match &self.held {
            Held::Nothing => None,
            Held::Settings(layer) => policy::of_layer(layer),
            Held::Fault(_) if !self.may_hold_rules => None,
            Held::Fault(_) => Some(PolicyPart::Unread {
                layer: self.kind,
                place: self.place.clone(),
                reason: self.told().fault.unwrap_or_default(),
            }),
        }
    }

    fn get(&self, key: &str) -> Option<&super::Setting<String>> {
        match &self.held {
            Held::Settings(layer) => layer.get(key),
            Held::Nothing | Held::Fault(_) => None,
        }
    }

    fn told(&self) -> SourceInfo {
        let (settings, fault) = match &self.held {
            Held::Nothing => (None, None),
            Held::Settings(layer) => (Some(u32::try_from(layer.len()).unwrap_or(u32::MAX)), None),
            Held::Fault(Fault::Bad(error)) => (None, Some(error.to_string())),
            Held::Fault(Fault::Unused(reason)) => (None, Some(reason.clone())),
        };
        SourceInfo { layer: self.kind, place: self.place.clone(), settings, fault }
    }
}

fn of_file(path: &Path, owner: Owner) -> Source {
    let kind = match owner {
        Owner::Administrator => wire::Layer::Machine,
        Owner::User => wire::Layer::User,
    };
    let source = Source::new(kind, shown(path), file::read(path, owner));
    // A fault elsewhere in a file that has no rules shuts nobody out.
    let may_hold_rules =
        source.may_hold_rules && (matches!(source.held, Held::Settings(_)) || file::may_hold(path, POLICY));
    Source { may_hold_rules, ..source }
}

fn managed_by(place: &Place) -> Vec<Source> {
    let source = |place: String, read| Source::new(wire::Layer::Managed, place, read);
    match place {
        Place::Draft(path) => vec![source(shown(path), file::draft(path).map(Some))],
        Place::Folder(folder) => match managed_folder::files(folder) {
            Ok(files) if files.is_empty() => vec![source(place.to_string(), Ok(None))],
            Ok(files) => files
                .iter()
                .map(|path| source(shown(path), managed_folder::read(folder, path).map(Some)))
                .collect(),
            Err(error) => vec![source(place.to_string(), Err(error))],
        },
        other => vec![source(other.to_string(), managed_values::layer(other))],
    }
}

fn adopted(place: &Place, off: Option<&str>) -> Source {
    match off {
        Some(reason) => Source {
            kind: wire::Layer::ClaudeDesktop,
            place: place.to_string(),
            held: Held::Fault(Fault::Unused(reason.to_owned())),
            may_hold_rules: false,
        },
        None => Source::new(wire::Layer::ClaudeDesktop, place.to_string(), claude_desktop::layer(place)),
    }
}

const ADOPT: &str = "adopt_claude_desktop";
