//! Resolves a URL to allowed addresses. The name is looked up once and the checked addresses are used for the
//! connection, so that a second lookup cannot return another address (DNS rebinding).

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use futures::future::BoxFuture;
use tokio::net::lookup_host;
use url::{Host, Url};

use super::policy::{AddressPolicy, Refused};

/// A DNS resolver.
pub trait Resolver: Send + Sync {
    /// # Errors
    /// If the name is unknown or the lookup fails.
    fn lookup(&self, name: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// The operating system's resolver.
#[derive(Debug, Clone, Copy)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn lookup(&self, name: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let name = name.to_owned();
        Box::pin(async move { Ok(lookup_host((name, 0)).await?.map(|address| address.ip()).collect()) })
    }
}

/// The reason why there is no address to connect to.
#[derive(Debug, thiserror::Error)]
pub enum NoAddress {
    /// The policy forbids every address of the host.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The DNS lookup failed.
    #[error(transparent)]
    Lookup(#[from] io::Error),
}

/// The addresses of a URL's host that may be connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    /// In the resolver's order, at least one.
    pub allowed: Vec<SocketAddr>,
    /// From asking the resolver to its answer; `None` for an address literal, which needs no look-up.
    pub lookup: Option<Duration>,
}

/// Returns the addresses of `url`'s host that `policy` allows, and how long the look-up took. Connect only to
/// these.
///
/// # Errors
/// If the host is unknown or none of its addresses is allowed.
pub async fn addresses(
    url: &Url,
    policy: AddressPolicy,
    resolver: &dyn Resolver,
) -> Result<Addresses, NoAddress> {
    let port = url.port_or_known_default().unwrap_or(80);
    match url.host() {
        Some(Host::Domain(name)) => {
            let asked = Instant::now();
            let found = resolver.lookup(name).await;
            let lookup = Some(asked.elapsed());
            Ok(Addresses { allowed: allowed(name, found, port, policy)?, lookup })
        }
        Some(Host::Ipv4(ip)) => literal(url, (ip, port).into(), policy),
        Some(Host::Ipv6(ip)) => literal(url, (ip, port).into(), policy),
        None => Err(io::Error::new(io::ErrorKind::InvalidInput, "the URL has no host").into()),
    }
}

fn literal(url: &Url, address: SocketAddr, policy: AddressPolicy) -> Result<Addresses, NoAddress> {
    policy.check(url.host_str().unwrap_or_default(), address)?;
    Ok(Addresses { allowed: vec![address], lookup: None })
}

/// Returns the addresses of `name` that `policy` allows, of those that a look-up found.
///
/// # Errors
/// If there is none. Where local networks are forbidden the error is the same for every name: otherwise it would tell
/// which names exist on the server's network.
pub(super) fn allowed(
    name: &str,
    found: io::Result<Vec<IpAddr>>,
    port: u16,
    policy: AddressPolicy,
) -> Result<Vec<SocketAddr>, NoAddress> {
    let allowed = found.map_err(NoAddress::from).and_then(|found| checked(name, found, port, policy));
    if policy.allows_local_networks() {
        return allowed;
    }
    allowed.map_err(|_| Refused::no_public_address(name).into())
}

