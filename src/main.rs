//! The `llm-studio` binary: parses the command line and calls one function of [`cli`].

use std::process::ExitCode;

use tikv_jemallocator::Jemalloc;

/// Returns freed memory to the system, unlike the default allocator: password hashes and tokenizers use much.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    llm_benchmark_studio::cli::main()
}
