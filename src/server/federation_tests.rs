//! Who may connect an identity at the provider with which account, over HTTP with a provider on this machine.

use axum::Json;
use axum::Router;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

use super::account_tests::{App, SAME_ORIGIN};
use crate::accounts::OidcClient;

/// Starts a provider whose codes and access tokens are the subject that they stand for. Returns its issuer.
async fn start_provider() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let metadata = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
    });
    let token = async |form: axum::Form<Vec<(String, String)>>| {
        let (_, code) = form.0.into_iter().find(|(name, _)| name == "code").unwrap();
        Json(json!({ "access_token": code }))
    };
    let userinfo = async |headers: HeaderMap| {
        let subject = headers["authorization"].to_str().unwrap().trim_start_matches("Bearer ");
        Json(json!({ "sub": subject, "email": format!("{subject}@id.example"), "email_verified": true }))
    };
    let router = Router::new()
        .route("/.well-known/openid-configuration", get(async move || Json(metadata)))
        .route("/token", post(token))
        .route("/userinfo", get(userinfo));
    tokio::spawn(async move { axum::serve(listener, router).await });
    issuer
}

/// Who sends a request: headers with a proof, and for the flow's start and end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Nobody,
    Anna,
    Ben,
    /// Anna's API token.
    Token,
}

const ALL: [Who; 4] = [Who::Nobody, Who::Anna, Who::Ben, Who::Token];

struct Fixture {
    app: App,
    anna: String,
    ben: String,
    token: String,
}

impl Fixture {
    async fn new() -> Self {
        let issuer = start_provider().await;
        let variables = [
            ("GOOGLE_CLIENT_ID", "studio"),
            ("GOOGLE_CLIENT_SECRET", "hush"),
            ("OIDC_ISSUER", issuer.as_str()),
        ];
        let find = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let address = Url::parse("http://studio.example").unwrap();
        let oidc = OidcClient::find(find, Some(&address)).unwrap();
        let mut app = App::new().await;
        app.0.accounts = app.0.accounts.clone().with_oidc(oidc);
        let anna = app.register("anna@example.org").await;
        let ben = app.register("ben@example.org").await.cookies();
        let made =
            app.post("/api/auth/tokens", &[("authorization", &anna.token())], json!({ "name": "ci" })).await;
        let token = format!("Bearer {}", made.body["token"].as_str().unwrap());
        Self { anna: anna.cookies(), app, ben, token }
    }

    /// Sends a request of `who` with one more cookie.
    async fn get(&self, who: Who, path: &str, cookie: &str) -> super::account_tests::Answer {
        let (cookies, token) = match who {
            Who::Nobody => ("", None),
            Who::Anna => (self.anna.as_str(), None),
            Who::Ben => (self.ben.as_str(), None),
            Who::Token => ("", Some(self.token.as_str())),
        };
        let cookies = format!("{cookies}; {cookie}");
        let mut headers = vec![("cookie", cookies.as_str()), SAME_ORIGIN];
        headers.extend(token.map(|token| ("authorization", token)));
        self.app.get(path, &headers).await
    }

    /// Starts a flow. Returns its cookie and its state, or the status of the refusal.
    async fn begin(&self, who: Who) -> Result<(String, String), StatusCode> {
        let answer = self.get(who, "/api/auth/google/authorize?next=/history", "").await;
        if answer.status != StatusCode::OK {
            return Err(answer.status);
        }
        let url = Url::parse(answer.body["url"].as_str().unwrap()).unwrap();
        let state = url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        let cookie =
            answer.cookies().split("; ").find(|set| set.starts_with("studio_flow=")).unwrap().to_owned();
        Ok((cookie, state))
    }

    /// Ends a flow as the provider's `subject`. Returns the page that it leads to.
    async fn end(&self, who: Who, cookie: &str, state: &str, subject: &str) -> String {
        let path = format!("/api/auth/google/callback?code={subject}&state={state}");
        self.get(who, &path, cookie).await.location().to_owned()
    }

    /// Returns the email address of the account that the provider's `subject` signs in to; a new one has the subject's.
    async fn signs_in_to(&self, subject: &str) -> Value {
        let (cookie, state) = self.begin(Who::Nobody).await.unwrap();
        let path = format!("/api/auth/google/callback?code={subject}&state={state}");
        let cookies = self.get(Who::Nobody, &path, &cookie).await.cookies();
        self.app.get("/api/auth/me", &[("cookie", &cookies)]).await.body["user"]["email"].clone()
    }
}

