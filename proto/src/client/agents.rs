//! The requests about AI agents.

use std::io::{Read, Write};

use super::{Client, NO_BODY, Said};
use crate::agent::{AgentsAnswer, AgentsRequest};
use crate::http1::ExchangeError;

impl<S: Read + Write> Client<S> {
    /// `GET /v1/agents`.
    ///
    /// # Errors
    /// As [`Client::token`].
    pub fn agents(self) -> Result<Said<AgentsAnswer>, ExchangeError> {
        self.exchange("GET", "/v1/agents", NO_BODY)
    }

    /// `POST /v1/agents/stop`: ends them at once.
    ///
    /// # Errors
    /// As [`Client::token`].
    pub fn stop_agents(self, request: &AgentsRequest) -> Result<Said<AgentsAnswer>, ExchangeError> {
        self.exchange("POST", "/v1/agents/stop", Some(request))
    }

    /// `POST /v1/agents/resume`: lets them ask again.
    ///
    /// # Errors
    /// As [`Client::token`].
    pub fn resume_agents(self, request: &AgentsRequest) -> Result<Said<AgentsAnswer>, ExchangeError> {
        self.exchange("POST", "/v1/agents/resume", Some(request))
    }
}
