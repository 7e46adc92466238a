//! The design system: layout, form fields, tables. Knows no capability.

pub mod figures;
pub mod format;
pub mod icons;
pub mod layout;
pub mod page;
pub mod tag;
pub mod theme;
