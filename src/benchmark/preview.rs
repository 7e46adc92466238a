//! What a plan would do, without doing it.

use super::{Plan, Target, engine::requests_per_tier, request::Recipe, types::Parameters};
use crate::providers::ModelRef;

/// One model at one tier.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// The provider's display name.
    pub provider: String,
    pub model: ModelRef,
    pub context_tokens: u64,
    /// Set when the tier would not be run.
    pub skip: Option<String>,
    /// Warm-up included; 0 for a skipped tier.
    pub requests: u64,
    /// Of one request, without what chat templates add.
    pub input_tokens: u64,
    /// Of one request.
    pub max_output_tokens: u64,
    /// USD for all requests if every answer is as long as it may be and nothing is cached; `None`
    /// where nobody knows the price, or none holds for so long an input.
    pub cost_at_most: Option<f64>,
}

/// Every row that the plan would yield, in its order. Counts prompts, which may load a tokenizer.
pub fn preview(plan: &Plan) -> Vec<Preview> {
    let rows_of = |target: &Target| {
        let recipe = Recipe::new(target.clone(), &plan.parameters);
        plan.parameters.context_tiers.iter().map(move |&tier| row(&recipe, tier, &plan.parameters))
    };
    plan.targets.iter().flat_map(rows_of).collect()
}

fn row(recipe: &Recipe, tier: u64, parameters: &Parameters) -> Preview {
    let Target { provider, model, .. } = &recipe.target;
    let skip = recipe.skip_reason(tier);
    let requests = if skip.is_some() { 0 } else { requests_per_tier(parameters) };
    let input_tokens = tier + recipe.prompt_tokens();
    let max_output_tokens = recipe.max_tokens();
    let cost_of_one = model.price.and_then(|price| price.cost(input_tokens, 0, max_output_tokens));
    Preview {
        provider: provider.display_name.clone(),
        model: ModelRef { provider_key: provider.key.clone(), model_id: model.id.clone() },
        context_tokens: tier,
        skip,
        requests,
        input_tokens,
        max_output_tokens,
        cost_at_most: cost_of_one.map(|cost| cost * requests as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        mock,
        providers::{Model, Price, PriceSource},
    };

    fn costs(tiers: Vec<u64>) -> Vec<Option<f64>> {
        let price = Price {
            input_per_mtok: 1.0,
            cached_input_per_mtok: Some(0.1),
            output_per_mtok: 10.0,
            up_to_input_tokens: Some(10_000),
            source: PriceSource::Catalog,
        };
        let target = Target {
            provider: mock::demo_provider("http://127.0.0.1:1"),
            key: None,
            model: Model { price: Some(price), ..Model::named("m") },
        };
        let parameters =
            Parameters { context_tiers: tiers, max_tokens: 1_000, runs: 1, ..Default::default() };
        let previews = preview(&Plan { targets: vec![target], parameters });
        previews.iter().map(|preview| preview.cost_at_most).collect()
    }

    #[test]
    fn a_price_that_does_not_hold_gives_no_cost() {
        let costs = costs(vec![5_000, 50_000]);
        let two_requests = 2.0 * (5_000.0 + 1_000.0 * 10.0) / 1e6;
        assert!((costs[0].unwrap() - two_requests).abs() < 2.0 * 1e-4, "{costs:?}");
        assert_eq!(costs[1], None);
    }
}
