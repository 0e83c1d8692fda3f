//! `POST /v1/pages`: a page on loopback where a person begins a sign-in and follows it.
//!
//! Opening a page starts nothing: the sign-in begins with the person's click on it, and the code is shown there alone. Who
//! has the page's address may do both, so it goes to the person's browser and nowhere else.

use serde::{Deserialize, Serialize};

use crate::secret::PageAddress;

/// What the page is to ask for, and what it tells the person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageRequest {
    /// The profile to sign in under; that of the account, else `default`, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The account that must come: its id or user name. The person chooses when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Why the person is asked, in a plain sentence; what the daemon knows of the account when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The program that wants the sign-in, as people call it. Whoever opens the page is named beside it, as the kernel
    /// knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// A challenge that an error answer left with the daemon (`claims_handle`), for the sign-in to carry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims_handle: Option<String>,
}

/// A page that is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageAnswer {
    /// Where it is: `http://127.0.0.1:PORT/sign-in/TOKEN`.
    pub url: PageAddress,
    /// When it goes away, in seconds since 1970, unless a sign-in is begun on it before.
    pub expires_on: u64,
}
