//! No route answers under a name that nobody gave the server.

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode, header};
use tower::ServiceExt;

use super::examples::examples;
use super::fixture::{Caller, Fixture};
use super::record;
use crate::server::router;
use crate::server::router::page_paths;

/// Routes that are neither described nor pages nor server functions.
const OTHER: [&str; 7] =
    ["/ws", "/pkg/llm-studio.js", "/charts/x.js", "/favicon.svg", "/no/such/page", "/api/none", "/"];

/// Returns method and address of each route.
fn routes(fixture: &Fixture) -> Vec<(String, String)> {
    let described =
        examples(&fixture.annas).into_iter().map(|example| (example.method.to_owned(), example.address));
    let functions = leptos::server_fn::axum::server_fn_paths()
        .map(|(path, method)| (method.to_string(), path.to_owned()));
    let get = |path: &str| ("GET".to_owned(), path.to_owned());
    described.chain(functions).chain(page_paths().map(get)).chain(OTHER.map(get)).collect()
}

async fn ask(fixture: &Fixture, method: &str, address: &str, headers: &[(&str, &str)]) -> StatusCode {
    let Caller::Token(token) = &fixture.admin else { panic!("the admin has no token") };
    let request = Request::builder()
        .method(method)
        .uri(address.replace(['{', '}'], ""))
        .header(header::AUTHORIZATION, format!("Bearer {token}"));
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let mut request = request.body(Body::empty()).unwrap();
    let proxy: std::net::SocketAddr = "10.0.0.5:4000".parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(proxy));
    router(fixture.state.clone()).oneshot(request).await.unwrap().status()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_rejects_an_unknown_name() {
    let fixture = Fixture::sqlite().await;
    let before = record::of(&fixture.database, &fixture.annas.user).await;
    let routes = routes(&fixture);
    assert!(routes.len() > 100, "{}", routes.len());
    for (method, address) in &routes {
        // What a browser sends after DNS rebinding.
        let headers = [
            ("host", "evil.example:3000"),
            ("origin", "http://evil.example:3000"),
            ("sec-fetch-site", "same-origin"),
        ];
        let status = ask(&fixture, method, address, &headers).await;
        assert_eq!(status, StatusCode::MISDIRECTED_REQUEST, "{method} {address}");
    }
    record::assert_unchanged(&before, &record::of(&fixture.database, &fixture.annas.user).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_name_of_a_request_has_to_be_known() {
    let mut fixture = Fixture::sqlite().await;
    fixture.state.proxies = crate::http::client_ip::Proxies::trusting("10.0.0.5").unwrap();
    let status = async |address: &str, headers: &[(&str, &str)]| ask(&fixture, "GET", address, headers).await;
    let ok = StatusCode::OK;
    let rejected = StatusCode::MISDIRECTED_REQUEST;
    for (expected, address, headers) in [
        (ok, "/healthz", vec![]),
        (ok, "/healthz", vec![("host", "localhost:3000")]),
        (ok, "/healthz", vec![("host", "[::1]:3000")]),
        (rejected, "/healthz", vec![("host", "")]),
        (rejected, "/healthz", vec![("host", "localhost"), ("host", "evil.example")]),
        (rejected, "http://evil.example/healthz", vec![("host", "localhost")]),
        (ok, "http://localhost/healthz", vec![("host", "localhost")]),
        (ok, "/healthz", vec![("host", "10.0.0.7:3000"), ("x-forwarded-host", "localhost")]),
        (rejected, "/healthz", vec![("host", "10.0.0.7:3000"), ("x-forwarded-host", "evil.example")]),
    ] {
        assert_eq!(status(address, &headers).await, expected, "{address} {headers:?}");
    }
    fixture.state.proxies = crate::http::client_ip::Proxies::default();
    let of_nobody = [("host", "10.0.0.7:3000"), ("x-forwarded-host", "evil.example")];
    assert_eq!(ask(&fixture, "GET", "/healthz", &of_nobody).await, ok);
}
