//! An installation with an admin, with Anna, who has data of every kind, and with Ben, who has none.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use http_body_util::BodyExt;
use leptos::config::LeptosOptions;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

use super::examples::Example;
use crate::accounts::{self, Session, UserId};
use crate::database::{Database, Location, testing};

use crate::server::{self, AppState, Config, router};
use endpoint::ProviderKind;

/// Part of every name in Anna's data, so that leaks can be detected.
pub(super) const MARK: &str = "zebra";

/// Part of each name and text in Anna's data that may contain any character: markup that must not become part of a
/// page, and a character reference that must stay as it is.
pub(super) const MARKUP: &str = "</title></textarea></script><b data-planted>&lt;";

/// A model that answers immediately.
const QUICK: &str = "mock/ttft=1,gap=1,tokens=4";
/// A model that does not answer during the test.
pub(super) const SLOW: &str = "mock/ttft=600000";

const PASSWORD: &str = "correct horse battery staple";

/// The caller of a request.
#[derive(Debug, Clone)]
pub(super) enum Caller {
    Nobody,
    /// With `Authorization: Bearer`.
    Token(String),
    /// An already loaded session: authenticating the request reads nothing from the database.
    Session(Box<Session>),
}

/// Anna's data.
#[derive(Debug, Clone)]
pub(super) struct UserData {
    pub user: UserId,
    pub provider_key: String,
    pub provider: String,
    /// A second provider without models.
    pub other_provider_key: String,
    pub model_id: String,
    pub model: String,
    pub token: String,
    pub prompt: String,
    pub finished: String,
    pub running: String,
    /// A pending invitation, which belongs to the admin.
    pub invitation: String,
}

impl UserData {
    fn ids(&self) -> [&str; 7] {
        let Self { provider, model, token, finished, running, invitation, user, .. } = self;
        [provider, model, token, finished, running, invitation, user.as_str()]
    }

    /// Returns whether the text contains one of Anna's ids or names.
    pub(super) fn is_in(&self, text: &str) -> bool {
        text.contains(MARK) || self.ids().iter().any(|id| text.contains(id))
    }
}

pub(super) struct Fixture {
    pub state: AppState,
    pub database: Database,
    pub annas: UserData,
    pub admin: Caller,
    pub anna: Caller,
    pub ben: Caller,
    ben_id: UserId,
    _demo: mock::Handle,
    _data: TempDir,
}

/// Runs the test on SQLite, and on PostgreSQL if it is available.
pub(super) async fn on_each_database(test: impl AsyncFn(Fixture)) {
    test(Fixture::sqlite().await).await;
    if let Some(url) = testing::postgres_schema().await {
        test(Fixture::on(Location::Postgres(url), tempfile::tempdir().unwrap()).await).await;
    }
}

impl Fixture {
    pub(super) async fn sqlite() -> Self {
        let data = tempfile::tempdir().unwrap();
        Self::on(Location::Sqlite(data.path().to_owned()), data).await
    }

    async fn on(location: Location, data: TempDir) -> Self {
        let config = Config {
            stop_limit: std::time::Duration::from_secs(60),
            concurrent_benchmarks: std::num::NonZeroUsize::MIN,
            leptos: LeptosOptions::builder().output_name("llm-studio").site_root("no-such-directory").build(),
            database: location.clone(),
            data_dir: data.path().to_owned(),
            secret: None,
            admin_email: None,
            proxies: crate::http::client_ip::Proxies::default(),
            hosts: server::Hosts::default(),
            mail: None,
            oidc: None,
        };
        let database = Database::open(location).await.unwrap();
        let demo = mock::start_demo().unwrap();
        let state = server::assemble(&config, &database, &demo).await.unwrap();
        state.jobs.start();
        // By default off with more than one user, but the mock is on this machine.
        accounts::Settings::new(database.clone()).set_local_networks(Some(true)).await.unwrap();
        let (admin, _) = register(&state, "admin@example.org").await;
        let (anna, anna_id) = register(&state, &format!("{MARK}@example.org")).await;
        let (ben, ben_id) = register(&state, "ben@example.org").await;
        let invitation = json!({ "email": "somebody@example.org" });
        let invitation = make(&state, &admin, "POST", "/api/admin/invitations", invitation).await;
        let invitation = text(&invitation["id"]);
        let annas = create_data(&state, &anna, UserId::new(anna_id), invitation, &demo).await;
        let ben_id = UserId::new(ben_id);
        Self { state, database, annas, admin, anna, ben, ben_id, _demo: demo, _data: data }
    }

