//! Tests of `llm-studio serve` in separate processes: called over HTTP and a raw WebSocket, killed,
//! restarted, and several processes on one database.

#![cfg(feature = "ssr")]
#![allow(clippy::unwrap_used, reason = "helpers of a test fail it")]
#![allow(clippy::print_stderr, reason = "tests tell what they did")]

mod browser;
mod client;
mod cluster;
mod endpoint;
mod mailbox;
mod mock;
mod process;
#[path = "../python/mod.rs"]
mod python;
mod random;
#[path = "../real_llm/server.rs"]
#[allow(dead_code, reason = "only another test reads its log")]
mod real_llm;
mod runs;
mod socket;
mod whole;

mod contract;
mod deletion;
mod federation;
mod kills;
mod networks;
mod outages;
mod password;
mod restart;
mod secrets;
mod set_up;
mod several;
mod stopping;
mod story;
