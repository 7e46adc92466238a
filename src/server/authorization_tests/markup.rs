//! Markup in names and texts stays text on every page.

use axum::http::StatusCode;
use scraper::{Html, Node, Selector};

use super::fixture::{Caller, Fixture, MARKUP};
use crate::server::router::page_paths;

/// Returns the addresses of a page with Anna's data.
pub(super) fn addresses(fixture: &Fixture, path: &str) -> Vec<String> {
    let data = &fixture.annas;
    let path = path.replace("{provider}", &data.provider).replace("{model}", &data.model);
    match path.as_str() {
        "/benchmark" => [&data.finished, &data.running]
            .map(|id| format!("/benchmark?like={id}"))
            .into_iter()
            .chain([path])
            .collect(),
        "/benchmark/{id}" => [&data.finished, &data.running].map(|id| format!("/benchmark/{id}")).into(),
        "/admin/users/{id}" => vec![format!("/admin/users/{}", data.user)],
        _ => vec![path],
    }
}

/// Returns all texts and attributes of a page as a browser sees them, without those of scripts.
fn texts(page: &Html) -> Vec<String> {
    let mut texts = Vec::new();
    for node in page.tree.nodes() {
        let element = node.parent().and_then(|parent| parent.value().as_element());
        let in_script = element.is_some_and(|element| element.name() == "script");
        match node.value() {
            Node::Text(text) if !in_script => texts.push(text.to_string()),
            Node::Element(element) => texts.extend(element.attrs().map(|(_, value)| value.to_owned())),
            _ => {}
        }
    }
    texts
}

#[tokio::test(flavor = "multi_thread")]
async fn markup_in_names_and_texts_stays_text_on_every_page() {
    let fixture = Fixture::sqlite().await;
    let planted = Selector::parse("[data-planted]").unwrap();
    let mut pages_with_markup = 0;
    for path in page_paths() {
        let caller = if path.starts_with("/admin") { &fixture.admin } else { &fixture.anna };
        for address in addresses(&fixture, path) {
            let (status, html) = fixture.page(caller, &address).await;
            if status.is_redirection() {
                continue;
            }
            assert_eq!(status, StatusCode::OK, "{address}");
            let page = Html::parse_document(&html);
            assert_eq!(
                page.select(&planted).count(),
                0,
                "{address} contains markup of a name or text:\n{html}"
            );
            let texts = texts(&page);
            let (marks, whole) = texts.iter().fold((0, 0), |(marks, whole), text| {
                (marks + text.matches("data-planted").count(), whole + text.matches(MARKUP).count())
            });
            assert_eq!(marks, whole, "{address} changes a text: {:?}", changed(&texts));
            pages_with_markup += usize::from(whole > 0);
        }
    }
    assert!(pages_with_markup >= 9, "the texts are on {pages_with_markup} pages only");
}

/// Returns the texts with a part of the markup.
fn changed(texts: &[String]) -> Vec<&String> {
    texts.iter().filter(|text| text.matches("data-planted").count() != text.matches(MARKUP).count()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_title_names_the_model_as_it_is_called() {
    let fixture = Fixture::sqlite().await;
    let data = &fixture.annas;
    let address = format!("/providers/{}/models/{}", data.provider, data.model);
    let (_, html) = fixture.page(&fixture.anna, &address).await;
    let page = Html::parse_document(&html);
    let title = page.select(&Selector::parse("title").unwrap()).next().unwrap().text().collect::<String>();
    assert_eq!(title, format!("Quick zebra {MARKUP} · Benchmark Studio"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_is_in_the_form_as_it_was_measured() {
    let fixture = Fixture::sqlite().await;
    let address = format!("/benchmark?like={}", fixture.annas.finished);
    let (_, html) = fixture.page(&fixture.anna, &address).await;
    let page = Html::parse_document(&html);
    let area = page.select(&Selector::parse("textarea[name=prompt]").unwrap()).next().unwrap();
    let text = area.text().collect::<String>();
    assert_eq!(text, format!("\nHow fast does a zebra run? {MARKUP}"));
    let (status, _) = fixture.page(&Caller::Nobody, &address).await;
    assert!(status.is_redirection());
}
