//! LLM Benchmark Studio: measures language models on real endpoints.
//!
//! A capability is a room (a folder). Rooms without a `cfg` exist in the browser too; see
//! `docs/architecture.md` for what lives where.

pub mod app;
pub mod benchmark;
pub mod providers;
pub mod stats;
pub mod ui;

#[cfg(feature = "ssr")]
pub mod cli;
#[cfg(feature = "ssr")]
pub mod mock;
#[cfg(feature = "ssr")]
pub mod server;
