//! Setting a benchmark up: what can be chosen, what is chosen, and what is wrong with it. Pure.

mod fields;
mod menu;
#[cfg(test)]
mod tests;

pub use fields::{Complaint, SetUpFields, TIERS, bounds};
pub use menu::{MenuGroup, MenuModel, ModelMenu, Obstacle};
