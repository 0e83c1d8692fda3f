//! The wire, byte for byte: each file of `messages/` is one message as some version of entrad wrote it.
//!
//! A file's name is its message and which form of it: `token_request.maximal.json`. What is read from the
//! file equals the value given here, and is written as the same bytes. Files are added when the contract
//! grows and never changed or deleted: an old one that no longer passes is a broken promise to whoever wrote
//! it. Those for administrators are in `golden_admin.rs`, those about callers in `golden_caller.rs`.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::path::{Path, PathBuf};

use entra_proto::account::{AccountInfo, AccountsAnswer, Flow, Health, Provenance};
use entra_proto::cloud::Cloud;
use entra_proto::error::{ErrorBody, ErrorCode, TABLE};
use entra_proto::lease::{LeaseGrant, LeaseInfo, LeaseRequest, LeasesAnswer};
use entra_proto::page::{PageAnswer, PageRequest};
use entra_proto::registry::{RegistryAnswer, RegistryRequest};
use entra_proto::secret::{AccessToken, AuthorizationUrl, LeaseSecret, PageAddress, RegistryToken, UserCode};
use entra_proto::sign_in::{AuthorizationShown, CodeShown, SignInEvent, SignInRequest, SignInStarted};
use entra_proto::status::{
    AccountStatus, Expectation, LoopbackStatus, MetricsStatus, PastDemand, StatusAnswer, StoreStatus,
    TokenStatus,
};
use entra_proto::token::{Source, TokenAnswer, TokenRequest};
use rstest::rstest;

mod prompts;
mod wire;

use wire::{check, grown, some};

#[rstest]
fn a_message_is_read_and_written_as_ever(
    #[files("tests/messages/*.json")]
    #[exclude(
        "/(agents_answer|agents_request|caller_answer|config_answer|consent_event|consent_request|consents_answer|doctor_answer|explain_answer|explain_request|lock_answer|log_entry|panic_answer|panic_request|policy_answer|unlock_answer|unlock_request|verification)\\."
    )]
    path: PathBuf,
) {
    let name = path.file_stem().unwrap().to_str().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    match name {
        "accounts_answer.maximal" => check(&text, accounts()),
        "accounts_answer.minimal" => check(&text, AccountsAnswer::default()),
        "error.maximal" => check(&text, error()),
        "error.with_rule" => check(&text, error().with_rule("`deny resource=graph` (/etc/p:3, line 1)")),
        "event.code.maximal" => check(&text, SignInEvent::Code(Box::new(code()))),
        "event.code.minimal" => {
            check(&text, SignInEvent::Code(Box::new(CodeShown { app_name: None, ..code() })));
        }
        "event.failed" => check(&text, SignInEvent::Failed { error: Box::new(error()) }),
        "event.authorization" => check(&text, SignInEvent::Authorization(Box::new(authorization()))),
        "event.switched" => {
            let (from, to) = (Flow::DeviceCode, Flow::Browser);
            check(&text, SignInEvent::Switched { from, to, error: Box::new(error()) });
        }
        "event.signed_in" => check(&text, SignInEvent::SignedIn { account: Box::new(account()) }),
        "event.waiting.maximal" => check(&text, waiting(Some("Entra asks for patience."))),
        "event.waiting.minimal" => check(&text, waiting(None)),
        "event.waiting.without_code" => check(&text, SignInEvent::Waiting { expires_on: None, notice: None }),
        "lease_grant.maximal" => check(&text, grant()),
        "lease_grant.minimal" => {
            check(&text, LeaseGrant { lease: bare_lease(), path_endpoint: None, ..grant() });
        }
        "lease_request.maximal" => check(&text, lease_request()),
        "lease_request.of_an_agent" => {
            check(&text, LeaseRequest { agent: some("claude"), ..bare_lease_request() });
        }
        "lease_request.minimal" => check(&text, bare_lease_request()),
        "leases_answer" => check(&text, leases(None)),
        "leases_answer.of_an_agent" => {
            let lease = LeaseInfo { agent: some("claude"), ..bare_lease() };
            check(&text, LeasesAnswer { leases: vec![lease], ..LeasesAnswer::default() });
        }
        "leases_answer.with_endpoint" => check(&text, leases(Some(grant().identity_endpoint))),
        "page_answer" => check(&text, page()),
        "page_request.maximal" => check(&text, page_request()),
        "page_request.minimal" => check(&text, PageRequest::default()),
        "registry_answer" => check(&text, registry_answer()),
        "registry_request" => check(&text, registry_request()),
        "sign_in_request.maximal" => check(&text, sign_in()),
        "sign_in_request.minimal" => check(&text, SignInRequest::default()),
        "sign_in_started" => check(&text, SignInStarted { id: ID.to_owned() }),
        "status_answer.maximal" => check(&text, without_outcomes(status())),
        "status_answer.with_outcomes" => check(&text, status()),
        "status_answer.with_expectation" => check(&text, with_expectation(status())),
        "status_answer.with_past_demands" => check(&text, with_past_demands(status())),
        "status_answer.with_loopback" => check(&text, with_loopback(bare_status())),
        "status_answer.with_metrics" => check(&text, with_metrics(bare_status())),
        "status_answer.minimal" => check(&text, bare_status()),
        "token_answer.cache" => check(&text, token(Source::Cache)),
        "token_answer.refresh" => check(&text, token(Source::Refresh)),
        "token_request.maximal" => check(&text, token_request()),
        "token_request.with_lease" => check(&text, TokenRequest { lease: Some(secret()), ..token_request() }),
        "token_request.minimal" => {
            check(&text, TokenRequest { resource: Some("foundry".to_owned()), ..TokenRequest::default() });
        }
        "token_request.waiting" => check(&text, TokenRequest { wait: Some(120), ..token_request() }),
        "token_request.scopes" => {
            check(&text, TokenRequest { scopes: Some(scopes()), ..TokenRequest::default() });
        }
        name if name.starts_with("prompt") || name.starts_with("snooze") => prompts::check(name, &text),
        _ => {
            let code = name.strip_prefix("error.code.").unwrap_or_else(|| panic!("no message for {name}"));
            let row = TABLE.iter().find(|row| row.name == code).unwrap_or_else(|| panic!("{code} is gone"));
            check(&text, ErrorBody::new(row.code.clone(), "A sentence."));
        }
    }
}

