//! A Foundry resource: whether it is reached, which audience it accepts, whether the person has a role there, and whether
//! the deployment exists.
//!
//! Each audience is tried with the account's own token and a request that must be refused, so that no model runs. The refusal
//! is the finding: 401 is the token's audience or tenant, 403 the person's role, 404 the deployment, and 400 says that all
//! was well until the request itself was read (Microsoft: "Role-based access control for Microsoft Foundry").

use std::sync::Arc;

use entra_proto::account::AccountId;
use entra_proto::cloud::Cloud;
use entra_proto::doctor::{Check, CheckResult};
use entra_proto::error::ErrorBody;
use entra_proto::resource;
use entra_proto::token::TokenRequest;
use url::Url;

use super::check::{Finding, Named, waits_for};
use super::foundry_address::Resource;
use super::network::{CONNECTION, reach, shown_host};
use crate::broker::{Asker, Broker};
use crate::entra::Entra;
use crate::entra::probe::{Probe, Refused};

/// Whether a token may be sent there at all.
pub(super) const ADDRESS: Named = Named::new("foundry.address", 50);
/// Whether it takes the audience that Claude Code asks for.
pub(super) const COGNITIVE: Named = Named::new("foundry.cognitive_services", 2500);
/// Whether it takes the audience that the SDKs' own pages name.
pub(super) const AI: Named = Named::new("foundry.ai", 2500);
/// Whether the deployment exists.
pub(super) const MODEL: Named = Named::new("foundry.model", 50);

/// What is to be looked at.
pub(super) struct Question<'a> {
    /// The resource, by name or address; nothing where none is known.
    pub(super) named: Option<&'a str>,
    /// The resource of the configuration.
    pub(super) configured: Option<&'a str>,
    /// The deployment.
    pub(super) model: Option<&'a str>,
    /// The cloud of the default profile.
    pub(super) cloud: Cloud,
    /// For whom tokens are sent there, as the log names them.
    pub(super) asker: &'a Asker,
}

/// An audience, with the role that goes with it.
struct Audience {
    check: Named,
    /// The resource's short name.
    resource: &'static str,
    role: Role,
}

/// A role of Azure's (Microsoft: "Azure built-in roles for AI + machine learning").
#[derive(Clone, Copy)]
struct Role {
    name: &'static str,
    /// Names change, and the Azure CLI may know the old one or the new one alone.
    id: &'static str,
}

const AUDIENCES: [Audience; 2] = [
    Audience {
        check: COGNITIVE,
        resource: "cognitive",
        role: Role { name: "Cognitive Services User", id: "a97b65f3-24c7-4388-baec-2e87135dc908" },
    },
    Audience {
        check: AI,
        resource: "foundry",
        role: Role { name: "Azure AI User", id: "53ca6127-db72-4b80-b1b0-d745d6d5456d" },
    },
];

/// What an audience came to.
enum Tried {
    /// There was no token for it.
    NoToken(ErrorBody),
    /// Nothing answered.
    Silence,
    /// The endpoint refused the request of this account, as it must.
    Refused(Refused, AccountId),
}

/// Looks at it. Without a broker there are no tokens, and only the way there is looked at.
pub(super) async fn look(entra: &Entra, broker: Option<&Arc<Broker>>, question: &Question<'_>) -> Vec<Check> {
    let Some(named) = question.named.or(question.configured) else {
        let sentence =
            "No resource is named: `entra doctor --foundry NAME`, or the setting `foundry_resource`.";
        return vec![ADDRESS.found(None, Finding::skipped(sentence))];
    };
    let resource = match Resource::named(named, question.configured, question.cloud) {
        Ok(resource) => resource,
        Err(error) => {
            let remedy = "Give the resource's name, or its endpoint as the portal shows it.";
            return vec![ADDRESS.found(None, Finding::failed(error.to_string(), remedy))];
        }
    };
    let about = shown_host(&resource.messages);
    let good = Finding::good(format!("Messages go to {}.", resource.messages));
    let mut checks = vec![ADDRESS.found(Some(&about), good)];
    let mut root = resource.messages.clone();
    root.set_path("/");
    let is_microsofts = resource.name.is_some();
    let way = reach(entra, &root, is_microsofts).await;
    checks.extend(way.checks);
    checks.extend(match (way.probe, broker) {
        (Some(probe), Some(broker)) => {
            Trial { probe: &probe, broker, resource: &resource, question }.look(&about).await
        }
        (None, _) => all(&about, || waits_for(CONNECTION)),
        (_, None) => all(&about, || Finding::skipped("It takes a token, which only the running entrad has.")),
    });
    checks
}

