//! The policy for outgoing requests, against SSRF. Every URL is treated as hostile: the policy checks the IP
//! address after the DNS lookup, and connections are made only to checked addresses.
//!
//! There are two clients: the measuring client, which connects to [`addresses`], and [`Client`] for everything
//! else. Clippy rejects other HTTP clients (`clippy.toml`).

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
