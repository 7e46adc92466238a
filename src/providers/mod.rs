//! What a provider and a model are, how each is spoken to, what its parameters may be and what it
//! costs.

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
