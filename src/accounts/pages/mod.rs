//! The screens of accounts.

mod account;
#[cfg(feature = "ssr")]
mod door;
mod menu;

pub use account::AccountPage;
#[cfg(feature = "ssr")]
pub use door::{LoginPage, RegisterPage};
pub use menu::AccountMenu;
