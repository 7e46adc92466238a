//! A link to a page does not make it say what somebody else has written.

use axum::http::StatusCode;
use leptos::prelude::ServerFnError;
use leptos::server_fn::error::ServerFnUrlError;
use scraper::{Html, Selector};

use super::fixture::{Caller, Fixture};
use super::markup::addresses;
use crate::server::router::page_paths;

const WORDS: &str = "Your account is locked. Call +1 555 0100";

/// The parameters that pages read, and others that they could.
const PARAMETERS: [&str; 17] = [
    "after",
    "before",
    "detail",
    "done",
    "error",
    "id",
    "invitation",
    "kind",
    "like",
    "message",
    "model",
    "next",
    "notice",
    "provider",
    "q",
    "status",
    "token",
];

/// Returns queries with [`WORDS`]: in all parameters, in each alone, and as the error of each server function.
fn queries() -> Vec<String> {
    let query = |pairs: &[(&str, &str)]| {
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    };
    let error_of = |function: &str| {
        let error: ServerFnError = ServerFnError::ServerError(WORDS.to_owned());
        let address = ServerFnUrlError::new(function, error).to_url("http://localhost/").unwrap();
        address.query().unwrap().to_owned()
    };
    let mut queries = vec![query(&PARAMETERS.map(|name| (name, WORDS)))];
    queries.extend(PARAMETERS.map(|name| query(&[(name, WORDS)])));
    queries.extend(leptos::server_fn::axum::server_fn_paths().map(|(function, _)| error_of(function)));
    queries
}

#[tokio::test(flavor = "multi_thread")]
async fn no_text_of_a_query_is_shown_as_a_message_of_the_page() {
    let fixture = Fixture::sqlite().await;
    let messages = Selector::parse("[role=alert], [role=status], .form-error").unwrap();
    let queries = queries();
    let mut shown = 0;
    let pages = page_paths().flat_map(|path| addresses(&fixture, path)).chain(["/no/such/page".into()]);
    for page in pages {
        let caller = match page.as_str() {
            "/login" | "/register" | "/forgot-password" | "/reset-password" => &Caller::Nobody,
            page if page.starts_with("/admin") => &fixture.admin,
            _ => &fixture.anna,
        };
        let separator = if page.contains('?') { '&' } else { '?' };
        for query in &queries {
            let address = format!("{page}{separator}{query}");
            let (status, html) = fixture.visit(caller, &address).await;
            assert!(!status.is_server_error(), "{address}: {status}");
            let document = Html::parse_document(&html);
            shown += document.select(&messages).count();
            for message in document.select(&messages) {
                let text = message.text().collect::<String>();
                assert!(!text.contains("555"), "{address} shows {text:?}");
            }
        }
    }
    assert!(shown > 0, "no page has an element for messages");
    assert_eq!(fixture.page(&Caller::Nobody, "/login").await.0, StatusCode::OK);
}
