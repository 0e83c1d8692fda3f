//! What a presented secret lets a request do: ask for what the lease covers, as whom the lease speaks for.

use std::fmt;

use entra_proto::account::AccountId;
use entra_proto::agent::AgentMark;
use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::scope::Scopes;
use entra_proto::token::TokenRequest;

use super::Allowed;

/// A lease that stands, for one request.
#[derive(Clone, Debug)]
pub struct Admitted {
    name: String,
    allowed: Allowed,
    account: Option<AccountId>,
    profile: Option<String>,
    agent: Option<(String, AgentMark)>,
}

impl Admitted {
    pub(super) fn new(
        name: String,
        allowed: Allowed,
        account: Option<AccountId>,
        profile: Option<String>,
    ) -> Self {
        Self { name, allowed, account, profile, agent: None }
    }

    pub(super) fn of_agent(self, agent: Option<(String, AgentMark)>) -> Self {
        Self { agent, ..self }
    }

    /// The AI agent that it was made for, and how that is known.
    #[must_use]
    pub fn agent(&self) -> Option<(&str, AgentMark)> {
        self.agent.as_ref().map(|(agent, known_by)| (agent.as_str(), *known_by))
    }

    /// The lease's name, for people.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The request as the lease lets it be made: its account and profile where it has them.
    ///
    /// # Errors
    /// When the request asks for more, or for somebody else.
    pub fn narrow(&self, mut request: TokenRequest) -> Result<TokenRequest, ErrorBody> {
        if let Some(scopes) = &request.scopes {
            let asked = Scopes::new(scopes.iter().map(String::as_str)).map_err(bad)?;
            if !self.allowed.covers(&asked) {
                return Err(self.not_for(&asked));
            }
        }
        if let Some(resource) = &request.resource
            && !self.allowed.covers_resource(resource)
        {
            return Err(self.not_for(&plain(resource)));
        }
        if let Some(account) = &self.account {
            // A user name is not looked up here: whoever has a lease need not say whom it speaks for.
            match &request.account {
                Some(asked) if !asked.eq_ignore_ascii_case(account.as_str()) => {
                    return Err(self.refuse("is for another account"));
                }
                _ => request.account = Some(account.as_str().to_owned()),
            }
        }
        if let Some(profile) = &self.profile {
            match &request.profile {
                Some(asked) if asked != profile => return Err(self.refuse("is for another profile")),
                _ => request.profile = Some(profile.clone()),
            }
        }
        request.lease = None;
        Ok(request)
    }

    fn not_for(&self, asked: &impl fmt::Display) -> ErrorBody {
        self.refuse(&format!("is not for {asked}"))
    }

    fn refuse(&self, what: &str) -> ErrorBody {
        ErrorBody::new(ErrorCode::Refused, format!("The lease `{}` {what}.", self.name)).with_hint(
            "`entra lease ls` shows what it is for; make another by `entra run`, `entra env` or `entra setup`.",
        )
    }
}

fn bad(error: impl fmt::Display) -> ErrorBody {
    ErrorBody::new(ErrorCode::BadRequest, error.to_string())
}

fn plain(resource: &str) -> String {
    resource.chars().filter(|char| !char.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn lease() -> Admitted {
        let allowed = Allowed::of(&["foundry".to_owned(), "cognitive".to_owned()]);
        Admitted::new("claude".to_owned(), allowed, Some("u.t".parse().unwrap()), Some("work".to_owned()))
    }

    fn asked(json: &str) -> TokenRequest {
        serde_json::from_str(json).unwrap()
    }

    #[rstest]
    #[case(r#"{"resource":"foundry"}"#)]
    #[case(r#"{"resource":"https://cognitiveservices.azure.com/","account":"U.T","profile":"work"}"#)]
    #[case(r#"{"scopes":["https://ai.azure.com/.default"],"account":"u.t"}"#)]
    fn what_it_covers_is_asked_as_whom_it_speaks_for(#[case] json: &str) {
        let narrowed = lease().narrow(asked(json)).unwrap();
        assert_eq!((narrowed.account.as_deref(), narrowed.profile.as_deref()), (Some("u.t"), Some("work")));
    }

    #[rstest]
    #[case(r#"{"resource":"arm"}"#, "not for arm")]
    #[case(r#"{"resource":"https://management.azure.com/"}"#, "not for https://management.azure.com/")]
    #[case(r#"{"scopes":["https://ai.azure.com.evil.example/.default"]}"#, "not for")]
    #[case(r#"{"resource":"foundry","scopes":["User.Read"]}"#, "not for User.Read")]
    #[case(r#"{"resource":"foundry","account":"other.t"}"#, "another account")]
    #[case(r#"{"resource":"foundry","profile":"home"}"#, "another profile")]
    fn more_is_refused(#[case] json: &str, #[case] words: &str) {
        let error = lease().narrow(asked(json)).unwrap_err();
        assert!(error.code == ErrorCode::Refused && error.message.contains(words), "{error:?}");
    }
}
