//! Real time: what happens on the server reaches every tab of the user it belongs to.

pub mod backoff;
pub mod closing;
pub mod feed;
pub mod status;
pub mod types;

#[cfg(feature = "hydrate")]
pub mod browser;

#[cfg(feature = "ssr")]
mod connection;
#[cfg(feature = "ssr")]
pub mod contracts;
#[cfg(feature = "ssr")]
pub mod hub;
#[cfg(feature = "ssr")]
pub mod relay;
#[cfg(feature = "ssr")]
pub mod seats;
#[cfg(feature = "ssr")]
pub mod socket;

#[cfg(feature = "ssr")]
pub use contracts::{CancelJob, Snapshot, StillSignedIn};
pub use feed::{Connection, Feed, provide_feed, use_feed};
#[cfg(feature = "ssr")]
pub use hub::Hub;
#[cfg(feature = "ssr")]
pub use relay::Relay;
#[cfg(feature = "ssr")]
pub use seats::Seats;
#[cfg(feature = "ssr")]
pub use socket::Live;
pub use types::Frame;
