//! Speed runs: what is measured, how, and what comes out.

pub mod api;
mod bounds;
pub mod pages;
pub mod report;
pub mod set_up;
pub mod submission;
pub mod summary;
pub mod types;
pub mod view;

#[cfg(feature = "ssr")]
mod board;
#[cfg(feature = "ssr")]
pub mod choice;
#[cfg(feature = "ssr")]
pub mod engine;
#[cfg(feature = "ssr")]
mod estimate;
#[cfg(feature = "ssr")]
pub mod filler;
#[cfg(feature = "ssr")]
pub mod frames;
#[cfg(feature = "ssr")]
mod group;
#[cfg(feature = "ssr")]
mod health;
#[cfg(feature = "ssr")]
pub mod job;
#[cfg(feature = "ssr")]
pub mod late;
#[cfg(feature = "ssr")]
mod load;
#[cfg(feature = "ssr")]
mod measure;
#[cfg(feature = "ssr")]
mod preview;
#[cfg(feature = "ssr")]
pub mod reported;
#[cfg(feature = "ssr")]
mod request;
#[cfg(feature = "ssr")]
pub mod rest;
#[cfg(feature = "ssr")]
mod resume;
#[cfg(feature = "ssr")]
mod run;
#[cfg(feature = "ssr")]
mod scheduling;
#[cfg(feature = "ssr")]
pub mod service;
#[cfg(feature = "ssr")]
pub mod snapshot;
#[cfg(feature = "ssr")]
pub mod store;
#[cfg(feature = "ssr")]
pub mod tokenizer;

pub use bounds::PlanError;
#[cfg(feature = "ssr")]
pub use engine::{Plan, Running, Stop, Target, start};
#[cfg(feature = "ssr")]
pub use preview::preview;
#[cfg(feature = "ssr")]
pub use resume::FinishedRow;
