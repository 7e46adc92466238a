//! What a provider and a model are, how each is spoken to, what its parameters may be and what it
//! costs.

pub mod api;
#[cfg(feature = "ssr")]
pub mod catalog;
pub mod forms;
pub mod listing;
pub mod pages;
pub mod registry;
pub mod settings;
pub mod types;

#[cfg(feature = "ssr")]
pub mod client;
#[cfg(feature = "ssr")]
pub mod discovery;
#[cfg(feature = "ssr")]
pub mod egress;
#[cfg(feature = "ssr")]
pub mod rest;
#[cfg(feature = "ssr")]
pub mod service;
#[cfg(feature = "ssr")]
pub mod store;
#[cfg(feature = "ssr")]
pub mod wire;

pub use types::{ApiError, ErrorKind, Model, ModelRef, Price, PriceSource, Protocol, Provider, ProviderKind};
