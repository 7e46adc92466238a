//! Calls every route as another user and without a session: neither may read or change a user's data.
//!
//! The routes come from the OpenAPI description and from the server functions registered with Leptos, so a new
//! one fails a test until [`examples`] has an example of it.

mod database_faults;
mod examples;
mod fixture;
mod hosts;
mod markup;
mod messages;
mod mistakes;
mod record;

use std::collections::BTreeSet;

use axum::http::StatusCode;

use examples::{Access, Example, PUBLIC_SERVER_FUNCTIONS, examples, server_function_examples};
use fixture::{Caller, Fixture, on_each_database};

#[tokio::test(flavor = "multi_thread")]
async fn every_route_has_an_example() {
    let fixture = Fixture::sqlite().await;
    let (status, description) = fixture.json(&Caller::Nobody, "GET", "/api/openapi.json", None).await;
    assert_eq!(status, StatusCode::OK);
    let described: BTreeSet<String> = description["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().keys();
            methods.map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect();
    let covered: BTreeSet<String> = examples(&fixture.annas).iter().map(Example::route).collect();
    assert_eq!(described, covered, "left: described operations, right: operations with an example");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_users_have_no_access() {
    on_each_database(async |fixture| {
        let before = record::of(&fixture.database, &fixture.annas.user).await;
        let mut bens_tab = fixture.state.hub.join(&fixture.ben_id()).unwrap();
        for example in examples(&fixture.annas) {
            let (status, answer) = fixture.send_example(&fixture.ben, &example).await;
            let route = example.route();
            match example.access {
                Access::Hidden => {
                    assert_eq!(status, StatusCode::NOT_FOUND, "{route} as another user: {answer}");
                }
                Access::AdminsOnly => assert_eq!(status, StatusCode::FORBIDDEN, "{route}: {answer}"),
                Access::Own => assert!(status.is_success(), "{route}: {status} {answer}"),
                Access::Public => assert!(!status.is_server_error(), "{route}: {status} {answer}"),
                Access::Rejected(expected) => assert_eq!(status, expected, "{route}: {answer}"),
            }
            fixture.assert_discloses_nothing(&route, &example.sent(), &answer);
        }
        while let Ok(frame) = bens_tab.frames.try_recv() {
            assert!(!fixture.annas.is_in(&frame), "a tab of another user received {}", &*frame);
        }
        record::assert_unchanged(&before, &record::of(&fixture.database, &fixture.annas.user).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_out_users_have_no_access() {
    on_each_database(async |fixture| {
        let ended = fixture.ended_session_of_anna().await;
        let before = record::of(&fixture.database, &fixture.annas.user).await;
        for caller in [Caller::Nobody, ended, Caller::Token("no.such.token".into())] {
            for example in examples(&fixture.annas) {
                let (status, answer) = fixture.send_example(&caller, &example).await;
                if example.access != Access::Public {
                    assert_eq!(
                        status,
                        StatusCode::UNAUTHORIZED,
                        "{} as {caller:?}: {answer}",
                        example.route()
                    );
                }
                fixture.assert_discloses_nothing(&example.route(), &example.sent(), &answer);
            }
        }
        record::assert_unchanged(&before, &record::of(&fixture.database, &fixture.annas.user).await);
    })
    .await;
}

/// Ensures that the examples are valid: otherwise the tests above would prove nothing.
#[tokio::test(flavor = "multi_thread")]
async fn the_owner_has_access() {
    let fixture = Fixture::sqlite().await;
    for example in examples(&fixture.annas).into_iter().filter(|example| example.access == Access::Hidden) {
        let (status, answer) = fixture.send_example(&fixture.anna, &example).await;
        assert!(!is_denied(status), "{} as its owner: {status} {answer}", example.route());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn admins_have_access_to_admin_routes() {
    let fixture = Fixture::sqlite().await;
    for example in examples(&fixture.annas).into_iter().filter(|example| example.access == Access::AdminsOnly)
    {
        let (status, answer) = fixture.send_example(&fixture.admin, &example).await;
        assert!(!is_denied(status), "{} as an admin: {status} {answer}", example.route());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn server_functions_need_a_session_unless_public() {
    let fixture = Fixture::sqlite().await;
    let examples = server_function_examples(&fixture.annas);
    let mut public = BTreeSet::new();
    for (path, method) in leptos::server_fn::axum::server_fn_paths() {
        let name = without_hash(path);
        let arguments =
            examples.iter().find(|(known, _)| *known == name).map_or("", |(_, form)| form.as_str());
        let (status, answer) = fixture.call(&Caller::Nobody, method.as_str(), path, arguments).await;
        fixture.assert_discloses_nothing(&name, arguments, &answer);
        if status != StatusCode::UNAUTHORIZED && !answer.contains("You are signed out") {
            public.insert(name);
        }
    }
    let expected: BTreeSet<String> =
        PUBLIC_SERVER_FUNCTIONS.iter().map(|(name, _reason)| (*name).to_owned()).collect();
    assert_eq!(public, expected, "left: server functions that need no session, right: the allowed ones");
}

#[tokio::test(flavor = "multi_thread")]
async fn server_functions_give_other_users_no_access() {
    on_each_database(async |fixture| {
        let before = record::of(&fixture.database, &fixture.annas.user).await;
        let examples = server_function_examples(&fixture.annas);
        let mut called = BTreeSet::new();
        for (path, method) in leptos::server_fn::axum::server_fn_paths() {
            let name = without_hash(path);
            if PUBLIC_SERVER_FUNCTIONS.iter().any(|(public, _)| *public == name) {
                continue;
            }
            let example = examples.iter().find(|(known, _)| *known == name);
            let (_, arguments) = example.unwrap_or_else(|| panic!("{name} has no example"));
            let (status, answer) = fixture.call(&fixture.ben, method.as_str(), path, arguments).await;
            assert!(!is_parse_error(&answer), "{name} cannot read its example: {status} {answer}");
            fixture.assert_discloses_nothing(&name, arguments, &answer);
            called.insert(name);
        }
        let known: BTreeSet<String> = examples.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(called, known, "left: server functions, right: examples");
        record::assert_unchanged(&before, &record::of(&fixture.database, &fixture.annas.user).await);
    })
    .await;
}

/// Returns whether the arguments could not be parsed.
fn is_parse_error(answer: &str) -> bool {
    answer.starts_with("Args|") || answer.starts_with("MissingArg|") || answer.starts_with("Deserialization|")
}

fn is_denied(status: StatusCode) -> bool {
    matches!(status, StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND)
}

/// Removes the number that Leptos appends to the name of a server function without an explicit path.
fn without_hash(path: &str) -> String {
    path.trim_end_matches(|letter: char| letter.is_ascii_digit()).to_owned()
}
