//! Real time: what happens on the server reaches every tab of the user it belongs to.

pub mod types;

#[cfg(feature = "ssr")]
pub mod hub;

#[cfg(feature = "ssr")]
pub use hub::{Hub, Snapshot};
pub use types::Frame;
