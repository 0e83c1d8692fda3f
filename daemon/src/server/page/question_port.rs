//! What the port of a question's page says.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, Response, StatusCode};

use super::address::Wanted;
use super::port::{form_in, html, keep_to_itself, news_of, refused, see};
use super::question::{QuestionPage, QuestionPages, Reader, Shown};
use super::visits::{Ends, Visit};
use crate::notify::question::told;

/// Answers one request.
pub(super) async fn respond(
    pages: Arc<QuestionPages>,
    page: Arc<QuestionPage>,
    visit: Visit,
    request: Request<Body>,
) -> Result<Response<Body>, Infallible> {
    let (head, body) = request.into_parts();
    let ends = visit.ends;
    let response = match visit.let_in(page.address.wanted(&head)).await {
        Some(Wanted::Page) => {
            let reader = pages.reader(&page, ends).await;
            page.document(&reader, pages.left(&page)).map(|document| html(StatusCode::OK, document))
        }
        Some(Wanted::News) => Some(news(pages, page)),
        // In a task of its own: what is said is said, also where the browser hangs up meanwhile.
        Some(Wanted::Act) => tokio::spawn(act(pages, page, ends, body)).await.ok().flatten(),
        Some(Wanted::Onward) | None => None,
    };
    let mut response = response.unwrap_or_else(|| {
        // Not what was asked: that may be half of an address.
        tracing::warn!("a request to a question's page was refused");
        refused()
    });
    keep_to_itself(&mut response);
    Ok(response)
}

/// Takes the answer in a form of the page's, and sends the browser back to it.
async fn act(
    pages: Arc<QuestionPages>,
    page: Arc<QuestionPage>,
    ends: Ends,
    body: Body,
) -> Option<Response<Body>> {
    let word = page.said(&form_in(body).await?)?;
    match pages.reader(&page, ends).await {
        Reader::Person(holder) => {
            pages.answer(&page, word, &holder).await;
            pages.settled(&page).await;
        }
        // The page says why, or that it is over.
        Reader::Onlooker(_) => {}
        Reader::Another => return None,
    }
    Some(see(page.address.path()))
}

/// What an open page is told: nothing of the question but its end, since nobody looks who listens.
fn news(pages: Arc<QuestionPages>, page: Arc<QuestionPage>) -> Response<Body> {
    news_of(page.listen(), Shown::is_gone, move || told(page.has_ended(), pages.left(&page)))
}
