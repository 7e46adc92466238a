//! Speed runs: what is measured, how, and what comes out.

mod bounds;
pub mod types;

#[cfg(feature = "ssr")]
mod board;
#[cfg(feature = "ssr")]
pub mod engine;
#[cfg(feature = "ssr")]
pub mod filler;
#[cfg(feature = "ssr")]
mod health;
#[cfg(feature = "ssr")]
mod load;
#[cfg(feature = "ssr")]
mod measure;
#[cfg(feature = "ssr")]
mod preview;
#[cfg(feature = "ssr")]
mod request;
#[cfg(feature = "ssr")]
mod run;
#[cfg(feature = "ssr")]
mod scheduling;
#[cfg(feature = "ssr")]
mod summary;
#[cfg(feature = "ssr")]
pub mod tokenizer;

pub use bounds::PlanError;
#[cfg(feature = "ssr")]
pub use engine::{Plan, Running, Target, start};
#[cfg(feature = "ssr")]
pub use preview::{Preview, preview};
