//! The screens of accounts.

mod account;
mod connection;
#[cfg(feature = "ssr")]
mod door;
mod menu;
#[cfg(feature = "ssr")]
mod recovery;

pub use account::AccountPage;
#[cfg(feature = "ssr")]
pub use door::{LoginPage, RegisterPage};
pub use menu::AccountMenu;
#[cfg(feature = "ssr")]
pub use recovery::{ForgotPasswordPage, ResetPasswordPage};
