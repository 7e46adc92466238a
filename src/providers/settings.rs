//! Users' settings of providers and models, and their validation. Pure; shared with the browser.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use endpoint::types::{Model, Price, PriceSource, Provider};

/// The stored base URL of the built-in demo, whose address is known only at run time.
pub const DEMO_URL: &str = "demo:";

/// Prefix of the keys of shared providers; users' own keys must not have it.
pub const SHARED_PREFIX: &str = "shared-";

const MAX_KEY: usize = 64;
const MAX_ENV_NAME: usize = 128;
const MAX_NAME: usize = 256;
const MAX_SYSTEM_PROMPT: usize = 50_000;
const MAX_PARAMS: usize = 20_000;
const MAX_ENTRIES: usize = 50;
/// Tokens.
pub const MAX_CONTEXT_WINDOW: u64 = 10_000_000;
/// Tokens.
pub const MAX_OUTPUT_TOKENS: u64 = 1_000_000;
/// US dollars per million tokens.
pub const MAX_PRICE: f64 = 1_000_000.0;

/// One step in an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    Up,
    Down,
}

impl Step {
    /// Returns the name in forms.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }

    /// Returns the text of its button.
    pub fn arrow(self) -> &'static str {
        match self {
            Self::Up => "↑",
            Self::Down => "↓",
        }
    }
}

/// A user's settings of a provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProviderSettings {
    pub provider: Provider,
    /// Optional prefix of its models' ids in requests, followed by a slash.
    pub model_prefix: Option<String>,
    /// The name of an environment variable that the user noted. It is never read, with one exception: if an admin
    /// shares the provider, it selects among the variables of its kind.
    pub key_env: Option<String>,
    /// Whether the user's browser may call it if the server cannot.
    pub direct_local: bool,
    pub enabled: bool,
}

impl From<Provider> for ProviderSettings {
    fn from(provider: Provider) -> Self {
        Self { provider, model_prefix: None, key_env: None, direct_local: false, enabled: true }
    }
}

impl ProviderSettings {
    /// # Errors
    /// A sentence about the first invalid value. The base URL is checked separately.
    pub fn check(&self) -> Result<(), String> {
        check_key(&self.provider.key)?;
        check_name("The name", &self.provider.display_name)?;
        // Not repeated in the error: it may be a key that was written there by mistake.
        if self.key_env.as_deref().is_some_and(|name| !is_env_name(name)) {
            return Err(format!(
                "The name of an environment variable has at most {MAX_ENV_NAME} letters, digits and _. Save a key \
                 with PUT /api/keys."
            ));
        }
        match &self.model_prefix {
            Some(prefix) if prefix.chars().count() > MAX_KEY || !prefix.chars().all(fits_model_id) => {
                Err(format!("Model ID prefix must be at most {MAX_KEY} characters without spaces."))
            }
            _ => Ok(()),
        }
    }
}

fn is_env_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty()
        && name.len() <= MAX_ENV_NAME
        && name.chars().all(fits)
        && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// A user's settings of a model. `None` means the value of the provider or the catalog.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelSettings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_window: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<CustomPrice>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub skip_params: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_prompt: Option<String>,
    /// Parameters that are always sent to this model.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub params: Map<String, Value>,
    /// Data of the user's scripts about this model. Never sent.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub custom_fields: Map<String, Value>,
    /// Alternative names in requests.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
}

/// A price that the user set; US dollars per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CustomPrice {
    pub input_per_mtok: f64,
    pub cached_input_per_mtok: Option<f64>,
    pub output_per_mtok: f64,
}

impl From<CustomPrice> for Price {
    fn from(price: CustomPrice) -> Self {
        Self {
            input_per_mtok: price.input_per_mtok,
            cached_input_per_mtok: price.cached_input_per_mtok,
            output_per_mtok: price.output_per_mtok,
            up_to_input_tokens: None,
            source: PriceSource::Custom,
        }
    }
}

impl ModelSettings {
    /// Applies the settings to the model that its provider lists.
    pub fn apply(&self, listed: Model) -> Model {
        Model {
            id: listed.id,
            display_name: self.display_name.clone().unwrap_or(listed.display_name),
            context_window: self.context_window.or(listed.context_window),
            max_output_tokens: self.max_output_tokens.or(listed.max_output_tokens),
            skip_params: self.skip_params.clone(),
            system_prompt: self.system_prompt.clone(),
            params: self.params.clone(),
            price: self.price.map(Price::from).or(listed.price),
        }
    }

    /// # Errors
    /// A sentence about the first value that is out of bounds.
    pub fn check(&self) -> Result<(), String> {
        if let Some(name) = &self.display_name {
            check_name("The model's name", name)?;
        }
        check_tokens("The context window", self.context_window, MAX_CONTEXT_WINDOW)?;
        check_tokens("The maximum output", self.max_output_tokens, MAX_OUTPUT_TOKENS)?;
        if let Some(price) = self.price {
            price.check()?;
        }
        if self.system_prompt.as_ref().is_some_and(|prompt| prompt.chars().count() > MAX_SYSTEM_PROMPT) {
            return Err(format!("System prompt must be at most {MAX_SYSTEM_PROMPT} characters."));
        }
        check_entries("skipped parameters", &self.skip_params)?;
        check_entries("aliases", &self.aliases)?;
        check_fields("parameters", &self.params)?;
        check_fields("custom fields", &self.custom_fields)
    }
}

