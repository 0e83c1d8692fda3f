//! One function a route: read, ask the broker, answer.

use std::error::Error as _;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::header::{self, CONTENT_LENGTH};
use axum::http::{HeaderMap, Response, StatusCode};
use entra_proto::config::{PassphraseAnswer, PassphraseRequest};
use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::limits::{ANSWER_TIMEOUT, BODY_TIMEOUT, MAX_REQUEST_BODY, REGISTRY_TIMEOUT, TOKEN_TIMEOUT};
use entra_proto::log::LogEvent;
use entra_proto::registry::RegistryRequest;
use entra_proto::status::StatusAnswer;
use entra_proto::token::TokenRequest;
use futures_util::stream;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Rooms;
use super::reply::{answer, failure, lines, with_type};
use crate::access::caller::Caller;
use crate::access::lease::Presented;
use crate::audit::Event;
use crate::broker::{Asker, Broker, access_to_registry};
use crate::config::Dialect;
use crate::metrics::{CONTENT_TYPE, METRICS};
use crate::vault::Access;

type Routed = State<Arc<Broker>>;

pub(super) async fn token(State(rooms): State<Rooms>, request: Request) -> Response<Body> {
    let counted = METRICS.asked();
    let (mut asker, mut asked) = (asker(&request), TokenRequest::default());
    let work = async {
        within(ANSWER_TIMEOUT, async {
            asked = read(request).await?;
            narrow(&rooms, &mut asked, &mut asker).await
        })
        .await?;
        // A person takes longer than any machine, and is waited for only by who asks for that.
        let limit = TOKEN_TIMEOUT + Duration::from_secs(asked.wait.unwrap_or_default().into());
        within(limit, rooms.broker.token_for(&asked, &asker)).await
    };
    let token = work.await;
    counted.answered(&token, asked.wait.is_some_and(|wait| wait > 0));
    answer(token.inspect_err(|error| rooms.broker.note_refusal(&asker, &asked, error)))
}

/// Who asks, for the person who may have to be asked.
fn asker(request: &Request) -> Asker {
    request.extensions().get::<Caller>().cloned().map_or(Asker::Unknown, Asker::Caller)
}

pub(super) async fn registry_token(State(rooms): State<Rooms>, request: Request) -> Response<Body> {
    METRICS.dialect_asked(Dialect::Registry);
    let counted = METRICS.asked();
    let (mut asker, mut asked) = (asker(&request), TokenRequest::default());
    let work = async {
        let request: RegistryRequest = read(request).await?;
        // From here on it is a request for an access token, with all that such a one must pass.
        asked = access_to_registry(&request);
        narrow(&rooms, &mut asked, &mut asker).await?;
        rooms.broker.registry_token(&request.registry, asked.clone(), &asker).await
    };
    let token = within(REGISTRY_TIMEOUT, work).await;
    counted.exchanged(&token);
    answer(token.inspect_err(|error| rooms.broker.note_refusal(&asker, &asked, error)))
}

/// Makes the request what its lease lets it be, if it names one.
async fn narrow(rooms: &Rooms, asked: &mut TokenRequest, asker: &mut Asker) -> Result<(), ErrorBody> {
    let Some(secret) = asked.lease.take() else {
        // Nothing is handed out before the vault is open, and then it is known which processes are agents.
        if rooms.broker.restore(Access::Silent).await.is_ok() {
            rooms.leases.know_agents().await;
        }
        return Ok(());
    };
    rooms.broker.rules().bounds().allow_leases()?;
    let lease = rooms.leases.admit(&secret, Presented::Apart).await?;
    *asker = std::mem::take(asker).lent(lease.name()).declared(lease.agent());
    *asked = lease.narrow(asked.clone())?;
    Ok(())
}

pub(super) async fn accounts(State(broker): Routed) -> Response<Body> {
    answer(within(ANSWER_TIMEOUT, broker.accounts()).await)
}

/// The query of what is done to an account.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfProfile {
    profile: Option<String>,
}

type AskedProfile = Result<Query<OfProfile>, QueryRejection>;

