//! Which addresses a measured connection is opened to, which never see a packet, and how long each phase of
//! opening it takes.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use super::*;
use crate::egress::testing::{Answers, expect_one_arrival, twin_listeners};

const LIMIT: Duration = Duration::from_secs(5);

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

async fn refusal(resolver: &dyn Resolver, text: &str, policy: AddressPolicy) -> String {
    let error = Connection::open_resolving(resolver, &url(text), policy, LIMIT).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::AddressRefused, "{text}: {error}");
    error.message
}

#[tokio::test]
async fn what_is_refused_never_arrives() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    for host in ["127.0.0.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "localhost", "1.1.1.1@127.0.0.1"]
    {
        let text = format!("http://{host}:{port}/v1");
        let message = refusal(&SystemResolver, &text, AddressPolicy::PUBLIC).await;
        assert!(message.contains("an admin can allow local networks"), "{message}");
    }
    // The kernel takes it for this machine.
    refusal(&SystemResolver, &format!("http://0.0.0.0:{port}/v1"), AddressPolicy::PUBLIC_AND_LOCAL).await;
    let allowed = url(&format!("http://127.0.0.1:{port}/v1"));
    let _open = Connection::open(&allowed, AddressPolicy::PUBLIC_AND_LOCAL, LIMIT).await.unwrap();
    expect_one_arrival(&listener);
}

#[tokio::test]
async fn the_address_that_was_judged_is_the_one_connected_to() {
    let (v4, v6, port) = twin_listeners();
    let only_v4 = AddressPolicy::PUBLIC.with_exception(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let only_v6 = AddressPolicy::PUBLIC.with_exception(SocketAddr::from((Ipv6Addr::LOCALHOST, port)));
    let resolver = Answers::new(&[&["::1", "127.0.0.1"], &["::1"], &["::1"]]);
    let text = format!("http://rebind.example:{port}/v1");

    let _open = Connection::open_resolving(&resolver, &url(&text), only_v4, LIMIT).await.unwrap();
    assert_eq!(resolver.left(), 2, "a name is looked up once for a connection");
    expect_one_arrival(&v4);

    let message = refusal(&resolver, &text, only_v4).await;
    assert!(message.contains("rebind.example") && !message.contains("::1"), "{message}");

    let _open = Connection::open_resolving(&resolver, &url(&text), only_v6, LIMIT).await.unwrap();
    expect_one_arrival(&v6);
}

#[tokio::test]
async fn each_phase_is_timed_where_it_happened() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let opened = async |host: &str| {
        let resolver = Answers::new(&[&["127.0.0.1"]]);
        let url = url(&format!("http://{host}:{port}/v1"));
        let policy = AddressPolicy::PUBLIC_AND_LOCAL;
        Connection::open_resolving(&resolver, &url, policy, LIMIT).await.unwrap().1
    };
    let named = opened("llm.example").await;
    assert!(named.dns_ms.is_some_and(|dns_ms| dns_ms + named.tcp_ms <= named.connect_ms), "{named:?}");
    assert_eq!(named.tls_ms, None);
    let literal = opened("127.0.0.1").await;
    assert_eq!((literal.dns_ms, literal.tls_ms), (None, None));
    assert!(literal.tcp_ms <= literal.connect_ms, "{literal:?}");
}
