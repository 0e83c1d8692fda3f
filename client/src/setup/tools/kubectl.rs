//! kubectl: the link `kubelogin`, which kubeconfigs of AKS call, and on request a user of a kubeconfig that calls it.
//!
//! A kubeconfig is YAML, so kubectl itself writes it: on a copy, which then takes the place of the file as every other does.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use entra_proto::error::exit;

use super::super::file::{self, Content, FileError};
use super::super::places::Places;
use super::super::plan::{FilePlan, New, Plan};
use super::{text, usage};
use crate::failure::Failure;
use crate::text::plain;

/// The link, and the context's user.
pub(in super::super) fn plan(places: &Places, context: Option<&str>) -> Result<Plan, Failure> {
    let link = places.helper("kubelogin");
    let mut plan = Plan { links: vec![link.clone()], is_on_path: context.is_none(), ..Plan::default() };
    let Some(context) = context else {
        plan.words = vec![
            "Kubeconfigs of AKS that `az aks get-credentials` made with `kubelogin convert-kubeconfig` call this link as they are; \
             `--context NAME` makes a context of yours call it."
                .to_owned(),
            "Try it: kubectl get namespaces".to_owned(),
        ];
        return Ok(plan);
    };
    let mut kubeconfigs = Vec::new();
    for path in places.kubeconfigs() {
        if let Some(old) = file::read(&path)? {
            kubeconfigs.push((path, old));
        }
    }
    let Some((of_context, user)) = first(&kubeconfigs, ".contexts[*]", ".context.user", context)? else {
        return Err(usage(
            format!("No kubeconfig has a context `{context}`."),
            "`kubectl config get-contexts` lists them.",
        ));
    };
    // kubectl would take one for an option.
    if user.is_empty() || user.starts_with('-') {
        let sentence =
            format!("The user `{}` of the context `{context}` cannot be given to kubectl.", plain(&user));
        return Err(usage(sentence, "Rename that user in the kubeconfig."));
    }
    let known = first(&kubeconfigs, ".users[*]", ".user.exec.command", &user)?;
    let (path, old) = kubeconfigs.swap_remove(known.as_ref().map_or(of_context, |(at, _)| *at));
    let helper = text(&link)?;
    let new = match known {
        Some((_, command)) if command == helper => old.bytes.to_vec(),
        known => converted(&old, &user, known.is_some(), &helper)?,
    };
    plan.files.push(FilePlan { path, new: New::Whole(new), is_private: false });
    plan.words = vec![format!("Try it: kubectl --context '{context}' get namespaces")];
    Ok(plan)
}

/// The first kubeconfig that has an entry of this name in its list, and what the entry says: kubectl takes each from there
/// (Kubernetes, "Organizing Cluster Access Using kubeconfig Files", merging).
fn first(
    kubeconfigs: &[(PathBuf, Content)],
    list: &str,
    value: &str,
    name: &str,
) -> Result<Option<(usize, String)>, Failure> {
    let asked = format!("jsonpath={{range {list}}}{{.name}}{{\"\\n\"}}{{{value}}}{{\"\\n\"}}{{end}}");
    for (at, (_, content)) in kubeconfigs.iter().enumerate() {
        let answer = kubectl(&Copy::of(&content.bytes)?, &["config", "view", "--raw", "-o", &asked])?;
        let lines: Vec<&str> = answer.lines().collect();
        if let Some(pair) = lines.chunks_exact(2).find(|pair| pair[0] == name) {
            return Ok(Some((at, pair[1].to_owned())));
        }
    }
    Ok(None)
}

/// The kubeconfig in which the user, who may be there already, calls the helper.
fn converted(old: &Content, user: &str, is_there: bool, helper: &str) -> Result<Vec<u8>, Failure> {
    let copy = Copy::of(&old.bytes)?;
    let settled = [format!("--exec-command={helper}"), format!("--exec-api-version={API_VERSION}")];
    let mut words = vec!["config", "set-credentials", user];
    words.extend(settled.iter().map(String::as_str));
    words.extend([
        "--exec-arg=get-token",
        "--exec-arg=--server-id",
        AKS_ARGUMENT,
        "--exec-interactive-mode=Never",
    ]);
    if is_there {
        // What else the user of that name signs in by, a certificate perhaps, would go before the helper.
        kubectl(&copy, &["config", "delete-user", user])?;
    }
    kubectl(&copy, &words)?;
    Ok(fs::read(&copy.0).map_err(|source| FileError::Read { path: copy.0.clone(), source })?)
}

fn kubectl(copy: &Copy, words: &[&str]) -> Result<String, Failure> {
    let failed = |sentence: &str| {
        Failure::new(exit::MISCONFIGURED, "kubectl_failed", sentence)
            .hint("`entra setup kubectl` without --context needs no kubectl.")
    };
    let child = Command::new("kubectl")
        .env("KUBECONFIG", &copy.0)
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed("kubectl cannot be run.").because(&error))?;
    let (tell, ended) = channel();
    thread::spawn(move || tell.send(child.wait_with_output()));
    let output = ended
        .recv_timeout(PATIENCE)
        .map_err(|_| failed("kubectl did not end in time."))?
        .map_err(|error| failed("kubectl cannot be run.").because(&error))?;
    if !output.status.success() {
        // The first line says why; behind it may be the whole kubeconfig, with its keys.
        let said = String::from_utf8_lossy(&output.stderr);
        let sentence = format!("kubectl refused: {}", said.trim().lines().next().unwrap_or_default());
        return Err(failed(&sentence));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A private copy for kubectl to write, gone with the value.
struct Copy(PathBuf);

impl Copy {
    fn of(bytes: &[u8]) -> Result<Self, FileError> {
        let folder = std::env::temp_dir().join(format!("entra-kubeconfig-{}", std::process::id()));
        let path = folder.join("config");
        let failed = |source| FileError::Write { path: path.clone(), source };
        // One that another made would be another's to read.
        file::make_folder(&folder).map_err(failed)?;
        let copy = Self(path.clone());
        fs::write(&path, bytes).map_err(failed)?;
        Ok(copy)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // The folder is private, and the system empties its place.
        let _ = self.0.parent().map(fs::remove_dir_all);
    }
}

/// kubectl reads one file and writes one.
const PATIENCE: Duration = Duration::from_secs(20);

/// The version of the exchange that both speak (Kubernetes, "Client Go credential plugins").
const API_VERSION: &str = "client.authentication.k8s.io/v1";

/// The server application of AKS, the same in every tenant (Microsoft: "Use kubelogin with AKS").
const AKS_ARGUMENT: &str = "--exec-arg=6dae42f8-4368-4678-94ff-3960e28e3630";
