//! Form fields: label, control, hint and error, connected by ARIA attributes.
//!
//! Every field is a native control with a `name`, so that forms work before and without hydration. A page reads
//! a field through `bind`, which keeps what was typed before hydration.

mod binding;
mod chips;
mod choice;
mod field;
mod number;
mod outcome;
mod text;

pub use chips::{Chip, ChipGroup, CustomValue};
pub use choice::{Checkbox, Select, SelectOption, Switch};
pub use field::FieldError;
pub use number::{Bounds, NumberField};
pub use outcome::{FormError, error_of, sentence};
pub use text::{PasswordField, PasswordPurpose, TextArea, TextField, submitted_text};
