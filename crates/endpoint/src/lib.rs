//! LLM endpoints: what a provider and a model are, how each protocol is spoken, which parameters a
//! model takes and what it costs, which addresses may be reached, and the client that measures.
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
pub mod wire;

pub use types::{ApiError, ErrorKind, Model, ModelRef, Price, PriceSource, Protocol, Provider, ProviderKind};
