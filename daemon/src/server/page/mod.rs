//! Pages for signing in and for questions, each on a loopback port of its own for as long as it is good.
//!
//! Any user of this machine, and any web page, can reach such a port, so a request is let in by the page's address alone
//! (`address`), and only from processes of our own user where the system tells (`visits`). The port is gone with the page. Opening
//! a page begins nothing; a person's click on it does (`story`, `question`).

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::limits::{ANSWER_TIMEOUT, MAX_NAME, MAX_PAGES, PAGE_LIFE};
use entra_proto::page::{PageAnswer, PageRequest};
use entra_proto::secret::PageAddress;
use entra_proto::sign_in::SignInRequest;
use hyper::body::Incoming;
use tokio::net::TcpListener;

use super::Rooms;
use super::reply::answer;
use super::routes::{read, within};
use crate::access::caller::Caller;
use crate::broker::{Broker, Prospect};
use crate::clock::Clock;
use crate::notify::page::Subject;
use crate::prompts::OpenPage;

mod address;
mod port;
mod question;
mod question_port;
mod story;
mod visits;

use address::SIGN_IN;
pub use question::QuestionPages;
use story::Page;
use visits::{open_port, take_in};

/// The pages that are open.
pub struct Pages {
    broker: Arc<Broker>,
    clock: Arc<dyn Clock>,
    open: Mutex<Vec<Open>>,
}

struct Open {
    request: PageRequest,
    expires_on: u64,
    page: Arc<Page>,
}

impl Pages {
    /// None yet.
    #[must_use]
    pub fn new(broker: Arc<Broker>, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { broker, clock, open: Mutex::default() })
    }

    /// Opens a page, or names the one that waits for a person with just this request. Where there are too many, the oldest
    /// one on which nothing is under way makes room.
    ///
    /// # Errors
    /// What is wrong with the request or with what it would begin.
    pub async fn open(
        self: &Arc<Self>,
        request: PageRequest,
        caller: Caller,
    ) -> Result<PageAnswer, ErrorBody> {
        self.broker.rules().bounds().allow_sign_in_page()?;
        let texts = [&request.reason, &request.program, &request.claims_handle];
        if texts.into_iter().flatten().any(|text| text.len() > MAX_NAME) {
            let sentence = format!("A text of the request is longer than {MAX_NAME} bytes.");
            return Err(ErrorBody::new(ErrorCode::BadRequest, sentence));
        }
        let sign_in = SignInRequest {
            profile: request.profile.clone(),
            account: request.account.clone(),
            claims_handle: request.claims_handle.clone(),
            // Whoever looks at the page has one.
            has_browser: true,
            ..SignInRequest::default()
        };
        let prospect = self.broker.prospect(sign_in).await?;
        let sign_in = prospect.request.clone();
        let subject = subject(prospect, &request, caller.to_string());
        if let Some(open) = self.find(&request, &subject) {
            return Ok(open);
        }
        let (listener, address) = open_port(SIGN_IN).await?;
        let page =
            Page::new(address, subject, sign_in, caller, Arc::clone(&self.broker), Arc::clone(&self.clock));
        let expires_on = self.clock.now().epoch() + PAGE_LIFE.as_secs();
        let open = Open { request, expires_on, page };
        let answer = open.answer();
        self.make_room();
        tokio::spawn(Arc::clone(self).serve(Arc::clone(&open.page), listener));
        self.pages().push(open);
        Ok(answer)
    }

    /// Ends all of them.
    pub fn close(&self) {
        for open in self.pages().iter() {
            open.page.end();
        }
    }

    async fn serve(self: Arc<Self>, page: Arc<Page>, listener: TcpListener) {
        let answers = Arc::clone(&page);
        let respond = move |visit, request: Request<Incoming>| {
            port::respond(Arc::clone(&answers), visit, request.map(Body::new))
        };
        let connections = take_in(listener, page.outlived(), "sign-in", respond).await;
        page.end();
        self.pages().retain(|open| !Arc::ptr_eq(&open.page, &page));
        connections.end().await;
    }

    fn find(&self, request: &PageRequest, subject: &Subject) -> Option<PageAnswer> {
        let pages = self.pages();
        let is_same = |open: &&Open| {
            open.request == *request && open.page.subject.opener == subject.opener && open.page.is_untouched()
        };
        pages.iter().find(is_same).map(Open::answer)
    }

    fn make_room(&self) {
        let mut pages = self.pages();
        while pages.len() >= MAX_PAGES {
            // There are fewer sign-ins than pages, so one of these is idle.
            let oldest = pages.iter().position(|open| open.page.is_idle()).unwrap_or_default();
            pages.remove(oldest).page.end();
        }
    }

    fn pages(&self) -> MutexGuard<'_, Vec<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For a person who pressed the button of a notification: the daemon itself opens the page.
impl OpenPage for Arc<Pages> {
    fn open_page(
        &self,
        request: PageRequest,
    ) -> Pin<Box<dyn Future<Output = Result<PageAddress, ErrorBody>> + Send + '_>> {
        Box::pin(async move { Ok(self.open(request, Caller::ourselves()).await?.url) })
    }
}

impl Open {
    fn answer(&self) -> PageAnswer {
        PageAnswer { url: self.page.address.url().clone(), expires_on: self.expires_on }
    }
}

/// `POST /v1/pages`.
pub(super) async fn open(
    State(rooms): State<Rooms>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response<Body> {
    let work = async { rooms.pages.open(read(request).await?, caller).await };
    answer(within(ANSWER_TIMEOUT, work).await)
}

fn subject(prospect: Prospect, request: &PageRequest, opener: String) -> Subject {
    let (tenant, cloud, application) = match prospect.place {
        Some(place) => (Some(place.tenant), place.cloud, Some(place.application)),
        None => Default::default(),
    };
    Subject {
        account: prospect.account,
        tenant,
        cloud,
        application,
        profile: prospect.profile,
        reason: request.reason.clone().or(prospect.reason),
        program: request.program.clone(),
        opener,
    }
}

#[cfg(test)]
mod tests;
