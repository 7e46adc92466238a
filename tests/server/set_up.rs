//! Tests of a new server that other machines can reach: who becomes admin, and under which names it answers.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::client::Client;
use super::process::{Installation, Server};

const PASSWORD: &str = "correct horse battery staple";

/// Returns the setup token that the server has printed.
fn printed_token(server: &Server) -> Option<String> {
    let log = server.log();
    let (_, after) = log.split_once("with the setup token\n\n")?;
    Some(after.lines().next().unwrap().trim().to_owned())
}

async fn register(server: &Server, name: &str, token: Option<&str>) -> (StatusCode, Value) {
    let account = json!({
        "email": format!("{name}@example.org"),
        "password": PASSWORD,
        "setup_token": token,
    });
    let client = Client::signed_out(server);
    let (status, answer) = client.call("POST", "/api/auth/register", Some(account)).await;
    (status, serde_json::from_str(&answer).unwrap())
}

#[tokio::test]
async fn the_first_account_of_a_reachable_server_needs_the_printed_token() {
    let installation = Installation::new().with("LEPTOS_SITE_ADDR", "0.0.0.0:0");
    let first = installation.start();
    let token = printed_token(&first).unwrap();
    for wrong in [None, Some(""), Some("wrong")] {
        let (status, answer) = register(&first, "stranger", wrong).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{answer}");
        assert!(answer["detail"].as_str().unwrap().contains("setup token"), "{answer}");
    }
    first.terminate();
    assert!(first.exits_successfully().await);
    let server = installation.start();
    assert_eq!(printed_token(&server).as_ref(), Some(&token), "the same after a restart");
    let (success, output) = installation.run(&["user", "setup-token"]);
    assert!(success && output.trim() == token, "{output}");

    let (status, answer) = register(&server, "owner", Some(&token)).await;
    assert_eq!((status, &answer["user"]["role"]), (StatusCode::OK, &json!("admin")), "{answer}");
    let (status, answer) = register(&server, "anna", Some(&token)).await;
    assert_eq!((status, &answer["user"]["role"]), (StatusCode::OK, &json!("user")), "{answer}");
    let (success, output) = installation.run(&["user", "setup-token"]);
    assert!(!success && output.is_empty(), "{output}");
    server.terminate();
    assert!(server.exits_successfully().await);
    assert_eq!(printed_token(&installation.start()), None);
}

#[tokio::test]
async fn with_admin_email_the_first_is_no_admin_on_a_local_server_either() {
    let installation = Installation::new().with("ADMIN_EMAIL", "owner@example.org");
    let server = installation.start();
    let token = printed_token(&server).unwrap();
    for name in ["stranger", "owner"] {
        let (status, answer) = register(&server, name, None).await;
        assert_eq!((status, &answer["user"]["role"]), (StatusCode::OK, &json!("user")), "{answer}");
    }
    let (status, answer) = register(&server, "owner", Some(&token)).await;
    assert_eq!((status, &answer["user"]["role"]), (StatusCode::OK, &json!("admin")), "{answer}");
}

#[tokio::test]
async fn a_local_server_prints_no_token_and_asks_visitors_of_a_proxy_for_it() {
    let installation = Installation::new().with("APP_BASE_URL", "https://studio.example.org");
    let server = installation.start();
    assert_eq!(printed_token(&server), None);
    let account = json!({ "email": "stranger@example.org", "password": PASSWORD });
    let visitor = Client::signed_out(&server).called("studio.example.org");
    let (status, answer) = visitor.call("POST", "/api/auth/register", Some(account.clone())).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{answer}");
    let stranger = Client::signed_out(&server).called("evil.example");
    let (status, answer) = stranger.call("POST", "/api/auth/register", Some(account)).await;
    assert_eq!(status, StatusCode::MISDIRECTED_REQUEST, "{answer}");
    assert!(answer.contains("STUDIO_HOSTS"), "{answer}");
    let (status, answer) = register(&server, "owner", None).await;
    assert_eq!((status, &answer["user"]["role"]), (StatusCode::OK, &json!("admin")), "{answer}");
}
