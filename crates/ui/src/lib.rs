//! The design system: layout, form fields, tables, charts. It is independent of the app's features.

pub mod button;
pub mod case;
pub mod chart;
pub mod dialog;
pub mod disclosure;
pub mod figures;
pub mod form;
pub mod format;
pub mod hydration;
pub mod icons;
pub mod layout;
pub mod page;
pub mod progress;
pub mod raw_text;
pub mod sync_view;
pub mod table;
pub mod tag;
pub mod theme;
pub mod time;
pub mod title;
pub mod toast;
