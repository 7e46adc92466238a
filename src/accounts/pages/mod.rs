//! The screens of accounts.

mod door;
mod menu;

pub use door::{LoginPage, RegisterPage};
pub use menu::AccountMenu;