#[test]
fn every_error_code_has_its_file_and_none_was_deleted() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/messages");
    assert!(std::fs::read_dir(folder).unwrap().count() >= MESSAGES);
    for row in TABLE {
        let path = format!("{}/tests/messages/error.code.{}.json", env!("CARGO_MANIFEST_DIR"), row.name);
        assert!(Path::new(&path).exists(), "{path}");
    }
}

#[test]
fn an_answer_of_a_newer_daemon_is_read_and_a_request_of_a_newer_client_is_not() {
    assert_eq!(
        serde_json::from_str::<TokenAnswer>(&grown(&token(Source::Cache))).unwrap(),
        token(Source::Cache)
    );
    assert_eq!(serde_json::from_str::<StatusAnswer>(&grown(&status())).unwrap(), status());
    assert_eq!(serde_json::from_str::<AccountsAnswer>(&grown(&accounts())).unwrap(), accounts());
    assert_eq!(serde_json::from_str::<LeaseGrant>(&grown(&grant())).unwrap(), grant());
    assert_eq!(serde_json::from_str::<PageAnswer>(&grown(&page())).unwrap(), page());
    assert_eq!(serde_json::from_str::<ErrorBody>(&grown(&error())).unwrap(), error());
    assert_eq!(serde_json::from_str::<SignInEvent>(&grown(&waiting(None))).unwrap(), waiting(None));
    // What a daemon does not understand it must not half obey.
    assert!(serde_json::from_str::<TokenRequest>(&grown(&token_request())).is_err());
    assert!(serde_json::from_str::<SignInRequest>(&grown(&sign_in())).is_err());
    assert!(serde_json::from_str::<LeaseRequest>(&grown(&lease_request())).is_err());
    assert!(serde_json::from_str::<PageRequest>(&grown(&page_request())).is_err());
    assert!(serde_json::from_str::<RegistryRequest>(&grown(&registry_request())).is_err());
}

