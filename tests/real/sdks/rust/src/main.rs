//! Asks Microsoft's library for Rust, as a program does: one line of standard input a question.
//!
//! A line is `KIND SCOPE`; each answer is one JSON line with the milliseconds that the library took.

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use azure_core::credentials::TokenCredential;
use azure_identity::{DeveloperToolsCredential, ManagedIdentityCredential};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    for line in std::io::stdin().lines() {
        let line = line?;
        let (kind, scope) = line.split_once(' ').unwrap_or((&line, ""));
        let begun = Instant::now();
        let mut answer = match ask(kind, scope).await {
            Ok(answer) => answer,
            Err(error) => json!({"ok": false, "error": format!("{}: {error}", error.kind())}),
        };
        let took = begun.elapsed().as_secs_f64() * 1000.0;
        answer["sdk"] = json!("rust");
        answer["kind"] = json!(kind);
        answer["scope"] = json!(scope);
        answer["ms"] = json!((took * 100.0).round() / 100.0);
        println!("{answer}");
    }
    Ok(())
}

async fn ask(kind: &str, scope: &str) -> azure_core::Result<Value> {
    let credential: Arc<dyn TokenCredential> = match kind {
        "mi" => ManagedIdentityCredential::new(None)?,
        "dev" => DeveloperToolsCredential::new(None)?,
        _ => return Ok(json!({"ok": false, "error": "there is no such kind"})),
    };
    let token = credential.get_token(&[scope], None).await?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let left = token.expires_on.unix_timestamp() - i64::try_from(now).unwrap_or(i64::MAX);
    Ok(json!({"ok": true, "token": token.token.secret(), "left": left}))
}
