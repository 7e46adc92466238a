//! The address policy, and the errors for forbidden addresses.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use url::{Host, Url};

use super::address_class::{AddressClass, Reason, classify};
use crate::{ApiError, ErrorKind, Provider, ProviderKind};

/// The addresses to which connections are allowed. Cloud metadata, link-local and reserved addresses are always
/// forbidden.
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
    /// Public addresses only.
    pub const PUBLIC: Self = Self { networks: Networks::Public, exception: None };

    /// Public addresses, this machine and private networks: for users who run the program themselves.
    pub const PUBLIC_AND_LOCAL: Self = Self { networks: Networks::PublicAndLocal, exception: None };

    /// Creates the policy from the admin's setting.
    pub const fn of_setting(allows_local_networks: bool) -> Self {
        if allows_local_networks { Self::PUBLIC_AND_LOCAL } else { Self::PUBLIC }
    }

    /// Returns the policy for requests to `provider`, if the built-in demo listens at `demo`. The demo provider
    /// may connect to exactly that address and port even if local networks are forbidden. Another provider with
    /// its kind or URL gets no further access.
    pub fn for_provider(self, provider: &Provider, demo: SocketAddr) -> Self {
        let origin = |url: &str| Url::parse(url).ok().map(|url| url.origin());
        let is_demo = provider.kind == ProviderKind::Demo
            && origin(&provider.base_url) == origin(&format!("http://{demo}"));
        if is_demo { self.with_exception(demo) } else { self }
    }

    /// Returns this policy with `address` allowed. For addresses that do not come from users.
    pub const fn with_exception(self, address: SocketAddr) -> Self {
        Self { exception: Some(address), ..self }
    }

    /// Returns whether this machine and private networks are allowed.
    pub(super) fn allows_local_networks(self) -> bool {
        self.networks == Networks::PublicAndLocal
    }

    /// Returns this policy for connections whose port is not known yet.
    pub(super) const fn without_exception(self) -> Self {
        Self { exception: None, ..self }
    }

    /// Checks an address that `host`, as written by the user, resolves to.
    ///
    /// # Errors
    /// If connections to it are forbidden.
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

impl AddressPolicy {
    /// Checks a URL as far as its address is known without a DNS lookup: if its host is an IP address or
    /// `localhost`. Every connection is checked again.
    ///
    /// # Errors
    /// If connections to it are forbidden.
    pub fn check_url(self, url: &str) -> Result<(), Refused> {
        let Ok(url) = Url::parse(url) else { return Ok(()) };
        let address = match url.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            Some(Host::Domain(name)) if name == "localhost" || name.ends_with(".localhost") => {
                IpAddr::V4(Ipv4Addr::LOCALHOST)
            }
            Some(Host::Domain(_)) | None => return Ok(()),
        };
        let address = SocketAddr::new(address, url.port_or_known_default().unwrap_or_default());
        self.check(url.host_str().unwrap_or_default(), address)
    }
}

/// The address is forbidden. Names the host as given, never the resolved address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(String);

impl Refused {
    fn local(host: &str) -> Self {
        Self(format!(
            "{host} is on a local network, which is blocked on this server; an admin can allow local \
             networks under Admin"
        ))
    }

    /// The error of a name that cannot be connected to while local networks are forbidden.
    pub(super) fn no_public_address(host: &str) -> Self {
        Self(format!(
            "{host} has no public address: the name is unknown, or it is on a local network, which is blocked on this \
             server; check the URL, or ask whether an admin can allow local networks under Admin"
        ))
    }

    fn reason(host: &str, reason: Reason) -> Self {
        let what = match reason {
            Reason::Unspecified => "an unspecified address",
            Reason::Reserved => "a reserved address",
            Reason::Multicast => "a multicast address",
            Reason::LinkLocal => "a link-local address",
            Reason::Metadata => "a cloud metadata address",
        };
        Self(format!("{host} resolves to {what}, which is blocked; check the base URL"))
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
    fn an_admin_can_allow_local_networks_but_nothing_else() {
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
    fn only_the_demo_provider_reaches_the_demo_and_nothing_else() {
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
    fn a_url_is_checked_as_far_as_its_address_is_known() {
        let public = AddressPolicy::PUBLIC;
        for url in
            ["http://127.0.0.1:80/v1", "http://localhost:1/v1", "http://a.localhost", "http://[::1]/v1"]
        {
            assert!(public.check_url(url).is_err(), "{url}");
            assert_eq!(AddressPolicy::PUBLIC_AND_LOCAL.check_url(url), Ok(()), "{url}");
        }
        for url in ["https://api.example/v1", "http://1.1.1.1", "not a url", "demo:"] {
            assert_eq!(public.check_url(url), Ok(()), "{url}");
        }
        assert!(AddressPolicy::PUBLIC_AND_LOCAL.check_url("http://169.254.169.254/v1").is_err());
        assert_eq!(public.with_exception(DEMO).check_url("http://127.0.0.1:4000/v1"), Ok(()));
    }

    #[test]
    fn an_error_names_the_host_and_what_to_do() {
        let refusal = |address: &str| {
            AddressPolicy::PUBLIC.check("llm.example", address.parse().unwrap()).unwrap_err().to_string()
        };
        assert_eq!(
            refusal("10.1.2.3:80"),
            "llm.example is on a local network, which is blocked on this server; an admin can allow \
             local networks under Admin"
        );
        assert_eq!(
            refusal("[fd00:ec2::254]:80"),
            "llm.example resolves to a cloud metadata address, which is blocked; check the base URL"
        );
    }
}
