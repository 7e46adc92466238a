//! Real-time updates: sends messages to the open tabs of a user.

pub mod backoff;
pub mod closing;
pub mod event_stream;
pub mod status;

#[cfg(feature = "hydrate")]
pub mod browser;

#[cfg(feature = "ssr")]
pub mod broadcast;
#[cfg(feature = "ssr")]
mod connection;
#[cfg(feature = "ssr")]
pub mod connection_limit;
#[cfg(feature = "ssr")]
pub mod contracts;
#[cfg(feature = "ssr")]
pub mod hub;
#[cfg(feature = "ssr")]
mod message_text;
#[cfg(feature = "ssr")]
mod queue_shares;
#[cfg(feature = "ssr")]
pub mod socket;

#[cfg(feature = "ssr")]
pub use broadcast::Broadcaster;
#[cfg(feature = "ssr")]
pub use connection_limit::ConnectionLimiter;
#[cfg(feature = "ssr")]
pub use contracts::{CancelJob, InitialState};
pub use event_stream::{Connection, EventStream, provide_event_stream, use_event_stream};
#[cfg(feature = "ssr")]
pub use hub::Hub;
#[cfg(feature = "ssr")]
pub use message_text::MessageText;
#[cfg(feature = "ssr")]
pub use socket::Live;
