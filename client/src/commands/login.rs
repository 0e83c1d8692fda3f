//! `entra login`: starts a sign-in and stays with it to its end.
//!
//! The prompt is what was asked for, so it goes to standard output: a screen with a countdown on a terminal,
//! plain lines elsewhere, the daemon's events with `--json`. Whatever ends it on this side, a signal or a
//! closed output, also ends it at the daemon: a code that nobody watches must not stay good.

use std::io::IsTerminal;
use std::time::Duration;

use entra_proto::account::{AccountInfo, Flow};
use entra_proto::error::{ErrorCode, exit};
use entra_proto::sign_in::{AuthorizationShown, CodeShown, SignInEvent, SignInRequest};

use crate::args::LoginArgs;
use crate::browser::{has_desktop, is_openable};
use crate::connect::Socket;
use crate::device_prompt::{self as prompt, Extras};
use crate::failure::Failure;
use crate::print::{self, Stream};
use crate::sign_in_watch::{Happening, Watch};
use crate::text::is_guid;
use crate::when::Deadline;

/// Signs in; with `--json` a failure is told as the last event.
pub(crate) fn run(socket: impl FnOnce() -> Result<Socket, Failure>, args: LoginArgs) -> Result<(), Failure> {
    let json = args.json;
    match socket().and_then(|socket| sign_in(socket, args)) {
        Err(failure) if json && !failure.is_silent() => {
            print::write_json(&SignInEvent::Failed { error: Box::new(failure.to_body()) }, JSON_ROOM)?;
            Err(failure.silenced())
        }
        ended => ended,
    }
}

fn sign_in(socket: Socket, args: LoginArgs) -> Result<(), Failure> {
    if args.dev_client {
        print::warn(DEV_CLIENT_WARNING);
    }
    let watch = Watch::new(socket)?;
    let mut view = View::new(&args);
    let account = if args.reroot { Some(to_reroot(&watch, &args)?) } else { args.account.clone() };
    let mut request = request(args, account);
    loop {
        match stay_with(&watch, &mut view, request.clone()) {
            Err(failure)
                if view.may_ask()
                    && *failure.code() == ErrorCode::ClientIdNeeded
                    && request.client_id.is_none() =>
            {
                failure.report();
                request.client_id = Some(ask_client_id(&watch)?.ok_or_else(|| failure.silenced())?);
            }
            ended => return ended,
        }
    }
}

fn request(args: LoginArgs, account: Option<String>) -> SignInRequest {
    let flow = if args.browser || args.reroot {
        Some(Flow::Browser)
    } else {
        args.device_code.then_some(Flow::DeviceCode)
    };
    SignInRequest {
        flow,
        // A program that reads events opens pages itself, or says that it wants them opened.
        has_browser: has_desktop(|name| std::env::var_os(name)) && (!args.json || args.open),
        profile: args.profile,
        cloud: args.cloud,
        tenant: args.tenant,
        client_id: if args.dev_client { Some(DEV_CLIENT.to_owned()) } else { args.client_id },
        scopes: args.scope,
        account,
        claims: args.claims,
        claims_handle: args.claims_handle,
    }
}

/// The account that is signed in with a code and is to be signed in by browser.
fn to_reroot(watch: &Watch, args: &LoginArgs) -> Result<String, Failure> {
    let accounts = watch.accounts()?;
    let is_meant = |account: &&AccountInfo| {
        let is_named = |word: &String| {
            account.id.as_str().eq_ignore_ascii_case(word) || account.username.eq_ignore_ascii_case(word)
        };
        args.account.as_ref().is_none_or(is_named)
            && args.profile.as_ref().is_none_or(|name| *name == account.profile)
    };
    let mut found =
        accounts.iter().filter(is_meant).filter(|account| account.provenance.flow == Flow::DeviceCode);
    match (found.next(), found.next()) {
        (Some(account), None) => Ok(account.id.as_str().to_owned()),
        (None, _) => {
            Err(Failure::new(exit::USAGE, "nothing_to_reroot", "No such account is signed in with a code.")
                .hint(
                    "`entra status` shows how each was signed in; `entra login --browser` signs in another.",
                ))
        }
        (Some(_), Some(_)) => {
            Err(Failure::new(exit::USAGE, "which_account", "Several accounts are signed in with a code.")
                .hint("Name one by `--account`; `entra accounts` lists them."))
        }
    }
}

/// How a wait ended.
enum Ended {
    /// By the daemon's word, or before it began: nothing is left open.
    There(Result<(), Failure>),
    /// On this side: the sign-in may still be open.
    Here(Failure),
}

fn stay_with(watch: &Watch, view: &mut View, request: SignInRequest) -> Result<(), Failure> {
    watch.start(request);
    let mut id = None;
    let ended = wait(watch, view, &mut id).unwrap_or_else(Ended::Here);
    view.close();
    match ended {
        Ended::There(result) => result,
        Ended::Here(failure) => {
            let is_cancelled = watch.cancel(id);
            match failure {
                // Quiet, but not a success: nobody signed in.
                closed if closed.is_silent() => Err(cancelled().silenced()),
                failure if is_cancelled => Err(failure),
                failure => Err(failure.hint(NOT_CANCELLED)),
            }
        }
    }
}

