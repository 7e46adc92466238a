//! Shared by all HTTP handlers: errors, extractors, the client's address, error bodies.

pub mod body;
pub mod client_ip;
pub mod error;
pub mod error_body;

pub use body::{Body, BodyOr400};
pub use error::{AppError, MAX_BODY_BYTES, Path, Query, into_server_fn_error, wants_page};
pub use error_body::{DetailBody, ErrorBody};