fn all(about: &str, finding: impl Fn() -> Finding) -> Vec<Check> {
    [COGNITIVE, AI, MODEL].map(|named| named.found(Some(about), finding())).into()
}

struct Trial<'a> {
    probe: &'a Probe,
    broker: &'a Arc<Broker>,
    resource: &'a Resource,
    question: &'a Question<'a>,
}

impl Trial<'_> {
    async fn look(&self, about: &str) -> Vec<Check> {
        let [cognitive, ai] = &AUDIENCES;
        let ((cognitive, of_cognitive), (ai, of_ai)) =
            tokio::join!(self.audience(cognitive, about), self.audience(ai, about));
        let tried = [of_cognitive, of_ai];
        let status = |tried: &Option<Tried>| match tried {
            // Whoever is not let in from here is not asked for a token first.
            Some(Tried::Refused(said, _)) if said.is_of_network => None,
            // A role that is missing shows that the audience is right.
            Some(Tried::Refused(said, _)) if said.is_of_permission => Some(403),
            Some(Tried::Refused(said, _)) => Some(said.status),
            _ => None,
        };
        // What leads elsewhere or is out of order has not looked at the token.
        let is_of_accepted = |status: u16| status != 401 && !matches!(status, 300..=399 | 500..);
        let one_is_accepted = tried.iter().filter_map(status).any(is_of_accepted);
        let mut checks = vec![cognitive, ai];
        for (check, tried) in checks.iter_mut().zip(&tried) {
            // Whoever asks for the other one is served.
            if one_is_accepted && status(tried) == Some(401) {
                check.result = CheckResult::Warning;
            }
        }
        checks.push(MODEL.found(Some(about), self.model(&tried)));
        checks
    }

    async fn audience(&self, audience: &Audience, about: &str) -> (Check, Option<Tried>) {
        let mut kept = None;
        let check = audience
            .check
            .run(Some(about), async {
                let Some(resource) = resource::named(audience.resource)
                    .and_then(|resource| resource.address(self.question.cloud))
                else {
                    return Finding::skipped("This cloud has no such audience.");
                };
                let tried = self.try_with(resource).await;
                let finding = self.finding(&tried, audience, resource).await;
                kept = Some(tried);
                finding
            })
            .await;
        (check, kept)
    }

    async fn try_with(&self, resource: &str) -> Tried {
        let request = TokenRequest { resource: Some(resource.to_owned()), ..TokenRequest::default() };
        let asker = self.question.asker;
        // It leaves entrad for an address that the caller named, so it is noted as what is handed out.
        let answer = match self.broker.token_for(&request, asker).await {
            Ok(answer) => answer,
            Err(error) => {
                self.broker.note_refusal(asker, &request, &error);
                return Tried::NoToken(error);
            }
        };
        let url: &Url = &self.resource.messages;
        match self.probe.ask_in_vain(url, &answer.access_token, self.question.model).await {
            Ok(refused) => Tried::Refused(refused, answer.account),
            Err(_) => Tried::Silence,
        }
    }

    async fn finding(&self, tried: &Tried, audience: &Audience, resource: &str) -> Finding {
        let (refused, account) = match tried {
            Tried::NoToken(error) => return Finding::of_error(error),
            Tried::Silence => {
                return Finding::failed(
                    "The endpoint gave no whole answer.",
                    "Try again; the checks before say how the way there is.",
                );
            }
            Tried::Refused(refused, account) => (refused, account),
        };
        let said = said(refused);
        match refused.status {
            401 if !refused.is_of_permission && !refused.is_of_network => Finding::failed(
                format!("The endpoint does not accept tokens for {resource} (401){said}."),
                "See whether the account is signed in to the tenant of the resource's subscription, and whether the \
                 resource is of this cloud; a tool that can ask for the other audience may do so.",
            ),
            status @ (401 | 403) if refused.is_of_network => Finding::failed(
                format!("The resource takes no requests from this network ({status}){said}."),
                "Have an owner of the resource let this network in, in the portal under Networking, or ask from one that is.",
            ),
            status @ (401 | 403) => Finding::failed(
                format!("The token is good, and the account has no role that permits it ({status}){said}."),
                format!(
                    "Have an owner of the resource grant {}: {}",
                    audience.role.name,
                    self.grant(audience.role, account).await
                ),
            ),
            429 => Finding::warning(
                format!(
                    "Tokens for {resource} are accepted, and the resource is out of capacity (429){said}."
                ),
                "Wait, or raise the deployment's quota.",
            ),
            404 if self.question.model.is_none() => Finding::warning(
                format!("Tokens for {resource} are accepted, and there is nothing at this path (404){said}."),
                "See that the resource has a deployment of Claude, and that the address ends before /v1/messages.",
            ),
            500.. => Finding::failed(
                format!("The endpoint is out of order ({}){said}.", refused.status),
                "Try again later; Azure's status page says whether it is known.",
            ),
            300..=399 => Finding::failed(
                format!("The endpoint leads elsewhere ({}), where no token is sent.", refused.status),
                "Give the resource's own endpoint, as the portal shows it.",
            ),
            status => Finding::good(format!("Tokens for {resource} are accepted ({status}).")),
        }
    }

    fn model(&self, tried: &[Option<Tried>]) -> Finding {
        let Some(model) = self.question.model else {
            return Finding::skipped("No deployment is named; `--model NAME` looks whether it exists.");
        };
        let statuses = tried.iter().filter_map(|tried| match tried {
            Some(Tried::Refused(said, _)) if !matches!(said.status, 300..=399 | 401 | 403) => Some(said),
            _ => None,
        });
        match statuses.min_by_key(|said| said.status) {
            Some(refused) if refused.status == 404 => Finding::failed(
                format!("There is no deployment {model} (404){}.", said(refused)),
                "Name it as the portal lists it under Models + endpoints; that is the deployment's name, not the model's.",
            ),
            Some(refused) if refused.status < 404 => {
                Finding::good(format!("The deployment {model} answers ({}).", refused.status))
            }
            Some(refused) => Finding::skipped(format!("It did not come to that ({}).", refused.status)),
            None => Finding::skipped("It did not come to that; the checks before say why."),
        }
    }

    async fn grant(&self, role: Role, account: &AccountId) -> String {
        let known = self.broker.accounts().await.map(|answer| answer.accounts).unwrap_or_default();
        let username = known.into_iter().find(|known| known.id == *account).map(|known| known.username);
        command(role, username.as_deref(), self.resource.name.as_deref())
    }
}