fn scopes() -> Vec<String> {
    vec![
        "https://graph.microsoft.com/Mail.Read".to_owned(),
        "https://graph.microsoft.com/User.Read".to_owned(),
    ]
}

fn token_request() -> TokenRequest {
    TokenRequest {
        scopes: Some(scopes()),
        resource: some("https://management.azure.com/"),
        account: some("ada@example.com"),
        profile: some("work"),
        tenant: some("contoso.onmicrosoft.com"),
        claims: some(CLAIMS),
        cae: true,
        min_validity: Some(600),
        wait: None,
        force_refresh: true,
        lease: None,
    }
}

fn token(source: Source) -> TokenAnswer {
    TokenAnswer {
        access_token: AccessToken::new("not.a.token".to_owned()),
        token_type: "Bearer".to_owned(),
        expires_on: 1_795_231_440,
        scopes: scopes(),
        account: ACCOUNT.parse().unwrap(),
        tenant: TENANT.to_owned(),
        source,
        refresh_due_on: 1_795_230_840,
    }
}

fn sign_in() -> SignInRequest {
    SignInRequest {
        profile: some("work"),
        cloud: Some(Cloud::UsGovernment),
        tenant: some(TENANT),
        client_id: some(CLIENT),
        scopes: Some(scopes()),
        account: some("ada@example.com"),
        flow: Some(Flow::Browser),
        has_browser: true,
        claims: some(CLAIMS),
        claims_handle: some(ID),
    }
}

fn secret() -> LeaseSecret {
    LeaseSecret::new("entra_lease_0123456789ab_c0ffee".to_owned())
}

fn bare_lease_request() -> LeaseRequest {
    LeaseRequest {
        name: "claude-code".to_owned(),
        resources: vec!["foundry".to_owned(), "https://cognitiveservices.azure.com".to_owned()],
        ..LeaseRequest::default()
    }
}

fn lease_request() -> LeaseRequest {
    LeaseRequest {
        account: some("ada@example.com"),
        profile: some("work"),
        expires_in: Some(3_600),
        process: Some(42),
        in_path: true,
        agent: None,
        ..bare_lease_request()
    }
}

fn bare_lease() -> LeaseInfo {
    LeaseInfo {
        id: "0123456789ab".to_owned(),
        name: "claude-code".to_owned(),
        resources: bare_lease_request().resources,
        account: None,
        profile: None,
        made_on: 1_795_200_000,
        expires_on: None,
        process: None,
        in_path: false,
        agent: None,
        used_on: None,
        uses: 0,
    }
}

fn lease() -> LeaseInfo {
    LeaseInfo {
        account: Some(ACCOUNT.parse().unwrap()),
        profile: some("work"),
        expires_on: Some(1_795_203_600),
        process: Some(42),
        in_path: true,
        used_on: Some(1_795_201_000),
        uses: 7,
        ..bare_lease()
    }
}

fn leases(identity_endpoint: Option<String>) -> LeasesAnswer {
    LeasesAnswer { leases: vec![bare_lease(), lease()], strangers: 3, identity_endpoint }
}

fn grant() -> LeaseGrant {
    LeaseGrant {
        lease: lease(),
        secret: secret(),
        identity_endpoint: "http://127.0.0.1:14310/msi/token".to_owned(),
        azd_endpoint: "http://127.0.0.1:14310/azd".to_owned(),
        path_endpoint: Some(LeaseSecret::new(
            "http://127.0.0.1:14310/lease/entra_lease_0123456789ab_c0ffee/msi/token".to_owned(),
        )),
    }
}

fn page_request() -> PageRequest {
    PageRequest {
        profile: some("work"),
        account: some("ada@example.com"),
        reason: some("Your organisation wants a second factor."),
        program: some("az"),
        claims_handle: some(ID),
    }
}

