//! The frame of every page: left rail, top bar, one column of content.

use leptos::prelude::*;
use leptos_router::components::A;
use leptos_router::hooks::use_location;

use super::disclosure::{Menu, Side};
use super::hydration::Deferred;
use super::icons::Logo;
use super::sync_view::IntoSyncAny;
use super::theme::ThemeButton;

/// Links of the left rail that belong together.
#[derive(Debug, Clone, Copy)]
pub struct NavigationGroup {
    /// The heading of the group.
    pub title: &'static str,
    /// The links, from top to bottom.
    pub links: &'static [NavigationLink],
}

/// One link of the left rail.
#[derive(Debug, Clone, Copy)]
pub struct NavigationLink {
    /// The text of the link.
    pub title: &'static str,
    /// The path of the page.
    pub href: &'static str,
}

/// Lays out rail, top bar and page.
#[component]
pub fn Frame(
    /// The links of the left rail.
    navigation: &'static [NavigationGroup],
    /// Components in the top bar.
    #[prop(into)]
    tools: ViewFnOnce,
    /// The page.
    children: Children,
) -> impl IntoView {
    // Type-erased, because the full type would exceed the compiler's limits.
    let rail = view! {
        <Deferred>
            <Rail navigation />
        </Deferred>
    }
    .into_sync_any();
    let top_bar = view! { <TopBar navigation tools /> }.into_sync_any();
    view! {
        // `external`, so that the browser and not the router follows the link: it also moves the focus.
        <a class="skip-link" href="#content" rel="external">
            "Skip to the content"
        </a>
        <div class="min-h-dvh lg:grid lg:grid-cols-[212px_minmax(0,1fr)]">
            {rail}
            <div class="min-w-0">
                {top_bar}
                <main id="content" tabindex="-1" class="px-3.5 pt-4 pb-16 outline-none sm:px-5.5">
                    {children()}
                </main>
            </div>
        </div>
    }
}

/// Lays out the sign-in pages: one narrow column without navigation.
#[component]
pub fn AuthLayout(children: Children) -> impl IntoView {
    view! {
        <div class="mx-auto flex min-h-dvh max-w-sm flex-col px-3.5 pt-[12vh] pb-16">
            <header class="flex items-start justify-between">
                <Brand />
                <ThemeButton />
            </header>
            <main id="content" tabindex="-1" class="panel px-4.5 py-5 outline-none">
                {children()}
            </main>
        </div>
    }
}

#[component]
fn Rail(navigation: &'static [NavigationGroup]) -> impl IntoView {
    view! {
        <nav
            aria-label="Main"
            class="bg-base-100 border-base-300 sticky top-0 hidden h-dvh flex-col overflow-y-auto border-r px-2.5 py-3.5 lg:flex"
        >
            <Brand />
            <div class="flex flex-col gap-0.5">
                <Links navigation />
            </div>
            <p class="text-muted num mt-auto px-2 text-xs">{concat!("Version ", env!("CARGO_PKG_VERSION"))}</p>
        </nav>
    }
}

#[component]
fn Brand() -> impl IntoView {
    view! {
        <a href="/" class="flex items-center gap-2 rounded-md px-2 pt-1 pb-3.5 font-semibold tracking-tight">
            <Logo />
            "Benchmark Studio"
        </a>
    }
}

#[component]
fn Links(navigation: &'static [NavigationGroup]) -> impl IntoView {
    navigation.iter().map(|group| view! { <RailGroup group=*group /> }).collect_view()
}

#[component]
fn RailGroup(group: NavigationGroup) -> impl IntoView {
    view! {
        <h2 class="text-muted mx-2 mt-3.5 mb-1 text-[11px] font-semibold tracking-wider uppercase">{group.title}</h2>
        <ul>
            {group
                .links
                .iter()
                .map(|link| {
                    view! {
                        <li>
                            <A href=link.href attr:class="rail-link">
                                {link.title}
                            </A>
                        </li>
                    }
                })
                .collect_view()}
        </ul>
    }
}

/// The top bar: breadcrumb, tools and theme button. On narrow screens it also has the links of the rail.
#[component]
fn TopBar(navigation: &'static [NavigationGroup], tools: ViewFnOnce) -> impl IntoView {
    let pathname = use_location().pathname;
    let place = move || place_of(navigation, &pathname.read());
    view! {
        <header class="bg-base-100 border-base-300 sticky top-0 z-10 flex items-center gap-3 border-b px-3.5 py-2.5 sm:px-5.5">
            <Deferred>
                <div class="lg:hidden">
                    <Menu label="Main menu" side=Side::Left button=Logo>
                        <nav aria-label="Main menu" class="pb-1.5">
                            <Links navigation />
                        </nav>
                    </Menu>
                </div>
            </Deferred>
            <p class="min-w-0 truncate">
                {move || {
                    place()
                        .map(|(group, link)| {
                            view! {
                                <span class="text-muted hidden sm:inline">{group} " / "</span>
                                <b class="font-semibold">{link}</b>
                            }
                        })
                }}
            </p>
            <div class="ml-auto flex items-center gap-2">
                <Deferred>
                    <ThemeButton />
                </Deferred>
                {tools.run()}
            </div>
        </header>
    }
}

/// Returns whether the link leads to this page or to its list.
fn leads_to(link: &NavigationLink, pathname: &str) -> bool {
    pathname.strip_prefix(link.href).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Returns the titles of the group and the link that lead to `pathname`.
fn place_of(navigation: &'static [NavigationGroup], pathname: &str) -> Option<(&'static str, &'static str)> {
    navigation.iter().find_map(|group| {
        let link = group.links.iter().find(|link| leads_to(link, pathname))?;
        Some((group.title, link.title))
    })
}

/// Attribute of `<html>` after hydration, for styles and tests.
const INTERACTIVE: &str = "data-interactive";

/// Marks the document as interactive.
#[cfg(feature = "hydrate")]
pub fn mark_interactive() {
    if let Some(html) = document().document_element() {
        // Cannot fail, because the attribute's name is valid.
        let _ = html.set_attribute(INTERACTIVE, "");
    }
}

/// Returns whether the page is hydrated. Browser only.
pub fn is_interactive() -> bool {
    document().document_element().is_some_and(|html| html.has_attribute(INTERACTIVE))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAVIGATION: &[NavigationGroup] =
        &[NavigationGroup { title: "Set up", links: &[NavigationLink { title: "Keys", href: "/keys" }] }];

    #[test]
    fn a_known_address_has_a_place() {
        assert_eq!(place_of(NAVIGATION, "/keys"), Some(("Set up", "Keys")));
    }

    #[test]
    fn an_item_of_a_list_has_the_place_of_the_list() {
        assert_eq!(place_of(NAVIGATION, "/keys/7"), Some(("Set up", "Keys")));
    }

    #[test]
    fn an_unknown_address_has_none() {
        assert_eq!(place_of(NAVIGATION, "/keyshole"), None);
    }
}