pub(super) async fn revive(
    State(broker): Routed,
    Path(id): Path<String>,
    query: AskedProfile,
) -> Response<Body> {
    let Ok(Query(query)) = query else {
        return failure(&bad("The query may hold `profile` alone."));
    };
    answer(within(TOKEN_TIMEOUT, broker.revive(&id, query.profile.as_deref())).await)
}

pub(super) async fn sign_out(
    State(rooms): State<Rooms>,
    Path(id): Path<String>,
    Extension(caller): Extension<Caller>,
    query: AskedProfile,
) -> Response<Body> {
    let Ok(Query(query)) = query else {
        return failure(&bad("The query may hold `profile` alone."));
    };
    let event = || {
        let profile = query.profile.clone();
        let asked = TokenRequest { account: Some(id.clone()), profile, ..TokenRequest::default() };
        Event::new(LogEvent::SignedOut).by(Some(caller.noted())).asked(&asked)
    };
    // Before it is done: the caller may be gone by then.
    let event = rooms.broker.audit().is_on().then(event);
    let work = to_the_end(async move {
        let broker = &rooms.broker;
        let left = broker.sign_out(&id, query.profile.as_deref()).await?;
        rooms.consents.signed_out(&id);
        if let Some(event) = event {
            broker.audit().record(event.now());
        }
        Ok(left)
    });
    answer(within(ANSWER_TIMEOUT, work).await)
}

pub(super) async fn status(State(rooms): State<Rooms>) -> Response<Body> {
    let work = async {
        let status = rooms.broker.status().await?;
        let metrics = Some(METRICS.summary());
        let mut warnings = status.warnings;
        if rooms.gatekeeper.agents().is_any_stopped() {
            warnings.push("AI agents are stopped; `entra agents` shows which, `entra agents resume` lets them ask again.".to_owned());
        }
        Ok(StatusAnswer { loopback: rooms.loopback.status(), metrics, warnings, ..status })
    };
    answer(within(ANSWER_TIMEOUT, work).await)
}

