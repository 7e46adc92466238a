use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::{Target, request::RequestTemplate, types::Parameters};
use endpoint::{Model, egress::AddressPolicy};

fn run(number: u64) -> Run {
    serde_json::from_value(serde_json::json!({
        "run_number": number, "success": true, "started_at": 0, "chunks": 0, "clock": "user",
    }))
    .unwrap()
}

fn head() -> RowHead {
    let provider = mock::demo_provider("http://127.0.0.1:1");
    let target = Target { provider, key: None, model: Model::named("m"), policy: AddressPolicy::PUBLIC };
    RequestTemplate::new(target, &Parameters::default()).row_head(0)
}

fn row(context_tokens: u64, runs: Vec<Run>) -> FinishedRow {
    let RowHead { provider_key, model_id, .. } = head();
    FinishedRow {
        model: ModelRef { provider_key, model_id },
        context_tokens,
        warmup: None,
        runs,
        gaps_ms: Accumulator::default(),
        summary: None,
    }
}

#[test]
fn a_row_takes_its_own_tier_only() {
    let mut finished = Finished::new(vec![row(5_000, vec![run(1)])], 3);
    assert_eq!(finished.take(&head()).missing(3), [1, 2, 3]);
}

#[test]
fn a_run_that_is_there_twice_counts_once() {
    let rows = vec![row(0, vec![run(3), run(1), run(3)])];
    assert_eq!(Finished::new(rows, 4).take(&head()).missing(4), [2, 4]);
}

proptest! {
    #[test]
    fn each_run_of_the_plan_is_either_there_or_made(
        planned in 1_u32..=20,
        there in prop::collection::vec(0_u64..30, 0..40),
    ) {
        let runs = there.iter().map(|&number| run(number)).collect();
        let earlier = Finished::new(vec![row(0, runs)], planned).take(&head());
        let kept: BTreeSet<u64> = earlier.runs.values().map(|run| run.run_number).collect();
        let missing: BTreeSet<u64> = earlier.missing(planned).into_iter().collect();
        prop_assert!(kept.is_disjoint(&missing));
        prop_assert_eq!(&kept | &missing, (1..=u64::from(planned)).collect::<BTreeSet<_>>());
        prop_assert!(kept.iter().all(|number| there.contains(number)));
    }
}
