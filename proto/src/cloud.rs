//! The national clouds of Microsoft Entra ID.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A cloud: its own directory, sign-in hosts and resource addresses. An account, an app registration and a
/// refresh token belong to exactly one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cloud {
    /// Azure China, operated by 21Vianet.
    China,
    /// The worldwide cloud. GCC tenants use it too.
    #[default]
    Public,
    /// Azure Government: GCC High and DoD.
    UsGovernment,
}

impl Cloud {
    /// All clouds, by name.
    pub const ALL: [Self; 3] = [Self::China, Self::Public, Self::UsGovernment];

    /// The name used in configuration, on the wire and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::China => "china",
            Self::Public => "public",
            Self::UsGovernment => "us_government",
        }
    }
}

impl fmt::Display for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Cloud {
    type Err = UnknownCloud;

    fn from_str(name: &str) -> Result<Self, UnknownCloud> {
        Self::ALL
            .into_iter()
            .find(|cloud| cloud.name() == name.replace('-', "_"))
            .ok_or_else(|| UnknownCloud(name.to_owned()))
    }
}

/// The name given is no cloud we know.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a cloud; use public, us_government or china.")]
pub struct UnknownCloud(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_take_a_hyphen() {
        for cloud in Cloud::ALL {
            assert_eq!(cloud.name().parse::<Cloud>().unwrap(), cloud);
        }
        assert_eq!("us-government".parse::<Cloud>().unwrap(), Cloud::UsGovernment);
        assert!("azure".parse::<Cloud>().unwrap_err().to_string().contains("us_government"));
    }
}