fn check_fields(what: &str, fields: &Map<String, Value>) -> Result<(), String> {
    if fields.len() > MAX_ENTRIES || Value::Object(fields.clone()).to_string().len() > MAX_PARAMS {
        return Err(format!("Use at most {MAX_ENTRIES} {what} with {MAX_PARAMS} characters in total."));
    }
    Ok(())
}

impl CustomPrice {
    fn check(self) -> Result<(), String> {
        let amounts = [Some(self.input_per_mtok), self.cached_input_per_mtok, Some(self.output_per_mtok)];
        let sound = |amount: f64| (0.0..=MAX_PRICE).contains(&amount);
        if amounts.into_iter().flatten().all(sound) {
            return Ok(());
        }
        Err(format!("Prices must be 0–{MAX_PRICE} US dollars per million tokens."))
    }
}

/// # Errors
/// If `key` is not valid for a user's own provider.
pub fn check_key(key: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if key.is_empty() || key.len() > MAX_KEY || !key.chars().all(fits) {
        return Err(format!("Key must be 1–{MAX_KEY} letters, digits, - or _."));
    }
    if key.starts_with(SHARED_PREFIX) {
        return Err(format!(
            "Keys that begin with {SHARED_PREFIX} are reserved for shared providers. Choose another one."
        ));
    }
    Ok(())
}

/// # Errors
/// If `id` is not a valid model id.
pub fn check_model_id(id: &str) -> Result<(), String> {
    let length = id.chars().count();
    if length == 0 || length > MAX_NAME || id.chars().any(char::is_control) || id.trim() != id {
        return Err(format!("Model ID must be 1–{MAX_NAME} characters without spaces around it."));
    }
    Ok(())
}

fn fits_model_id(c: char) -> bool {
    !c.is_control() && !c.is_whitespace()
}

fn check_name(what: &str, name: &str) -> Result<(), String> {
    if name.trim().is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(format!("{what} must be 1–{MAX_NAME} characters in one line."));
    }
    Ok(())
}

fn check_tokens(what: &str, tokens: Option<u64>, max: u64) -> Result<(), String> {
    match tokens {
        Some(tokens) if !(1..=max).contains(&tokens) => Err(format!("{what} is 1 to {max} tokens.")),
        _ => Ok(()),
    }
}

fn check_entries(what: &str, entries: &[String]) -> Result<(), String> {
    let sound = |entry: &String| !entry.trim().is_empty() && entry.chars().count() <= MAX_NAME;
    if entries.len() > MAX_ENTRIES || !entries.iter().all(sound) {
        return Err(format!("A model can have at most {MAX_ENTRIES} {what} of 1–{MAX_NAME} characters."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use endpoint::ProviderKind;

    #[test]
    fn keys_of_shared_providers_are_reserved() {
        for good in ["openai", "my-server_2", &"k".repeat(64)] {
            assert_eq!(check_key(good), Ok(()), "{good}");
        }
        for bad in ["", "a b", "a/b", "ä", "shared-openai", &"k".repeat(65)] {
            assert!(check_key(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn any_name_of_a_variable_is_kept_but_no_key() {
        let with = |name: &str| {
            let provider = Provider::of_kind(ProviderKind::Custom, "https://example.com");
            ProviderSettings { key_env: Some(name.into()), ..provider.into() }.check()
        };
        for name in ["GOOGLE_API_KEY", "MY_API_KEY", "STUDIO_SECRET", "_x9"] {
            assert_eq!(with(name), Ok(()), "{name}");
        }
        for name in ["", "sk-a-key", "A B", "9A", "A=b", &"A".repeat(MAX_ENV_NAME + 1)] {
            let error = with(name).unwrap_err();
            assert!(name.is_empty() || !error.contains(name), "{error}");
        }
    }

    #[test]
    fn the_users_settings_take_precedence() {
        let listed = Model { context_window: Some(8_192), ..Model::named("m") };
        let settings = ModelSettings {
            display_name: Some("Mine".into()),
            max_output_tokens: Some(100),
            ..ModelSettings::default()
        };
        let model = settings.apply(listed);
        assert_eq!((model.id.as_str(), model.display_name.as_str()), ("m", "Mine"));
        assert_eq!((model.context_window, model.max_output_tokens), (Some(8_192), Some(100)));
    }

    #[test]
    fn bounds_are_kept() {
        let price =
            |input| CustomPrice { input_per_mtok: input, cached_input_per_mtok: None, output_per_mtok: 1.0 };
        for bad in [
            ModelSettings { context_window: Some(0), ..ModelSettings::default() },
            ModelSettings { max_output_tokens: Some(MAX_OUTPUT_TOKENS + 1), ..ModelSettings::default() },
            ModelSettings { price: Some(price(-1.0)), ..ModelSettings::default() },
            ModelSettings { price: Some(price(f64::NAN)), ..ModelSettings::default() },
            ModelSettings { display_name: Some(" ".into()), ..ModelSettings::default() },
            ModelSettings { aliases: vec![String::new()], ..ModelSettings::default() },
            ModelSettings { system_prompt: Some("x".repeat(50_001)), ..ModelSettings::default() },
        ] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
        let good = ModelSettings { price: Some(price(0.0)), ..ModelSettings::default() };
        assert_eq!(good.check(), Ok(()));
    }
}
