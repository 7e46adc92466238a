//! Pages of accounts.

mod account;
mod confirmation;
mod connection;
mod menu;
#[cfg(feature = "ssr")]
mod recovery;
#[cfg(feature = "ssr")]
mod sign_in;

pub use account::AccountPage;
pub use menu::AccountMenu;
#[cfg(feature = "ssr")]
pub use recovery::{ForgotPasswordPage, ResetPasswordPage};
#[cfg(feature = "ssr")]
pub use sign_in::{LoginPage, RegisterPage};
