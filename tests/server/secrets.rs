//! Where an API key may be found: in a request to the address that it was saved for, and nowhere else.

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
/// What must not be found of either.
const TRACES: [&str; 2] = ["canary-7f3a9c51d2e8b604", "parrot-1b60f2a94c77e35d"];

#[tokio::test]
async fn a_key_is_found_only_at_the_address_that_it_was_saved_for() {
    let installation = Installation::new().with("RUST_LOG", "debug").with("OPENAI_API_KEY", SERVERS_KEY);
    let server = installation.start();
    let anna = Client::register(&server, "anna").await;
    let endpoint = Endpoint::start(echoes_the_key).await;
    let provider = anna.add_provider("echo", &endpoint.base_url).await;
    anna.add_model(&provider, "model").await;
    anna.put("/api/keys", json!({ "provider_key": "echo", "value": USERS_KEY })).await;

    let mut tab = Socket::open(&anna).await;
    let benchmark = anna.start("echo", &["model"], 1).await;
    tab.wait_for("job_completed", &benchmark).await;
    assert_keeps_still("the socket", &format!("{} {:?}", tab.sync, tab.received));
    let asked = json!({ "provider_key": "echo", "value": "" });
    for (method, path, body) in [
        ("GET", "/api/models/discover?provider_key=echo", None),
        ("GET", "/api/health/providers", None),
        ("PUT", "/api/keys", Some(asked)),
        ("PUT", "/api/keys", Some(json!({ "provider_key": "echo", "value": format!("{USERS_KEY} two") }))),
        ("PUT", "/api/keys", Some(json!({ "provider_key": "none", "value": USERS_KEY }))),
    ] {
        let (_, answer) = anna.ask(method, path, body).await;
        assert_keeps_still(path, &answer);
    }
    let benchmark_page = format!("/benchmark/{benchmark}");
    for path in everything_to_read(&anna, &provider, &benchmark).await.iter().chain([&benchmark_page]) {
        let (_, answer) = anna.ask("GET", path, None).await;
        assert_keeps_still(path, &answer);
    }

    assert_sent_in_headers_alone(&endpoint);
    assert_keeps_still("the log", &server.log());
    assert_keeps_still("the data directory", &String::from_utf8_lossy(&contents(&installation.data())));

    let elsewhere = Endpoint::start(echoes_the_key).await;
    let moved = json!({ "api_base": elsewhere.base_url });
    anna.put(&format!("/api/v2/providers/{provider}"), moved).await;
    let (status, answer) = anna.ask("GET", "/api/models/discover?provider_key=echo", None).await;
    assert!(!status.is_success(), "{answer}");
    assert_keeps_still("the new address", &format!("{:?}", elsewhere.received()));
}

#[tokio::test]
async fn no_protocol_puts_a_key_into_an_address() {
    let installation = Installation::new();
    let server = installation.start();
    let anna = Client::register(&server, "anna").await;
    for kind in ["anthropic", "gemini", "cohere"] {
        let endpoint = Endpoint::start(echoes_the_key).await;
        let key = format!("my-{kind}");
        let provider = json!({ "key": key, "name": kind, "kind": kind, "api_base": endpoint.base_url });
        let provider = text(&anna.post("/api/v2/providers", provider).await["id"]);
        anna.add_model(&provider, "model").await;
        anna.put("/api/keys", json!({ "provider_key": key, "value": USERS_KEY })).await;
        let (_, answer) = anna.ask("GET", &format!("/api/models/discover?provider_key={key}"), None).await;
        assert_keeps_still("discovery", &answer);
        let asked_for_models = endpoint.received().len();
        let mut tab = Socket::open(&anna).await;
        let benchmark = anna.start(&key, &["model"], 1).await;
        tab.wait_for("job_completed", &benchmark).await;
        assert_keeps_still("the socket", &format!("{:?}", tab.received));
        assert!(0 < asked_for_models && asked_for_models < endpoint.received().len());
        assert_sent_in_headers_alone(&endpoint);
    }
}

/// Every request brings the key, and none in its address.
#[track_caller]
fn assert_sent_in_headers_alone(endpoint: &Endpoint) {
    let received = endpoint.received();
    assert!(
        !received.is_empty() && received.iter().all(|request| request.headers.contains(USERS_KEY)),
        "{received:?}"
    );
    received.iter().for_each(|request| assert_keeps_still("an address", &request.address));
}

/// As careless endpoints do.
fn echoes_the_key(authorization: &str) -> Response {
    let error = json!({ "error": { "message": format!("Incorrect API key: {authorization}") } });
    (StatusCode::UNAUTHORIZED, Json(error)).into_response()
}

/// Each address that can be read without more than an id, and the pages.
async fn everything_to_read(anna: &Client, provider: &str, benchmark: &str) -> Vec<String> {
    let description = anna.get("/api/openapi.json").await;
    let paths = description["paths"].as_object().unwrap();
    let readable = paths.iter().filter(|(_, item)| item.get("get").is_some());
    let ids =
        |path: &str| if path.contains("providers") { provider.to_owned() } else { benchmark.to_owned() };
    let pages = ["/benchmark", "/providers", "/history", "/account", "/admin"].map(str::to_owned);
    readable.map(|(path, _)| path.replace("{id}", &ids(path))).chain(pages).collect()
}

