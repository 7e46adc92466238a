//! Tests that concern more than one protocol.

mod types;
