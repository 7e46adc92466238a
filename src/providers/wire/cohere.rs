//! Cohere v2 chat.

mod types;

pub use types::*;
