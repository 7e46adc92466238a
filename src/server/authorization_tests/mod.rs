//! Two users, every route: neither reaches anything of the other's, and nobody anything of either's.
//!
//! The routes are taken from the published description and from what Leptos has registered, so that a
//! new one makes a test fail until [`examples`] says how to call it and whose business it is.

mod database_faults;
mod examples;
mod fixture;
mod record;

use std::collections::BTreeSet;

use axum::http::StatusCode;

use examples::{Business, Example, PUBLIC_SERVER_FUNCTIONS, examples, server_function_examples};
use fixture::{Caller, Fixture, on_both};

#[tokio::test(flavor = "multi_thread")]
async fn every_route_has_an_example() {
    let world = Fixture::sqlite().await;
    let (status, description) = world.json(&Caller::Nobody, "GET", "/api/openapi.json", None).await;
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
    let covered: BTreeSet<String> = examples(&world.annas).iter().map(Example::route).collect();
    assert_eq!(described, covered, "on the left what is described, on the right what has an example");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_user_reaches_nothing() {
    on_both(async |world| {
        let before = record::of(&world.database, &world.annas.user).await;
        let mut bens_tab = world.state.hub.join(&world.ben_id()).unwrap();
        for example in examples(&world.annas) {
            let (status, answer) = world.try_out(&world.ben, &example).await;
            let route = example.route();
            match example.business {
                Business::Hidden => {
                    assert_eq!(status, StatusCode::NOT_FOUND, "{route} as another user: {answer}");
                }
                Business::AdminsOnly => assert_eq!(status, StatusCode::FORBIDDEN, "{route}: {answer}"),
                Business::Own => assert!(status.is_success(), "{route}: {status} {answer}"),
                Business::Public => assert!(!status.is_server_error(), "{route}: {status} {answer}"),
                Business::DetailBody(expected) => assert_eq!(status, expected, "{route}: {answer}"),
            }
            world.assert_tells_nothing(&route, &example.sent(), &answer);
        }
        while let Ok(frame) = bens_tab.frames.try_recv() {
            assert!(!world.annas.is_in(&frame), "a tab of another user received {}", &*frame);
        }
        record::assert_unchanged(&before, &record::of(&world.database, &world.annas.user).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_signed_out_reaches_nothing() {
    on_both(async |world| {
        let ended = world.ended_session_of_anna().await;
        let before = record::of(&world.database, &world.annas.user).await;
        for caller in [Caller::Nobody, ended, Caller::Token("no.such.token".into())] {
            for example in examples(&world.annas) {
                let (status, answer) = world.try_out(&caller, &example).await;
                if example.business != Business::Public {
                    assert_eq!(
                        status,
                        StatusCode::UNAUTHORIZED,
                        "{} as {caller:?}: {answer}",
                        example.route()
                    );
                }
                world.assert_tells_nothing(&example.route(), &example.sent(), &answer);
            }
        }
        record::assert_unchanged(&before, &record::of(&world.database, &world.annas.user).await);
    })
    .await;
}

/// Or the test above would pass with examples that nobody can reach.
#[tokio::test(flavor = "multi_thread")]
async fn the_owner_reaches_all_of_it() {
    let world = Fixture::sqlite().await;
    for example in examples(&world.annas).into_iter().filter(|example| example.business == Business::Hidden) {
        let (status, answer) = world.try_out(&world.anna, &example).await;
        assert!(!is_closed(status), "{} as its owner: {status} {answer}", example.route());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn admins_reach_what_is_theirs() {
    let world = Fixture::sqlite().await;
    for example in
        examples(&world.annas).into_iter().filter(|example| example.business == Business::AdminsOnly)
    {
        let (status, answer) = world.try_out(&world.admin, &example).await;
        assert!(!is_closed(status), "{} as an admin: {status} {answer}", example.route());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn server_functions_need_a_session_unless_they_are_for_the_door() {
    let world = Fixture::sqlite().await;
    let examples = server_function_examples(&world.annas);
    let mut public = BTreeSet::new();
    for (path, method) in leptos::server_fn::axum::server_fn_paths() {
        let name = without_hash(path);
        let arguments =
            examples.iter().find(|(known, _)| *known == name).map_or("", |(_, form)| form.as_str());
        let (status, answer) = world.call(&Caller::Nobody, method.as_str(), path, arguments).await;
        world.assert_tells_nothing(&name, arguments, &answer);
        if status != StatusCode::UNAUTHORIZED && !answer.contains("You are signed out") {
            public.insert(name);
        }
    }
    let expected: BTreeSet<String> =
        PUBLIC_SERVER_FUNCTIONS.iter().map(|(name, _reason)| (*name).to_owned()).collect();
    assert_eq!(public, expected, "on the left what answers without a session, on the right what may");
}

#[tokio::test(flavor = "multi_thread")]
async fn server_functions_give_nothing_to_another_user() {
    on_both(async |world| {
        let before = record::of(&world.database, &world.annas.user).await;
        let examples = server_function_examples(&world.annas);
        let mut called = BTreeSet::new();
        for (path, method) in leptos::server_fn::axum::server_fn_paths() {
            let name = without_hash(path);
            if PUBLIC_SERVER_FUNCTIONS.iter().any(|(public, _)| *public == name) {
                continue;
            }
            let example = examples.iter().find(|(known, _)| *known == name);
            let (_, arguments) = example.unwrap_or_else(|| panic!("{name} has no example"));
            let (status, answer) = world.call(&world.ben, method.as_str(), path, arguments).await;
            assert!(!is_misunderstood(&answer), "{name} does not take its example: {status} {answer}");
            world.assert_tells_nothing(&name, arguments, &answer);
            called.insert(name);
        }
        let known: BTreeSet<String> = examples.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(called, known, "on the left the server functions, on the right the examples");
        record::assert_unchanged(&before, &record::of(&world.database, &world.annas.user).await);
    })
    .await;
}

/// Whether the arguments could not even be read.
fn is_misunderstood(answer: &str) -> bool {
    answer.starts_with("Args|") || answer.starts_with("MissingArg|") || answer.starts_with("Deserialization|")
}

fn is_closed(status: StatusCode) -> bool {
    matches!(status, StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND)
}

/// Leptos puts a number behind the name of a server function that has no address of its own.
fn without_hash(path: &str) -> String {
    path.trim_end_matches(|letter: char| letter.is_ascii_digit()).to_owned()
}
