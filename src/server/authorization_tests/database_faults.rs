//! Calls every route and server function while the database is unavailable: its error texts must not reach the
//! caller.

use axum::http::StatusCode;

use super::examples::{examples, server_function_examples};
use super::fixture::Fixture;
use super::without_hash;

/// The message that the caller gets instead.
const SENTENCE: &str = "Something went wrong on the server. It has been logged; try again.";

/// Public server functions, with their arguments.
const PUBLIC: &[(&str, &str)] = &[
    ("/api/auth/forms/sign-in", "email=new@example.org&password=long+enough"),
    ("/api/auth/forms/register", "email=new@example.org&password=long+enough"),
    ("/api/auth/forms/forgot-password", "email=new@example.org"),
    ("/api/auth/forms/reset-password", "token=none&password=long+enough"),
];

/// Server functions that need no database, and why.
const WITHOUT_DATABASE: &[(&str, &str)] = &[
    ("/api/set_theme", "sets a cookie of the browser"),
    ("/api/auth/forms/connection", "this installation has no identity provider"),
    ("/api/auth/forms/disconnect", "this installation has no identity provider"),
];

#[tokio::test(flavor = "multi_thread")]
async fn server_functions_hide_database_errors() {
    let fixture = Fixture::sqlite().await;
    let admin = fixture.session_of_admin().await;
    let examples = server_function_examples(&fixture.annas);
    fixture.database.clone().close().await;
    let mut wrong = Vec::new();
    for (path, method) in leptos::server_fn::axum::server_fn_paths() {
        let name = without_hash(path);
        let known = examples.iter().map(|(name, form)| (*name, form.as_str())).chain(PUBLIC.iter().copied());
        let arguments = known.into_iter().find(|(known, _)| *known == name).map_or("", |(_, form)| form);
        let (status, answer) = fixture.call(&admin, method.as_str(), path, arguments).await;
        let is_told_in_general = status == StatusCode::INTERNAL_SERVER_ERROR && answer.ends_with(SENTENCE);
        if !is_told_in_general && !WITHOUT_DATABASE.iter().any(|(known, _)| *known == name) {
            wrong.push(format!("{name}: {status} {answer}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_hide_database_errors() {
    let fixture = Fixture::sqlite().await;
    let admin = fixture.session_of_admin().await;
    fixture.database.clone().close().await;
    let database_says = sqlx::Error::PoolClosed.to_string();
    for example in examples(&fixture.annas) {
        let (status, answer) = fixture.send_example(&admin, &example).await;
        let route = example.route();
        assert!(!answer.contains(&database_says), "{route}: {status} {answer}");
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            assert!(answer.contains(SENTENCE), "{route}: {status} {answer}");
        }
    }
}
