//! The structure of the configuration file. Unknown fields are errors, so that a typo cannot silently change
//! the benchmark.

use std::{fmt, marker::PhantomData, str::FromStr};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::{Map, Value};
use serde_saphyr::{DefaultMessageFormatter, MessageFormatter};

use endpoint::{Protocol, ProviderKind};

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct File {
    pub defaults: Defaults,
    /// By key, in the file's order.
    pub providers: Entries<ProviderEntry>,
}

impl File {
    /// Parses YAML.
    ///
    /// # Errors
    /// `line:column: what is wrong`, on one line and without an excerpt of the file, which may contain a secret
    /// by mistake.
    pub fn parse(text: &str) -> Result<Self, String> {
        serde_saphyr::from_str(text).map_err(|error| one_line(error.without_snippet()))
    }
}

fn one_line(error: &serde_saphyr::Error) -> String {
    let message = DefaultMessageFormatter.format_message(error);
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    match error.location() {
        Some(at) => format!("{}:{}: {message}", at.line(), at.column()),
        None => format!(" {message}"),
    }
}

/// Defaults of `bench`, which its flags override.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Defaults {
    pub prompt: Option<String>,
    pub runs: Option<u32>,
    pub max_tokens: Option<u32>,
    pub temperature: Option<f64>,
    pub context_tiers: Option<Vec<u64>>,
    pub warmup: Option<bool>,
    pub params: Map<String, Value>,
    /// In seconds, like the two below.
    pub connect_timeout: Option<f64>,
    pub first_token_timeout: Option<f64>,
    pub timeout: Option<f64>,
}

/// One endpoint.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProviderEntry {
    /// If not set, the kind named like the entry's key, otherwise `custom`.
    pub kind: Option<ProviderKind>,
    pub name: Option<String>,
    #[serde(deserialize_with = "protocol")]
    pub protocol: Option<Protocol>,
    pub base_url: Option<String>,
    pub api_key_env: Option<EnvName>,
    #[serde(rename = "api_key")]
    pub forbidden_key: ForbiddenKey,
    pub headers: Entries<String>,
    /// Empty: use the endpoint's own list.
    pub models: Vec<ModelEntry>,
}

/// One model: its id, or a map with further fields.
#[derive(Debug, Clone)]
pub struct ModelEntry(pub ModelFields);

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFields {
    pub id: String,
    pub name: Option<String>,
    pub context_window: Option<u64>,
    pub max_output_tokens: Option<u64>,
    pub price: Option<PriceFields>,
    #[serde(default)]
    pub skip_params: Vec<String>,
    pub system_prompt: Option<String>,
    #[serde(default)]
    pub params: Map<String, Value>,
}

/// US dollars per million tokens.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceFields {
    pub input: f64,
    pub cached_input: Option<f64>,
    pub output: f64,
}

/// The name of an environment variable. Text that looks like a key is rejected and not quoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvName(pub String);

impl FromStr for EnvName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut chars = text.chars();
        let starts_well = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
        if starts_well && chars.all(|c| c.is_ascii_alphanumeric() || c == '_') {
            Ok(Self(text.to_owned()))
        } else {
            Err("not the name of an environment variable (letters, digits and _); \
                 set it to the variable that contains the key, never to the key itself"
                .to_owned())
        }
    }
}

impl<'de> Deserialize<'de> for EnvName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A field in which users might write a key. Reading it is an error that says what to do instead.
#[derive(Debug, Default)]
pub struct ForbiddenKey;

impl<'de> Deserialize<'de> for ForbiddenKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer)?;
        Err(serde::de::Error::custom(
            "never put keys in this file: put the key into an environment variable and name that \
             variable with api_key_env",
        ))
    }
}

/// Parses a protocol name, long (`openai_chat`) or short (`openai`).
///
/// # Errors
/// A sentence that lists the names.
pub fn parse_protocol(name: &str) -> Result<Protocol, String> {
    match name {
        "openai" | "openai_chat" => Ok(Protocol::OpenaiChat),
        "anthropic" | "anthropic_messages" => Ok(Protocol::AnthropicMessages),
        "gemini" | "gemini_generate" => Ok(Protocol::GeminiGenerate),
        "cohere" | "cohere_chat" => Ok(Protocol::CohereChat),
        _ => Err("expected openai, anthropic, gemini or cohere".to_owned()),
    }
}

fn protocol<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Protocol>, D::Error> {
    Option::<String>::deserialize(deserializer)?
        .map(|name| parse_protocol(&name).map_err(serde::de::Error::custom))
        .transpose()
}

impl<'de> Deserialize<'de> for ModelEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IdOrFields;

        impl<'de> Visitor<'de> for IdOrFields {
            type Value = ModelEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a model's id, or a map with its id")
            }

            fn visit_str<E>(self, id: &str) -> Result<ModelEntry, E> {
                Ok(ModelEntry(ModelFields { id: id.to_owned(), ..Default::default() }))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ModelEntry, A::Error> {
                ModelFields::deserialize(MapAccessDeserializer::new(map)).map(ModelEntry)
            }
        }

        deserializer.deserialize_any(IdOrFields)
    }
}

/// A map that keeps the file's order.
#[derive(Debug, Clone)]
pub struct Entries<V>(pub Vec<(String, V)>);

impl<V> Default for Entries<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Entries<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder<V>(PhantomData<V>);

        impl<'de, V: Deserialize<'de>> Visitor<'de> for InOrder<V> {
            type Value = Entries<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<V>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(InOrder(PhantomData))
    }
}
