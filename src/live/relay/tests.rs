//! The relay between processes.