fn page() -> PageAnswer {
    let url = "http://127.0.0.1:43117/sign-in/0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";
    PageAnswer { url: PageAddress::new(url.to_owned()), expires_on: 1_795_200_900 }
}

fn registry_request() -> RegistryRequest {
    RegistryRequest {
        registry: "contoso.azurecr.io".to_owned(),
        account: some("ada@example.com"),
        profile: some("work"),
        tenant: some(TENANT),
        lease: Some(secret()),
    }
}

fn registry_answer() -> RegistryAnswer {
    RegistryAnswer {
        refresh_token: RegistryToken::new("not.a.token".to_owned()),
        expires_on: Some(1_795_210_800),
    }
}

fn with_loopback(status: StatusAnswer) -> StatusAnswer {
    let loopback = LoopbackStatus { port: Some(14_310), fault: some("A sentence.") };
    StatusAnswer { loopback: Some(loopback), ..status }
}

fn code() -> CodeShown {
    CodeShown {
        user_code: UserCode::new("BL6XB575V".to_owned()),
        verification_uri: "https://microsoft.com/devicelogin".to_owned(),
        is_trusted_uri: true,
        expires_on: 1_795_231_440,
        expires_in: 900,
        message: "To sign in, use a web browser \u{2026}".to_owned(),
        flow: Flow::DeviceCode,
        profile: "default".to_owned(),
        cloud: Cloud::Public,
        tenant: TENANT.to_owned(),
        client_id: CLIENT.to_owned(),
        app_name: some("Microsoft Azure CLI"),
        program: "/usr/bin/entra (process 42)".to_owned(),
        scopes: scopes(),
        correlation_id: ID.to_owned(),
    }
}

fn authorization() -> AuthorizationShown {
    AuthorizationShown {
        url: AuthorizationUrl::new(
            "https://login.microsoftonline.com/t/oauth2/v2.0/authorize?state=s".to_owned(),
        ),
        expires_on: 1_795_231_440,
        expires_in: 300,
        profile: "default".to_owned(),
        cloud: Cloud::Public,
        tenant: TENANT.to_owned(),
        client_id: CLIENT.to_owned(),
        app_name: some("Microsoft Azure CLI"),
        program: "/usr/bin/entra (process 42)".to_owned(),
        scopes: scopes(),
        correlation_id: ID.to_owned(),
    }
}

fn waiting(notice: Option<&str>) -> SignInEvent {
    SignInEvent::Waiting { expires_on: Some(1_795_231_440), notice: notice.map(str::to_owned) }
}

fn error() -> ErrorBody {
    ErrorBody {
        code: ErrorCode::SignInNeeded,
        message: "A second factor is needed (AADSTS50076).".to_owned(),
        hint: some("Run `entra login`."),
        retry_after: Some(30),
        aadsts: Some(50_076),
        suberror: some("basic_action"),
        correlation_id: some(ID),
        trace_id: some(ID),
        claims_handle: some(ID),
        rule: None,
    }
}

fn account() -> AccountInfo {
    AccountInfo {
        id: ACCOUNT.parse().unwrap(),
        username: "ada@example.com".to_owned(),
        name: None,
        profile: "default".to_owned(),
        cloud: Cloud::Public,
        tenant: TENANT.to_owned(),
        client_id: CLIENT.to_owned(),
        provenance: Provenance { flow: Flow::DeviceCode, signed_in_on: 1_795_200_000 },
        health: Health::Good,
    }
}

fn accounts() -> AccountsAnswer {
    let sick = AccountInfo {
        name: some("Ada Example"),
        profile: "work".to_owned(),
        cloud: Cloud::China,
        provenance: Provenance { flow: Flow::Browser, signed_in_on: 1_795_200_000 },
        health: Health::SignInNeeded { error: Box::new(error()), since: 1_795_210_000 },
        ..account()
    };
    AccountsAnswer { accounts: vec![account(), sick] }
}

