//! Prompt templates: built-in ones and each user's own.

pub mod api;
pub mod page;
pub mod types;

#[cfg(feature = "ssr")]
pub mod rest;
#[cfg(feature = "ssr")]
pub mod service;
#[cfg(feature = "ssr")]
mod store;

pub use types::{BUILT_IN, Category, Template};