#[track_caller]
fn assert_keeps_still(place: &str, text: &str) {
    for trace in TRACES {
        let at = text.find(trace);
        assert!(at.is_none(), "{place} tells a key: {:?}", at.map(|at| text.get(at.saturating_sub(200)..at)));
    }
}

#[tokio::test]
async fn users_of_a_shared_provider_do_not_see_its_key_nor_send_it_elsewhere() {
    let installation = Installation::new();
    let server = installation.start();
    let admin = Client::register(&server, "admin").await;
    let endpoint = Endpoint::start(echoes_the_key).await;
    let provider = admin.add_provider("echo", &endpoint.base_url).await;
    admin.add_model(&provider, "model").await;
    admin.put("/api/keys", json!({ "provider_key": "echo", "value": USERS_KEY })).await;
    share(&admin, &provider).await;
    let ben = Client::register(&server, "ben").await;
    admin.put("/api/admin/settings", json!({ "registration": "open", "local_networks": true })).await;

    let providers = ben.get("/api/v2/providers").await;
    let shared = providers.as_array().unwrap().iter().find(|provider| provider["shared"] == true).unwrap();
    let (shared_id, shared_key) = (text(&shared["id"]), text(&shared["key"]));
    let (_, answer) = ben.ask("GET", &format!("/api/models/discover?provider_key={shared_key}"), None).await;
    assert_keeps_still("discovery", &answer);
    assert_sent_in_headers_alone(&endpoint);
    let mut tab = Socket::open(&ben).await;
    let benchmark = ben.start(&shared_key, &["model"], 1).await;
    tab.wait_for("job_completed", &benchmark).await;
    assert_keeps_still("the socket", &format!("{:?}", tab.received));
    for path in everything_to_read(&ben, &shared_id, &benchmark).await {
        let (_, answer) = ben.ask("GET", &path, None).await;
        assert_keeps_still(&path, &answer);
        assert!(!answer.contains("zx9q"), "{path} tells the end of somebody else's key: {answer}");
    }

    let elsewhere = Endpoint::start(echoes_the_key).await;
    let moved = json!({ "provider_key": shared_key, "api_base": elsewhere.base_url });
    let by_id = format!("/api/v2/providers/{shared_id}");
    for (path, body) in
        [(&*by_id, json!({ "api_base": elsewhere.base_url })), ("/api/config/provider", moved)]
    {
        let (status, answer) = ben.ask("PUT", path, Some(body)).await;
        assert!(matches!(status.as_u16(), 403 | 404), "{path}: {status} {answer}");
    }
    assert_eq!(admin.get(&by_id).await["api_base"], json!(endpoint.base_url));
    assert!(elsewhere.received().is_empty());
}

/// Pages offer this, REST does not.
async fn share(admin: &Client, provider: &str) {
    let form = format!("provider={provider}&shared=true");
    let (status, answer) = admin.submit(ShareProvider::PATH, form).await;
    assert!(status.is_success() || status.is_redirection(), "{status} {answer}");
}

#[tokio::test]
async fn a_wrong_secret_is_told_at_start() {
    let (right, wrong) = ("jX3v9Qm2Lr7Tz5Wb8Nc4Kd6Hf1Gs0PyA", "Zq8Rw2Xe6Ct4Vy0Bu1Ni5Mo7Lp3KjHgF");
    let installation = Installation::new().with("STUDIO_SECRET", right);
    installation.start().kill();
    let installation = installation.with("STUDIO_SECRET", wrong);
    let said = installation.refusal();
    assert!(said.contains("STUDIO_SECRET is not the secret that this database was used with"), "{said}");
    assert!(said.contains("llm-studio secret reset"), "{said}");
    assert!(!said.contains(right) && !said.contains(wrong), "{said}");
    // Nothing was changed by trying.
    installation.with("STUDIO_SECRET", right).start();
}

#[tokio::test]
async fn a_lost_or_weak_secret_is_told_at_start() {
    let installation = Installation::new();
    installation.start().kill();
    std::fs::remove_file(installation.data().join("secret")).unwrap();
    let said = installation.refusal();
    assert!(said.contains("the secret of this database is lost"), "{said}");
    let said = Installation::new().with("STUDIO_SECRET", "changeme").refusal();
    assert!(said.contains("STUDIO_SECRET is invalid") && said.contains("openssl rand"), "{said}");
    assert!(!said.contains("changeme"), "{said}");
}

#[tokio::test]
async fn a_database_that_cannot_be_reached_is_told_without_its_password() {
    let url = "postgres://studio:hunter2secret@127.0.0.1:1/studio";
    let said = Installation::new().with("DATABASE_URL", url).with("RUST_LOG", "debug").refusal();
    assert!(!said.contains("hunter2secret"), "{said}");
}
