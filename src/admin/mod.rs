//! Administration: users, their limits, invitations, and settings of the installation.

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
