//! Tests of the client with real sockets on this machine.

use std::{convert::Infallible, net::TcpListener};

use axum::{
    Router,
    body::{Body, Bytes},
    http::header,
    response::IntoResponse,
    routing::get,
};
use futures::stream::{self, StreamExt};

use super::*;
use crate::egress::testing::{Answers, answer_one, is_quiet};

const LIMITS: Limits =
    Limits { connect: Duration::from_secs(5), total: Duration::from_secs(5), max_bytes: 1024 };

async fn serve(router: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn ask(client: &Client, url: &str) -> Result<Answer, ApiError> {
    client.get(url.parse().unwrap(), HeaderMap::new()).await
}

async fn refusal(client: &Client, url: &str) -> String {
    let error = ask(client, url).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::AddressRefused, "{url}: {error}");
    error.message
}

#[tokio::test]
async fn forbidden_requests_are_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let public = Client::new(AddressPolicy::PUBLIC, LIMITS).unwrap();
    let port = address.port();
    for host in ["127.0.0.1", "2130706433", "[::ffff:127.0.0.1]", "localhost", "1.1.1.1@127.0.0.1"] {
        let message = refusal(&public, &format!("http://{host}:{port}/models")).await;
        assert!(message.contains("an admin can allow local networks"), "{message}");
    }
    let local = Client::new(AddressPolicy::PUBLIC_AND_LOCAL, LIMITS).unwrap();
    let answering = answer_one(listener);
    assert_eq!(ask(&local, &format!("http://{address}/models")).await.unwrap().body, b"hi");
    assert!(is_quiet(&answering.join().unwrap()));
}

#[tokio::test]
async fn an_exception_applies_only_to_its_port() {
    let demo = serve(Router::new().route("/", get(|| async { "demo" }))).await;
    let client = Client::new(AddressPolicy::PUBLIC.with_exception(demo), LIMITS).unwrap();
    assert_eq!(ask(&client, &format!("http://{demo}/")).await.unwrap().body, b"demo");
    refusal(&client, &format!("http://127.0.0.1:{}/", demo.port() ^ 1)).await;
    refusal(&client, &format!("http://localhost:{}/", demo.port())).await;
}

#[tokio::test]
async fn forbidden_addresses_of_a_name_are_never_tried() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://mixed.example:{}/", listener.local_addr().unwrap().port());
    // 0.0.0.0 would also connect to the listener.
    let resolver = Answers::new(&[&["0.0.0.0"], &["0.0.0.0", "127.0.0.1", "169.254.169.254"]]);
    let client = Client::resolving(Arc::new(resolver), AddressPolicy::PUBLIC_AND_LOCAL, LIMITS).unwrap();
    let message = refusal(&client, &url).await;
    assert!(message.contains("mixed.example resolves to") && !message.contains("0.0"), "{message}");
    let answering = answer_one(listener);
    assert_eq!(ask(&client, &url).await.unwrap().body, b"hi");
    assert!(is_quiet(&answering.join().unwrap()));
}

#[tokio::test]
async fn each_lookup_of_a_name_is_checked() {
    let answers: [&[&str]; 2] = [&["127.0.0.1"], &["0.0.0.0"]];
    let server =
        serve(Router::new().route("/", get(|| async { ([(header::CONNECTION, "close")], "hi") }))).await;
    let client =
        Client::resolving(Arc::new(Answers::new(&answers)), AddressPolicy::PUBLIC_AND_LOCAL, LIMITS).unwrap();
    let url = format!("http://rebind.example:{}/", server.port());
    assert_eq!(ask(&client, &url).await.unwrap().body, b"hi");
    refusal(&client, &url).await;
}

#[tokio::test]
async fn a_redirect_is_returned_and_not_followed() {
    for target in ["http://169.254.169.254/latest/meta-data/", "http://localhost:1/", "file:///etc/passwd"] {
        let redirect =
            move || async move { (StatusCode::FOUND, [(header::LOCATION, target)]).into_response() };
        let server = serve(Router::new().route("/", get(redirect))).await;
        let client = Client::new(AddressPolicy::PUBLIC_AND_LOCAL, LIMITS).unwrap();
        let answer = ask(&client, &format!("http://{server}/")).await.unwrap();
        assert_eq!(
            (answer.status, answer.headers[header::LOCATION].to_str().unwrap()),
            (StatusCode::FOUND, target)
        );
    }
}

#[tokio::test]
async fn an_endless_body_is_aborted() {
    let endless = || async {
        Body::from_stream(stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from_static(&[b' '; 100]))))
    };
    let server = serve(Router::new().route("/", get(endless))).await;
    let client = Client::new(AddressPolicy::PUBLIC_AND_LOCAL, LIMITS).unwrap();
    let error = ask(&client, &format!("http://{server}/")).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::BadResponse);
    assert!(error.message.contains("1024 bytes"), "{error}");
}

#[tokio::test]
async fn a_slow_endless_body_is_aborted() {
    let drip = || async {
        let drops = tokio::time::interval(Duration::from_millis(1));
        let drops = stream::unfold(drops, |mut drops| async {
            drops.tick().await;
            Some((Ok::<_, Infallible>(Bytes::from_static(b" ")), drops))
        });
        Body::from_stream(drops.boxed())
    };
    let server = serve(Router::new().route("/", get(drip))).await;
    let limits = Limits { total: Duration::from_millis(100), max_bytes: usize::MAX, ..LIMITS };
    let client = Client::new(AddressPolicy::PUBLIC_AND_LOCAL, limits).unwrap();
    let error = ask(&client, &format!("http://{server}/")).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::TotalTimeout);
}

#[tokio::test]
async fn other_schemes_are_rejected() {
    let client = Client::new(AddressPolicy::PUBLIC_AND_LOCAL, LIMITS).unwrap();
    for url in ["file:///etc/passwd", "gopher://127.0.0.1:6379/_INFO", "ftp://127.0.0.1/"] {
        assert!(ask(&client, url).await.is_err(), "{url}");
    }
}
