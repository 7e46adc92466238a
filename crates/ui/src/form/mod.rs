//! Form fields: a label, a control, a hint and an error that belong together, also for those who
//! cannot see that they do.
//!
//! Every field is a native control with a `name`, so that a form works before WASM arrives and without
//! it. A field that a page watches takes `bind`: what was typed before WASM arrived is kept.

mod binding;
mod chips;
mod choice;
mod field;
mod number;
mod outcome;
mod text;

pub use chips::{Chip, ChipGroup, OwnValue};
pub use choice::{Checkbox, Select, SelectOption, Switch};
pub use field::FieldError;
pub use number::{Bounds, NumberField};
pub use outcome::{FormError, error_of, sentence};
pub use text::{PasswordField, PasswordPurpose, TextArea, TextField};
