//! The design system: layout, form fields, tables. Knows no capability.
