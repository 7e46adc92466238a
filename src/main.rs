//! The `llm-studio` binary: parses the command line and calls one function of [`cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    llm_benchmark_studio::cli::main()
}
