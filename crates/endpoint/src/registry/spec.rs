//! The description of one parameter of one provider.

use serde::Serialize;

/// One parameter of one provider: enough to draw a form field and to check a value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ParamSpec {
    /// Provider-independent name if there is one (`max_tokens`, `top_p`, `stop`, …), else the provider's own.
    pub name: &'static str,
    /// The allowed values.
    #[serde(flatten)]
    pub param_type: ParamType,
    /// The provider's documented default, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<f64>,
    /// Whether the provider supports it.
    pub support: Support,
    /// A sentence about limited support; empty if there is nothing to add.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub note: &'static str,
}

/// The values that a parameter accepts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ParamType {
    /// A number.
    Number {
        /// Smallest value.
        min: f64,
        /// Largest value.
        max: f64,
        /// Step of a form field.
        step: f64,
    },
    /// A whole number.
    Integer {
        /// Smallest value.
        min: i64,
        /// Largest value.
        max: i64,
    },
    /// True or false.
    Boolean,
    /// One of several texts.
    Choice {
        /// The allowed texts.
        values: &'static [&'static str],
    },
    /// A text or a list of texts; `max_items` 0 means that no limit is known.
    Texts {
        /// Largest number of texts; 0 if no limit is known.
        max_items: usize,
    },
    /// A JSON object.
    Object,
    /// Any JSON value; only the provider checks it.
    Any,
}

/// Whether a provider supports a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Support {
    /// The provider supports it.
    Yes,
    /// Some of its models or endpoints support it: sent with a warning.
    Partial,
    /// The provider does not support it: never sent.
    No,
    /// Unknown: sent with a warning.
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
