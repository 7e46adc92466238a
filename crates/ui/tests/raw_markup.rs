//! No source file writes text of users or endpoints as markup: elements whose text Leptos does not escape, HTML as a
//! string, and HTML set by a script are refused outside of the one file for each.
#![allow(clippy::unwrap_used, reason = "helpers of a test fail it")]

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// What may write raw markup, and the files that may use it because they escape it or use constants only.
const REFUSED: &[(Use, &[&str])] = &[
    (Use::Element("textarea"), &["crates/ui/src/form/text.rs"]),
    (Use::Element("noscript"), &["crates/ui/src/raw_text.rs"]),
    (Use::Element("script"), &["src/app/client.rs"]),
    (Use::Element("style"), &[]),
    (Use::Element("title"), &["src/server/docs/page.rs"]),
    (Use::Element("meta"), &["src/app.rs", "crates/ui/src/chart/module.rs", "src/server/docs/page.rs"]),
    (Use::Element("base"), &[]),
    (Use::Element("iframe"), &[]),
    (Use::Element("object"), &[]),
    (Use::Element("embed"), &[]),
    (Use::Element("Title"), &["crates/ui/src/title.rs"]),
    (Use::Element("Meta"), &[]),
    (Use::Element("Script"), &[]),
    (Use::Element("Style"), &[]),
    (Use::Name("inner_html"), &["crates/ui/src/raw_text.rs", "src/app/client.rs"]),
    (Use::Name("srcdoc"), &[]),
    (Use::Name("set_inner_html"), &[]),
    (Use::Name("set_outer_html"), &[]),
    (Use::Name("insert_adjacent_html"), &[]),
    (Use::Name("create_contextual_fragment"), &[]),
    (Use::Name("InertElement"), &[]),
    (Use::Call("Html"), &["src/server/docs/mod.rs"]),
    (Use::Constructor("textarea"), &[]),
    (Use::Constructor("noscript"), &[]),
    (Use::Constructor("script"), &[]),
    (Use::Constructor("style"), &[]),
];

/// Names in JavaScript that read text as markup or code.
const REFUSED_IN_SCRIPTS: &[&str] = &[
    "innerHTML",
    "outerHTML",
    "insertAdjacentHTML",
    "createContextualFragment",
    "setHTMLUnsafe",
    "DOMParser",
    "document.write",
    "srcdoc",
    "eval(",
    "new Function",
    "renderMode: \"html\"",
];

#[derive(Debug, Clone, Copy)]
enum Use {
    /// `<name …>` in `view!`.
    Element(&'static str),
    /// `name` anywhere.
    Name(&'static str),
    /// `name(…)`.
    Call(&'static str),
    /// `html::name`.
    Constructor(&'static str),
}

impl Use {
    /// Returns whether the name, between these tokens, is such a use.
    fn is_at(self, before: &[TokenTree], name: &str, after: Option<&TokenTree>) -> bool {
        match (self, before) {
            (Self::Element(element), [.., TokenTree::Punct(punct)]) => {
                name == element && punct.as_char() == '<'
            }
            (Self::Element(_), _) => false,
            (Self::Name(refused), _) => name == refused,
            (Self::Call(function), _) => {
                let is_defined = matches!(before, [.., TokenTree::Ident(word)] if word == "fn");
                let is_called = matches!(after, Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis);
                name == function && is_called && !is_defined
            }
            (
                Self::Constructor(element),
                [.., TokenTree::Ident(module), TokenTree::Punct(_), TokenTree::Punct(_)],
            ) => name == element && module == "html",
            (Self::Constructor(_), _) => false,
        }
    }
}

/// Returns what is used in the tokens and those within their brackets.
fn uses(tokens: TokenStream) -> Vec<usize> {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let mut found = Vec::new();
    for (place, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => found.extend(uses(group.stream())),
            TokenTree::Ident(name) => {
                let name = name.to_string();
                let is_used =
                    |(refused, _): &(Use, _)| refused.is_at(&tokens[..place], &name, tokens.get(place + 1));
                found.extend(REFUSED.iter().position(is_used));
            }
            _ => {}
        }
    }
    found
}

/// Returns the files below the directory with this extension.
fn files(directory: &Path, extension: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path, extension));
        } else if path.extension().is_some_and(|other| other == extension) {
            files.push(path);
        }
    }
    files
}

/// Returns the files of the app and its libraries, each with its name in the repository.
fn sources(extension: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    ["src", "crates/ui/src", "crates/platform/src"]
        .into_iter()
        .flat_map(|directory| files(&root.join(directory), extension))
        .map(|path| {
            let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect()
}

#[test]
fn raw_markup_is_written_in_one_place_each() {
    let mut wrong = Vec::new();
    let mut used = Vec::new();
    for (file, text) in sources("rs") {
        let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{file}: {error}"));
        for place in uses(tokens) {
            let (refused, allowed) = &REFUSED[place];
            if allowed.contains(&file.as_str()) {
                used.push((place, file.clone()));
            } else {
                wrong.push(format!("{file}: {refused:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "write text that is escaped:\n{}", wrong.join("\n"));
    for (place, (refused, allowed)) in REFUSED.iter().enumerate() {
        for file in *allowed {
            assert!(
                used.contains(&(place, (*file).to_owned())),
                "{file} has no {refused:?}; refuse it there too"
            );
        }
    }
}

#[test]
fn scripts_read_no_text_as_markup_or_code() {
    let scripts = sources("js");
    assert!(scripts.len() >= 5, "{}", scripts.len());
    for (file, text) in scripts {
        for refused in REFUSED_IN_SCRIPTS {
            assert!(!text.contains(refused), "{file} uses {refused}");
        }
    }
}

#[test]
fn each_use_is_found() {
    let examples = [
        r#"view! { <div><textarea name="a">{text}</textarea></div> }"#,
        r#"view! { <title>{name}</title> }"#,
        r#"view! { <Show><noscript>{name}</noscript></Show> }"#,
        r#"view! { <Title text=name /> }"#,
        r#"view! { <p inner_html=name></p> }"#,
        r#"fn page() -> Html<String> { Html(text) }"#,
        r#"leptos::html::textarea().child(text)"#,
        r#"fn set(element: &Element) { element.set_inner_html(text); }"#,
    ];
    for example in examples {
        assert_eq!(uses(example.parse().unwrap()).len(), 1, "{example}");
    }
    assert!(
        uses("fn title(a: Vec<u8>) -> Title { view! { <PageTitle text=title(a) /> } }".parse().unwrap())
            .is_empty()
    );
}
