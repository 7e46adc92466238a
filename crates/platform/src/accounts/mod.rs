//! Accounts: users, sessions, tokens, the key vault.

pub mod api;
#[cfg(feature = "ssr")]
mod next_page;
pub mod pages;
pub mod types;

#[cfg(feature = "ssr")]
pub mod cookies;
#[cfg(feature = "ssr")]
pub mod error;
pub mod form_error;
#[cfg(feature = "ssr")]
pub mod forms;
#[cfg(feature = "ssr")]
mod hs256;
#[cfg(feature = "ssr")]
mod login_limit;
#[cfg(feature = "ssr")]
pub mod middleware;
#[cfg(feature = "ssr")]
pub mod oidc;
#[cfg(feature = "ssr")]
mod password;
#[cfg(feature = "ssr")]
pub mod rest;
#[cfg(feature = "ssr")]
mod sealer;
#[cfg(feature = "ssr")]
pub mod secret;
#[cfg(feature = "ssr")]
pub mod service;
#[cfg(feature = "ssr")]
pub mod session;
#[cfg(feature = "ssr")]
pub mod settings;
#[cfg(feature = "ssr")]
mod store;
#[cfg(feature = "ssr")]
mod token;
#[cfg(feature = "ssr")]
pub mod vault;

#[cfg(feature = "ssr")]
pub use error::AccountError;
#[cfg(feature = "ssr")]
pub use oidc::OidcClient;
#[cfg(feature = "ssr")]
pub use secret::Secret;
#[cfg(feature = "ssr")]
pub use service::{
    Accounts, Devices, FirstAccount, MailSettings, NewAccount, NewInvitationRequest, OnRegistration,
    UserData, password_link_for, setup_token_for,
};
#[cfg(feature = "ssr")]
pub use session::{AdminSession, Session, SessionCheck, SessionsEnded};
#[cfg(feature = "ssr")]
pub use settings::Settings;
pub use types::{Invitation, Registration, Role, User, UserId};
#[cfg(feature = "ssr")]
pub use vault::{KeyPlace, Vault, VaultError};
