//! What a provider and a model are, how each is spoken to, what its parameters may be and what it
//! costs.

#[cfg(feature = "ssr")]
pub mod catalog;
pub mod registry;
pub mod types;

#[cfg(feature = "ssr")]
pub mod client;
#[cfg(feature = "ssr")]
pub mod discovery;
#[cfg(feature = "ssr")]
pub mod wire;

pub use types::{ApiError, ErrorKind, Model, ModelRef, Price, PriceSource, Protocol, Provider, ProviderKind};
