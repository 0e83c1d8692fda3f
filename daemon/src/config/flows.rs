//! Which ways to sign in are allowed.

use std::str::FromStr;

use entra_proto::account::Flow;

/// The setting `flows`, in the order in which they are tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flows(Vec<Flow>);

impl Flows {
    /// In the order in which they are tried.
    pub fn iter(&self) -> impl Iterator<Item = Flow> + '_ {
        self.0.iter().copied()
    }

    /// Those of them that an administrator allows too; where that is none, what the administrator allows.
    #[must_use]
    pub fn within(self, allowed: &Self) -> Self {
        let both: Vec<Flow> = self.iter().filter(|flow| allowed.allow(*flow)).collect();
        if both.is_empty() { allowed.clone() } else { Self(both) }
    }

    /// Those of them that are not forbidden, which may be none.
    #[must_use]
    pub fn without(mut self, forbidden: &[Flow]) -> Self {
        self.0.retain(|flow| !forbidden.contains(flow));
        self
    }

    /// Whether it is among them.
    #[must_use]
    pub fn allow(&self, flow: Flow) -> bool {
        self.0.contains(&flow)
    }
}

impl Default for Flows {
    /// A code works everywhere, and a browser where Entra refuses it.
    fn default() -> Self {
        Self(vec![Flow::DeviceCode, Flow::Browser])
    }
}

/// It is none of these.
#[derive(Debug, thiserror::Error)]
pub enum BadFlows {
    /// Not a flow.
    #[error("`{0}` is no flow")]
    Unknown(String),
    /// The same twice.
    #[error("`{0}` stands there twice")]
    Twice(String),
}

impl FromStr for Flows {
    type Err = BadFlows;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut flows = Vec::new();
        for name in text.split(',').map(str::trim) {
            let flow = match name {
                "browser" => Flow::Browser,
                "device_code" => Flow::DeviceCode,
                _ => return Err(BadFlows::Unknown(name.to_owned())),
            };
            if flows.contains(&flow) {
                return Err(BadFlows::Twice(name.to_owned()));
            }
            flows.push(flow);
        }
        Ok(Self(flows))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("device_code", Some(&[Flow::DeviceCode][..]))]
    #[case("browser", Some(&[Flow::Browser][..]))]
    #[case("browser, device_code", Some(&[Flow::Browser, Flow::DeviceCode][..]))]
    #[case("browser,browser", None)]
    #[case("", None)]
    #[case("device-code", None)]
    fn flows_are_named_once_and_in_order(#[case] text: &str, #[case] flows: Option<&[Flow]>) {
        let read: Option<Flows> = text.parse().ok();
        assert_eq!(read.map(|flows| flows.iter().collect::<Vec<_>>()).as_deref(), flows);
    }

    #[rstest]
    #[case("browser,device_code", "device_code", "device_code")]
    #[case("browser", "device_code", "device_code")]
    #[case("browser,device_code", "device_code,browser", "browser,device_code")]
    fn an_administrator_allows_and_the_user_orders(
        #[case] user: &str,
        #[case] administrator: &str,
        #[case] both: &str,
    ) {
        let flows = |text: &str| text.parse::<Flows>().unwrap();
        assert_eq!(flows(user).within(&flows(administrator)), flows(both));
    }
}
