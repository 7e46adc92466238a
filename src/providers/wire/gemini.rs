//! Google's Gemini `generateContent`.

mod types;

pub use types::*;
