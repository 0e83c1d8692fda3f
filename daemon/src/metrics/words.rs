//! The words by which numbers are told apart: closed sets, so that nothing of an account, a program or a request can become one.

use entra_proto::error::{ErrorCode, TABLE};

/// A word of a closed set.
pub trait Word: Copy + 'static {
    /// Every word.
    const ALL: &'static [Self];

    /// As it is written: lower-case letters and underscores.
    fn text(self) -> &'static str;

    /// Where it stands in [`Word::ALL`].
    fn place(self) -> usize;
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl Word for $name {
            const ALL: &'static [Self] = &[$(Self::$variant,)*];

            fn text(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }

            fn place(self) -> usize {
                self as usize
            }
        }
    };
}

words! {
    /// The only one, of numbers that are not told apart.
    Only {
        /// It is not written.
        All "",
    }
}

words! {
    /// What became of a request for a token.
    Answered {
        /// Its caller hung up, or took less than the daemon did.
        Abandoned "abandoned",
        /// A token from memory.
        Cache "cache",
        /// A container registry's token, got for an access token.
        Exchanged "exchanged",
        /// A token that the request waited for.
        Refresh "refresh",
        /// Refused; the code says why.
        Refused "refused",
    }
}

words! {
    /// What a refresh came to.
    Refreshed {
        /// Only an administrator can mend it.
        AskAdmin "ask_admin",
        /// Entra declared the refresh token dead.
        Dead "dead",
        /// The app registration, scope or tenant is wrong.
        Misconfigured "misconfigured",
        /// Entra was not asked: the vault was closed, or something of our own stood in the way.
        NotAsked "not_asked",
        /// A token.
        Refreshed "refreshed",
        /// No answer, an outage, or a request for patience.
        RetryAfter "retry_after",
        /// A person must sign in.
        SignInNeeded "sign_in_needed",
    }
}

words! {
    /// How a sign-in ended.
    SignInEnd {
        /// A person, a program or a newer sign-in cancelled it.
        Cancelled "cancelled",
        /// It failed, or nobody came.
        Failed "failed",
        /// Somebody signed in.
        SignedIn "signed_in",
    }
}

words! {
    /// What a tool speaks, which can be left unserved.
    Dialect {
        /// The Azure Developer CLI's external sign-in, over loopback.
        Azd "azd",
        /// App Service's managed identity, over loopback.
        ManagedIdentity "managed_identity",
        /// Container registries, over the socket.
        Registry "registry",
    }
}

words! {
    /// What connections come to.
    Listener {
        /// The port for tools.
        Loopback "loopback",
        /// The pages for signing in, all together.
        Page "page",
        /// The socket.
        Socket "socket",
    }
}

words! {
    /// Whether an account gets tokens.
    AccountHealth {
        /// It does.
        Good "good",
        /// A person must sign in.
        SignInNeeded "sign_in_needed",
    }
}

/// An error's code, by its row in the table of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(usize);

/// How many there are.
pub(super) const CODES: usize = TABLE.len();

impl Code {
    /// A code that is in no table counts as a defect of ours: the daemon says none.
    pub(super) fn of(code: &ErrorCode) -> Self {
        let place = |code: &ErrorCode| TABLE.iter().position(|row| row.code == *code);
        Self(place(code).or_else(|| place(&ErrorCode::Internal)).unwrap_or(0))
    }
}

impl Word for Code {
    const ALL: &'static [Self] = &{
        let mut all = [Self(0); CODES];
        let mut place = 0;
        while place < CODES {
            all[place] = Self(place);
            place += 1;
        }
        all
    };

    fn text(self) -> &'static str {
        TABLE[self.0].name
    }

    fn place(self) -> usize {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<W: Word + PartialEq + std::fmt::Debug>() {
        for (place, word) in W::ALL.iter().enumerate() {
            assert_eq!(word.place(), place, "{word:?}");
            assert!(word.text().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{word:?}");
        }
        assert!(W::ALL.windows(2).all(|pair| pair[0].text() < pair[1].text()), "{:?}", W::ALL);
    }

    #[test]
    fn words_are_plain_and_stand_where_they_say() {
        check::<Only>();
        check::<Answered>();
        check::<Refreshed>();
        check::<SignInEnd>();
        check::<Dialect>();
        check::<Listener>();
        check::<AccountHealth>();
        check::<Code>();
    }

    #[test]
    fn a_code_of_another_version_is_an_internal_error() {
        assert_eq!(Code::of(&ErrorCode::Throttled).text(), "throttled");
        assert_eq!(Code::of(&ErrorCode::Unknown("new".to_owned())).text(), "internal");
    }
}
