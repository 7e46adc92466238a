//! The `llm-studio` binary: parses the command line and calls one function of [`cli`].

use std::process::ExitCode;

use tikv_jemallocator::Jemalloc;

/// Gives memory back that the system's allocator keeps, such as that of password hashes and tokenizers.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    llm_benchmark_studio::cli::main()
}
