//! Shared by all HTTP handlers: errors, extractors, the client's address, error bodies, the status of server functions.

pub mod body;
pub mod client_ip;
pub mod error;
pub mod error_body;
mod redirect;
pub mod server_fn_status;

pub use body::{Body, BodyOr400};
pub use error::{AppError, MAX_BODY_BYTES, Path, Query, into_server_fn_error, wants_page};
pub use error_body::{DetailBody, ErrorBody};
pub use redirect::redirect;
