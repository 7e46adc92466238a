//! Who uses the studio: users, sessions, tokens, the key vault.

pub mod types;

#[cfg(feature = "ssr")]
pub mod session;

#[cfg(feature = "ssr")]
pub use session::{AdminSession, Session};
pub use types::{Role, User, UserId};
