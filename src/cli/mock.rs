//! `llm-studio mock`: runs the mock server.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

use super::terminal::line_to_stderr;
use endpoint::Protocol;
use mock::{self, SETTINGS, Scenario};

#[derive(Debug, clap::Args)]
#[command(after_help = model_names())]
pub struct Args {
    /// Port to listen on; 0: any free one.
    #[arg(long, value_name = "PORT", default_value_t = 8001)]
    port: u16,
    /// Address to listen on.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    host: IpAddr,
    /// Write the actual timing of each request as a JSON line to this file (`-`: standard output).
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    #[command(flatten, next_help_heading = "Response shape")]
    scenario: Scenario,
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let address = SocketAddr::new(args.host, args.port);
    let listener = TcpListener::bind(address).with_context(|| unusable(address))?;
    let config = mock::Config { scenario: args.scenario, log: args.log.clone() };
    let server = mock::Server::new(listener, config)
        .with_context(|| format!("cannot write the log {}", args.log.unwrap_or_default().display()))?;
    line_to_stderr(greeting(server.address()));
    server.run(interrupted())?;
    Ok(ExitCode::SUCCESS)
}

fn unusable(address: SocketAddr) -> String {
    format!("cannot listen on {address}; choose another with --port or --host")
}

/// Returns one line with the base URL of each protocol.
fn greeting(address: SocketAddr) -> String {
    let root = format!("http://{address}");
    let url = |protocol| mock::base_url(&root, protocol);
    format!(
        "simulated LLM listening: OpenAI {}  Anthropic {}  Gemini {}  Cohere {}  (stop with Ctrl-C)",
        url(Protocol::OpenaiChat),
        url(Protocol::AnthropicMessages),
        url(Protocol::GeminiGenerate),
        url(Protocol::CohereChat),
    )
}

/// Waits for Ctrl-C or SIGTERM.
async fn interrupted() {
    let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    let (Ok(mut interrupt), Ok(mut terminate)) = signals else {
        tracing::error!("cannot handle Ctrl-C; kill the process to stop the mock");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

fn model_names() -> String {
    let settings = SETTINGS.map(|(setting, meaning)| format!("  {setting:<12} {meaning}\n")).concat();
    format!(
        "Model names:\n  A request can change the scenario by its model's name: the part after the last `/` is a\n  \
         comma-separated list of setting=value, such as `mock/ttft=50,gap=5,tokens=40,error=429`.\n  \
         `mock` and unknown names follow the flags; demo-fast, demo-steady, demo-reasoning and\n  \
         demo-flaky have scenarios of their own, changed in the same way.\n\nSettings:\n{settings}\n\
         Input tokens are a quarter of the request's text in bytes, rounded up."
    )
}
