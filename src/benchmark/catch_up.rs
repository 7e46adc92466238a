//! The state of running benchmarks for a tab that has just connected.

use futures::future::BoxFuture;

use super::store::BenchmarkStore;
use crate::accounts::UserId;
use crate::live::InitialState;
use crate::messages::ServerMessage;

/// Sends of each running benchmark what it measures, how far it is, and every result so far.
#[derive(Debug)]
pub struct RunningBenchmarks(pub BenchmarkStore);

impl InitialState for RunningBenchmarks {
    fn messages<'a>(&'a self, user: &'a UserId) -> BoxFuture<'a, anyhow::Result<Vec<ServerMessage>>> {
        Box::pin(async move {
            let mut messages = Vec::new();
            for benchmark in self.0.running(user).await? {
                let Some(present) = self.0.present(user, &benchmark.id).await? else { continue };
                messages.push(present.init());
                messages.extend(present.results());
            }
            Ok(messages)
        })
    }
}