/// Shows what happens until the end; an error is one of showing.
fn wait(watch: &Watch, view: &mut View, id: &mut Option<String>) -> Result<Ended, Failure> {
    loop {
        match watch.next(view.patience()) {
            None => view.tick()?,
            Some(Happening::Started(new)) => *id = Some(new),
            Some(Happening::Event(event)) => {
                view.event(&event, watch)?;
                match event {
                    SignInEvent::SignedIn { .. } => return Ok(Ended::There(Ok(()))),
                    SignInEvent::Failed { error } => return Ok(Ended::There(Err(Failure::from(*error)))),
                    SignInEvent::Code(_)
                    | SignInEvent::Authorization(_)
                    | SignInEvent::Switched { .. }
                    | SignInEvent::Waiting { .. } => {}
                }
            }
            // Once there is an id, the connection broke and the sign-in may live on without us.
            Some(Happening::Failed(failure)) if id.is_some() => return Ok(Ended::Here(failure)),
            Some(Happening::Failed(failure)) => return Ok(Ended::There(Err(failure))),
            Some(Happening::BrowserMissing) => {
                view.note("No browser could be opened; open the page yourself.")?;
            }
            Some(Happening::Interrupted) => return Ok(Ended::Here(cancelled())),
            Some(Happening::DialogClosed | Happening::Line(_)) => {}
        }
    }
}

/// Asks until the answer is a GUID; `None` for an empty line or the end of input.
fn ask_client_id(watch: &Watch) -> Result<Option<String>, Failure> {
    let stream = Stream::output();
    loop {
        stream.write(b"Application (client) id: ")?;
        watch.ask_line();
        let line = loop {
            match watch.next(None) {
                Some(Happening::Line(Some(line))) => break line,
                Some(Happening::Interrupted) => {
                    stream.write(b"\n")?;
                    return Err(cancelled());
                }
                Some(Happening::Line(None)) | None => {
                    stream.write(b"\n")?;
                    return Ok(None);
                }
                Some(_) => {}
            }
        };
        match line.trim() {
            "" => return Ok(None),
            id if is_guid(id) => return Ok(Some(id.to_ascii_lowercase())),
            _ => stream.write(b"That is no id: it looks like 11111111-2222-3333-4444-555555555555.\n")?,
        }
    }
}

fn cancelled() -> Failure {
    Failure::new(exit::CANCELLED, ErrorCode::SignInCancelled.name(), "The sign-in was cancelled.")
}

/// How the person or program is told.
#[derive(Debug)]
enum View {
    /// Events as JSON.
    Json { open: bool },
    /// Plain lines.
    Lines { stream: Stream, open: bool, notice: Option<String> },
    /// The screen with the countdown, once there is a code to count down.
    Screen { stream: Stream, extras: Extras, deadline: Option<Deadline>, notice: Option<String> },
}

impl View {
    fn new(args: &LoginArgs) -> Self {
        let stream = Stream::output();
        let extras = Extras { copy: args.copy, open: args.open, qr: args.qr };
        match (args.json, stream.is_terminal()) {
            (true, _) => Self::Json { open: args.open },
            (false, true) => Self::Screen { stream, extras, deadline: None, notice: None },
            (false, false) => Self::Lines { stream, open: args.open, notice: None },
        }
    }

    /// Whether there is a person who can be asked.
    fn may_ask(&self) -> bool {
        matches!(self, Self::Screen { .. }) && std::io::stdin().is_terminal()
    }

    /// How long until the next tick, where there is something to redraw.
    fn patience(&self) -> Option<Duration> {
        match self {
            Self::Screen { deadline: Some(deadline), .. } => Some(match deadline.left() {
                Duration::ZERO => Duration::from_secs(1),
                // Until the clock face changes, so that no second is skipped or shown twice.
                left => Duration::from_nanos(u64::from(left.subsec_nanos())).max(SHORTEST_TICK),
            }),
            _ => None,
        }
    }

    fn event(&mut self, event: &SignInEvent, watch: &Watch) -> Result<(), Failure> {
        if let SignInEvent::Code(code) = event {
            self.open(code, watch);
        }
        if let SignInEvent::Authorization(page) = event {
            self.open_page(page, watch);
        }
        if let Self::Json { .. } = self {
            // The failure is told once, by `run`, together with those that come before the stream.
            let is_told = matches!(event, SignInEvent::Failed { .. });
            return if is_told { Ok(()) } else { print::write_json(event, JSON_ROOM) };
        }
        match event {
            SignInEvent::Code(code) => self.code(code),
            SignInEvent::Authorization(page) => self.page(page),
            SignInEvent::Switched { to, error, .. } => self.switched(&prompt::switched(*to, error)),
            SignInEvent::Waiting { notice, .. } => self.waiting(notice.as_deref()),
            SignInEvent::SignedIn { account } => {
                let stream = Stream::output();
                let has_desktop = has_desktop(|name| std::env::var_os(name));
                self.above(&prompt::signed_in(account, has_desktop, &stream))
            }
            SignInEvent::Failed { .. } => Ok(()),
        }
    }

