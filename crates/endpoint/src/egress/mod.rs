//! Where requests may go. Every URL is treated as written by an enemy: what decides is the IP address
//! that is connected to, after the name was looked up, and only addresses that were judged are
//! connected to.
//!
//! Two paths lead out: the measured client, which connects to [`addresses`], and everything else,
//! which goes through [`Client`]. Clippy refuses any other way to build an HTTP client (`clippy.toml`).

mod address_class;
mod base_url;
mod client;
mod policy;
mod resolve;

pub use base_url::check_base_url;
pub use client::{Answer, Client, Limits};
pub use policy::{AddressPolicy, Refused};
pub use resolve::{Addresses, NoAddress, Resolver, SystemResolver, addresses};

#[cfg(test)]
pub(crate) mod testing;
