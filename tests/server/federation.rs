//! Tests of signing in with an OpenID Connect provider. A mock replaces Google, which tests cannot reach.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use url::Url;

use super::browser::Browser;
use super::process::{Installation, Server};
use super::python::python;

const PASSWORD: &str = "correct horse battery staple";

/// A mock provider that signs in anyone as the given subject. Its process is killed on drop.
struct Provider {
    issuer: String,
    process: Child,
}

impl Provider {
    fn start() -> Self {
        let people = [
            json!({ "sub": "1", "email": "Anna@example.org", "email_verified": true }),
            json!({ "sub": "2", "email": "ben@example.org", "email_verified": true }),
            json!({ "sub": "3", "email": "eve@example.org", "email_verified": false }),
        ];
        let mut process = Command::new(python())
            .args(["-W", "ignore", "-m", "oidc_provider_mock", "--port", "0"])
            .args(people.iter().flat_map(|claims| ["--user-claims".to_owned(), claims.to_string()]))
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines().map_while(Result::ok);
        let line =
            lines.find(|line| line.contains("running on http://")).expect("the provider does not start");
        let issuer = line.split_whitespace().find(|word| word.starts_with("http://")).unwrap().to_owned();
        // Drain stderr: the process would block on a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { issuer, process }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn at(server: &Server, path: &str) -> Url {
    Url::parse(&server.root).unwrap().join(path).unwrap()
}

/// Submits the form `answer` to the provider and returns the callback URL of the redirect.
async fn authorize(browser: &mut Browser, server: &Server, answer: &str) -> Url {
    let sent = browser.open(&at(server, "/api/auth/google/authorize?next=/history")).await;
    let authorization_url = Url::parse(sent.location()).unwrap();
    let callback = Browser::default().submit(&authorization_url, answer).await;
    let callback = Url::parse(callback.location()).unwrap();
    assert_eq!(callback.path(), "/api/auth/google/callback");
    at(server, &callback[url::Position::BeforePath..])
}

/// Signs in as `subject` and returns the location of the final redirect.
async fn sign_in(browser: &mut Browser, server: &Server, subject: &str) -> String {
    let callback = authorize(browser, server, &format!("sub={subject}")).await;
    browser.open(&callback).await.location().to_owned()
}

async fn email_of(browser: &mut Browser, server: &Server) -> Value {
    let page = browser.open(&at(server, "/api/auth/me")).await;
    serde_json::from_str::<Value>(&page.text).unwrap()["user"]["email"].clone()
}

#[tokio::test]
#[ignore = "needs an OpenID Connect provider from PyPI: run by make test"]
async fn a_provider_signs_in_users_and_never_takes_over_an_account() {
    let provider = Provider::start();
    let installation = Installation::new()
        .with("APP_BASE_URL", "http://127.0.0.1:3000")
        .with("GOOGLE_CLIENT_ID", "studio")
        .with("GOOGLE_CLIENT_SECRET", "federation-canary-71c4")
        .with("OIDC_ISSUER", &provider.issuer)
        .with("OIDC_NAME", "Example ID")
        .with("RUST_LOG", "debug");
    let server = installation.start();

    let mut anna = Browser::default();
    assert!(anna.open(&at(&server, "/login")).await.text.contains("Example ID"));
    assert_eq!(sign_in(&mut anna, &server, "1").await, "/history");
    assert_eq!(email_of(&mut anna, &server).await, "anna@example.org");
    let mut again = Browser::default();
    assert_eq!(sign_in(&mut again, &server, "1").await, "/history");
    assert_eq!(email_of(&mut again, &server).await, "anna@example.org");

    // Ben has a password. The same email address at the provider gives no access to his account.
    let mut ben = Browser::default();
    let form = format!("email=ben@example.org&password={}", PASSWORD.replace(' ', "+"));
    let registered = ben.submit(&at(&server, "/api/auth/forms/register"), &form).await;
    assert_eq!(registered.location(), "/");
    assert_eq!(sign_in(&mut Browser::default(), &server, "2").await, "/login?error=account_exists");
    // Ben connects the identity while signed in.
    assert_eq!(sign_in(&mut ben, &server, "2").await, "/history");
    assert!(
        ben.open(&at(&server, "/account"))
            .await
            .text
            .contains("You can sign in with it or with your password")
    );
    let mut other_browser = Browser::default();
    assert_eq!(sign_in(&mut other_browser, &server, "2").await, "/history");
    assert_eq!(email_of(&mut other_browser, &server).await, "ben@example.org");
    assert_eq!(sign_in(&mut ben, &server, "1").await, "/account?error=identity_taken");
    // Changing the password disconnects identities, because an intruder may have connected one.
    let form = format!("current_password={0}&new_password=another+password", PASSWORD.replace(' ', "+"));
    let changed = ben.submit(&at(&server, "/api/auth/forms/change-password"), &form).await;
    assert_eq!(changed.location(), "/account?done=password");
    assert_eq!(sign_in(&mut Browser::default(), &server, "2").await, "/login?error=account_exists");

    assert_eq!(sign_in(&mut Browser::default(), &server, "3").await, "/login?error=missing_user_info");
    // The mock returns no state when access is denied; other providers do.
    let mut denying = Browser::default();
    let sent = denying.open(&at(&server, "/api/auth/google/authorize")).await;
    let authorization_url = Url::parse(sent.location()).unwrap();
    let (_, state) = authorization_url.query_pairs().find(|(name, _)| name == "state").unwrap();
    let denied = at(&server, &format!("/api/auth/google/callback?error=access_denied&state={state}"));
    assert_eq!(denying.open(&denied).await.location(), "/login?error=missing_code");
    let stolen = authorize(&mut Browser::default(), &server, "sub=1").await;
    assert_eq!(Browser::default().open(&stolen).await.location(), "/login?error=state_mismatch");
    let page = Browser::default().open(&at(&server, "/login?error=account_exists")).await.text;
    assert!(page.contains("with your email address already"), "{page}");
    assert!(!server.log().contains("federation-canary"), "{}", server.log());
}

#[tokio::test]
async fn routes_of_an_unconfigured_provider_are_refused() {
    let server = Installation::new().start();
    let mut browser = Browser::default();
    let refused = browser.open(&at(&server, "/api/auth/google/authorize")).await;
    assert!(refused.status.is_client_error() && refused.text.contains("not set up"), "{refused:?}");
    let callback = browser.open(&at(&server, "/api/auth/google/callback?code=c&state=s")).await;
    assert_eq!(callback.location(), "/login?error=state_mismatch");
    assert!(!browser.open(&at(&server, "/login")).await.text.contains("/google/"));
}