pub(super) async fn keep_key_passphrase(
    State(broker): Routed,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response<Body> {
    let work = async {
        let request: PassphraseRequest = read(request).await?;
        set_key_passphrase(broker, &caller, Some(request)).await
    };
    answer(within(ANSWER_TIMEOUT, work).await)
}

pub(super) async fn forget_key_passphrase(
    State(broker): Routed,
    Extension(caller): Extension<Caller>,
) -> Response<Body> {
    answer(within(ANSWER_TIMEOUT, set_key_passphrase(broker, &caller, None)).await)
}

async fn set_key_passphrase(
    broker: Arc<Broker>,
    caller: &Caller,
    request: Option<PassphraseRequest>,
) -> Result<PassphraseAnswer, ErrorBody> {
    let what = if request.is_some() { "was given" } else { "was forgotten" };
    let sentence = format!("The passphrase of the client certificate's key {what}.");
    let event = Event::new(LogEvent::ConfigurationChanged).by(Some(caller.noted())).detail(sentence);
    let set = async move {
        let set = broker.set_key_passphrase(request.as_ref().map(|request| &request.passphrase)).await?;
        broker.audit().record(event.now());
        Ok(set)
    };
    to_the_end(set).await
}

pub(super) async fn metrics(State(broker): Routed) -> Response<Body> {
    match METRICS.text(&broker.gauges()) {
        Ok(text) => with_type(StatusCode::OK, CONTENT_TYPE, Body::from(text)),
        Err(_) => failure(&ErrorBody::new(ErrorCode::Internal, "The metrics cannot be written.")),
    }
}

pub(super) async fn start_sign_in(
    State(broker): Routed,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response<Body> {
    let work = async { broker.start_sign_in(read(request).await?, caller).await };
    answer(within(ANSWER_TIMEOUT, work).await)
}

pub(super) async fn cancel_sign_in(State(broker): Routed, Path(id): Path<String>) -> Response<Body> {
    let done = broker.cancel_sign_in(&id).map(|()| serde_json::json!({}));
    answer(done)
}

/// The stream starts with everything a late reader has missed and ends with the sign-in.
pub(super) async fn sign_in_events(State(broker): Routed, Path(id): Path<String>) -> Response<Body> {
    let story = match broker.follow_sign_in(&id) {
        Ok(story) => story,
        Err(error) => return failure(&error),
    };
    lines(Body::from_stream(stream::unfold(story, async |mut story| {
        let event = story.next_event().await?;
        Some((line(&event), story))
    })))
}

/// One event of a stream.
pub(super) fn line(event: &impl Serialize) -> Result<Bytes, std::convert::Infallible> {
    let mut line = serde_json::to_vec(event).unwrap_or_default();
    line.push(b'\n');
    Ok(Bytes::from(line))
}

pub(super) async fn not_found() -> Response<Body> {
    let error = ErrorBody::new(ErrorCode::NotFound, "There is no such route.");
    failure(&error.with_hint("PROTOCOL.md lists the routes; they begin with /v1/."))
}

pub(super) async fn method_not_allowed() -> Response<Body> {
    let error = ErrorBody::new(ErrorCode::MethodNotAllowed, "The route does not take this method.");
    failure(&error.with_hint("PROTOCOL.md lists each route's methods."))
}

/// Reads a JSON body within its limits.
pub(super) async fn read<T: DeserializeOwned>(request: Request) -> Result<T, ErrorBody> {
    let too_large = || {
        let sentence = format!("The request's body is longer than {MAX_REQUEST_BODY} bytes.");
        ErrorBody::new(ErrorCode::TooLarge, sentence)
    };
    let (head, body) = request.into_parts();
    if announced(&head.headers).is_some_and(|length| length > MAX_REQUEST_BODY) {
        return Err(too_large());
    }
    let is_json = head
        .headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
    if !is_json {
        return Err(bad("The body must be JSON.")
            .with_hint("Send `Content-Type: application/json`; with curl use --json."));
    }
    let bytes = tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, MAX_REQUEST_BODY)).await;
    let bytes = bytes
        .map_err(|_| ErrorBody::new(ErrorCode::TimedOut, "The request's body did not arrive in time."))?;
    let bytes = bytes.map_err(|error| {
        // Of the two who can fail here, hyper reads the connection and axum counts the bytes.
        let mut causes = std::iter::successors(error.source(), |&cause| cause.source());
        if causes.any(|cause| cause.is::<hyper::Error>()) {
            bad("The request's body ended early, or is not what its head announced.")
        } else {
            too_large()
        }
    })?;
    // serde would also take an array of the fields' values in their order, which nobody documents.
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err(bad("The body must be a JSON object."));
    }
    // The parser's message names the field and the place, and holds nothing of the body but field names.
    serde_json::from_slice(&bytes).map_err(|error| bad(&format!("The request does not parse: {error}.")))
}

fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Carries it out also where whoever asked hangs up meanwhile: what is done is noted in the audit log.
pub(super) async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, ErrorBody>> + Send + 'static,
) -> Result<T, ErrorBody> {
    let defect = |_| {
        ErrorBody::new(ErrorCode::Internal, "The work was not done, by a defect of entrad.")
            .with_hint("Run `entra status`; the log has more.")
    };
    tokio::spawn(work).await.map_err(defect)?
}

pub(super) async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, ErrorBody>>,
) -> Result<T, ErrorBody> {
    let late = || {
        let sentence = format!("The work took longer than {} seconds.", limit.as_secs_f32());
        ErrorBody::new(ErrorCode::TimedOut, sentence)
            .with_hint("Try again; `entra status` shows what is under way.")
    };
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(late()))
}