    pub(super) fn ben_id(&self) -> UserId {
        self.ben_id.clone()
    }

    /// Makes the call and returns the status and text of the response.
    pub(super) async fn send_example(&self, caller: &Caller, example: &Example) -> (StatusCode, String) {
        let body = example.body.as_ref().map(|body| ("application/json", body.to_string()));
        send(&self.state, caller, example.method, &example.address, body).await
    }

    pub(super) async fn json(
        &self,
        caller: &Caller,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        json(&self.state, caller, method, path, body).await
    }

    /// Calls a server function like a script, with a form or JSON.
    pub(super) async fn call(
        &self,
        caller: &Caller,
        method: &str,
        path: &str,
        arguments: &str,
    ) -> (StatusCode, String) {
        if method == "GET" {
            return send(&self.state, caller, method, &format!("{path}?{arguments}"), None).await;
        }
        let is_json = arguments.starts_with('{');
        let kind = if is_json { "application/json" } else { "application/x-www-form-urlencoded" };
        send(&self.state, caller, method, path, Some((kind, arguments.to_owned()))).await
    }

    /// Requests a page and returns its status and HTML.
    pub(super) async fn page(&self, caller: &Caller, address: &str) -> (StatusCode, String) {
        send(&self.state, caller, "GET", address, None).await
    }

    /// Requests a page like a browser, which follows redirects. Returns the last page.
    pub(super) async fn visit(&self, caller: &Caller, address: &str) -> (StatusCode, String) {
        let mut address = address.to_owned();
        for _ in 0..5 {
            let response = respond(&self.state, caller, "GET", &address, None).await;
            let location = response.headers().get(header::LOCATION);
            match location.map(|location| location.to_str().unwrap().to_owned()) {
                Some(next) => address = next,
                None => return text_of(response).await,
            }
        }
        panic!("{address} redirects without an end");
    }

    /// Returns the admin's session, for requests while the database is unavailable.
    pub(super) async fn session_of_admin(&self) -> Caller {
        let Caller::Token(token) = &self.admin else { panic!("the admin has no token") };
        let session = self.state.accounts.session_of_bearer(token).await.unwrap().unwrap();
        Caller::Session(Box::new(session))
    }

    /// Asserts that a response contains none of Anna's data except what the caller sent.
    pub(super) fn assert_discloses_nothing(&self, route: &str, sent: &str, answer: &str) {
        let words = self.annas.ids().into_iter().chain([MARK]);
        for word in words.filter(|word| !sent.contains(word)) {
            assert!(!answer.contains(word), "{route} discloses {word}: {answer}");
        }
    }

    /// Returns a token of Anna's whose session has ended.
    pub(super) async fn ended_session_of_anna(&self) -> Caller {
        let credentials = json!({ "email": format!("{MARK}@example.org"), "password": PASSWORD });
        let (_, answer) = self.json(&Caller::Nobody, "POST", "/api/auth/login", Some(credentials)).await;
        let session = Caller::Token(text(&answer["access_token"]));
        let (status, _) = self.json(&session, "POST", "/api/auth/logout", None).await;
        assert_eq!(status, StatusCode::OK);
        session
    }
}

async fn register(state: &AppState, email: &str) -> (Caller, String) {
    let account = json!({ "email": email, "password": PASSWORD });
    let answer = make(state, &Caller::Nobody, "POST", "/api/auth/register", account).await;
    (Caller::Token(text(&answer["access_token"])), text(&answer["user"]["id"]))
}

