//! Each user's providers, models, API keys and prices.

pub mod api;
pub mod forms;
pub mod listing;
pub mod pages;
pub mod settings;

#[cfg(feature = "ssr")]
pub mod rest;
#[cfg(feature = "ssr")]
pub mod service;
#[cfg(feature = "ssr")]
pub mod store;
