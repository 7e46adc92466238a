//! The model editor's form: parses and formats its texts. Pure.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::settings::{CustomPrice, ModelSettings};
use ui::form::submitted_text;

/// The fields of the editor. Empty fields use the value of the provider or the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelForm {
    pub display_name: String,
    pub context_window: String,
    pub max_output_tokens: String,
    pub input_price: String,
    pub cached_input_price: String,
    pub output_price: String,
    /// Separated by commas or lines.
    pub skip_params: String,
    /// Separated by commas or lines.
    pub aliases: String,
    pub system_prompt: String,
    /// A JSON object.
    pub params: String,
}

impl ModelForm {
    /// Returns the form for these settings.
    pub fn of(settings: &ModelSettings) -> Self {
        let number = |value: Option<String>| value.unwrap_or_default();
        let price = settings.price;
        let params = if settings.params.is_empty() {
            String::new()
        } else {
            serde_json::to_string_pretty(&settings.params).unwrap_or_default()
        };
        Self {
            display_name: settings.display_name.clone().unwrap_or_default(),
            context_window: number(settings.context_window.map(|tokens| tokens.to_string())),
            max_output_tokens: number(settings.max_output_tokens.map(|tokens| tokens.to_string())),
            input_price: number(price.map(|price| price.input_per_mtok.to_string())),
            cached_input_price: number(
                price.and_then(|price| price.cached_input_per_mtok).map(|usd| usd.to_string()),
            ),
            output_price: number(price.map(|price| price.output_per_mtok.to_string())),
            skip_params: settings.skip_params.join(", "),
            aliases: settings.aliases.join(", "),
            system_prompt: settings.system_prompt.clone().unwrap_or_default(),
            params,
        }
    }

    /// Parses the form, which has no custom fields.
    ///
    /// # Errors
    /// A sentence about the first field that is invalid or out of bounds.
    pub fn settings(&self) -> Result<ModelSettings, String> {
        let settings = ModelSettings {
            display_name: text(&self.display_name),
            context_window: tokens("The context window", &self.context_window)?,
            max_output_tokens: tokens("The maximum output", &self.max_output_tokens)?,
            price: self.price()?,
            skip_params: entries(&self.skip_params),
            // Not trimmed: it is part of what is measured.
            system_prompt: text(&self.system_prompt).map(|_| submitted_text(&self.system_prompt)),
            params: object(&self.params)?,
            custom_fields: Map::new(),
            aliases: entries(&self.aliases),
        };
        settings.check()?;
        Ok(settings)
    }

    fn price(&self) -> Result<Option<CustomPrice>, String> {
        let input = dollars(&self.input_price)?;
        let cached = dollars(&self.cached_input_price)?;
        let output = dollars(&self.output_price)?;
        match (input, output) {
            (None, None) if cached.is_none() => Ok(None),
            (Some(input), Some(output)) => Ok(Some(CustomPrice {
                input_per_mtok: input,
                cached_input_per_mtok: cached,
                output_per_mtok: output,
            })),
            _ => Err("Enter both input and output price, or neither.".to_owned()),
        }
    }
}

fn text(field: &str) -> Option<String> {
    let field = field.trim();
    (!field.is_empty()).then(|| field.to_owned())
}

fn tokens(what: &str, field: &str) -> Result<Option<u64>, String> {
    let parsed =
        text(field).map(|text| text.parse().map_err(|_| format!("{what} must be a whole number of tokens.")));
    parsed.transpose()
}

fn dollars(field: &str) -> Result<Option<f64>, String> {
    let parse = |text: String| {
        text.parse().map_err(|_| "Prices must be numbers in US dollars, for example 2.5.".to_owned())
    };
    text(field).map(parse).transpose()
}

fn entries(field: &str) -> Vec<String> {
    let entries = field.split([',', '\n']).map(str::trim).filter(|entry| !entry.is_empty());
    entries.map(str::to_owned).collect()
}

fn object(field: &str) -> Result<Map<String, Value>, String> {
    let Some(text) = text(field) else { return Ok(Map::new()) };
    match serde_json::from_str(&text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err("The parameters must be a JSON object, for example {\"top_p\": 0.9}.".to_owned()),
        Err(error) => Err(format!("The parameters are invalid JSON: {error}.")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_survive_the_form() {
        let settings = ModelSettings {
            display_name: Some("Mine".into()),
            context_window: Some(8192),
            max_output_tokens: Some(100),
            price: Some(CustomPrice {
                input_per_mtok: 0.25,
                cached_input_per_mtok: Some(0.1),
                output_per_mtok: 2.0,
            }),
            skip_params: vec!["temperature".into(), "top_p".into()],
            system_prompt: Some("Be brief.".into()),
            params: Map::from_iter([("seed".into(), json!(7))]),
            custom_fields: Map::new(),
            aliases: vec!["m".into()],
        };
        assert_eq!(ModelForm::of(&settings).settings(), Ok(settings));
        assert_eq!(ModelForm::default().settings(), Ok(ModelSettings::default()));
    }

    #[test]
    fn a_system_prompt_stays_as_it_is() {
        let prompt = "\n  First line\n\nlast line\n";
        let settings = ModelSettings { system_prompt: Some(prompt.into()), ..ModelSettings::default() };
        let submitted = ModelForm { system_prompt: prompt.replace('\n', "\r\n"), ..ModelForm::default() };
        assert_eq!(submitted.settings(), Ok(settings));
    }

    #[test]
    fn invalid_fields_are_reported() {
        let form = ModelForm::default;
        for (form, word) in [
            (ModelForm { context_window: "many".into(), ..form() }, "context window"),
            (ModelForm { context_window: "0".into(), ..form() }, "context window"),
            (ModelForm { input_price: "1".into(), ..form() }, "both"),
            (ModelForm { input_price: "x".into(), ..form() }, "dollars"),
            (ModelForm { params: "[1]".into(), ..form() }, "JSON object"),
            (ModelForm { params: "{".into(), ..form() }, "invalid JSON"),
        ] {
            let error = form.settings().unwrap_err();
            assert!(error.contains(word), "{error}");
        }
    }
}
