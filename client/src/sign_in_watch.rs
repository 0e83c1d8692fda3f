//! Everything that can happen while a sign-in waits, on one channel: the daemon's events, a signal, a typed
//! line, the browser's end.
//!
//! Each source blocks in a thread of its own, so the waiting loop has one place to wait and can be ended at
//! once. The threads end with the process; none of them holds anything that must be put in order.

use std::io::{self, BufRead, Read};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use entra_proto::account::AccountInfo;
use entra_proto::error::exit;
use entra_proto::limits::MAX_NAME;
use entra_proto::sign_in::{SignInEvent, SignInRequest};

use crate::browser;
use crate::commands::heard;
use crate::connect::Socket;
use crate::failure::Failure;
use crate::platform::on_interrupt;

/// Something that happened.
#[derive(Debug)]
pub(crate) enum Happening {
    /// No browser took the page.
    BrowserMissing,
    /// The window with the code is gone.
    DialogClosed,
    /// The daemon said so.
    Event(SignInEvent),
    /// The daemon refused the sign-in, or the connection to it failed.
    Failed(Failure),
    /// The person, or the system, wants an end.
    Interrupted,
    /// The person typed a line; `None` when there is no more input.
    Line(Option<String>),
    /// The sign-in is open under this id.
    Started(String),
}

/// The channel and its sources.
#[derive(Debug)]
pub(crate) struct Watch {
    socket: Socket,
    tell: Sender<Happening>,
    hear: Receiver<Happening>,
}

impl Watch {
    /// Who is signed in.
    pub(crate) fn accounts(&self) -> Result<Vec<AccountInfo>, Failure> {
        heard(self.socket.connect()?.accounts()?).map(|answer| answer.accounts)
    }

    /// Begins to watch for signals; from here on Ctrl-C is a happening.
    pub(crate) fn new(socket: Socket) -> Result<Self, Failure> {
        let (tell, hear) = channel();
        let interrupted = tell.clone();
        on_interrupt(move || {
            let _ = interrupted.send(Happening::Interrupted);
        })
        .map_err(|error| {
            Failure::new(exit::INTERNAL, "no_signals", "Signals cannot be watched.").because(&error)
        })?;
        Ok(Self { socket, tell, hear })
    }

    /// Starts a sign-in and passes on its events.
    pub(crate) fn start(&self, request: SignInRequest) {
        let socket = self.socket.clone();
        self.run(move |tell| {
            if let Err(failure) = follow(&socket, &request, &tell) {
                let _ = tell.send(Happening::Failed(failure));
            }
        });
    }

    /// Reads one line of standard input.
    pub(crate) fn ask_line(&self) {
        self.run(|tell| {
            let mut line = String::new();
            // A client id is short; an endless line is cut and refused like any wrong one.
            let mut input = io::stdin().lock().take(MAX_NAME as u64);
            let line = matches!(input.read_line(&mut line), Ok(1..)).then_some(line);
            let _ = tell.send(Happening::Line(line));
        });
    }

    /// Opens the page in a browser.
    pub(crate) fn open(&self, page: String) {
        self.run(move |tell| {
            if browser::open_apart(&page).is_err() {
                let _ = tell.send(Happening::BrowserMissing);
            }
        });
    }

    /// Tells what happened once `wait` is over.
    pub(crate) fn tell_after(&self, what: Happening, wait: impl FnOnce() + Send + 'static) {
        self.run(move |tell| {
            wait();
            let _ = tell.send(what);
        });
    }

    /// Waits for the next happening, for at most `patience` where one is given. The daemon's thread ends
    /// within the protocol's time-outs, so there is always a next one.
    pub(crate) fn next(&self, patience: Option<Duration>) -> Option<Happening> {
        match patience {
            Some(patience) => self.hear.recv_timeout(patience).ok(),
            None => self.hear.recv().ok(),
        }
    }

    /// Cancels the sign-in of this id, or the one that was just asked for and whose id is still on its way.
    /// Whether none is left open.
    pub(crate) fn cancel(&self, mut id: Option<String>) -> bool {
        let end = Instant::now() + CANCEL_PATIENCE;
        let id = loop {
            if let Some(id) = id {
                break id;
            }
            match self.hear.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(Happening::Started(late)) => id = Some(late),
                // It was refused, so there is nothing to cancel.
                Ok(Happening::Failed(_)) => return true,
                Ok(_) => {}
                Err(_) => return false,
            }
        };
        let (tell, hear) = channel();
        let socket = self.socket.clone();
        thread::spawn(move || {
            let client = socket.connect_within(CANCEL_PATIENCE, CANCEL_PATIENCE);
            let said = client.ok().and_then(|client| client.cancel_sign_in(&id).ok());
            let _ = tell.send(said.is_some_and(|said| said.result.is_ok()));
        });
        hear.recv_timeout(CANCEL_PATIENCE).unwrap_or(false)
    }

    fn run(&self, source: impl FnOnce(Sender<Happening>) + Send + 'static) {
        let tell = self.tell.clone();
        thread::spawn(move || source(tell));
    }
}

fn follow(socket: &Socket, request: &SignInRequest, tell: &Sender<Happening>) -> Result<(), Failure> {
    let id = heard(socket.connect()?.start_sign_in(request)?)?.id;
    let _ = tell.send(Happening::Started(id.clone()));
    let mut events = socket.connect()?.sign_in_events(&id)?.result.map_err(Failure::from)?;
    while let Some(event) = events.next_event()? {
        let is_last = event.is_last();
        let _ = tell.send(Happening::Event(event));
        if is_last {
            return Ok(());
        }
    }
    Err(Failure::new(
        exit::INTERNAL,
        "foreign_answer",
        "entrad ended the sign-in without saying how it went.",
    )
    .hint("`entra accounts` shows whether it went well; else run `entra login` again."))
}

/// How long the end of a sign-in may take to reach the daemon before the person gets the prompt back.
const CANCEL_PATIENCE: Duration = Duration::from_secs(2);
