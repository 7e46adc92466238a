//! Key figures at the top of a page.

use leptos::prelude::*;

/// A row of [`Figure`]s.
#[component]
pub fn Figures(children: Children) -> impl IntoView {
    view! {
        <dl class="panel divide-base-200 my-3.5 grid divide-y md:grid-cols-3 md:divide-x md:divide-y-0">{children()}</dl>
    }
}

/// A number in large type, its unit in a lighter tone, and what it belongs to.
#[component]
pub fn Figure(
    /// The name of the figure.
    #[prop(into)]
    label: String,
    /// The value in large type; a dash if unknown.
    #[prop(into)]
    value: String,
    /// The unit of the value.
    #[prop(optional, into)]
    unit: String,
    /// What the number belongs to, or why there is none.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="min-w-0 px-4.5 py-3.5">
            <dt class="text-soft text-xs font-medium">{label}</dt>
            <dd>
                <p class="num mt-0.5 text-[27px] leading-tight font-semibold tracking-tight">
                    {value} <span class="text-muted ml-1.5 text-[0.86em] font-medium">{unit}</span>
                </p>
                <p class="text-soft mt-1 flex items-center gap-1.5 text-[12.5px]">{children()}</p>
            </dd>
        </div>
    }
}
