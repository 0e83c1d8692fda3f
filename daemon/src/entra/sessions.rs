//! Revoking a person's sessions, by Microsoft Graph: every refresh token of theirs, of every program on every device, and
//! their browsers' cookies.
//!
//! `POST /v1.0/me/revokeSignInSessions` (Microsoft Graph: "user: revokeSignInSessions"): it has no body, takes the delegated
//! permission `User.RevokeSessions.All`, and leaves guests of other tenants alone. Access tokens live on until they expire.

use entra_proto::resource;
use entra_proto::secret::AccessToken;
use url::Url;

use super::Entra;
use super::authority::Authority;

/// Why sessions stand. Each is a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRevoked {
    /// The token has no right to it.
    #[error(
        "Microsoft Graph refuses: the app registration needs the delegated permission User.RevokeSessions.All."
    )]
    Forbidden,
    /// The token is not taken, or the person signed in elsewhere.
    #[error("Microsoft Graph answered with HTTP status {0}.")]
    Failed(u16),
    /// Nobody knows where Graph is.
    #[error("Microsoft Graph is not known in this cloud.")]
    Nowhere,
    /// No connection, or no answer.
    #[error("{0}")]
    Unreached(String),
}

impl Entra {
    /// Has Entra revoke the sessions of whoever the token is of. Ends within 30 seconds; the caller bounds it further.
    ///
    /// # Errors
    /// [`NotRevoked`].
    pub async fn revoke_sessions(
        &self,
        authority: &Authority,
        token: &AccessToken,
    ) -> Result<(), NotRevoked> {
        let url = endpoint(authority).ok_or(NotRevoked::Nowhere)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let reply = self.http.post_as(url, token).await;
        match reply.map_err(|why| NotRevoked::Unreached(why.sentence(&host)))?.status {
            // 204 by its documentation of before; 200 with `value` today.
            200 | 204 => Ok(()),
            403 => Err(NotRevoked::Forbidden),
            status => Err(NotRevoked::Failed(status)),
        }
    }
}

/// Graph of the authority's cloud. An authority on loopback is a simulator, and speaks for Graph too: its tokens go nowhere
/// else.
fn endpoint(authority: &Authority) -> Option<Url> {
    let origin = if authority.is_loopback() {
        authority.origin()
    } else {
        resource::named("graph")?.address(authority.cloud())?
    };
    Url::parse(origin).ok()?.join("/v1.0/me/revokeSignInSessions").ok()
}

#[cfg(test)]
mod tests {
    use entra_proto::cloud::Cloud;

    use super::super::authority::Owner;
    use super::*;

    #[test]
    fn each_cloud_has_a_graph_of_its_own_and_a_simulator_is_one() {
        let of = |cloud| endpoint(&Authority::built_in(cloud, "organizations").unwrap()).unwrap().to_string();
        assert_eq!(of(Cloud::Public), "https://graph.microsoft.com/v1.0/me/revokeSignInSessions");
        assert_eq!(of(Cloud::UsGovernment), "https://graph.microsoft.us/v1.0/me/revokeSignInSessions");
        assert_eq!(of(Cloud::China), "https://microsoftgraph.chinacloudapi.cn/v1.0/me/revokeSignInSessions");
        let here =
            Authority::custom(Cloud::Public, "http://127.0.0.1:8080", "organizations", Owner::User).unwrap();
        assert_eq!(endpoint(&here).unwrap().as_str(), "http://127.0.0.1:8080/v1.0/me/revokeSignInSessions");
    }
}
