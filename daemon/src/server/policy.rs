//! `/v1/policy`: the rules in force, and which of them would decide.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::limits::ANSWER_TIMEOUT;
use entra_proto::policy::ExplainRequest;
use entra_proto::token::TokenRequest;

use super::Rooms;
use super::reply::answer;
use super::routes::{read, within};
use crate::access::caller::Caller;
use crate::access::policy::Subject;
use crate::broker::Asker;

pub(super) async fn told(State(rooms): State<Rooms>) -> Response<Body> {
    answer(Ok(rooms.gatekeeper.policy().answer()))
}

pub(super) async fn explain(
    State(rooms): State<Rooms>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response<Body> {
    let work = async {
        let asked: ExplainRequest = read(request).await?;
        let meant = meant(&rooms, &asked).await?;
        rooms.gatekeeper.explain(&asked, meant, &caller).await
    };
    answer(within(ANSWER_TIMEOUT, work).await)
}

/// What is asked, as the broker understands it. Where nobody is signed in whom it could mean, its own words have to do.
pub(super) async fn meant(rooms: &Rooms, asked: &ExplainRequest) -> Result<Subject, ErrorBody> {
    let names_nothing = asked.resource.is_none() && asked.scopes.is_none();
    let request = TokenRequest {
        // For any resource there is one account.
        resource: if names_nothing { Some(ANY.to_owned()) } else { asked.resource.clone() },
        scopes: asked.scopes.clone(),
        account: asked.account.clone(),
        profile: asked.profile.clone(),
        tenant: asked.tenant.clone(),
        ..TokenRequest::default()
    };
    let meaning = rooms.broker.meaning_of(&request, |wish| Subject::of(&Asker::Unknown, wish)).await;
    match meaning {
        Ok(subject) if names_nothing => Ok(Subject { scopes: Vec::new(), ..subject }),
        Ok(subject) => Ok(subject),
        Err(error) => match error.code {
            ErrorCode::AccountNeeded
            | ErrorCode::SignInNeeded
            | ErrorCode::StoreDamaged
            | ErrorCode::StoreLocked
            | ErrorCode::StoreUnavailable => Ok(Subject::by_its_words(asked)),
            _ => Err(error),
        },
    }
}

const ANY: &str = "graph";
