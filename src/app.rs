//! The HTML shell and the route table.

#[cfg(feature = "ssr")]
mod auth_routes;
#[cfg(feature = "ssr")]
mod client;
mod deferred_page;
mod lazy;

use leptos::prelude::*;
use leptos_meta::provide_meta_context;
use leptos_router::SsrMode;
use leptos_router::components::{ParentRoute, Redirect, Route, Router, Routes};
use leptos_router::path;

use crate::accounts::User;
use crate::accounts::api::user_of_page;
use crate::accounts::form_error::FormError;
use crate::accounts::pages::AccountMenu;
use crate::benchmark::pages::{StartHere, Workbench};
use crate::jobs::menu::JobsMenu;
use crate::live::provide_event_stream;
use crate::live::status::ConnectionStatus;
use deferred_page::DeferredPage;
use lazy::{LazyPage, Page, Results};
use ui::hydration::Deferred;
use ui::layout::{Frame, NavigationGroup, NavigationLink};
use ui::page::{EmptyState, PageHead};
use ui::title::{AppTitle, PageTitle};

/// The links of the left rail.
const NAVIGATION: &[NavigationGroup] = &[
    NavigationGroup {
        title: "Measure",
        links: &[
            NavigationLink { title: "Benchmark", href: "/benchmark" },
            NavigationLink { title: "History", href: "/history" },
        ],
    },
    NavigationGroup {
        title: "Set up",
        links: &[
            NavigationLink { title: "Providers & models", href: "/providers" },
            NavigationLink { title: "Prompt templates", href: "/prompts" },
        ],
    },
];

/// Renders the HTML document around [`App`].
#[cfg(feature = "ssr")]
pub fn shell(options: LeptosOptions) -> impl IntoView {
    use leptos::either::Either;
    use leptos_meta::{HashedStylesheet, MetaTags};
    use ui::chart::ModuleAddress;
    use ui::theme::Theme;

    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=Theme::current().attribute()>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <meta name="description" content="Benchmarks LLM endpoints" />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <link
                    rel="preload"
                    href="/fonts/inter.woff2"
                    r#as="font"
                    r#type="font/woff2"
                    crossorigin="anonymous"
                />
                <HashedStylesheet options=options.clone() id="leptos" />
                <AutoReload options=options.clone() />
                {match user_of_page() {
                    Some(_) => {
                        Either::Left(
                            view! {
                                <ModuleAddress options=options.clone() />
                                <client::StartClient options />
                            },
                        )
                    }
                    None => Either::Right(view! { <client::PrefetchClient options /> }),
                }}
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}

/// The whole app: the frame with the current page, or the sign-in pages. The user is determined on load;
/// signing in and out reload the page.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    provide_event_stream();
    let user = SharedValue::new(user_of_page).into_inner();
    FormError::provide();
    view! {
        <AppTitle name="Benchmark Studio" />
        <Router>
            {match user {
                Some(user) => {
                    view! {
                        <Frame navigation=NAVIGATION tools=move || view! { <TopBarTools user /> }>
                            <Pages />
                        </Frame>
                    }
                        .into_any()
                }
                None => sign_in_pages(),
            }}
        </Router>
    }
}

/// Shows the sign-in pages.
#[cfg(feature = "ssr")]
fn sign_in_pages() -> AnyView {
    view! { <auth_routes::AuthRoutes /> }.into_any()
}

/// Shows nothing: the browser does not hydrate the sign-in pages.
#[cfg(not(feature = "ssr"))]
fn sign_in_pages() -> AnyView {
    ().into_any()
}

/// Components in the top bar of every page.
#[component]
fn TopBarTools(user: User) -> impl IntoView {
    view! {
        <ConnectionStatus />
        <JobsMenu />
        <Deferred>
            <AccountMenu user />
        </Deferred>
    }
}

/// All pages that need a session, for generating the list of routes.
#[cfg(feature = "ssr")]
#[component]
pub fn SignedInRoutes() -> impl IntoView {
    view! {
        <Router>
            <Pages />
        </Router>
    }
}

/// The routes of the pages.
#[component]
fn Pages() -> impl IntoView {
    view! {
        <Routes fallback=NotFoundPage>
            <Route path=path!("/") view=|| view! { <Redirect path="/benchmark" /> } />
            <ParentRoute path=path!("/benchmark") view=DeferredPage(Workbench) ssr=SsrMode::Async>
                <Route path=path!("") view=StartHere ssr=SsrMode::Async />
                <Route path=path!(":id") view=LazyPage(Results) ssr=SsrMode::Async />
            </ParentRoute>
            <Route path=path!("/history") view=LazyPage(Page::History) ssr=SsrMode::Async />
            <Route path=path!("/providers") view=LazyPage(Page::Providers) ssr=SsrMode::Async />
            <Route path=path!("/providers/new") view=LazyPage(Page::AddProvider) ssr=SsrMode::Async />
            <Route path=path!("/providers/:provider") view=LazyPage(Page::Provider) ssr=SsrMode::Async />
            <Route path=path!("/providers/:provider/discover") view=LazyPage(Page::Discover) ssr=SsrMode::Async />
            <Route path=path!("/providers/:provider/models/:model") view=LazyPage(Page::Model) ssr=SsrMode::Async />
            <Route path=path!("/prompts") view=LazyPage(Page::Prompts) ssr=SsrMode::Async />
            <Route path=path!("/account") view=LazyPage(Page::Account) ssr=SsrMode::Async />
            <Route path=path!("/admin") view=LazyPage(Page::Admin) ssr=SsrMode::Async />
            <Route path=path!("/admin/users/:id") view=LazyPage(Page::User) ssr=SsrMode::Async />
        </Routes>
    }
}

#[component]
fn NotFoundPage() -> impl IntoView {
    view! {
        <PageTitle text="Not found" />
        <PageHead title="Page not found" />
        <EmptyState>
            "Check the address, or go to "
            <a class="link" href="/benchmark">"Benchmark"</a>
            "."
        </EmptyState>
    }
}
