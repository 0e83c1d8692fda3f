//! A client with no opinions: it sends what a test says and returns what came.

use entra_sim::{DEFAULT_CLIENT, Options, Sim};
use serde_json::Value;

/// A simulator and the means to talk to it.
pub(crate) struct Bench {
    pub(crate) sim: Sim,
    pub(crate) http: reqwest::Client,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let sim = Sim::start(options).await.unwrap();
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(std::time::Duration::from_secs(20))
            .build()
            .unwrap();
        Self { sim, http }
    }

    /// POSTs a form below the home tenant, with the default client id unless the form has one.
    pub(crate) async fn post(&self, leg: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(leg, fields).await.unwrap()
    }

    /// The same, and the transport may fail.
    pub(crate) async fn send(&self, leg: &str, fields: &[(&str, &str)]) -> reqwest::Result<Answer> {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        if fields.iter().all(|(name, _)| *name != "client_id") {
            form.append_pair("client_id", DEFAULT_CLIENT);
        }
        let body = form.extend_pairs(fields).finish();
        let request = self
            .http
            .post(format!("{}/oauth2/v2.0/{leg}", self.sim.authority()))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("client-request-id", CORRELATION)
            .body(body);
        Answer::read(request.send().await?).await
    }

    pub(crate) async fn get(&self, url: &str) -> Answer {
        Answer::read(self.http.get(url).send().await.unwrap()).await.unwrap()
    }

    /// Asks for a device code.
    pub(crate) async fn device_code(&self, scope: &str) -> (String, String) {
        let answer = self.post("devicecode", &[("scope", scope)]).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        (answer.field("device_code").to_owned(), answer.field("user_code").to_owned())
    }

    pub(crate) async fn poll(&self, device_code: &str) -> Answer {
        self.post("token", &[("grant_type", URN), ("device_code", device_code), ("client_info", "1")]).await
    }

    pub(crate) async fn refresh(&self, refresh_token: &str, scope: &str) -> Answer {
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
            ("scope", scope),
            ("client_info", "1"),
        ];
        self.post("token", &fields).await
    }

    /// Signs in by device code.
    pub(crate) async fn sign_in(&self, username: &str, scope: &str) -> Answer {
        let (device_code, user_code) = self.device_code(scope).await;
        self.sim.control().approve(&user_code, username).unwrap();
        let answer = self.poll(&device_code).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
    pub(crate) json: Value,
}

impl Answer {
    pub(crate) async fn read(response: reqwest::Response) -> reqwest::Result<Self> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await?;
        let json = serde_json::from_str(&text).unwrap_or_default();
        Ok(Self { status, headers, text, json })
    }

    /// A text field that must be there.
    #[track_caller]
    pub(crate) fn field(&self, name: &str) -> &str {
        self.json[name].as_str().unwrap_or_else(|| panic!("no field {name} in {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Status, `error` and first number.
    pub(crate) fn refusal(&self) -> (u16, &str, u64) {
        (
            self.status,
            self.json["error"].as_str().unwrap_or_default(),
            self.json["error_codes"][0].as_u64().unwrap_or_default(),
        )
    }
}

/// The claims of a JWT.
pub(crate) fn claims(token: &str) -> Value {
    use base64::Engine;
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap())
        .unwrap()
}

pub(crate) const URN: &str = "urn:ietf:params:oauth:grant-type:device_code";
pub(crate) const CORRELATION: &str = "8afe3606-0000-4000-8000-000000000001";
pub(crate) const GRAPH: &str = "User.Read openid profile offline_access";
pub(crate) const VAULT: &str = "https://vault.azure.net/.default openid profile offline_access";
