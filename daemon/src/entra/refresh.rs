//! The silent refresh: a refresh token for a new access token, and usually for its successor.

use std::time::Duration;

use entra_proto::account::AccountId;
use entra_proto::scope::Scopes;
use uuid::Uuid;

use super::Entra;
use super::claims::{self, Claims};
use super::form::Form;
use super::grant::{self, Asked};
use super::no_reply::NoReply;
use super::reply::{Ask, Reply};
use super::target::Target;
use crate::account::outcome::Outcome;
use crate::account::refresh_token::RefreshToken;

/// What to ask for, and with what.
#[derive(Clone, Copy, Debug)]
pub struct RefreshRequest<'a> {
    /// The token to redeem. The caller sees to it that the target is the one that issued it.
    pub refresh_token: &'a RefreshToken,
    /// Scopes of one resource.
    pub scopes: &'a Scopes,
    /// A claims challenge to meet.
    pub claims: Option<&'a Claims>,
    /// Whether the caller handles claims challenges (`cp1`).
    pub cae: bool,
    /// It tries whether an outage is over: sent once, whatever comes back.
    pub is_probe: bool,
    /// Whose token it is: routes the request to the account's region.
    pub account: &'a AccountId,
}

impl Entra {
    /// Redeems a refresh token (RFC 6749 §6). Ends within 62 seconds: at most 30 for a try, and one more try
    /// about a second after a connection failure, a time-out, or a 500, 502, 503 or 504 without
    /// `Retry-After`; never after a 429, and not for a probe. Both tries carry one correlation id.
    pub async fn refresh(&self, target: &Target, request: RefreshRequest<'_>) -> Outcome {
        let correlation_id = Uuid::new_v4().to_string();
        let claims = claims::parameter(request.claims, request.cae);
        let ask = || Ask {
            url: target.authority.token_endpoint(),
            form: Form::refresh(target, request.refresh_token, request.scopes, claims.as_deref()),
            correlation_id: correlation_id.clone(),
            anchor: anchor(request.account),
        };
        let mut reply = self.exchange.post(ask()).await;
        if !request.is_probe && is_worth_a_second_try(&reply) {
            tokio::time::sleep(retry_delay()).await;
            reply = self.exchange.post(ask()).await;
        }
        let asked = Asked { target, scopes: request.scopes, correlation_id: &correlation_id };
        match grant::read(reply, asked) {
            Ok(grant) => Outcome::Refreshed(Box::new(grant)),
            Err(no_grant) => no_grant.sorted(),
        }
    }
}

/// `Oid:uid@utid`, for ids of that form.
fn anchor(account: &AccountId) -> Option<String> {
    account.as_str().split_once('.').map(|(uid, utid)| format!("Oid:{uid}@{utid}"))
}

fn is_worth_a_second_try(reply: &Result<Reply, NoReply>) -> bool {
    match reply {
        Ok(reply) => matches!(reply.status, 500 | 502 | 503 | 504) && reply.retry_after.is_none(),
        Err(why) => why.is_brief(),
    }
}

/// A second, give or take a quarter, so that the clients of one outage do not come back together.
fn retry_delay() -> Duration {
    let random = getrandom::u32().unwrap_or_default();
    Duration::from_millis(750 + u64::from(random % 501))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use tokio::time::Instant;

    use super::super::no_reply::TlsTrouble;
    use super::super::script::{SUCCESS, Script, target, wanting_credentials};
    use super::*;
    use crate::account::outcome::Reach;

    async fn refresh(script: &std::sync::Arc<Script>) -> Outcome {
        let request = RefreshRequest {
            refresh_token: &RefreshToken::new("rt-secret".to_owned()),
            scopes: &Scopes::of_resource("s").unwrap(),
            claims: None,
            cae: true,
            is_probe: false,
            account: &"uid.utid".parse().unwrap(),
        };
        Entra::over(script.clone()).refresh(&target(), request).await
    }

    #[rstest]
    #[case(500)]
    #[case(502)]
    #[case(503)]
    #[case(504)]
    #[tokio::test(start_paused = true)]
    async fn vector_22_a_brief_outage_costs_one_retry(#[case] status: u16) {
        let script = Script::new();
        script.json(status, "<html>").json(200, SUCCESS);
        let started_at = Instant::now();
        assert!(matches!(refresh(&script).await, Outcome::Refreshed(_)));
        let waited = started_at.elapsed().as_millis();
        assert!((750..=1251).contains(&waited), "{waited}");
        let asked = script.asked();
        assert_eq!(asked.len(), 2);
        assert_eq!(asked[0].correlation_id, asked[1].correlation_id);
        assert_eq!(asked[0].anchor.as_deref(), Some("Oid:uid@utid"));
        assert_eq!(asked[1].form["claims"], r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#);
        assert_eq!(asked[1].form["refresh_token"], "rt-secret");
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_is_sent_once() {
        let script = Script::new();
        script.json(503, "<html>").json(200, SUCCESS);
        let request = RefreshRequest {
            refresh_token: &RefreshToken::new("rt-secret".to_owned()),
            scopes: &Scopes::of_resource("s").unwrap(),
            claims: None,
            cae: false,
            is_probe: true,
            account: &"uid.utid".parse().unwrap(),
        };
        let outcome = Entra::over(script.clone()).refresh(&target(), request).await;
        assert!(matches!(outcome, Outcome::RetryAfter { .. }));
        assert_eq!(script.asked().len(), 1);
    }

    #[rstest]
    #[case(NoReply::Connect, 2)]
    #[case(NoReply::TimeOut, 2)]
    #[case(NoReply::Broken, 2)]
    #[case(NoReply::Tls(TlsTrouble::UnknownIssuer), 1)]
    #[case(wanting_credentials(), 1)]
    #[case(NoReply::TooLarge, 1)]
    #[tokio::test(start_paused = true)]
    async fn silence_is_retried_once_where_it_may_help(#[case] why: NoReply, #[case] tries: usize) {
        let script = Script::new();
        script.silence(why.clone()).silence(why);
        let outcome = refresh(&script).await;
        assert_eq!(script.asked().len(), tries);
        assert!(
            matches!(outcome, Outcome::RetryAfter { after: None, reach: Reach::Outage, .. }),
            "{outcome:?}"
        );
    }

    #[rstest]
    #[case(500, Some(120), Reach::Outage)]
    #[case(429, Some(30), Reach::Client)]
    #[case(429, None, Reach::Client)]
    #[case(501, None, Reach::Outage)]
    #[tokio::test(start_paused = true)]
    async fn vector_23_what_names_a_time_or_is_a_throttle_is_not_retried_in_place(
        #[case] status: u16,
        #[case] seconds: Option<u64>,
        #[case] expected: Reach,
    ) {
        let script = Script::new();
        script.reply(status, seconds, r#"{"error":"temporarily_unavailable"}"#);
        let Outcome::RetryAfter { after, reach, .. } = refresh(&script).await else { panic!("no retry") };
        assert_eq!((after, reach), (seconds.map(Duration::from_secs), expected));
        assert_eq!(script.asked().len(), 1);
    }
}
