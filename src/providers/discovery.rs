//! Which models an endpoint offers, and which local servers answer.
