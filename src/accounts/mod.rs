//! Who uses the studio: users, sessions, tokens, the key vault.

pub mod types;

#[cfg(feature = "ssr")]
pub mod secret;
#[cfg(feature = "ssr")]
pub mod session;
#[cfg(feature = "ssr")]
pub mod settings;
#[cfg(feature = "ssr")]
pub mod vault;

#[cfg(feature = "ssr")]
pub use session::{AdminSession, Session};
pub use types::{Role, User, UserId};
#[cfg(feature = "ssr")]
pub use vault::{KeyPlace, Vault, VaultError};
