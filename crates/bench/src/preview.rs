//! Preview of a plan: requests, tokens and cost, without sending anything.

use super::{
    Target,
    group::requests_per_tier,
    request::RequestTemplate,
    types::{Parameters, Preview},
};
use endpoint::{Model, ModelRef, Provider, egress::AddressPolicy};

/// Returns a preview of every row of a benchmark of these models, in their order. Counts the prompt's tokens,
/// which may load a tokenizer.
pub fn preview(models: impl IntoIterator<Item = (Provider, Model)>, parameters: &Parameters) -> Vec<Preview> {
    let rows_of = |(provider, model)| {
        // Nothing is sent: neither a key nor the addresses that may be reached matter.
        let target = Target { provider, key: None, model, policy: AddressPolicy::PUBLIC };
        let template = RequestTemplate::new(target, parameters);
        parameters.context_tiers.iter().map(move |&tier| row(&template, tier, parameters))
    };
    models.into_iter().flat_map(rows_of).collect()
}

fn row(template: &RequestTemplate, tier: u64, parameters: &Parameters) -> Preview {
    let Target { provider, model, .. } = &template.target;
    let skip = template.skip_reason(tier);
    let requests = if skip.is_some() { 0 } else { requests_per_tier(parameters) };
    let input_tokens = tier + template.prompt_tokens();
    let max_output_tokens = template.max_tokens();
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
        adjustments: template.adjustments.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use endpoint::{Price, PriceSource};

    fn costs(tiers: Vec<u64>) -> Vec<Option<f64>> {
        let price = Price {
            input_per_mtok: 1.0,
            cached_input_per_mtok: Some(0.1),
            output_per_mtok: 10.0,
            up_to_input_tokens: Some(10_000),
            source: PriceSource::Catalog,
        };
        let model = Model { price: Some(price), ..Model::named("m") };
        let parameters =
            Parameters { context_tiers: tiers, max_tokens: 1_000, runs: 1, ..Default::default() };
        previews(model, parameters).iter().map(|preview| preview.cost_at_most).collect()
    }

    fn previews(model: Model, parameters: Parameters) -> Vec<Preview> {
        let provider = mock::demo_provider("http://127.0.0.1:1");
        preview([(provider, model)], &parameters)
    }

    #[test]
    fn a_price_that_does_not_hold_gives_no_cost() {
        let costs = costs(vec![5_000, 50_000]);
        let two_requests = 2.0 * (5_000.0 + 1_000.0 * 10.0) / 1e6;
        assert!((costs[0].unwrap() - two_requests).abs() < 2.0 * 1e-4, "{costs:?}");
        assert_eq!(costs[1], None);
    }

    #[test]
    fn what_would_be_changed_is_said_beforehand() {
        let model = Model { max_output_tokens: Some(256), ..Model::named("m") };
        let previews = previews(model, Parameters { max_tokens: 1_000, ..Default::default() });
        assert_eq!(previews[0].max_output_tokens, 256);
        assert_eq!(previews[0].adjustments[0].param, "max_tokens");
    }
}