/// The command that grants the role (Microsoft: `az role assignment create`).
fn command(role: Role, username: Option<&str>, resource: Option<&str>) -> String {
    // It is pasted into a shell, so what goes into it is plain, or left to the person.
    let is_plain = |name: &&str| {
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"@._+-#".contains(&byte))
            && !name.starts_with('-')
    };
    let assignee = username.filter(is_plain).unwrap_or("USER");
    let scope = match resource.filter(is_plain) {
        Some(name) => format!(
            "\"$(az resource list --name {name} --resource-type Microsoft.CognitiveServices/accounts --query '[0].id' \
             --output tsv)\""
        ),
        None => "RESOURCE_ID".to_owned(),
    };
    format!("az role assignment create --role {} --assignee \"{assignee}\" --scope {scope}", role.id)
}

fn said(refused: &Refused) -> String {
    let sentence = refused.sentence.as_deref().map(|sentence| sentence.trim_end_matches('.'));
    sentence.map(|sentence| format!(": {sentence}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_can_be_pasted_and_holds_nothing_that_a_shell_would_run() {
        assert_eq!(
            command(AUDIENCES[1].role, Some("ada@example.com"), Some("acme-ai")),
            "az role assignment create --role 53ca6127-db72-4b80-b1b0-d745d6d5456d --assignee \"ada@example.com\" --scope \
             \"$(az resource list --name acme-ai --resource-type Microsoft.CognitiveServices/accounts --query '[0].id' \
             --output tsv)\""
        );
        for name in ["$(id)", "a\"b", "a b", "-x", "`id`"] {
            let command = command(AUDIENCES[1].role, Some(name), Some(name));
            assert!(command.ends_with("--assignee \"USER\" --scope RESOURCE_ID"), "{command}");
        }
    }
}
