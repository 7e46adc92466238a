//! OpenAI chat completions and everything that speaks them.

mod types;

pub use types::*;
