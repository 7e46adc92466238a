//! How one parameter of one provider is described.

use serde::Serialize;

/// One parameter of one provider: enough to draw a form field and to check a value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ParamSpec {
    /// Neutral name where there is one (`max_tokens`, `top_p`, `stop`, …), else the provider's own.
    pub name: &'static str,
    #[serde(flatten)]
    pub param_type: ParamType,
    /// The provider's default where it states one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<f64>,
    pub support: Support,
    /// Why the support is not a plain yes; a sentence, empty where there is nothing to say.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub note: &'static str,
}

/// The values a parameter may have.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ParamType {
    Number {
        min: f64,
        max: f64,
        step: f64,
    },
    Integer {
        min: i64,
        max: i64,
    },
    Boolean,
    Choice {
        values: &'static [&'static str],
    },
    /// A text or a list of texts; `max_items` 0 means that no limit is known.
    Texts {
        max_items: usize,
    },
    Object,
    /// Checked by the provider alone.
    Any,
}

/// Whether a provider knows a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Support {
    Yes,
    /// Some of its models or endpoints do: sent with a warning.
    Partial,
    /// Never sent.
    No,
    /// Nobody knows: sent with a warning.
    Unknown,
}

impl ParamSpec {
    const fn of(name: &'static str, param_type: ParamType) -> Self {
        Self { name, param_type, default: None, support: Support::Yes, note: "" }
    }

    pub(super) const fn number(name: &'static str, min: f64, max: f64, step: f64) -> Self {
        Self::of(name, ParamType::Number { min, max, step })
    }

    pub(super) const fn integer(name: &'static str, min: i64, max: i64) -> Self {
        Self::of(name, ParamType::Integer { min, max })
    }

    pub(super) const fn boolean(name: &'static str) -> Self {
        Self::of(name, ParamType::Boolean)
    }

    pub(super) const fn choice(name: &'static str, values: &'static [&'static str]) -> Self {
        Self::of(name, ParamType::Choice { values })
    }

    pub(super) const fn texts(name: &'static str, max_items: usize) -> Self {
        Self::of(name, ParamType::Texts { max_items })
    }

    pub(super) const fn object(name: &'static str) -> Self {
        Self::of(name, ParamType::Object)
    }

    pub(super) const fn any(name: &'static str) -> Self {
        Self::of(name, ParamType::Any)
    }

    pub(super) const fn unsupported(name: &'static str) -> Self {
        let mut spec = Self::of(name, ParamType::Any);
        spec.support = Support::No;
        spec
    }

    pub(super) const fn or(mut self, default: f64) -> Self {
        self.default = Some(default);
        self
    }

    pub(super) const fn partial(mut self, note: &'static str) -> Self {
        self.support = Support::Partial;
        self.note = note;
        self
    }

    pub(super) const fn unknown(mut self) -> Self {
        self.support = Support::Unknown;
        self
    }
}
