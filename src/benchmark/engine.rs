//! The engine: providers side by side, the models of one provider one after the other. Knows no
//! terminal and no web page; it yields typed [`Event`]s and, at the end, a [`Report`].

use secrecy::SecretString;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::types::{Event, Parameters, Report};
use crate::providers::{Model, Provider};

/// One model to measure, with everything needed to reach it.
#[derive(Debug, Clone)]
pub struct Target {
    pub provider: Provider,
    pub key: Option<SecretString>,
    pub model: Model,
}

/// What to measure with which parameters. Targets of one provider must be adjacent in no
/// particular way: the engine groups them by address, keeping their order.
#[derive(Debug, Clone)]
pub struct Plan {
    pub targets: Vec<Target>,
    pub parameters: Parameters,
}

/// A benchmark under way.
pub struct Running {
    /// Closed after the last event.
    pub events: mpsc::UnboundedReceiver<Event>,
    /// The whole report; after a cancel it holds what was finished.
    pub report: tokio::task::JoinHandle<Report>,
}

/// Starts measuring on threads of the engine's own. Cancelling `cancel` ends it within 100 ms.
///
/// # Errors
/// When a parameter is out of range, a load has more than one target, or there is no target.
pub fn start(plan: Plan, cancel: CancellationToken) -> Result<Running, PlanError> {
    let _ = (plan, cancel);
    Err(PlanError("not written yet".into()))
}

/// Why a plan cannot be run; one sentence that says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PlanError(pub String);
