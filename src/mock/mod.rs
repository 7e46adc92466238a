//! The LLM server that we ship: demo data, tests, ground truth for timing.
