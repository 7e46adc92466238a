//! Who decides how far requests go, and what is said when one may not go.

use std::net::SocketAddr;

use url::Url;

use super::address_class::{AddressClass, Reason, classify};
use crate::{ApiError, ErrorKind, Provider, ProviderKind};

/// Which addresses may be connected to. Cloud metadata, link-local and reserved addresses never may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressPolicy {
    networks: Networks,
    exception: Option<SocketAddr>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Networks {
    Public,
    PublicAndLocal,
}

impl AddressPolicy {
    /// The Internet alone.
    pub const PUBLIC: Self = Self { networks: Networks::Public, exception: None };

    /// The Internet, this machine and private networks: for whoever runs the program themselves.
    pub const PUBLIC_AND_LOCAL: Self = Self { networks: Networks::PublicAndLocal, exception: None };

    /// The policy as an admin sets it.
    pub const fn of_setting(allows_local_networks: bool) -> Self {
        if allows_local_networks { Self::PUBLIC_AND_LOCAL } else { Self::PUBLIC }
    }

    /// The policy for requests to `provider`, where the built-in demo listens at `demo`: the demo
    /// provider reaches exactly that address and port even where local networks are forbidden. Taking
    /// its kind or its address for another provider opens nothing else.
    pub fn for_provider(self, provider: &Provider, demo: SocketAddr) -> Self {
        let origin = |url: &str| Url::parse(url).ok().map(|url| url.origin());
        let is_demo = provider.kind == ProviderKind::Demo
            && origin(&provider.base_url) == origin(&format!("http://{demo}"));
        if is_demo { self.with_exception(demo) } else { self }
    }

    /// This policy with `address` allowed, whatever it is: for addresses that no user has given.
    pub const fn with_exception(self, address: SocketAddr) -> Self {
        Self { exception: Some(address), ..self }
    }

    /// This policy for connections whose port nobody can tell beforehand.
    pub(super) const fn without_exception(self) -> Self {
        Self { exception: None, ..self }
    }

    /// Judges an address that `host`, as the user wrote it, leads to.
    ///
    /// # Errors
    /// When it may not be connected to.
    pub fn check(self, host: &str, address: SocketAddr) -> Result<(), Refused> {
        if self.exception == Some(address) {
            return Ok(());
        }
        match (classify(address.ip()), self.networks) {
            (AddressClass::Public, _) | (AddressClass::Local, Networks::PublicAndLocal) => Ok(()),
            (AddressClass::Local, Networks::Public) => Err(Refused::local(host)),
            (AddressClass::Forbidden(reason), _) => Err(Refused::reason(host, reason)),
        }
    }
}

/// An address may not be connected to. Names the host as it was given, never what it resolved to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(String);

impl Refused {
    fn local(host: &str) -> Self {
        Self(format!(
            "{host} is on a local network, which this server does not connect to; an admin can allow local \
             networks in Settings"
        ))
    }

    fn reason(host: &str, reason: Reason) -> Self {
        let what = match reason {
            Reason::Unspecified => "the address of no machine",
            Reason::Reserved => "a reserved address",
            Reason::Multicast => "a multicast address",
            Reason::LinkLocal => "a link-local address",
            Reason::Metadata => "a cloud metadata service",
        };
        Self(format!("{host} leads to {what}, which is never connected to; check the base URL"))
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        Self { kind: ErrorKind::AddressRefused, status: None, message: refused.0, retry_after_s: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEMO: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 4000);

    fn allows(policy: AddressPolicy, address: &str) -> bool {
        policy.check("host", address.parse().unwrap()).is_ok()
    }

    #[test]
    fn local_networks_are_the_admin_s_to_allow_and_the_rest_is_nobody_s() {
        for (address, public, local) in [
            ("1.1.1.1:443", true, true),
            ("127.0.0.1:80", false, true),
            ("192.168.1.5:11434", false, true),
            ("[fd12::1]:80", false, true),
            ("169.254.169.254:80", false, false),
            ("0.0.0.0:80", false, false),
        ] {
            assert_eq!(allows(AddressPolicy::of_setting(false), address), public, "{address}");
            assert_eq!(allows(AddressPolicy::of_setting(true), address), local, "{address}");
        }
    }

    #[test]
    fn only_the_demo_reaches_the_demo_and_nothing_else() {
        let demo = |kind, base_url: &str| {
            AddressPolicy::PUBLIC.for_provider(&Provider::of_kind(kind, base_url), DEMO)
        };
        let own = demo(ProviderKind::Demo, "http://127.0.0.1:4000/v1");
        assert!(allows(own, "127.0.0.1:4000"));
        for other in ["127.0.0.1:4001", "127.0.0.2:4000", "[::1]:4000", "[::ffff:127.0.0.1]:4000"] {
            assert!(!allows(own, other), "{other}");
        }
        for (kind, base_url) in [
            (ProviderKind::Custom, "http://127.0.0.1:4000/v1"),
            (ProviderKind::Demo, "http://127.0.0.1:4001/v1"),
            (ProviderKind::Demo, "https://127.0.0.1:4000/v1"),
            (ProviderKind::Demo, "http://localhost:4000/v1"),
            (ProviderKind::Demo, "http://127.0.0.1:4000@example.com/v1"),
            (ProviderKind::Demo, "not a url"),
        ] {
            assert_eq!(demo(kind, base_url), AddressPolicy::PUBLIC, "{base_url}");
        }
    }

    #[test]
    fn a_refusal_names_the_host_and_what_to_do() {
        let refusal = |address: &str| {
            AddressPolicy::PUBLIC.check("llm.example", address.parse().unwrap()).unwrap_err().to_string()
        };
        assert_eq!(
            refusal("10.1.2.3:80"),
            "llm.example is on a local network, which this server does not connect to; an admin can allow \
             local networks in Settings"
        );
        assert_eq!(
            refusal("[fd00:ec2::254]:80"),
            "llm.example leads to a cloud metadata service, which is never connected to; check the base URL"
        );
    }
}
