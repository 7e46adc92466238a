//! Prices, context windows and capabilities of well-known models, from `data/catalog.json`.
//!
//! The file is parsed once, on first use, and never on the measured path. A model that is not in it has no price
//! rather than a guessed one.

use std::{collections::HashMap, sync::LazyLock};

use serde::{Deserialize, Serialize};

use super::types::{Model, Price, PriceSource, Provider, ProviderKind};

const FILE: &str = include_str!("../data/catalog.json");

/// The catalog's data about a model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CatalogEntry {
    /// List price; `None` if it is not known for certain.
    pub price: Option<Price>,
    /// Context window, tokens; the input limit if the provider counts output separately.
    pub context_window: Option<u64>,
    /// Limit of output tokens.
    pub max_output_tokens: Option<u64>,
    /// Features of the model.
    pub capabilities: Capabilities,
}

/// Features of a model beyond text input and output; false also if unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Capabilities {
    /// Accepts audio.
    pub audio_input: bool,
    /// Supports prompt caching.
    pub prompt_caching: bool,
    /// Accepts PDF files.
    pub pdf_input: bool,
    /// Generates output that follows a JSON schema.
    pub structured_output: bool,
    /// Reasons before it answers.
    pub reasoning: bool,
    /// Calls tools.
    pub tools: bool,
    /// Accepts images.
    pub vision: bool,
}

impl Capabilities {
    /// Parses the letters of the file, which `data/README.md` lists.
    fn from_letters(letters: &str) -> Self {
        let has = |letter| letters.contains(letter);
        Self {
            audio_input: has('a'),
            prompt_caching: has('c'),
            pdf_input: has('d'),
            structured_output: has('j'),
            reasoning: has('r'),
            tools: has('t'),
            vision: has('v'),
        }
    }
}

/// The columns of one line of the file.
#[derive(Deserialize)]
struct Row(
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<u64>,
    Option<u64>,
    String,
    #[serde(default)] Option<u64>,
);

#[derive(Deserialize)]
struct File {
    models: HashMap<String, HashMap<String, Row>>,
}

impl From<Row> for CatalogEntry {
    fn from(Row(input, cached, output, window, max_output, letters, up_to_input_tokens): Row) -> Self {
        Self {
            price: input.zip(output).map(|(input, output)| Price {
                input_per_mtok: input,
                cached_input_per_mtok: cached,
                output_per_mtok: output,
                up_to_input_tokens,
                source: PriceSource::Catalog,
            }),
            context_window: window,
            max_output_tokens: max_output,
            capabilities: Capabilities::from_letters(&letters),
        }
    }
}

type Models = HashMap<String, CatalogEntry>;

static CATALOG: LazyLock<HashMap<String, Models>> = LazyLock::new(|| match read(FILE) {
    Ok(catalog) => catalog,
    Err(error) => {
        tracing::error!("cannot read data/catalog.json, so no prices are known: {error}");
        HashMap::new()
    }
});

fn read(file: &str) -> Result<HashMap<String, Models>, serde_json::Error> {
    let file: File = serde_json::from_str(file)?;
    let entries = |rows: HashMap<String, Row>| rows.into_iter().map(|(id, row)| (id, row.into())).collect();
    Ok(file.models.into_iter().map(|(key, rows)| (key, entries(rows))).collect())
}

/// Returns the catalog's data about a model of a provider; `None` if it is not in the catalog.
///
/// The id is looked up unchanged, then in forms that certainly mean the same model: without
/// `models/` or the provider's own key in front, without a date at the end (`-2025-08-07`,
/// `-20250929`), and a fine-tuned model (`ft:base:…`) under its base, if the provider prices it so.
/// There is no fuzzy matching. Servers that users run themselves have no list price.
pub fn lookup(kind: ProviderKind, model_id: &str) -> Option<CatalogEntry> {
    let facts = kind.facts();
    if facts.local || kind == ProviderKind::Custom {
        return None;
    }
    let models = CATALOG.get(facts.key)?;
    let bare = without_prefix(model_id, facts.key);
    [Some(model_id), Some(bare), tuned_base(bare), without_date(bare)]
        .into_iter()
        .flatten()
        .find_map(|id| models.get(id))
        .cloned()
}

