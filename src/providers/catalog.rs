//! Prices, context windows and capabilities of well-known models.
