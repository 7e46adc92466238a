//! Tests that concern more than one protocol, and what the protocols' own tests share.

mod common;
mod hostile;
mod repetition;
mod requests;
mod types;

pub(super) use common::{decode_all, provider, request, user};
