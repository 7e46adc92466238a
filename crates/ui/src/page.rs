//! Parts of every page: head, panels, empty states and skeletons.

use leptos::prelude::*;

/// Title, one line about it, and the page's actions on the right.
#[component]
pub fn PageHead(
    /// The page's heading.
    #[prop(into)]
    title: String,
    /// One line about the page.
    #[prop(optional, into)]
    about: Option<String>,
    /// The page's actions.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="flex flex-wrap items-start gap-x-4 gap-y-2">
            <div class="min-w-0">
                <h1 class="text-[19px] leading-snug font-bold tracking-tight">{title}</h1>
                {about.map(|about| view! { <p class="text-soft mt-0.5">{about}</p> })}
            </div>
            {children
                .map(|children| {
                    view! { <div class="flex flex-wrap items-center gap-2 sm:ml-auto">{children()}</div> }
                })}
        </div>
    }
}

/// A panel with a white background.
#[component]
pub fn Panel(children: Children) -> impl IntoView {
    view! { <section class="panel">{children()}</section> }
}

/// A message in place of an empty list, with the next step.
#[component]
pub fn EmptyState(children: Children) -> impl IntoView {
    view! { <div class="panel text-soft mt-3.5 px-4.5 py-8 text-center">{children()}</div> }
}

/// Grey bars in place of content that is loading.
#[component]
pub fn Skeleton(
    /// Number of bars.
    rows: usize,
) -> impl IntoView {
    view! {
        <div class="panel mt-3.5 grid gap-3 p-4.5" aria-hidden="true">
            {(0..rows).map(|_| view! { <div class="skeleton h-4 w-full"></div> }).collect_view()}
        </div>
    }
}
