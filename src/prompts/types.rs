//! Prompt templates as plain data, shared by server and browser.

use serde::{Deserialize, Serialize};

const MAX_KEY: usize = 64;
const MAX_LABEL: usize = 256;
const MAX_PROMPT: usize = 50_000;

/// The category of a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Category {
    Reasoning,
    Code,
    Creative,
    ShortQa,
    #[default]
    General,
}

impl Category {
    pub const ALL: [Self; 5] = [Self::Reasoning, Self::Code, Self::Creative, Self::ShortQa, Self::General];

    /// Returns the name in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reasoning => "reasoning",
            Self::Code => "code",
            Self::Creative => "creative",
            Self::ShortQa => "short_qa",
            Self::General => "general",
        }
    }

    /// Returns the name on pages.
    pub fn title(self) -> &'static str {
        match self {
            Self::Reasoning => "Reasoning",
            Self::Code => "Code",
            Self::Creative => "Creative",
            Self::ShortQa => "Q&A",
            Self::General => "General",
        }
    }

    /// Returns the category with this name; `General` for unknown names.
    pub fn from_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|category| category.as_str() == name).unwrap_or_default()
    }
}

/// A prompt template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// Its key: letters, digits, `_` and `-`.
    pub key: String,
    pub category: Category,
    pub label: String,
    pub prompt: String,
    /// Whether it is the user's own, which can be changed and deleted.
    pub own: bool,
}

impl Template {
    /// # Errors
    /// A sentence about the first invalid part.
    pub fn check(&self) -> Result<(), String> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if self.key.is_empty() || self.key.len() > MAX_KEY || !self.key.chars().all(fits) {
            return Err(format!("Key must be 1–{MAX_KEY} letters, digits, - or _."));
        }
        if BUILT_IN.iter().any(|built_in| built_in.key == self.key) {
            return Err(format!("{} is a built-in template; choose another key.", self.key));
        }
        if self.label.trim().is_empty() || self.label.chars().count() > MAX_LABEL {
            return Err(format!("Name must be 1–{MAX_LABEL} characters."));
        }
        if self.prompt.trim().is_empty() || self.prompt.chars().count() > MAX_PROMPT {
            return Err(format!("Prompt must be 1–{MAX_PROMPT} characters."));
        }
        Ok(())
    }
}

/// A built-in template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuiltIn {
    pub key: &'static str,
    pub category: Category,
    pub label: &'static str,
    pub prompt: &'static str,
}

impl From<BuiltIn> for Template {
    fn from(built_in: BuiltIn) -> Self {
        Self {
            key: built_in.key.to_owned(),
            category: built_in.category,
            label: built_in.label.to_owned(),
            prompt: built_in.prompt.to_owned(),
            own: false,
        }
    }
}

/// The built-in templates. Each asks for an answer long enough to measure speed, except the short one, which is
/// for the first token.
pub const BUILT_IN: [BuiltIn; 4] = [
    BuiltIn {
        key: "recursion",
        category: Category::Reasoning,
        label: "Explain recursion",
        prompt: bench::types::DEFAULT_PROMPT,
    },
    BuiltIn {
        key: "code_generation",
        category: Category::Code,
        label: "Write a merge sort",
        prompt: "Write a merge sort in Python as a function with type hints and a docstring. Keep it stable, do \
                 not change the list that is passed in, and handle an empty list. Then add five unit tests and \
                 say in two sentences what it costs in time and memory.",
    },
    BuiltIn {
        key: "creative",
        category: Category::Creative,
        label: "Tell a robot's story",
        prompt: "Write a story of about 300 words about a repair robot on a closed space station that finds a \
                 tomato plant. Tell it in the first person, with a turn in the middle and an open end.",
    },
    BuiltIn {
        key: "qa",
        category: Category::ShortQa,
        label: "Answer a short question",
        prompt: "Why is the sky blue in the daytime and red at sunset? Answer in three sentences.",
    },
];

/// Returns a key for a template of this name: `My prompt!` becomes `my_prompt`.
pub fn key_of(label: &str) -> String {
    let words: Vec<String> = label
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    let key: String = words.join("_").chars().take(MAX_KEY).collect();
    if key.is_empty() { "prompt".to_owned() } else { key }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(key: &str, label: &str, prompt: &str) -> Template {
        Template {
            key: key.into(),
            category: Category::General,
            label: label.into(),
            prompt: prompt.into(),
            own: true,
        }
    }

    #[test]
    fn a_template_has_a_key_a_name_and_a_prompt() {
        assert_eq!(template("mine", "Mine", "Do it.").check(), Ok(()));
        for bad in [
            template("", "Mine", "Do it."),
            template("a b", "Mine", "Do it."),
            template("recursion", "Mine", "Do it."),
            template("mine", " ", "Do it."),
            template("mine", "Mine", ""),
            template("mine", "Mine", &"x".repeat(MAX_PROMPT + 1)),
        ] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn names_become_keys() {
        assert_eq!(
            ["My prompt!", "ä", "A-b_c 9"].map(key_of),
            ["my_prompt", "prompt", "a_b_c_9"].map(String::from)
        );
    }

    #[test]
    fn every_category_keeps_its_name() {
        for category in Category::ALL {
            assert_eq!(Category::from_name(category.as_str()), category);
            assert_eq!(serde_json::to_value(category).unwrap(), category.as_str());
        }
    }
}
