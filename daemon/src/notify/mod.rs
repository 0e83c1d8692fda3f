//! How a person is asked: what the sign-in page and the page of a question show, and the desktop that shows a notification.
//!
//! A page is pure: a state goes in and text comes out, so that each state can be looked at and tested without a
//! daemon. Serving is `server/page`'s. The one hard idea is that markup is `'static` and all else is escaped (`html`).

pub mod desktop;
mod html;
pub mod notice;
pub mod page;
pub mod parts;
pub mod question;
mod scene;
pub mod words;
