//! A REST client with a bearer token, as scripts use it.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use llm_benchmark_studio::accounts::UserId;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::process::Server;

/// A user with a personal access token.
#[derive(Debug, Clone)]
pub struct Client {
    /// Host and port of the server.
    pub address: String,
    pub token: String,
    /// The name by which it calls the server; `None` for its address.
    host: Option<&'static str>,
}

impl Client {
    /// Registers a user and creates an API token.
    pub async fn register(server: &Server, name: &str) -> Self {
        let mut client = Self::signed_out(server);
        let account =
            json!({ "email": format!("{name}@example.org"), "password": "correct horse battery staple" });
        client.token = text(&client.post("/api/auth/register", account).await["access_token"]);
        client.token = text(&client.post("/api/auth/tokens", json!({ "name": "test" })).await["token"]);
        client
    }

    /// Returns a client without a session.
    pub fn signed_out(server: &Server) -> Self {
        Self { address: address_of(server), token: "none".into(), host: None }
    }

    /// Calls the server by this name.
    pub fn called(self, host: &'static str) -> Self {
        Self { host: Some(host), ..self }
    }

    /// Returns a client of the same user for another server process.
    pub fn at(&self, server: &Server) -> Self {
        Self { address: address_of(server), ..self.clone() }
    }

    pub async fn get(&self, path: &str) -> Value {
        self.call_json("GET", path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        self.call_json("POST", path, Some(body)).await
    }

    /// Returns the user's id.
    pub async fn user_id(&self) -> UserId {
        UserId::new(text(&self.get("/api/auth/me").await["user"]["id"]))
    }

    pub async fn put(&self, path: &str, body: Value) -> Value {
        self.call_json("PUT", path, Some(body)).await
    }

    async fn call_json(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let (status, answer) = self.call(method, path, body).await;
        assert!(status.is_success(), "{method} {path}: {status} {answer}");
        serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{method} {path} is not JSON: {answer}"))
    }

    /// Sends a request and returns status and body of the response, whatever the status is.
    pub async fn call(&self, method: &str, path: &str, body: Option<Value>) -> (StatusCode, String) {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        self.send(method, path, "application/json", body).await
    }

    /// Submits a form as a page does.
    pub async fn submit(&self, path: &str, form: String) -> (StatusCode, String) {
        self.send("POST", path, "application/x-www-form-urlencoded", form).await
    }

    async fn send(&self, method: &str, path: &str, kind: &str, body: String) -> (StatusCode, String) {
        let stream = TcpStream::connect(&self.address).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, self.host.unwrap_or(&self.address))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
            .header(header::CONTENT_TYPE, kind)
            .body(Body::from(body))
            .unwrap();
        let answer = sender.send_request(request).await.unwrap();
        let status = answer.status();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Adds a provider and returns its id.
    pub async fn add_provider(&self, key: &str, base_url: &str) -> String {
        let provider = json!({ "key": key, "name": format!("The {key}"), "api_base": base_url });
        text(&self.post("/api/v2/providers", provider).await["id"])
    }

    /// Adds a model to a provider.
    pub async fn add_model(&self, provider: &str, model: &str) {
        self.post(&format!("/api/v2/providers/{provider}/models"), json!({ "litellm_id": model })).await;
    }

    /// Starts a benchmark of models of one provider and returns its id.
    pub async fn start(&self, provider_key: &str, models: &[&str], runs: u32) -> String {
        let target = |model| json!({ "provider_key": provider_key, "model_id": model });
        let targets: Vec<Value> = models.iter().map(target).collect();
        let request = json!({ "targets": targets, "runs": runs, "warmup": true, "timeout": 900 });
        text(&self.post("/api/benchmark", request).await["job_id"])
    }
}

fn address_of(server: &Server) -> String {
    server.root.trim_start_matches("http://").to_owned()
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is not a string")).to_owned()
}