/// Creates one item of each kind for Anna.
async fn create_data(
    state: &AppState,
    anna: &Caller,
    user: UserId,
    invitation: String,
    demo: &mock::Handle,
) -> UserData {
    let provider_key = format!("{MARK}-provider");
    let base_url = mock::base_url(&demo.base_url(), ProviderKind::Custom.facts().protocol);
    let provider = json!({ "key": provider_key, "name": format!("The zebra's own {MARKUP}"), "kind": "custom", "api_base": base_url });
    let provider = text(&make(state, anna, "POST", "/api/v2/providers", provider).await["id"]);
    let other_provider_key = format!("{MARK}-other");
    let other =
        json!({ "key": other_provider_key, "name": format!("Another zebra {MARKUP}"), "api_base": base_url });
    make(state, anna, "POST", "/api/v2/providers", other).await;
    let models = format!("/api/v2/providers/{provider}/models");
    let model = json!({ "litellm_id": QUICK, "display_name": format!("Quick zebra {MARKUP}") });
    let model = text(&make(state, anna, "POST", &models, model).await["id"]);
    let planted = json!({ "litellm_id": format!("zebra{MARKUP}") });
    make(state, anna, "POST", &models, planted).await;
    let slow = json!({ "litellm_id": SLOW, "display_name": "Slow zebra" });
    make(state, anna, "POST", &models, slow).await;
    let key = json!({ "provider_key": provider_key, "value": format!("sk-{MARK}-0123456789") });
    make(state, anna, "PUT", "/api/keys", key).await;
    let prompt = format!("{MARK}-prompt");
    let template = json!({ "key": prompt, "label": format!("Zebra's prompt {MARKUP}"), "prompt": format!("What is a zebra? {MARKUP}") });
    make(state, anna, "POST", "/api/config/prompts", template).await;
    let token = json!({ "name": format!("zebra's laptop {MARKUP}") });
    let token = text(&make(state, anna, "POST", "/api/auth/tokens", token).await["id"]);

    let mut tab = state.hub.join(&user).unwrap();
    let benchmark = |model: &str| {
        let target = json!({ "provider_key": provider_key, "model_id": model });
        json!({ "targets": [target], "runs": 1, "warmup": false, "prompt": format!("\nHow fast does a zebra run? {MARKUP}"), "timeout": 900 })
    };
    let finished = text(&make(state, anna, "POST", "/api/benchmark", benchmark(QUICK)).await["job_id"]);
    receive(&mut tab, "job_completed").await;
    let running = make(state, anna, "POST", "/api/benchmark", benchmark(SLOW)).await;
    receive(&mut tab, "benchmark_progress").await;
    let running = text(&running["job_id"]);
    let model_id = QUICK.to_owned();
    UserData {
        user,
        provider_key,
        provider,
        other_provider_key,
        model_id,
        model,
        token,
        prompt,
        finished,
        running,
        invitation,
    }
}

async fn receive(tab: &mut crate::live::hub::Subscription, name: &str) {
    loop {
        let frame: Value = serde_json::from_str(&tab.frames.recv().await.unwrap()).unwrap();
        assert_ne!(frame["type"], "job_failed", "{frame}");
        if frame["type"] == name {
            return;
        }
    }
}

async fn make(state: &AppState, caller: &Caller, method: &str, path: &str, body: Value) -> Value {
    let (status, answer) = json(state, caller, method, path, Some(body)).await;
    assert!(status.is_success(), "{method} {path}: {status} {answer}");
    answer
}

async fn json(
    state: &AppState,
    caller: &Caller,
    method: &str,
    path: &str,
    body: Option<Value>,
) -> (StatusCode, Value) {
    let body = body.map(|body| ("application/json", body.to_string()));
    let (status, answer) = send(state, caller, method, path, body).await;
    (status, serde_json::from_str(&answer).unwrap_or(Value::Null))
}

async fn send(
    state: &AppState,
    caller: &Caller,
    method: &str,
    path: &str,
    body: Option<(&str, String)>,
) -> (StatusCode, String) {
    text_of(respond(state, caller, method, path, body).await).await
}

async fn text_of(response: Response) -> (StatusCode, String) {
    let status = response.status();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&bytes).into_owned())
}

async fn respond(
    state: &AppState,
    caller: &Caller,
    method: &str,
    path: &str,
    body: Option<(&str, String)>,
) -> Response {
    let mut request = Request::builder().method(method).uri(path);
    match caller {
        Caller::Nobody => {}
        Caller::Token(token) => {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        Caller::Session(session) => request = request.extension(Session::clone(session)),
    }
    let body = match body {
        Some((kind, text)) => {
            request = request.header(header::CONTENT_TYPE, kind);
            Body::from(text)
        }
        None => Body::empty(),
    };
    router(state.clone()).oneshot(request.body(body).unwrap()).await.unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is not a string")).to_owned()
}
