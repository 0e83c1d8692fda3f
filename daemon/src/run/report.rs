//! What is printed in place of serving: nothing is listened on, locked or written for it.

use std::sync::Arc;

use entra_proto::cloud::Cloud;
use entra_proto::config::ConfigAnswer;
use entra_proto::doctor::DoctorAnswer;
use entra_proto::policy::PolicyAnswer;

use super::settings::{Judged, Origins, SettingsError};
use super::{RunError, vault_options};
use crate::access::policy::Policy;
use crate::broker::{KeptPassphrases, Rules};
use crate::config::{self, Config, Flows};
use crate::doctor::{self, Question, Subject};
use crate::entra::Entra;
use crate::entra::network::NetworkSettings;
use crate::harden;
use crate::vault::Vault;

/// `--report doctor`. Whatever is wrong is in the answer.
pub(super) fn doctor(origins: &Origins, now: u64) -> Result<DoctorAnswer, RunError> {
    harden::harden();
    let (subject, entra, means) = look_around(origins, now);
    let question = Question { foundry: origins.args.foundry.clone(), ..Question::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime
        .map_err(|reason| RunError::System { what: "The runtime did not start".to_owned(), reason })?;
    let answer = runtime.block_on(doctor::alone(&subject, &entra, means, &question));
    // A look that hangs in the system must not keep the process.
    runtime.shutdown_background();
    Ok(answer)
}

/// `--report policy`: the rules that a daemon would have, or what is wrong with those of a file.
pub(super) fn policy(origins: &Origins) -> Result<PolicyAnswer, RunError> {
    let Some(file) = &origins.args.rules else {
        return Ok(origins.usable_part()?.1.policy.answer());
    };
    let text = config::draft_text(file).map_err(SettingsError::from)?;
    let faults = Policy::faults_in(&text, &file.display().to_string());
    Ok(PolicyAnswer { rules: Vec::new(), faults })
}

/// The settings as a daemon would have them, and what can be opened by them.
fn look_around(origins: &Origins, now: u64) -> (Subject, Entra, Option<(Vault, Rules)>) {
    let entra = Entra::new();
    let fault = origins.read().err();
    let (config, Judged { rules, store, .. }) = match origins.usable_part() {
        Ok(found) => found,
        Err(error) => return (unusable(&fault.unwrap_or(error)), entra, None),
    };
    entra.configure(NetworkSettings::from(&config.network));
    let vault = Vault::new(vault_options(&config, store, &|name| std::env::var_os(name)));
    entra.ask_for_passphrases(Arc::new(KeptPassphrases(vault.clone())));
    let mut subject = subject(&config, config.answer(rules.hosts(), now, Vec::new()), &rules);
    subject.fault = fault.map(|fault| fault.to_string());
    let means = subject.fault.is_none().then_some((vault, rules));
    (subject, entra, means)
}

/// What the doctor looks at of these settings.
pub(super) fn subject(config: &Config, answer: ConfigAnswer, rules: &Rules) -> Subject {
    Subject {
        config: answer,
        fault: None,
        socket: Some(config.socket.value.clone()),
        state_dir: Some(config.state_dir.value.clone()),
        flows: rules.ways().clone(),
        cloud: rules.default_cloud(),
    }
}

fn unusable(error: &SettingsError) -> Subject {
    Subject {
        config: ConfigAnswer {
            settings: Vec::new(),
            sources: Vec::new(),
            egress: Vec::new(),
            applied_on: 0,
            waiting_for_restart: Vec::new(),
        },
        fault: Some(error.to_string()),
        socket: None,
        state_dir: None,
        flows: Flows::default(),
        cloud: Cloud::default(),
    }
}