#[tokio::test]
async fn an_identity_is_connected_only_by_the_session_that_started_it() {
    let fixture = Fixture::new().await;
    for begun in ALL {
        for ended in ALL {
            let subject = format!("{begun:?}-{ended:?}").to_lowercase();
            let (cookie, state) = match fixture.begin(begun).await {
                Ok(flow) => flow,
                Err(status) => {
                    assert_eq!((begun, status), (Who::Token, StatusCode::FORBIDDEN));
                    continue;
                }
            };
            let page = fixture.end(ended, &cookie, &state, &subject).await;
            let account = fixture.signs_in_to(&subject).await;
            let own = format!("{subject}@id.example");
            let (expected, whose) = match (begun, ended) {
                (Who::Nobody, Who::Nobody) => ("/history", own.as_str()),
                (Who::Anna, Who::Anna) => ("/history", "anna@example.org"),
                (Who::Ben, Who::Ben) => ("/history", "ben@example.org"),
                (_, Who::Nobody) => ("/login?error=state_mismatch", own.as_str()),
                _ => ("/account?error=state_mismatch", own.as_str()),
            };
            assert_eq!((page.as_str(), account.as_str()), (expected, Some(whose)), "{begun:?} {ended:?}");
        }
    }
}

#[tokio::test]
async fn every_changed_byte_of_a_flow_is_a_mismatch() {
    let fixture = Fixture::new().await;
    let (cookie, state) = fixture.begin(Who::Anna).await.unwrap();
    let start = "studio_flow=".len();
    for index in start..cookie.len() {
        let mut changed = cookie.clone().into_bytes();
        changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        let page = fixture.end(Who::Anna, &changed, &state, "changed").await;
        assert_eq!(page, "/account?error=state_mismatch", "byte {index}");
    }
    for forged in ["", "studio_flow=", "studio_flow=eyJuZXh0IjoiaHR0cHM6Ly9ldmlsLmV4YW1wbGUvIn0"] {
        let page = fixture.end(Who::Nobody, forged, &state, "forged").await;
        assert_eq!(page, "/login?error=state_mismatch", "{forged}");
    }
    assert_eq!(fixture.signs_in_to("changed").await, "changed@id.example", "nothing was connected");
    assert_eq!(fixture.end(Who::Anna, &cookie, &state, "right").await, "/history");
}

#[tokio::test]
async fn another_sites_page_cannot_start_a_connection() {
    let fixture = Fixture::new().await;
    for site in ["cross-site", "same-site"] {
        let headers = [("cookie", fixture.anna.as_str()), ("sec-fetch-site", site)];
        let answer = fixture.app.get("/api/auth/google/authorize", &headers).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{site}");
    }
}

/// What outlives a session is added only by a browser's session with a recent proof.
#[tokio::test]
async fn lasting_access_needs_a_session_with_a_recent_sign_in() {
    let fixture = Fixture::new().await;
    let app = &fixture.app;
    let token = [("authorization", fixture.token.as_str())];
    let password = json!({
        "password": crate::accounts::service::testing::PASSWORD,
        "current_password": crate::accounts::service::testing::PASSWORD,
        "new_password": "another password",
        "name": "ci",
    });
    let calls = [
        (Method::POST, "/api/auth/tokens"),
        (Method::POST, "/api/auth/cli-token"),
        (Method::POST, "/api/auth/change-password"),
        (Method::DELETE, "/api/auth/account"),
        (Method::GET, "/api/auth/google/authorize"),
    ];
    for (method, path) in &calls {
        let answer = app.ask(method.clone(), path, &token, password.clone()).await;
        assert_eq!(
            answer.status,
            StatusCode::FORBIDDEN,
            "{method} {path} with an API token: {}",
            answer.text
        );
    }
    let cookies = format!("{}; theme=dark", fixture.anna);
    let browser = [("cookie", cookies.as_str()), SAME_ORIGIN];
    sqlx::query("update sessions set proven_at = 0").execute(app.1.writer()).await.unwrap();
    for (method, path) in [&calls[0], &calls[1], &calls[4]] {
        let answer = app.ask(method.clone(), path, &browser, password.clone()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path} after a while: {}", answer.text);
    }
    let page = app.page("/account", &fixture.anna).await.text;
    assert!(page.contains("Your last sign-in was a while ago") && !page.contains("Create token"), "{page}");
    let form = format!("password={}", crate::accounts::service::testing::PASSWORD.replace(' ', "+"));
    app.form("/api/auth/forms/confirm", "/account", &fixture.anna, form).await;
    for (method, path) in [&calls[0], &calls[1], &calls[4]] {
        let answer = app.ask(method.clone(), path, &browser, password.clone()).await;
        assert_eq!(answer.status, StatusCode::OK, "{method} {path} after the password: {}", answer.text);
    }
    let page = app.page("/account", &fixture.anna).await.text;
    assert!(page.contains("Create token"), "{page}");
}