    fn code(&mut self, code: &CodeShown) -> Result<(), Failure> {
        match self {
            Self::Json { .. } => Ok(()),
            Self::Lines { stream, .. } => stream.write(prompt::lines(code).as_bytes()),
            Self::Screen { stream, extras, deadline, .. } => {
                *deadline = Some(Deadline::after(code.expires_in));
                stream.write(prompt::screen(code, stream, stream.width(), *extras).as_bytes())?;
                self.tick()
            }
        }
    }

    fn page(&mut self, page: &AuthorizationShown) -> Result<(), Failure> {
        match self {
            Self::Json { .. } => Ok(()),
            Self::Lines { stream, .. } => stream.write(prompt::page_lines(page).as_bytes()),
            Self::Screen { stream, deadline, .. } => {
                *deadline = Some(Deadline::after(page.expires_in));
                stream.write(prompt::page_screen(page, stream, stream.width()).as_bytes())?;
                self.tick()
            }
        }
    }

    /// What was shown is void, and so is its countdown.
    fn switched(&mut self, why: &str) -> Result<(), Failure> {
        self.note(why)?;
        self.close();
        Ok(())
    }

    /// A notice is shown when it is new; the polls between repeat it.
    fn waiting(&mut self, new: Option<&str>) -> Result<(), Failure> {
        let (Self::Lines { notice, .. } | Self::Screen { notice, .. }) = self else { return Ok(()) };
        if notice.as_deref() == new {
            return Ok(());
        }
        *notice = new.map(str::to_owned);
        new.map_or(Ok(()), |text| self.note(text))
    }

    fn note(&mut self, text: &str) -> Result<(), Failure> {
        let width = if let Self::Screen { stream, .. } = self { stream.width() } else { usize::MAX };
        self.above(&prompt::notice(text, width))?;
        self.tick()
    }

    /// Prints where the countdown stands.
    fn above(&mut self, text: &str) -> Result<(), Failure> {
        match self {
            Self::Json { .. } => Ok(()),
            Self::Lines { stream, .. } => stream.write(text.as_bytes()),
            Self::Screen { stream, .. } => stream.write(format!("{CLEAR_LINE}{text}").as_bytes()),
        }
    }

    /// Draws the countdown anew.
    fn tick(&mut self) -> Result<(), Failure> {
        match self {
            Self::Screen { stream, deadline: Some(deadline), .. } => {
                let line = prompt::countdown(deadline.left(), stream, stream.width());
                stream.write(format!("{CLEAR_LINE}{line}").as_bytes())
            }
            _ => Ok(()),
        }
    }

    /// Leaves the terminal as it was found: the cursor at the start of an empty line.
    fn close(&mut self) {
        if let Self::Screen { stream, deadline: deadline @ Some(_), .. } = self {
            *deadline = None;
            // The terminal may be gone, which is a way to end a sign-in.
            let _ = stream.write(CLEAR_LINE.as_bytes());
        }
    }

    /// The browser is the way of this flow, so it needs no asking for; only a program that reads events may have other ways.
    fn open_page(&self, page: &AuthorizationShown, watch: &Watch) {
        let is_wanted = !matches!(self, Self::Json { open: false });
        if is_wanted && is_openable(page.url.expose()) {
            watch.open(page.url.expose().to_owned());
        }
    }

    fn open(&self, code: &CodeShown, watch: &Watch) {
        let (Self::Json { open }
        | Self::Lines { open, .. }
        | Self::Screen { extras: Extras { open, .. }, .. }) = self;
        if *open && code.is_trusted_uri && is_openable(&code.verification_uri) {
            watch.open(code.verification_uri.clone());
        }
    }
}

/// The Azure CLI's app registration, public and present in every tenant (Microsoft: "Application IDs of
/// commonly used Microsoft applications").
const DEV_CLIENT: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

const DEV_CLIENT_WARNING: &str = "--dev-client signs in as the Azure CLI: consent pages and sign-in logs will say \
    \"Microsoft Azure CLI\", a tenant may block it, and only resources that pre-authorise it work. \
    Use your own app registration for daily use.";

const NOT_CANCELLED: &str =
    "entrad could not be told to cancel, so the code may stay good until it expires; do not use it.";

/// Back to the start of the line and clear it (ECMA-48, CR and EL).
const CLEAR_LINE: &str = "\r\u{1b}[K";

/// Once a second is enough, also on a clock that has just ticked.
const SHORTEST_TICK: Duration = Duration::from_millis(50);

/// The longest usual event, `code`, with a few scopes.
const JSON_ROOM: usize = 2048;
