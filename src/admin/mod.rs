//! What admins decide: who is a user and with what limits, who may become one, and how far requests go.

pub mod api;
pub mod pages;
pub mod types;

#[cfg(feature = "ssr")]
pub mod rest;
#[cfg(feature = "ssr")]
pub mod service;
#[cfg(feature = "ssr")]
mod store;

#[cfg(feature = "ssr")]
pub use service::AdminService;
