//! Drives a vault by hand or from a script: one command a line on standard input, one answer a line.
//!
//! `open`, `records`, `status`, `get ACCOUNT`, `put ACCOUNT TOKEN`, `replace ACCOUNT TOKEN`, `remove ACCOUNT`; a
//! last word `prompt` says that a person is there. The answer is `ok MILLISECONDS TEXT` or
//! `err MILLISECONDS CODE MESSAGE`. Tokens are shown, so only made-up ones belong here.
#![expect(clippy::print_stdout, reason = "the answers are what it is for")]

use std::io::stdin;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use entra_proto::account::{Flow, Provenance};
use entra_proto::cloud::Cloud;
use entrad::account::demand::Demands;
use entrad::account::key::AccountKey;
use entrad::account::refresh_token::RefreshToken;
use entrad::vault::{Access, Entry, PassphraseSource, Record, StoreChoice, Vault, VaultError, VaultOptions};

#[derive(Parser)]
struct Arguments {
    /// The folder of the sealed file.
    #[arg(long)]
    state_dir: std::path::PathBuf,
    /// auto, the name of the system's own store, passphrase or memory.
    #[arg(long, default_value = "auto")]
    store: StoreChoice,
    /// A file with the passphrase.
    #[arg(long)]
    passphrase_file: Option<std::path::PathBuf>,
    /// Ask for the passphrase on the terminal.
    #[arg(long, conflicts_with = "passphrase_file")]
    ask_passphrase: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let passphrase = match &arguments.passphrase_file {
        Some(path) => Some(PassphraseSource::File(path.clone())),
        None => arguments.ask_passphrase.then_some(PassphraseSource::Prompt),
    };
    let Arguments { state_dir, store, .. } = arguments;
    let vault = Vault::new(VaultOptions { state_dir, choice: store, passphrase });
    for line in stdin().lines() {
        let Ok(line) = line else { return ExitCode::FAILURE };
        let begun = Instant::now();
        let result = answer(&vault, &line).await;
        let milliseconds = begun.elapsed().as_millis();
        match result {
            Ok(text) => println!("ok {milliseconds} {text}"),
            Err(text) => println!("err {milliseconds} {text}"),
        }
    }
    ExitCode::SUCCESS
}

async fn answer(vault: &Vault, line: &str) -> Result<String, String> {
    let mut words: Vec<_> = line.split_whitespace().collect();
    let access = match words.pop_if(|last| *last == "prompt") {
        Some(_) => Access::MayPrompt,
        None => Access::Silent,
    };
    match *words {
        ["open"] => vault.open(access).await.map_err(said)?,
        ["status"] => return Ok(format!("{:?}", vault.status())),
        ["records"] => {
            let entries = vault.records(access).await.map_err(said)?;
            let accounts: Vec<_> = entries.iter().map(|entry| entry.key.account.as_str()).collect();
            return Ok(accounts.join(" "));
        }
        ["get", account] => {
            let token = vault.refresh_token(&key(account)?).await.map_err(said)?;
            return Ok(token.expose().to_owned());
        }
        ["put", account, token] => {
            vault.put(record(account, token)?, access).await.map_err(said)?;
        }
        ["replace", account, token] => {
            let token = RefreshToken::new(token.to_owned());
            vault.replace_refresh_token(&key(account)?, token, 3).await.map_err(|(error, _)| said(error))?;
        }
        ["remove", account] => vault.remove(&key(account)?).await.map_err(said)?,
        _ => return Err("bad_request No such command.".to_owned()),
    }
    Ok(String::new())
}

fn said(error: VaultError) -> String {
    let body = error.to_error_body();
    format!("{} {} {}", body.code, body.message, body.hint.unwrap_or_default())
}

fn key(account: &str) -> Result<AccountKey, String> {
    let account = account.parse().map_err(|_| "bad_request No account id.")?;
    Ok(AccountKey { profile: "default".to_owned(), account })
}

fn record(account: &str, token: &str) -> Result<Record, String> {
    let entry = Entry {
        key: key(account)?,
        cloud: Cloud::Public,
        authority: "https://login.microsoftonline.com".to_owned(),
        tenant: "organizations".to_owned(),
        client_id: "00000000-0000-0000-0000-000000000001".to_owned(),
        scopes: vec!["https://graph.microsoft.com/.default".to_owned()],
        username: "ada@example.com".to_owned(),
        name: None,
        provenance: Provenance { flow: Flow::Browser, signed_in_on: 1 },
        obtained_on: 1,
        used_on: 1,
        quarantined_on: None,
        demands: Demands::default(),
        quarantined_for: None,
    };
    Ok(Record { entry, refresh_token: RefreshToken::new(token.to_owned()) })
}