fn checked(
    name: &str,
    found: Vec<IpAddr>,
    port: u16,
    policy: AddressPolicy,
) -> Result<Vec<SocketAddr>, NoAddress> {
    let mut refused = None;
    let allowed: Vec<_> = found
        .into_iter()
        .map(|ip| SocketAddr::new(ip, port))
        .filter(|&address| policy.check(name, address).map_err(|refusal| refused = Some(refusal)).is_ok())
        .collect();
    match refused {
        _ if !allowed.is_empty() => Ok(allowed),
        Some(refusal) => Err(refusal.into()),
        None => Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::testing::Answers;

    async fn found(url: &str, policy: AddressPolicy, resolver: &Answers) -> Result<Vec<String>, String> {
        let found = addresses(&Url::parse(url).unwrap(), policy, resolver).await;
        found
            .map(|found| found.allowed.iter().map(ToString::to_string).collect())
            .map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn only_the_allowed_addresses_are_returned() {
        let resolver = Answers::new(&[&["10.0.0.1", "1.1.1.1", "169.254.169.254", "2606:4700::1111", "::1"]]);
        let found = found("https://mixed.example/v1", AddressPolicy::PUBLIC, &resolver).await;
        assert_eq!(found.unwrap(), ["1.1.1.1:443", "[2606:4700::1111]:443"]);
    }

    #[tokio::test]
    async fn a_name_that_changes_to_loopback_is_rejected() {
        let resolver = Answers::new(&[&["1.1.1.1"], &["127.0.0.1"]]);
        let first = found("http://rebind.example", AddressPolicy::PUBLIC, &resolver).await;
        assert_eq!(first.unwrap(), ["1.1.1.1:80"]);
        let second = found("http://rebind.example", AddressPolicy::PUBLIC, &resolver).await.unwrap_err();
        assert!(second.contains("rebind.example has no public address"), "{second}");
        assert!(!second.contains("127."), "{second}");
    }

    #[tokio::test]
    async fn every_notation_of_an_address_is_checked() {
        let unused = Answers::new(&[]);
        for host in [
            "2852039166",
            "0xa9fea9fe",
            "0251.0376.0251.0376",
            "169.254.43518",
            "169.254.169.254.",
            "①⑥⑨.②⑤④.①⑥⑨.②⑤④",
            "1.1.1.1@169.254.169.254",
            "[::ffff:169.254.169.254]",
            "[64:ff9b::a9fe:a9fe]",
            "[2002:a9fe:a9fe::1]",
            "[fe80::1]",
            "0",
        ] {
            let error = found(&format!("http://{host}/"), AddressPolicy::PUBLIC_AND_LOCAL, &unused).await;
            assert!(error.as_ref().unwrap_err().contains("is blocked"), "{host}: {error:?}");
        }
        for host in ["2130706433", "0x7f.1", "017700000001", "127.1.", "[::1]", "[::ffff:7f00:1]"] {
            let error = found(&format!("http://{host}/"), AddressPolicy::PUBLIC, &unused).await;
            assert!(error.as_ref().unwrap_err().contains("local network"), "{host}: {error:?}");
        }
    }

    #[tokio::test]
    async fn this_machines_name_is_resolved_like_any_other() {
        let url = Url::parse("http://LocalHost/").unwrap();
        let error = addresses(&url, AddressPolicy::PUBLIC, &SystemResolver).await.unwrap_err();
        assert!(matches!(error, NoAddress::Refused(_)), "{error}");
        assert!(addresses(&url, AddressPolicy::PUBLIC_AND_LOCAL, &SystemResolver).await.is_ok());
    }

    #[tokio::test]
    async fn only_a_name_is_looked_up() {
        let lookup = async |url: &str| {
            let resolver = Answers::new(&[&["1.1.1.1"]]);
            let found = addresses(&Url::parse(url).unwrap(), AddressPolicy::PUBLIC, &resolver).await;
            found.unwrap().lookup
        };
        assert!(lookup("https://llm.example/v1").await.is_some());
        assert_eq!(lookup("https://1.1.1.1/v1").await, None);
        assert_eq!(lookup("https://[2606:4700::1111]/v1").await, None);
    }

    #[tokio::test]
    async fn a_name_without_an_address_is_an_error() {
        let error =
            found("http://empty.example", AddressPolicy::PUBLIC_AND_LOCAL, &Answers::new(&[&[]])).await;
        assert_eq!(error.unwrap_err(), "the name has no address");
    }

    #[tokio::test]
    async fn an_error_does_not_tell_whether_a_name_exists_on_the_local_network() {
        let on_networks: [&[&str]; 6] =
            [&["10.0.0.1"], &["127.0.0.1", "::1"], &["169.254.169.254"], &["fe80::1"], &["0.0.0.0"], &[]];
        let url = Url::parse("http://wiki.internal/v1").unwrap();
        let mut errors = vec![addresses(&url, AddressPolicy::PUBLIC, &Unknown).await.unwrap_err()];
        for found in on_networks {
            errors.push(addresses(&url, AddressPolicy::PUBLIC, &Answers::new(&[found])).await.unwrap_err());
        }
        for error in errors {
            let NoAddress::Refused(refused) = &error else { panic!("{error:?}") };
            assert_eq!(*refused, Refused::no_public_address("wiki.internal"));
        }
        let known = addresses(&url, AddressPolicy::PUBLIC_AND_LOCAL, &Unknown).await.unwrap_err();
        assert!(matches!(known, NoAddress::Lookup(_)), "{known:?}");
    }

    /// A resolver that knows no name.
    struct Unknown;

    impl Resolver for Unknown {
        fn lookup(&self, _: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
            Box::pin(async { Err(io::Error::other("failed to lookup address information")) })
        }
    }
}
