//! `llm-studio serve` in a separate process, called over REST and WebSocket as scripts do.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::processes::STUDIO;

/// The WebSocket of an open page.
pub type Tab = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A server process with its own database.
pub struct Studio {
    child: Child,
    port: u16,
    client: reqwest::Client,
    data: Option<tempfile::TempDir>,
}

/// The access token of a signed-in user.
pub struct User(String);

impl Studio {
    /// Starts a server with an empty database and waits until it responds. Requires a prior `make build`.
    pub async fn start() -> anyhow::Result<Self> {
        let data = tempfile::tempdir()?;
        let mut studio = Self::start_on(data.path(), None).await?;
        studio.data = Some(data);
        Ok(studio)
    }

    /// Starts a server with the SQLite database in `data` or, if given, the PostgreSQL database at
    /// `database_url`.
    pub async fn start_on(data: &Path, database_url: Option<&str>) -> anyhow::Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = Command::new(STUDIO);
        command
            .arg("serve")
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env("PORT", port.to_string())
            .env("STUDIO_DATA", data)
            .env("RUST_LOG", "warn")
            .stdout(Stdio::null());
        if let Some(url) = database_url {
            command.env("DATABASE_URL", url);
        }
        let child = command.spawn()?;
        // The client needs a provider even for plain HTTP. An error means that one is installed already.
        let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
        #[expect(clippy::disallowed_methods, reason = "calls only the server started here")]
        let client = reqwest::Client::new();
        let mut studio = Self { child, port, client, data: None };
        studio.wait_until_ready().await?;
        Ok(studio)
    }

    async fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_secs(30);
        while self.client.get(self.url("/healthz")).send().await.is_err() {
            ensure!(self.child.try_wait()?.is_none(), "the server ended at once");
            ensure!(Instant::now() < deadline, "the server does not answer");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Returns the resident memory of the server, MB.
    pub fn resident_mb(&self) -> anyhow::Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kilobytes * 1024.0 / 1e6)
    }

    /// Registers a user. The first one becomes admin.
    pub async fn register(&self, name: &str) -> anyhow::Result<User> {
        let account = json!({ "email": format!("{name}@example.org"), "password": "a password for a bench" });
        let request = self.client.post(self.url("/api/auth/register")).json(&account);
        let answer: Value = read(request).await?;
        Ok(User(answer["access_token"].as_str().context("no token")?.to_owned()))
    }

    /// Signs in a registered user.
    pub async fn sign_in(&self, name: &str) -> anyhow::Result<User> {
        let account = json!({ "email": format!("{name}@example.org"), "password": "a password for a bench" });
        let answer: Value = read(self.client.post(self.url("/api/auth/login")).json(&account)).await?;
        Ok(User(answer["access_token"].as_str().context("no token")?.to_owned()))
    }

    /// Reads a response without parsing it and returns its length in bytes.
    pub async fn bytes(&self, user: &User, path: &str) -> anyhow::Result<usize> {
        let answer = self.client.get(self.url(path)).bearer_auth(&user.0).send().await?;
        ensure!(answer.status() == 200, "{path}: {}", answer.status());
        Ok(answer.bytes().await?.len())
    }

    pub async fn get<T: DeserializeOwned>(&self, user: &User, path: &str) -> anyhow::Result<T> {
        read(self.client.get(self.url(path)).bearer_auth(&user.0)).await
    }

    pub async fn post(&self, user: &User, path: &str, body: Value) -> anyhow::Result<Value> {
        read(self.client.post(self.url(path)).bearer_auth(&user.0).json(&body)).await
    }

    pub async fn put(&self, user: &User, path: &str, body: Value) -> anyhow::Result<Value> {
        read(self.client.put(self.url(path)).bearer_auth(&user.0).json(&body)).await
    }

    /// Adds a provider with these models.
    pub async fn add_provider(
        &self,
        user: &User,
        key: &str,
        api_base: &str,
        models: impl IntoIterator<Item = String>,
    ) -> anyhow::Result<()> {
        let new = json!({ "key": key, "name": key, "kind": "custom", "api_base": api_base });
        let provider = self.post(user, "/api/v2/providers", new).await?;
        let id = provider["id"].as_str().context("no id")?;
        for model in models {
            self.post(user, &format!("/api/v2/providers/{id}/models"), json!({ "litellm_id": model }))
                .await?;
        }
        Ok(())
    }

    /// Loads a page as a signed-in browser does and returns its length in bytes.
    pub async fn page(&self, user: &User, path: &str) -> anyhow::Result<usize> {
        let request = self.client.get(self.url(path)).bearer_auth(&user.0).header("accept", "text/html");
        let answer = request.send().await?;
        ensure!(answer.status() == 200, "{path}: {}", answer.status());
        Ok(answer.bytes().await?.len())
    }

    pub async fn open_tab(&self, user: &User) -> anyhow::Result<Tab> {
        let mut request = format!("ws://127.0.0.1:{}/ws", self.port).into_client_request()?;
        request.headers_mut().insert("authorization", format!("Bearer {}", user.0).parse()?);
        Ok(connect_async(request).await?.0)
    }
}

async fn read<T: DeserializeOwned>(request: reqwest::RequestBuilder) -> anyhow::Result<T> {
    let answer = request.send().await?;
    let (status, path) = (answer.status(), answer.url().path().to_owned());
    let body = answer.text().await?;
    ensure!(status.is_success(), "{path}: {status} {body}");
    Ok(serde_json::from_str(&body)?)
}

impl Drop for Studio {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
