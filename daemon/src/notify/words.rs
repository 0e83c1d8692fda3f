//! Every word that the sign-in page and a notification say, in one place for each language.
//!
//! A language is one more value of [`Words`]; `{}` stands for what is filled in. What goes wrong is told in the daemon's own
//! sentences, which the socket's callers read as well.

/// The page's words in one language.
pub struct Words {
    /// The language's tag (BCP 47), for screen readers.
    pub(super) language: &'static str,

    pub(super) begin_title: &'static str,
    pub(super) begin_lead: &'static str,
    pub(super) begin_button: &'static str,
    pub(super) begin_note: &'static str,

    pub(super) starting_title: &'static str,
    pub(super) starting_progress: &'static str,

    pub(super) authorization_title: &'static str,
    pub(super) authorization_note: &'static str,
    pub(super) authorization_left: &'static str,
    pub(super) code_refused: &'static str,

    pub(super) waiting_title: &'static str,
    pub(super) code_label: &'static str,
    pub(super) copy_button: &'static str,
    pub(super) copied: &'static str,
    pub(super) not_copied: &'static str,
    pub(super) open_link: &'static str,
    pub(super) open_note: &'static str,
    pub(super) new_tab: &'static str,
    pub(super) strange_title: &'static str,
    pub(super) strange_note: &'static str,
    pub(super) strange_progress: &'static str,
    pub(super) waiting_progress: &'static str,
    pub(super) time_left: &'static str,
    pub(super) cancel_button: &'static str,

    pub(super) signed_in_title: &'static str,
    pub(super) signed_in_as: &'static str,
    pub(super) signed_in_note: &'static str,

    pub(super) cancelled_title: &'static str,
    pub(super) cancelled_note: &'static str,
    pub(super) expired_title: &'static str,
    pub(super) expired_note: &'static str,
    pub(super) failed_title: &'static str,
    pub(super) again_button: &'static str,
    pub(super) for_administrator: &'static str,
    pub(super) correlation_id: &'static str,

    pub(super) caution: &'static str,
    pub(super) about_label: &'static str,
    pub(super) reason: &'static str,
    pub(super) account: &'static str,
    pub(super) any_account: &'static str,
    pub(super) tenant: &'static str,
    pub(super) any_tenant: &'static str,
    pub(super) cloud: &'static str,
    pub(super) application: &'static str,
    pub(super) profile: &'static str,
    pub(super) program: &'static str,
    pub(super) opener: &'static str,

    pub(super) notice_title: &'static str,
    pub(super) notice_title_expected: &'static str,
    pub(super) notice_wants: &'static str,
    pub(super) notice_wants_something: &'static str,
    pub(super) notice_waiting: &'static str,
    pub(super) notice_not_opened: &'static str,
    pub(super) notice_by_hand: &'static str,
    pub(super) notice_sign_in: &'static str,
    pub(super) notice_later: &'static str,

    pub(super) consent_title: &'static str,
    pub(super) consent_as: &'static str,
    pub(super) consent_why: &'static str,
    pub(super) consent_once: &'static str,
    pub(super) consent_session: &'static str,
    pub(super) consent_deny: &'static str,
    pub(super) consent_by_hand: &'static str,

    pub(super) footer: &'static str,
    pub(super) lost: &'static str,
    pub(super) refused_title: &'static str,
    pub(super) refused_note: &'static str,
}

/// English.
pub static ENGLISH: Words = Words {
    language: "en",

    begin_title: "Sign in to Microsoft",
    begin_lead: "A program on this computer asks you to sign in.",
    begin_button: "Sign in",
    begin_note: "You will go on at Microsoft’s page, mostly with a short code. Nothing starts before you press the button; if \
                 this is not yours, close the page.",

    starting_title: "One moment",
    starting_progress: "Asking Microsoft…",

    authorization_title: "Sign in on Microsoft’s page",
    authorization_note: "It opens in a new tab and leads back to this computer. This page notices when you are done.",
    authorization_left: "The wait ends in {}.",
    code_refused: "A code was tried first, and refused:",

    waiting_title: "Enter this code on Microsoft’s page",
    code_label: "Your code",
    copy_button: "Copy",
    copied: "Copied",
    not_copied: "The browser did not let the code be copied. It is selected; copy it by the keyboard.",
    open_link: "Open Microsoft’s page",
    open_note: "It opens in a new tab, at {}. This page notices when you are done.",
    new_tab: "(opens in a new tab)",
    strange_title: "Stop: check this address first",
    strange_note: "The code is to be entered at an address that is not known as one of Microsoft’s. It is no link here; do not \
                   go there unless you know whose it is:",
    strange_progress: "Waiting for you to finish there.",
    waiting_progress: "Waiting for you on Microsoft’s page.",
    time_left: "The code expires in {}.",
    cancel_button: "Cancel",

    signed_in_title: "You are signed in",
    signed_in_as: "as {}",
    signed_in_note: "Your tools go on by themselves. You can close this page.",

    cancelled_title: "The sign-in was cancelled",
    cancelled_note: "Nothing was changed. If you had not started it yourself, that was the right thing to do.",
    expired_title: "The code has expired",
    expired_note: "A code is good for some minutes only. Nothing was changed; you can begin again whenever it suits you. \
         If Microsoft's page showed an error with a number, the command entra explain and that number say who can mend it.",
    failed_title: "The sign-in did not work",
    again_button: "Try again",
    for_administrator: "For an administrator",
    correlation_id: "Correlation id",

    caution: "Only continue if you started this yourself. Nobody from IT or support will ever send you a code.",
    about_label: "What you are asked for",
    reason: "Why",
    account: "Account",
    any_account: "the one you choose on Microsoft’s page",
    tenant: "Tenant",
    any_tenant: "your own organisation’s",
    cloud: "Cloud",
    application: "Application",
    profile: "Profile",
    program: "Asked by",
    opener: "Page opened by",

    notice_title: "Sign in to Microsoft",
    notice_title_expected: "Soon: sign in to Microsoft",
    notice_wants: "{} wants {}.",
    notice_wants_something: "{} wants a token.",
    notice_waiting: "Waiting for it now: {}.",
    notice_not_opened: "The page for signing in could not be opened.",
    notice_by_hand: "Run `entra login` in a terminal.",
    notice_sign_in: "Sign in",
    notice_later: "Later",

    consent_title: "Allow this?",
    consent_as: "As {}.",
    consent_why: "Asked by the rule {}.",
    consent_once: "Allow once",
    consent_session: "Allow for this session",
    consent_deny: "Deny",
    consent_by_hand: "Run `entra consent` in a terminal.",

    footer: "This page comes from entrad on this computer, not from the internet. It never asks for a password.",
    lost: "entrad does not answer at the moment. If that lasts, this page is out of date: close it.",
    refused_title: "There is nothing here",
    refused_note: "This address is not, or no longer, good for anything. If you came here to do something, ask for it again \
                   where you came from.",
};
