//! Tests that an API key appears only in requests to the address that it was saved for.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use leptos::server_fn::ServerFn;
use llm_benchmark_studio::providers::api::ShareProvider;
use serde_json::json;

use super::client::{Client, text};
use super::endpoint::Endpoint;
use super::process::{Installation, contents};
use super::socket::Socket;

const USERS_KEY: &str = "sk-canary-7f3a9c51d2e8b604-zx9q";
const SERVERS_KEY: &str = "sk-parrot-1b60f2a94c77e35d-kw4v";
/// The parts of both keys that must not appear.
const TRACES: [&str; 2] = ["canary-7f3a9c51d2e8b604", "parrot-1b60f2a94c77e35d"];

#[tokio::test]
async fn a_key_is_sent_only_to_the_address_that_it_was_saved_for() {
    let installation = Installation::new().with("RUST_LOG", "debug").with("OPENAI_API_KEY", SERVERS_KEY);
    let server = installation.start();
    let anna = Client::register(&server, "anna").await;
    let endpoint = Endpoint::start(echo_key).await;
    let provider = anna.add_provider("echo", &endpoint.base_url).await;
    anna.add_model(&provider, "model").await;
    anna.put("/api/keys", json!({ "provider_key": "echo", "value": USERS_KEY })).await;

    let mut tab = Socket::open(&anna).await;
    let benchmark = anna.start("echo", &["model"], 1).await;
    tab.wait_for("job_completed", &benchmark).await;
    assert_has_no_key("the socket", &format!("{} {:?}", tab.sync, tab.received));
    let unset = json!({ "provider_key": "echo", "value": "" });
    for (method, path, body) in [
        ("GET", "/api/models/discover?provider_key=echo", None),
        ("GET", "/api/health/providers", None),
        ("PUT", "/api/keys", Some(unset)),
        ("PUT", "/api/keys", Some(json!({ "provider_key": "echo", "value": format!("{USERS_KEY} two") }))),
        ("PUT", "/api/keys", Some(json!({ "provider_key": "none", "value": USERS_KEY }))),
    ] {
        let (_, answer) = anna.call(method, path, body).await;
        assert_has_no_key(path, &answer);
    }
    let benchmark_page = format!("/benchmark/{benchmark}");
    for path in readable_paths(&anna, &provider, &benchmark).await.iter().chain([&benchmark_page]) {
        let (_, answer) = anna.call("GET", path, None).await;
        assert_has_no_key(path, &answer);
    }

    assert_sent_only_in_headers(&endpoint);
    assert_has_no_key("the log", &server.log());
    assert_has_no_key("the data directory", &String::from_utf8_lossy(&contents(&installation.data())));

    let elsewhere = Endpoint::start(echo_key).await;
    let moved = json!({ "api_base": elsewhere.base_url });
    anna.put(&format!("/api/v2/providers/{provider}"), moved).await;
    let (status, answer) = anna.call("GET", "/api/models/discover?provider_key=echo", None).await;
    assert!(!status.is_success(), "{answer}");
    assert_has_no_key("the new address", &format!("{:?}", elsewhere.received()));
}

#[tokio::test]
async fn no_protocol_sends_a_key_in_the_url() {
    let installation = Installation::new();
    let server = installation.start();
    let anna = Client::register(&server, "anna").await;
    for kind in ["anthropic", "gemini", "cohere"] {
        let endpoint = Endpoint::start(echo_key).await;
        let key = format!("my-{kind}");
        let provider = json!({ "key": key, "name": kind, "kind": kind, "api_base": endpoint.base_url });
        let provider = text(&anna.post("/api/v2/providers", provider).await["id"]);
        anna.add_model(&provider, "model").await;
        anna.put("/api/keys", json!({ "provider_key": key, "value": USERS_KEY })).await;
        let (_, answer) = anna.call("GET", &format!("/api/models/discover?provider_key={key}"), None).await;
        assert_has_no_key("discovery", &answer);
        let discovery_requests = endpoint.received().len();
        let mut tab = Socket::open(&anna).await;
        let benchmark = anna.start(&key, &["model"], 1).await;
        tab.wait_for("job_completed", &benchmark).await;
        assert_has_no_key("the socket", &format!("{:?}", tab.received));
        assert!(0 < discovery_requests && discovery_requests < endpoint.received().len());
        assert_sent_only_in_headers(&endpoint);
    }
}

/// Asserts that every request has the key in a header and not in its URL.
#[track_caller]
fn assert_sent_only_in_headers(endpoint: &Endpoint) {
    let received = endpoint.received();
    assert!(
        !received.is_empty() && received.iter().all(|request| request.headers.contains(USERS_KEY)),
        "{received:?}"
    );
    received.iter().for_each(|request| assert_has_no_key("an address", &request.address));
}

/// Returns an error message that contains the key, as some endpoints do.
fn echo_key(authorization: &str) -> Response {
    let error = json!({ "error": { "message": format!("Incorrect API key: {authorization}") } });
    (StatusCode::UNAUTHORIZED, Json(error)).into_response()
}

