//! The form of a new benchmark: available models, fields and validation. Pure.

mod fields;
mod menu;
#[cfg(test)]
mod tests;

pub use fields::{Complaint, SetUpFields, TIERS, bounds};
pub use menu::{MenuGroup, MenuModel, ModelMenu, Obstacle};
