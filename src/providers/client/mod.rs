//! The measured HTTP client: streams with arrival stamps.
