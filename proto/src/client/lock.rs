//! The requests that stop serving, serve again, and drop everything.

use std::io::{Read, Write};

use super::{Client, NO_BODY, Said};
use crate::http1::ExchangeError;
use crate::lock::{LockAnswer, PanicAnswer, PanicRequest, UnlockAnswer, UnlockRequest};

impl<S: Read + Write> Client<S> {
    /// `POST /v1/lock`. Answers when it is locked, which takes a few seconds where requests are under way.
    ///
    /// # Errors
    /// As [`Client::token`].
    pub fn lock(self) -> Result<Said<LockAnswer>, ExchangeError> {
        self.exchange("POST", "/v1/lock", NO_BODY)
    }

    /// `POST /v1/unlock`.
    ///
    /// # Errors
    /// As [`Client::token`].
    pub fn unlock(self, request: &UnlockRequest) -> Result<Said<UnlockAnswer>, ExchangeError> {
        self.exchange("POST", "/v1/unlock", Some(request))
    }

    /// `POST /v1/panic`: drops and erases everything.
    ///
    /// # Errors
    /// As [`Client::token`].
    pub fn panic(self, request: &PanicRequest) -> Result<Said<PanicAnswer>, ExchangeError> {
        self.exchange("POST", "/v1/panic", Some(request))
    }
}
