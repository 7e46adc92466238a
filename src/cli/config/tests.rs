use secrecy::ExposeSecret;

use super::{file::ProviderEntry, resolve::resolve, *};
use endpoint::{PriceSource, Protocol, ProviderKind};

fn entry(yaml: &str) -> ProviderEntry {
    let file = File::parse(&format!("providers:\n  p:\n{yaml}")).unwrap();
    file.providers.0.into_iter().next().unwrap().1
}

#[test]
fn the_example_parses_and_every_provider_resolves() {
    let file = File::parse(EXAMPLE).unwrap();
    assert_eq!(file.defaults.runs, Some(3));
    let keys: Vec<_> = file.providers.0.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["openai", "anthropic", "ollama", "my_gateway"], "the file's order is kept");
    for (key, entry) in &file.providers.0 {
        resolve(key, entry).unwrap();
    }
}

#[test]
fn the_example_shows_how_to_set_every_field() {
    let file = File::parse(EXAMPLE).unwrap();
    let gateway = resolve("my_gateway", &file.providers.0[3].1).unwrap();
    assert_eq!(gateway.provider.kind, ProviderKind::Custom);
    assert_eq!(gateway.provider.base_url, "https://llm.example.com/v1");
    assert_eq!(gateway.provider.headers, [("x-team".to_owned(), "benchmarks".to_owned())]);
    let price = gateway.models[0].price.unwrap();
    assert_eq!(
        (price.input_per_mtok, price.cached_input_per_mtok, price.source),
        (0.25, Some(0.05), PriceSource::Custom)
    );
}

#[test]
fn an_empty_file_is_an_empty_configuration() {
    assert!(File::parse("").unwrap().providers.0.is_empty());
    assert!(File::parse("# nothing yet\n").unwrap().providers.0.is_empty());
}

#[test]
fn an_unknown_field_is_named_with_its_line() {
    let error = File::parse("defaults:\n  runs: 3\n  max_tokenz: 5\n").unwrap_err();
    assert!(
        error.starts_with("3:") && error.contains("max_tokenz") && error.contains("max_tokens"),
        "{error}"
    );
    assert!(!error.contains('\n'), "{error}");

    let error =
        File::parse("providers:\n  a:\n    models:\n      - id: m\n        contxt_window: 5\n").unwrap_err();
    assert!(error.starts_with("5:") && error.contains("contxt_window"), "{error}");
}

#[test]
fn a_wrong_type_is_named_with_its_line() {
    let error = File::parse("defaults:\n  runs: many\n").unwrap_err();
    assert!(error.starts_with("2:"), "{error}");
}

#[test]
fn a_key_in_the_file_is_rejected_and_not_quoted() {
    for yaml in ["    api_key: sk-secret\n", "    api_key_env: sk-secret\n"] {
        let error = File::parse(&format!("providers:\n  openai:\n{yaml}")).unwrap_err();
        assert!(error.starts_with("3:") && error.contains("variable"), "{error}");
        assert!(!error.contains("sk-secret"), "{error}");
    }
    let error =
        resolve("p", &entry("    base_url: http://h\n    headers: {Authorization: Bearer sk-secret}\n"))
            .unwrap_err();
    assert!(error.to_string().contains("api_key_env") && !error.to_string().contains("sk-secret"), "{error}");
}

#[test]
fn a_model_is_an_id_or_a_map() {
    let entry =
        entry("    base_url: http://h\n    models:\n      - plain\n      - id: full\n        name: Full\n");
    let models = resolve("p", &entry).unwrap().models;
    assert_eq!((models[0].id.as_str(), models[0].display_name.as_str()), ("plain", "plain"));
    assert_eq!((models[1].id.as_str(), models[1].display_name.as_str()), ("full", "Full"));
}

#[test]
fn protocols_have_short_names() {
    let provider = resolve("p", &entry("    base_url: http://h\n    protocol: cohere\n")).unwrap().provider;
    assert_eq!(provider.protocol, Protocol::CohereChat);
    assert!(File::parse("providers:\n  p:\n    protocol: soap\n").unwrap_err().starts_with("3:"));
}

#[test]
fn a_custom_endpoint_needs_an_address() {
    let error = resolve("mine", &ProviderEntry::default()).unwrap_err().to_string();
    assert!(error.contains("base_url"), "{error}");
}

#[test]
fn a_negative_price_is_refused() {
    let entry = entry("    base_url: http://h\n    models: [{id: m, price: {input: -1, output: 1}}]\n");
    assert!(resolve("p", &entry).unwrap_err().to_string().contains("price"));
}

#[test]
fn addresses_are_checked_and_trimmed() {
    assert_eq!(parse_base_url(" http://127.0.0.1:8080/v1/ ").unwrap(), "http://127.0.0.1:8080/v1");
    for wrong in
        ["127.0.0.1:8080", "ftp://host", "https://", "http://user:pass@host", "http://host/?key=1", "x"]
    {
        assert!(parse_base_url(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn keys_are_used_only_for_the_providers_own_origin() {
    let openai = ProviderKind::Openai.facts();
    assert!(openai.is_own_origin("https://api.openai.com/v1"));
    assert!(openai.is_own_origin("https://api.openai.com/other"));
    for foreign in [
        "http://api.openai.com/v1",
        "https://api.openai.com:8443/v1",
        "https://api.openai.com.evil.example/v1",
        "https://evil.example/api.openai.com",
    ] {
        assert!(!openai.is_own_origin(foreign), "{foreign}");
        assert!(matches!(known_key(openai, foreign), Key::NotNeeded), "{foreign}");
    }
}

#[test]
fn a_named_variable_is_used_for_its_endpoint() {
    // PATH is always set; the process's environment cannot be changed safely.
    let configured = resolve("p", &entry("    base_url: http://h\n    api_key_env: PATH\n")).unwrap();
    let Key::Present(key) = configured.key else { panic!("{:?}", configured.key) };
    assert_eq!(key.expose_secret(), std::env::var("PATH").unwrap().trim());

    let configured =
        resolve("p", &entry("    base_url: http://h\n    api_key_env: LLM_STUDIO_TEST_UNSET\n")).unwrap();
    assert!(matches!(configured.key, Key::Missing(name) if name == "LLM_STUDIO_TEST_UNSET"));
}
