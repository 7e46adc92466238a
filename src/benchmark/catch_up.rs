//! What a tab that has just connected is told of the benchmarks under way.

use futures::future::BoxFuture;

use super::store::BenchmarkStore;
use crate::accounts::UserId;
use crate::live::{Frame, InitialState};

/// Tells of each running benchmark: what it measures, how far it is, and every result so far.
#[derive(Debug)]
pub struct RunningBenchmarks(pub BenchmarkStore);

impl InitialState for RunningBenchmarks {
    fn frames<'a>(&'a self, user: &'a UserId) -> BoxFuture<'a, anyhow::Result<Vec<Frame>>> {
        Box::pin(async move {
            let mut frames = Vec::new();
            for benchmark in self.0.running(user).await? {
                let Some(present) = self.0.present(user, &benchmark.id).await? else { continue };
                for event in std::iter::once(present.init()).chain(present.results()) {
                    let frame: Frame = serde_json::from_value(event)?;
                    frames.push(Frame { job_id: Some(benchmark.id.clone()), ..frame });
                }
            }
            Ok(frames)
        })
    }
}
