//! Finished benchmarks: list, read, delete.

pub mod api;
pub mod page;
pub mod types;

#[cfg(feature = "ssr")]
mod record;
#[cfg(feature = "ssr")]
pub mod rest;
