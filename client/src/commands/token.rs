//! `entra token`: one access token on standard output.
//!
//! Tools run this before each of their own requests, so it does nothing else. The token is handed on as it
//! came, and what this program owned of it is wiped.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use entra_proto::client::Client;
use entra_proto::consent::{ConsentQuestion, ConsentState, ConsentsAnswer};
use entra_proto::error::exit;
use entra_proto::limits::{ANSWER_TIMEOUT, CLIENT_TIMEOUT};
use entra_proto::token::{TokenAnswer, TokenRequest};
use zeroize::Zeroizing;

use super::heard_by_a_tool;
use crate::args::{TokenArgs, TokenOutput};
use crate::connect::Socket;
use crate::consent_words::asks;
use crate::failure::Failure;
use crate::platform;
use crate::print::{self, Stream};
use crate::shell;
use crate::text::plain;

/// Asks for the token and prints it.
pub(crate) fn run(socket: &Socket, args: TokenArgs) -> Result<(), Failure> {
    let output = args.output.unwrap_or(TokenOutput::Raw);
    let wait = args.wait;
    let request = request(args);
    let answer = match wait {
        None => {
            // Whoever watches learns what is waited for; a tool's own word comes in a millisecond and starts no thread.
            let _watched = Stream::errors().is_terminal().then(|| tell_of_questions(socket));
            heard_by_a_tool(socket.ask(|client| client.token(&request))?)?
        }
        Some(seconds) => awaited(socket, &request, seconds)?,
    };
    platform::close_memory();
    match output {
        TokenOutput::Json => print::write_json(&answer, json_room(&answer)),
        TokenOutput::Env | TokenOutput::Header | TokenOutput::Raw => {
            print::write_output(lines(output, &answer)?.as_bytes())
        }
    }
}

/// Says on standard error that a person's word is waited for, if that takes a moment. Over once the sender is dropped.
fn tell_of_questions(socket: &Socket) -> Sender<()> {
    let (over, is_over) = channel();
    let socket = socket.clone();
    thread::spawn(move || {
        if is_over.recv_timeout(A_MOMENT) != Err(RecvTimeoutError::Timeout) {
            return;
        }
        let said = socket.connect_within(A_MOMENT, A_MOMENT).ok().and_then(|client| client.consents().ok());
        if let Some(notice) = said.and_then(|said| said.result.ok()).and_then(|answer| notice(&answer)) {
            let errors = Stream::errors();
            // Whoever cannot be told waits all the same.
            let _ = errors.write(errors.flow(0, &notice).as_bytes());
        }
    });
    over
}

/// That somebody waits for a person's word, if somebody does.
fn notice(answer: &ConsentsAnswer) -> Option<String> {
    let is_open = |question: &&ConsentQuestion| question.state == ConsentState::Asked && question.waiting > 0;
    let question = answer.questions.iter().find(is_open)?;
    Some(format!("Waiting for your word: {}. Run `entra consent` in another terminal.", asks(question)))
}

/// The answer, for which a person may have to sign in first. One who watches is told so, and thus asked for at once.
fn awaited(socket: &Socket, request: &TokenRequest, seconds: u16) -> Result<TokenAnswer, Failure> {
    let errors = Stream::errors();
    if errors.is_terminal() {
        let refused = match heard_by_a_tool(socket.ask(|client| client.token(request))?) {
            Err(refused) if refused.exit() == exit::SIGN_IN_NEEDED => refused,
            other => return other,
        };
        let way = format!(
            "Waiting up to {seconds} s until somebody signs in: run `entra login` in another terminal. Ctrl-C ends the wait."
        );
        let notice = errors.flow(0, &plain(refused.message())) + &errors.flow(0, &way);
        // Whoever cannot be told waits all the same.
        let _ = errors.write(notice.as_bytes());
    }
    let begun = Instant::now();
    let exchange = |client: Client<_>| {
        // Of a wait that another daemon began, the rest.
        let gone = u16::try_from(begun.elapsed().as_secs()).unwrap_or(u16::MAX);
        let wait = seconds.checked_sub(gone).filter(|left| *left > 0);
        let request = TokenRequest { wait, ..request.clone() };
        client.token(&request)
    };
    let patience = CLIENT_TIMEOUT + Duration::from_secs(seconds.into());
    heard_by_a_tool(socket.ask_within(ANSWER_TIMEOUT, patience, exchange)?)
}

