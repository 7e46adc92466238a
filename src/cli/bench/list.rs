//! `--list`: shows the plan, the number of requests and the maximum cost.

use crate::cli::output::{Align, Canvas, Cell, Column, Grid, NONE, dollars, label, printable, whole};
use bench::{Plan, preview, types::Preview};

/// Renders the plan as a table with totals.
pub fn show(plan: &Plan, canvas: Canvas) -> String {
    let models = plan.targets.iter().map(|target| (target.provider.clone(), target.model.clone()));
    let previews = preview(models, &plan.parameters);
    let mut lines = vec![grid(&previews).draw(canvas), String::new()];
    lines.extend(previews.iter().filter_map(skip_note));
    lines.push(sums(&previews, plan.parameters.warmup));
    lines.join("\n") + "\n"
}

fn grid(previews: &[Preview]) -> Grid {
    let column = |title, unit, align, dispensable| Column { title, unit, align, dispensable };
    Grid {
        columns: vec![
            column("Provider", "", Align::Left, 0),
            column("Model", "", Align::Left, 0),
            column("Context", "tokens", Align::Right, 0),
            column("Requests", "", Align::Right, 0),
            column("Input", "tokens each", Align::Right, 2),
            column("Output", "max tokens", Align::Right, 3),
            column("Cost", "max", Align::Right, 1),
        ],
        rows: previews.iter().map(cells).collect(),
    }
}

fn cells(preview: &Preview) -> Vec<Cell> {
    let planned = |value: String| if preview.skip.is_some() { NONE.to_owned() } else { value };
    [
        printable(&preview.provider),
        printable(&preview.model.model_id),
        whole(preview.context_tokens),
        if preview.skip.is_some() { "skipped".to_owned() } else { whole(preview.requests) },
        planned(format!("about {}", whole(preview.input_tokens))),
        planned(whole(preview.max_output_tokens)),
        preview.cost_at_most.map_or(NONE.to_owned(), dollars),
    ]
    .into_iter()
    .map(Cell::from)
    .collect()
}

fn skip_note(preview: &Preview) -> Option<String> {
    let reason = preview.skip.as_ref()?;
    let row = label(&preview.model.provider_key, &preview.model.model_id, preview.context_tokens);
    Some(format!("Skipped {row}: {}", printable(reason)))
}

/// `7 requests including warm-up, up to $0.02, no price for 1 of 3 rows.`
fn sums(previews: &[Preview], warmup: bool) -> String {
    let planned: Vec<_> = previews.iter().filter(|preview| preview.skip.is_none()).collect();
    let requests: u64 = planned.iter().map(|preview| preview.requests).sum();
    let cost: f64 = planned.iter().filter_map(|preview| preview.cost_at_most).sum();
    let unpriced = planned.iter().filter(|preview| preview.cost_at_most.is_none()).count();
    let cost = match unpriced {
        0 => format!("up to {}", dollars(cost)),
        n if n == planned.len() => "no price available".to_owned(),
        n => format!("up to {}, no price for {n} of {} rows", dollars(cost), planned.len()),
    };
    let warmup = if warmup { " including warm-up" } else { "" };
    format!("{} requests{warmup}, {cost}.", whole(requests))
}
