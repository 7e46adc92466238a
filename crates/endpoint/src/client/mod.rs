//! The measured HTTP client: HTTP/1.1 over a connection of its own, every read stamped with its
//! arrival. Everything that is not measured uses reqwest.

pub mod clock;
mod connection;
mod exchange;
mod failure;
mod http1;
mod recording;
pub mod sse;
pub mod stream;
mod tls;
mod transport;

pub use connection::{Connection, Opened};
pub use exchange::{Exchange, Limits, exchange};
pub use recording::Recording;