fn bad(sentence: &str) -> ErrorBody {
    ErrorBody::new(ErrorCode::BadRequest, sentence)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use axum::http::Method;
    use entra_proto::config::ConfigAnswer;
    use rstest::rstest;
    use tower::ServiceExt;

    use super::super::{Loopback, Pages};
    use super::*;
    use crate::access::consent::Consents;
    use crate::access::lease::Leases;
    use crate::access::policy::{Gatekeeper, Policy};
    use crate::audit::Audit;
    use crate::broker::Parts;
    use crate::config::{Consenting, LoopbackChoice, Notify, Prompting, Setting, Told};
    use crate::doctor::Doctor;
    use crate::entra::Entra;
    use crate::prompts::Prompts;

    /// Without an account and without a port.
    fn rooms() -> Rooms {
        let parts = Parts::empty(Entra::new());
        let clock = Arc::clone(&parts.clock);
        let leases = Arc::new(Leases::new(parts.vault.clone(), Arc::clone(&clock)));
        let parts_vault = parts.vault.clone();
        let (clock_of_doctor, clock_of_consents) = (Arc::clone(&clock), Arc::clone(&clock));
        let broker = Broker::new(parts);
        let loopback =
            Loopback::new(LoopbackChoice::Off, PathBuf::new(), None, |_| unreachable!("there is no port"));
        let pages = Pages::new(Arc::clone(&broker), Arc::clone(&clock));
        let (vault, clock) = (parts_vault.clone(), Arc::clone(&clock));
        let prompts = Prompts::new(Arc::clone(&broker), vault, clock, Prompting::default());
        let answer = ConfigAnswer {
            settings: Vec::new(),
            sources: Vec::new(),
            egress: Vec::new(),
            applied_on: 7,
            waiting_for_restart: Vec::new(),
        };
        let told = Arc::new(Told::new(answer));
        let subject = || unreachable!("nobody is ill");
        let doctor = Doctor::new(Arc::clone(&broker), Entra::new(), clock_of_doctor, subject);
        let gatekeeper = Arc::new(Gatekeeper::alone(Policy::default()));
        let prompting = Prompting { notify: Setting::built_in(Notify::Off), ..Prompting::default() };
        let consenting = (&Consenting::default(), &prompting);
        let consents = Consents::new(parts_vault, clock_of_consents, Audit::default(), consenting);
        Rooms { broker, consents, doctor, gatekeeper, leases, loopback, pages, prompts, told }
    }

    #[rstest]
    #[case::a_stranger(Method::POST, r#"{"registry":"registry.example"}"#, 403, "refused")]
    #[case::nobody(Method::POST, r#"{"registry":"contoso.azurecr.io"}"#, 401, "sign_in_needed")]
    #[case::no_registry(Method::POST, "{}", 400, "bad_request")]
    #[case::a_resource(
        Method::POST,
        r#"{"registry":"contoso.azurecr.io","resource":"graph"}"#,
        400,
        "bad_request"
    )]
    #[case::a_foreign_lease(
        Method::POST,
        r#"{"registry":"contoso.azurecr.io","lease":"entra_lease_x"}"#,
        403,
        "refused"
    )]
    #[case::another_method(Method::GET, "", 405, "method_not_allowed")]
    #[tokio::test]
    async fn a_registry_s_token_is_refused_as_any_other(
        #[case] method: Method,
        #[case] body: &'static str,
        #[case] status: u16,
        #[case] code: &str,
    ) {
        let request = Request::builder().method(method).uri("/v1/registry-token");
        let request =
            request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body)).unwrap();
        let response = super::super::router(rooms()).oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::from_u16(status).unwrap());
        let body = to_bytes(response.into_body(), 4096).await.unwrap();
        let error: ErrorBody = serde_json::from_slice(&body).unwrap();
        assert_eq!(error.code.name(), code);
    }

    #[rstest]
    #[case::kept(Method::POST, r#"{"passphrase":"s3cret"}"#, 200, r#"{"is_kept":true}"#)]
    #[case::forgotten(Method::DELETE, "", 200, r#"{"is_kept":false}"#)]
    #[case::none(Method::POST, r#"{"passphrase":""}"#, 400, "bad_request")]
    #[case::another_field(Method::POST, r#"{"passphrase":"s3cret","file":"x"}"#, 400, "bad_request")]
    #[case::never_read(Method::GET, "", 405, "method_not_allowed")]
    #[tokio::test]
    async fn a_key_s_passphrase_goes_in_and_never_comes_out(
        #[case] method: Method,
        #[case] body: &'static str,
        #[case] status: u16,
        #[case] said: &str,
    ) {
        let request = Request::builder().method(method).uri("/v1/config/client-key-passphrase");
        let request = request.extension(Caller::ourselves());
        let request =
            request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body)).unwrap();
        let response = super::super::router(rooms()).oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::from_u16(status).unwrap());
        let body = to_bytes(response.into_body(), 4096).await.unwrap();
        let text = std::str::from_utf8(&body).unwrap();
        assert!(text.contains(said) && !text.contains("s3cret"), "{text}");
    }
}