/// As the first builds wrote it.
fn without_outcomes(mut status: StatusAnswer) -> StatusAnswer {
    for account in &mut status.accounts {
        account.exercise_due_on = None;
        account.tokens.iter_mut().for_each(|token| token.last_outcome_on = None);
    }
    status
}

fn bare_status() -> StatusAnswer {
    StatusAnswer {
        version: "0.1.0".to_owned(),
        pid: 42,
        socket: "/run/user/1000/entrad/entrad.sock".to_owned(),
        started_on: 1_795_200_000,
        loopback: None,
        store: StoreStatus { home: "secret-service".to_owned(), is_open: true, error: None },
        accounts: Vec::new(),
        open_sign_ins: 0,
        clock_skew: None,
        warnings: Vec::new(),
        lock: None,
        metrics: None,
    }
}

fn with_metrics(status: StatusAnswer) -> StatusAnswer {
    let metrics = MetricsStatus {
        requests: 1_009,
        from_cache: 990,
        by_refresh: 10,
        refused: 8,
        refreshed: 12,
        refreshes_failed: 3,
        prompts: 2,
        sign_ins: 1,
    };
    assert_eq!(metrics.cache_percent(), Some(99));
    assert_eq!(MetricsStatus::default().cache_percent(), None);
    StatusAnswer { metrics: Some(metrics), ..status }
}

fn status() -> StatusAnswer {
    let bare = TokenStatus {
        scopes: scopes(),
        tenant: TENANT.to_owned(),
        cae: false,
        expires_on: None,
        refresh_due_on: None,
        refresh_reason: "when it is asked for".to_owned(),
        is_refreshing: false,
        blocked_until: None,
        last_outcome_on: Some(1_795_220_000),
        last_error: None,
    };
    let full = TokenStatus {
        cae: true,
        expires_on: Some(1_795_231_440),
        refresh_due_on: Some(1_795_230_840),
        is_refreshing: true,
        blocked_until: Some(1_795_230_000),
        last_outcome_on: Some(1_795_229_000),
        last_error: Some(Box::new(error())),
        ..bare.clone()
    };
    let never_used = AccountStatus {
        account: account(),
        refreshed_on: None,
        refresh_token_dies_on: 1_803_000_000,
        exercise_due_on: Some(1_795_480_000),
        expectation: None,
        past_demands: Vec::new(),
        tokens: Vec::new(),
    };
    let used =
        AccountStatus { refreshed_on: Some(1_795_220_000), tokens: vec![bare, full], ..never_used.clone() };
    StatusAnswer {
        store: StoreStatus { error: Some(Box::new(error())), is_open: false, ..bare_status().store },
        accounts: vec![never_used, used],
        open_sign_ins: 1,
        clock_skew: Some(-3),
        warnings: vec!["A sentence.".to_owned()],
        ..bare_status()
    }
}

fn with_expectation(mut answer: StatusAnswer) -> StatusAnswer {
    let reason = "The organisation asks for a new sign-in every 7 days.".to_owned();
    for status in &mut answer.accounts {
        status.expectation =
            Some(Expectation { on: 1_795_800_000, aadsts: 70043, reason: reason.clone(), seen: 3 });
    }
    answer
}

fn with_past_demands(mut answer: StatusAnswer) -> StatusAnswer {
    let reason = "The sign-in was revoked; that follows no rhythm.".to_owned();
    for status in &mut answer.accounts {
        let demand = PastDemand { aadsts: 50173, reason: reason.clone(), seen: 2, last_on: 1_795_100_000 };
        status.past_demands = vec![demand];
    }
    answer
}

/// How many files there are; raise it with each that is added.
const MESSAGES: usize = 115;

const ACCOUNT: &str = "11111111-2222-3333-4444-000000000001.99999999-8888-7777-6666-555555555555";
const CLAIMS: &str = r#"{"access_token":{"acrs":{"essential":true,"value":"c25"}}}"#;
const CLIENT: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
const ID: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";
const TENANT: &str = "99999999-8888-7777-6666-555555555555";