fn request(args: TokenArgs) -> TokenRequest {
    TokenRequest {
        scopes: args.scope,
        // The daemon knows the short names and the profile's cloud, which decides the address.
        resource: args.resource.or(args.for_name),
        account: args.account,
        profile: args.profile,
        tenant: args.tenant,
        claims: args.claims,
        cae: args.cae,
        min_validity: args.min_validity,
        wait: None,
        force_refresh: args.force_refresh,
        lease: None,
    }
}

fn lines(output: TokenOutput, answer: &TokenAnswer) -> Result<Zeroizing<String>, Failure> {
    let token = print::sendable(answer.access_token.expose())?;
    // A quote becomes four bytes; without the room the text would be moved and leave a copy behind.
    let quotes = token.bytes().filter(|&byte| byte == b'\'').count();
    let mut lines = Zeroizing::new(String::with_capacity(token.len() + 3 * quotes + LINES_ROOM));
    match output {
        TokenOutput::Env => {
            lines.push_str("export ENTRA_TOKEN=");
            // A string takes whatever it is given.
            let _ = shell::write_posix_word(token, &mut *lines);
            lines.push_str(&format!("\nexport ENTRA_TOKEN_EXPIRES_ON='{}'\n", answer.expires_on));
        }
        TokenOutput::Header => {
            lines.push_str("Authorization: Bearer ");
            lines.push_str(token);
            lines.push('\n');
        }
        TokenOutput::Json | TokenOutput::Raw => {
            lines.push_str(token);
            lines.push('\n');
        }
    }
    Ok(lines)
}

/// Enough for the answer as JSON: its texts, none of which needs escapes, and its names and numbers.
fn json_room(answer: &TokenAnswer) -> usize {
    let scopes: usize = answer.scopes.iter().map(|scope| scope.len() + 3).sum();
    answer.access_token.expose().len() + scopes + answer.tenant.len() + answer.token_type.len() + JSON_ROOM
}

/// After which time a person wonders.
const A_MOMENT: Duration = Duration::from_secs(1);

/// Room beside the token in the longest form, `env`, with the quotes of a shell.
const LINES_ROOM: usize = 128;

/// Room for the names and numbers of a [`TokenAnswer`] and its account id.
const JSON_ROOM: usize = 1024;

#[cfg(test)]
mod tests {
    use entra_proto::secret::AccessToken;
    use entra_proto::token::Source;
    use rstest::rstest;

    use super::*;

    fn answer(token: &str) -> TokenAnswer {
        TokenAnswer {
            access_token: AccessToken::new(token.to_owned()),
            token_type: "Bearer".to_owned(),
            expires_on: 1_795_231_440,
            scopes: vec!["https://management.azure.com/.default".to_owned()],
            account: "u.t".parse().unwrap(),
            tenant: "t".to_owned(),
            source: Source::Cache,
            refresh_due_on: 1_795_231_000,
        }
    }

    #[rstest]
    #[case(TokenOutput::Raw, "ey.J'x\n")]
    #[case(TokenOutput::Header, "Authorization: Bearer ey.J'x\n")]
    #[case(TokenOutput::Env, "export ENTRA_TOKEN='ey.J'\\''x'\nexport ENTRA_TOKEN_EXPIRES_ON='1795231440'\n")]
    fn each_form_is_exact(#[case] output: TokenOutput, #[case] text: &str) {
        assert_eq!(lines(output, &answer("ey.J'x")).unwrap().as_str(), text);
    }

    #[rstest]
    #[case("")]
    #[case("a b")]
    #[case("a\r\nX-Injected: 1")]
    #[case("t\u{f6}ken")]
    fn a_token_that_could_forge_a_line_is_not_printed(#[case] token: &str) {
        assert_eq!(lines(TokenOutput::Header, &answer(token)).unwrap_err().exit(), exit::INTERNAL);
    }

    #[test]
    fn who_watches_is_told_only_of_what_is_waited_for() {
        let open = crate::consent_words::tests::question();
        let of =
            |question| notice(&ConsentsAnswer { questions: vec![question], ..ConsentsAnswer::default() });
        assert!(of(open.clone()).unwrap().ends_with("Run `entra consent` in another terminal."));
        assert_eq!(of(ConsentQuestion { waiting: 0, ..open.clone() }), None);
        assert_eq!(of(ConsentQuestion { state: ConsentState::Denied, ..open }), None);
    }

    #[test]
    fn the_room_for_json_is_enough() {
        let answer = answer(&"x".repeat(3000));
        assert!(serde_json::to_vec(&answer).unwrap().len() < json_room(&answer));
    }
}
