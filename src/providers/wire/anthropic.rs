//! Anthropic messages.

mod types;

pub use types::*;
