//! Benchmarks: setup, measurement and results.

pub mod api;
pub mod page_row;
pub mod pages;
pub mod report;
pub mod set_up;
pub mod submission;
pub mod view;

#[cfg(feature = "ssr")]
pub mod catch_up;
#[cfg(feature = "ssr")]
pub mod choice;
#[cfg(feature = "ssr")]
mod estimate;
#[cfg(feature = "ssr")]
pub mod job;
#[cfg(feature = "ssr")]
#[cfg(test)]
mod message_tests;
#[cfg(feature = "ssr")]
pub mod reported;
#[cfg(feature = "ssr")]
pub mod rest;
#[cfg(feature = "ssr")]
pub mod service;
#[cfg(feature = "ssr")]
pub mod snapshot;
#[cfg(feature = "ssr")]
pub mod store;
