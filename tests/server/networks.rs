//! Tests of the addresses that a server may send requests to: local networks, metadata addresses, redirects.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use axum::Json;
use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::client::{Client, text};
use super::endpoint::Endpoint;
use super::process::{Installation, Server};
use super::socket::Socket;

#[tokio::test]
async fn local_networks_are_allowed_for_a_sole_user_or_by_an_admin() {
    let installation = Installation::new();
    let server = installation.start();
    let endpoint = Endpoint::start(list_one_model).await;
    let admin = Client::register(&server, "admin").await;
    admin.add_provider("local", &endpoint.base_url).await;
    assert_eq!(discover(&admin, "local").await, Ok(()));
    let reached = endpoint.received().len();

    let ben = Client::register(&server, "ben").await;
    let provider = ben.add_provider("local", &endpoint.base_url).await;
    ben.add_model(&provider, "model").await;
    // This name resolves to the same address.
    let named = ben.add_provider("named", &endpoint.base_url.replace("127.0.0.1", "localhost")).await;
    ben.add_model(&named, "model").await;
    for (user, key) in [(&ben, "local"), (&ben, "named"), (&admin, "local")] {
        let refusal = discover(user, key).await.unwrap_err();
        assert!(refusal.contains("an admin can allow local networks"), "{refusal}");
    }
    for key in ["local", "named"] {
        let body = json!({ "targets": [{ "provider_key": key, "model_id": "model" }] });
        let (status, refusal) = ben.call("POST", "/api/benchmark", Some(body)).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{refusal}");
        assert!(refusal.contains("an admin can allow local networks"), "{refusal}");
    }
    // The address of this name is known only when the job connects.
    if let Some(host) = local_name() {
        let named = ben.add_provider("host", &endpoint.base_url.replace("127.0.0.1", &host)).await;
        ben.add_model(&named, "model").await;
        assert_eq!(measure(&ben, "host").await, "address_refused", "{host}");
    }
    assert_eq!(endpoint.received().len(), reached, "a refused request was sent");

    let (status, _) = ben.call("PUT", "/api/admin/settings", Some(settings(true))).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    admin.put("/api/admin/settings", settings(true)).await;
    for key in ["local", "named"] {
        assert_eq!(discover(&ben, key).await, Ok(()));
    }
    admin.put("/api/admin/settings", settings(false)).await;
    assert!(discover(&ben, "local").await.is_err());
}

#[tokio::test]
async fn link_local_and_metadata_addresses_are_never_called() {
    let (_installation, _server, admin) = sole_user().await;
    for (key, host) in [
        ("metadata", "169.254.169.254"),
        ("decimal", "2852039166"),
        ("mapped", "[::ffff:169.254.169.254]"),
        ("alibaba", "100.100.100.200"),
        ("linklocal", "[fe80::1]"),
    ] {
        admin.put("/api/admin/settings", settings(true)).await;
        let provider = json!({ "key": key, "name": key, "api_base": format!("http://{host}/v1") });
        let (status, answer) = admin.call("POST", "/api/v2/providers", Some(provider)).await;
        if status.is_success() {
            let refusal = discover(&admin, key).await.unwrap_err();
            assert!(refusal.contains("which is blocked; check the base URL"), "{host}: {refusal}");
        } else {
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{host}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (_installation, _server, admin) = sole_user().await;
    let target = Endpoint::start(list_one_model).await;
    let location = format!("{}/models", target.base_url);
    let redirecting =
        move |_: &str| (StatusCode::FOUND, [(header::LOCATION, location.clone())]).into_response();
    let endpoint = Endpoint::start(redirecting).await;
    let provider = admin.add_provider("moved", &endpoint.base_url).await;
    admin.add_model(&provider, "model").await;
    assert!(discover(&admin, "moved").await.is_err());
    assert_eq!(measure(&admin, "moved").await, "bad_response");
    assert!(!endpoint.received().is_empty());
    assert!(target.received().is_empty(), "{:?}", target.received());
}

#[tokio::test]
async fn an_endless_response_is_aborted() {
    let (_installation, _server, admin) = sole_user().await;
    let endless = |_: &str| {
        let blanks =
            futures::stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from_static(&[b' '; 1 << 16])));
        Body::from_stream(blanks).into_response()
    };
    let endpoint = Endpoint::start(endless).await;
    admin.add_provider("endless", &endpoint.base_url).await;
    let refusal = discover(&admin, "endless").await.unwrap_err();
    assert!(refusal.contains("bytes"), "{refusal}");
}

/// Returns this machine's name, if it resolves to an address of this machine or of a private network.
fn local_name() -> Option<String> {
    let output = std::process::Command::new("uname").arg("-n").output().ok()?;
    let name = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    let addresses: Vec<_> = (name.as_str(), 80).to_socket_addrs().ok()?.collect();
    let is_local = |address: &SocketAddr| match address.ip() {
        IpAddr::V4(address) => address.is_loopback() || address.is_private(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
    };
    (!addresses.is_empty() && addresses.iter().all(is_local)).then_some(name)
}

async fn sole_user() -> (Installation, Server, Client) {
    let installation = Installation::new();
    let server = installation.start();
    let admin = Client::register(&server, "admin").await;
    (installation, server, admin)
}

fn settings(local_networks: bool) -> serde_json::Value {
    json!({ "registration": "open", "local_networks": local_networks })
}

fn list_one_model(_: &str) -> Response {
    Json(json!({ "object": "list", "data": [{ "id": "model", "object": "model" }] })).into_response()
}

/// Discovers the models of a provider.
///
/// # Errors
/// Returns the server's response if discovery fails.
async fn discover(user: &Client, key: &str) -> Result<(), String> {
    let (status, answer) = user.call("GET", &format!("/api/models/discover?provider_key={key}"), None).await;
    if status.is_success() { Ok(()) } else { Err(answer) }
}

/// Runs a benchmark of the provider's model and returns the kind of error of its run.
async fn measure(user: &Client, key: &str) -> String {
    let mut tab = Socket::open(user).await;
    let benchmark = user.start(key, &["model"], 1).await;
    tab.wait_for("job_completed", &benchmark).await;
    let detail = user.get(&format!("/api/history/{benchmark}")).await;
    text(&detail["rows"][0]["runs"][0]["error"]["kind"])
}