/// Fills in the values that the user did not set: context window, output limit and, at the provider's own
/// address, the list price (a gateway has its own prices).
pub fn complete(provider: &Provider, model: &mut Model) {
    let Some(entry) = lookup(provider.kind, &model.id) else { return };
    model.context_window = model.context_window.or(entry.context_window);
    model.max_output_tokens = model.max_output_tokens.or(entry.max_output_tokens);
    let list_price = entry.price.filter(|_| provider.kind.facts().is_own_origin(&provider.base_url));
    model.price = model.price.or(list_price);
}

fn without_prefix<'a>(id: &'a str, key: &str) -> &'a str {
    let id = id.strip_prefix("models/").unwrap_or(id);
    id.strip_prefix(key).and_then(|rest| rest.strip_prefix('/')).unwrap_or(id)
}

/// Returns `ft:gpt-4o-2024-08-06` of `ft:gpt-4o-2024-08-06:my-org::AbC123`.
fn tuned_base(id: &str) -> Option<&str> {
    let rest = id.strip_prefix("ft:")?;
    let end = rest.find(':').map_or(id.len(), |end| "ft:".len() + end);
    id.get(..end)
}

/// Returns the id without a date of eight digits, with or without dashes, at its end.
fn without_date(id: &str) -> Option<&str> {
    const SHAPES: [&str; 2] = ["-dddd-dd-dd", "-dddddddd"];
    SHAPES.iter().find_map(|shape| {
        let (head, tail) = id.split_at_checked(id.len().checked_sub(shape.len())?)?;
        let fits = |(c, s)| if s == 'd' { char::is_ascii_digit(&c) } else { c == s };
        tail.chars().zip(shape.chars()).all(fits).then_some(head)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price_of(kind: ProviderKind, id: &str) -> Option<(f64, Option<f64>, f64)> {
        let price = lookup(kind, id)?.price?;
        Some((price.input_per_mtok, price.cached_input_per_mtok, price.output_per_mtok))
    }

    fn provider(kind: ProviderKind) -> Provider {
        Provider::of_kind(kind, kind.facts().base_url.unwrap_or_default())
    }

    #[test]
    fn the_file_is_valid_and_has_only_known_providers() {
        let catalog = read(FILE).unwrap();
        for key in catalog.keys() {
            assert!(ProviderKind::from_key(key).is_some(), "{key}");
        }
        assert!(catalog.values().map(HashMap::len).sum::<usize>() > 200);
        let priced = catalog.values().flat_map(HashMap::values).filter_map(|entry| entry.price);
        for price in priced {
            assert!(price.input_per_mtok >= 0.0 && price.output_per_mtok < 2_000.0);
            assert!(price.cached_input_per_mtok.is_none_or(|cached| cached <= price.input_per_mtok));
        }
    }

    #[test]
    fn a_known_model_has_price_limits_and_capabilities() {
        let entry = lookup(ProviderKind::Openai, "gpt-4o").unwrap();
        assert_eq!(price_of(ProviderKind::Openai, "gpt-4o"), Some((2.5, Some(1.25), 10.0)));
        assert_eq!((entry.context_window, entry.max_output_tokens), (Some(128_000), Some(16_384)));
        assert!(entry.capabilities.tools && entry.capabilities.vision && !entry.capabilities.reasoning);
    }

    #[test]
    fn equivalent_ids_are_found() {
        let gpt = price_of(ProviderKind::Openai, "gpt-4.1-mini");
        assert!(gpt.is_some());
        assert_eq!(price_of(ProviderKind::Openai, "openai/gpt-4.1-mini"), gpt);
        assert_eq!(price_of(ProviderKind::Openai, "gpt-4.1-mini-2031-01-31"), gpt);
        let claude = price_of(ProviderKind::Anthropic, "claude-haiku-4-5");
        assert!(claude.is_some());
        assert_eq!(price_of(ProviderKind::Anthropic, "claude-haiku-4-5-20310131"), claude);
        let gemini = price_of(ProviderKind::Gemini, "gemini-2.5-flash");
        assert!(gemini.is_some());
        assert_eq!(price_of(ProviderKind::Gemini, "models/gemini-2.5-flash"), gemini);
    }

    #[test]
    fn a_dated_snapshot_with_its_own_price_keeps_it() {
        let newest = price_of(ProviderKind::Openai, "gpt-4o");
        assert_eq!(price_of(ProviderKind::Openai, "gpt-4o-2024-05-13"), Some((5.0, None, 15.0)));
        assert_ne!(price_of(ProviderKind::Openai, "gpt-4o-2024-05-13"), newest);
    }

    #[test]
    fn a_price_has_its_token_limit() {
        let price = lookup(ProviderKind::Gemini, "gemini-2.5-pro").and_then(|entry| entry.price).unwrap();
        assert_eq!(price.up_to_input_tokens, Some(200_000));
        assert!(price.cost(200_000, 0, 10).is_some());
        assert_eq!(price.cost(200_001, 0, 10), None);
    }

    #[test]
    fn a_fine_tuned_model_has_the_price_of_fine_tuned_models() {
        let tuned = price_of(ProviderKind::Openai, "ft:gpt-4o-2024-08-06:acme::AbC");
        assert_eq!(tuned, Some((3.75, Some(1.875), 15.0)));
    }

    #[test]
    fn similar_ids_do_not_match() {
        for id in [
            "gpt-4o-mini-super",
            "gpt-4",
            "gpt4o",
            "GPT-4O",
            "gpt-4o-2024",
            "gpt-4o-0513",
            "",
            "ft:",
            "ä-2024-05-13",
        ] {
            let exact = id == "gpt-4";
            assert_eq!(lookup(ProviderKind::Openai, id).is_some(), exact, "{id}");
        }
        assert_eq!(lookup(ProviderKind::Anthropic, "gpt-4o"), None);
    }

    #[test]
    fn local_and_unknown_servers_have_no_list_price() {
        for kind in [
            ProviderKind::Ollama,
            ProviderKind::LmStudio,
            ProviderKind::Vllm,
            ProviderKind::LlamaCpp,
            ProviderKind::Custom,
            ProviderKind::Demo,
        ] {
            assert_eq!(lookup(kind, "gpt-4o"), None);
            assert_eq!(lookup(kind, "openai/gpt-4o"), None);
        }
    }

    #[test]
    fn the_users_values_take_precedence() {
        let custom = Price {
            input_per_mtok: 1.0,
            cached_input_per_mtok: None,
            output_per_mtok: 2.0,
            up_to_input_tokens: None,
            source: PriceSource::Custom,
        };
        let mut model = Model::named("gpt-4o");
        model.price = Some(custom);
        model.context_window = Some(10_000);
        complete(&provider(ProviderKind::Openai), &mut model);
        assert_eq!((model.price, model.context_window), (Some(custom), Some(10_000)));
        assert_eq!(model.max_output_tokens, Some(16_384));
    }

    #[test]
    fn a_list_price_applies_only_at_the_providers_own_url() {
        let priced_at = |base_url: &str| {
            let mut model = Model::named("gpt-4o");
            complete(&Provider::of_kind(ProviderKind::Openai, base_url), &mut model);
            model.price.is_some()
        };
        assert!(priced_at("https://api.openai.com/v1"));
        assert!(!priced_at("https://gateway.example/v1"));
    }

    #[test]
    fn an_unknown_model_stays_without_a_price() {
        let mut model = Model::named("gpt-4o-of-tomorrow");
        complete(&provider(ProviderKind::Openai), &mut model);
        assert_eq!(model, Model::named("gpt-4o-of-tomorrow"));
    }
}
