//! LLM endpoints: providers and models, wire protocols, parameter rules, prices, the policy for outgoing
//! addresses, and the measuring client.
//!
//! The types and the parameter registry compile for the browser too; everything else needs the
//! `server` feature.

pub mod registry;
pub mod types;

#[cfg(feature = "server")]
pub mod catalog;
#[cfg(feature = "server")]
pub mod client;
#[cfg(feature = "server")]
pub mod discovery;
#[cfg(feature = "server")]
pub mod egress;
#[cfg(feature = "server")]
pub mod litellm;
#[cfg(feature = "server")]
pub mod printable;
#[cfg(feature = "server")]
pub mod wire;

pub use types::{ApiError, ErrorKind, Model, ModelRef, Price, PriceSource, Protocol, Provider, ProviderKind};
