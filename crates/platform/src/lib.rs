//! What every capability of the app builds on: accounts, jobs, live updates, limits, the database, HTTP errors.
//!
//! A crate of its own, so that a change of a capability does not compile it again. Modules without a `cfg` are
//! also compiled for the browser. See `docs/architecture.md`.

// Not a library for others: only the crates below this one document every public item.
#![allow(missing_docs)]
// A page's markup is one type, and large pages are deeply nested.
#![recursion_limit = "256"]

pub mod accounts;
pub mod jobs;
pub mod limits;
pub mod live;
pub mod messages;
pub mod times;

#[cfg(feature = "ssr")]
pub mod database;
#[cfg(feature = "ssr")]
pub mod http;
#[cfg(feature = "ssr")]
pub mod mail;
