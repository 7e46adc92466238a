//! Tests of password reset, with a link by mail and with a link from the command line.

use axum::http::StatusCode;
use serde_json::json;

use super::client::{Client, text};
use super::mailbox::{Mailbox, PASSWORD};
use super::process::Installation;

const ADDRESS: &str = "https://studio.example.org";

#[tokio::test]
#[ignore = "needs a mail server from PyPI: run by make test"]
async fn a_mailed_link_sets_a_new_password() {
    let mut mailbox = Mailbox::start();
    let installation = mailbox.installation().with("APP_BASE_URL", ADDRESS).with("RUST_LOG", "debug");
    let server = installation.start();
    let anna = Client::register(&server, "anna").await;
    // The unknown address is first, so a mail to it would be the first mail received.
    let mut answers = Vec::new();
    for email in ["nobody@example.org", "anna@example.org"] {
        answers.push(anna.post("/api/auth/forgot-password", json!({ "email": email })).await);
    }
    assert_eq!(answers[0], answers[1]);

    let mail = mailbox.next();
    assert_eq!(mail["to"], json!(["anna@example.org"]));
    assert_eq!(mail["from"], "studio@example.org");
    let body = text(&mail["text"]);
    let link =
        body.lines().find(|line| line.starts_with(ADDRESS)).unwrap_or_else(|| panic!("no link: {body}"));
    let token = link.strip_prefix(&format!("{ADDRESS}/reset-password?token=")).unwrap();
    let (status, page) = anna.call("GET", &format!("/reset-password?token={token}"), None).await;
    assert!(status.is_success() && page.contains("New password"), "{status} {page}");

    set_password(&anna, token).await;
    for secret in [token, PASSWORD] {
        assert!(!server.log().contains(secret), "{}", server.log());
    }
}

#[tokio::test]
async fn the_command_line_creates_a_link_while_the_server_runs() {
    let installation = Installation::new().with("APP_BASE_URL", ADDRESS);
    let server = installation.start();
    let anna = Client::register(&server, "anna").await;
    let (success, output) = installation.run(&["user", "password-link", "Anna@example.org"]);
    assert!(success, "{output}");
    let token = output.trim().strip_prefix(&format!("{ADDRESS}/reset-password?token=")).unwrap();
    set_password(&anna, token).await;
    let (success, output) = installation.run(&["user", "password-link", "nobody@example.org"]);
    assert!(!success && output.is_empty(), "{output}");
}

#[test]
fn mail_without_an_address_for_links_is_refused_at_start() {
    let installation = Installation::new().with("SMTP_HOST", "localhost").with("SMTP_FROM", "a@example.org");
    assert!(installation.refusal().contains("APP_BASE_URL is missing"), "{}", installation.refusal());
    let installation = installation.with("APP_BASE_URL", "studio.example.org");
    assert!(installation.refusal().contains("APP_BASE_URL=studio.example.org"), "{}", installation.refusal());
}

/// Sets a new password and asserts that the link works only once, API tokens are revoked and the new password
/// is valid.
async fn set_password(anna: &Client, token: &str) {
    anna.post("/api/auth/reset-password", json!({ "token": token, "password": "another password" })).await;
    let again = json!({ "token": token, "password": "a third password" });
    let (status, answer) = anna.call("POST", "/api/auth/reset-password", Some(again)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
    let (status, _) = anna.call("GET", "/api/auth/me", None).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let login = json!({ "email": "anna@example.org", "password": "another password" });
    anna.post("/api/auth/login", login).await;
}