/// Returns the paths of all REST resources that need at most an id, and of the pages.
async fn readable_paths(anna: &Client, provider: &str, benchmark: &str) -> Vec<String> {
    let description = anna.get("/api/openapi.json").await;
    let paths = description["paths"].as_object().unwrap();
    let readable = paths.iter().filter(|(_, item)| item.get("get").is_some());
    let ids =
        |path: &str| if path.contains("providers") { provider.to_owned() } else { benchmark.to_owned() };
    let pages = ["/benchmark", "/providers", "/history", "/account", "/admin"].map(str::to_owned);
    readable.map(|(path, _)| path.replace("{id}", &ids(path))).chain(pages).collect()
}

#[track_caller]
fn assert_has_no_key(place: &str, text: &str) {
    for trace in TRACES {
        let at = text.find(trace);
        assert!(at.is_none(), "{place} has a key: {:?}", at.map(|at| text.get(at.saturating_sub(200)..at)));
    }
}

#[tokio::test]
async fn users_of_a_shared_provider_cannot_read_its_key_or_send_it_to_other_addresses() {
    let installation = Installation::new();
    let server = installation.start();
    let admin = Client::register(&server, "admin").await;
    let endpoint = Endpoint::start(echo_key).await;
    let provider = admin.add_provider("echo", &endpoint.base_url).await;
    admin.add_model(&provider, "model").await;
    admin.put("/api/keys", json!({ "provider_key": "echo", "value": USERS_KEY })).await;
    share(&admin, &provider).await;
    let ben = Client::register(&server, "ben").await;
    admin.put("/api/admin/settings", json!({ "registration": "open", "local_networks": true })).await;

    let providers = ben.get("/api/v2/providers").await;
    let shared = providers.as_array().unwrap().iter().find(|provider| provider["shared"] == true).unwrap();
    let (shared_id, shared_key) = (text(&shared["id"]), text(&shared["key"]));
    let (_, answer) = ben.call("GET", &format!("/api/models/discover?provider_key={shared_key}"), None).await;
    assert_has_no_key("discovery", &answer);
    assert_sent_only_in_headers(&endpoint);
    let mut tab = Socket::open(&ben).await;
    let benchmark = ben.start(&shared_key, &["model"], 1).await;
    tab.wait_for("job_completed", &benchmark).await;
    assert_has_no_key("the socket", &format!("{:?}", tab.received));
    for path in readable_paths(&ben, &shared_id, &benchmark).await {
        let (_, answer) = ben.call("GET", &path, None).await;
        assert_has_no_key(&path, &answer);
        assert!(!answer.contains("zx9q"), "{path} has the end of another user's key: {answer}");
    }

    let elsewhere = Endpoint::start(echo_key).await;
    let moved = json!({ "provider_key": shared_key, "api_base": elsewhere.base_url });
    let by_id = format!("/api/v2/providers/{shared_id}");
    for (path, body) in
        [(&*by_id, json!({ "api_base": elsewhere.base_url })), ("/api/config/provider", moved)]
    {
        let (status, answer) = ben.call("PUT", path, Some(body)).await;
        assert!(matches!(status.as_u16(), 403 | 404), "{path}: {status} {answer}");
    }
    assert_eq!(admin.get(&by_id).await["api_base"], json!(endpoint.base_url));
    assert!(elsewhere.received().is_empty());
}

/// Shares a provider through the server function of the page; REST has no operation for it.
async fn share(admin: &Client, provider: &str) {
    let form = format!("provider={provider}&shared=true");
    let (status, answer) = admin.submit(ShareProvider::PATH, form).await;
    assert!(status.is_success() || status.is_redirection(), "{status} {answer}");
}

#[tokio::test]
async fn a_wrong_secret_is_reported_at_start() {
    let (right, wrong) = ("jX3v9Qm2Lr7Tz5Wb8Nc4Kd6Hf1Gs0PyA", "Zq8Rw2Xe6Ct4Vy0Bu1Ni5Mo7Lp3KjHgF");
    let installation = Installation::new().with("STUDIO_SECRET", right);
    installation.start().kill();
    let installation = installation.with("STUDIO_SECRET", wrong);
    let output = installation.refusal();
    assert!(output.contains("STUDIO_SECRET is not the secret that this database was used with"), "{output}");
    assert!(output.contains("llm-studio secret reset"), "{output}");
    assert!(!output.contains(right) && !output.contains(wrong), "{output}");
    // The failed start has changed nothing.
    installation.with("STUDIO_SECRET", right).start();
}

#[tokio::test]
async fn a_lost_or_weak_secret_is_reported_at_start() {
    let installation = Installation::new();
    installation.start().kill();
    std::fs::remove_file(installation.data().join("secret")).unwrap();
    let output = installation.refusal();
    assert!(output.contains("the secret of this database is lost"), "{output}");
    let output = Installation::new().with("STUDIO_SECRET", "changeme").refusal();
    assert!(output.contains("STUDIO_SECRET is invalid") && output.contains("openssl rand"), "{output}");
    assert!(!output.contains("changeme"), "{output}");
}

#[tokio::test]
async fn an_unreachable_database_is_reported_without_its_password() {
    let url = "postgres://studio:hunter2secret@127.0.0.1:1/studio";
    let output = Installation::new().with("DATABASE_URL", url).with("RUST_LOG", "debug").refusal();
    assert!(!output.contains("hunter2secret"), "{output}");
}
