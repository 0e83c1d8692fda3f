//! The requests by which a person is asked for their word, and gives it.

use std::io::{Read, Write};

use super::{Client, Events, NO_BODY, Said, escape};
use crate::consent::{ConsentRequest, ConsentWord, ConsentsAnswer};
use crate::http1::ExchangeError;
use crate::prompt::PromptEvent;

impl<S: Read + Write> Client<S> {
    /// `GET /v1/consents`: what may be answered, and what was decided.
    ///
    /// # Errors
    /// As [`Client::token`].
    pub fn consents(self) -> Result<Said<ConsentsAnswer>, ExchangeError> {
        self.exchange("GET", "/v1/consents", NO_BODY)
    }

    /// `POST /v1/consents/{id}`: answers a question.
    ///
    /// # Errors
    /// As [`Client::token`].
    pub fn answer_consent(
        self,
        id: &str,
        answer: ConsentWord,
    ) -> Result<Said<ConsentsAnswer>, ExchangeError> {
        self.exchange("POST", &format!("/v1/consents/{}", escape(id)), Some(&ConsentRequest { answer }))
    }

    /// `DELETE /v1/consents/{id}`: revokes a decision.
    ///
    /// # Errors
    /// As [`Client::token`].
    pub fn revoke_consent(self, id: &str) -> Result<Said<ConsentsAnswer>, ExchangeError> {
        self.exchange("DELETE", &format!("/v1/consents/{}", escape(id)), NO_BODY)
    }

    /// `GET /v1/prompts/events?consents=true`: as [`Client::prompt_events`], with the questions of rules among them.
    ///
    /// # Errors
    /// As [`Client::token`].
    pub fn prompt_and_consent_events(self) -> Result<Said<Events<S, PromptEvent>>, ExchangeError> {
        self.stream("/v1/prompts/events?consents=true")
    }
}
