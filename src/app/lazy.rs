//! The pages that nobody sees first, in pieces of the client. A piece is fetched when the browser is to show
//! one of its pages: its `wasm_split` function is a place where the build cuts the WebAssembly.

use leptos::prelude::*;
use leptos::wasm_split::{SplitLoaderError, wasm_split};
use leptos_router::ChooseView;
use leptos_router::hooks::use_location;
use leptos_router::location::Location;

use crate::accounts::pages::AccountPage;
use crate::admin::pages::{AdminPage, UserPage};
use crate::benchmark::pages::ResultsPage;
use crate::history::page::HistoryPage;
use crate::prompts::page::PromptsPage;
use crate::providers::pages::{AddProviderPage, DiscoverPage, ModelPage, ProviderPage, ProvidersPage};
use ui::hydration::yield_to_browser;
use ui::layout::is_interactive;

/// What a benchmark measured, running or finished.
#[derive(Clone, Copy)]
pub struct Results;

/// All that is beside measuring. Fetched together: what these pages share is most of them.
#[derive(Clone, Copy)]
pub enum Page {
    History,
    Providers,
    AddProvider,
    Provider,
    Discover,
    Model,
    Prompts,
    Account,
    Admin,
    User,
}

/// Pages that are fetched together.
pub trait Chunk: Copy + Send + 'static {
    /// The module's name in `wasm_split`.
    const NAME: &str;

    /// Shows the page once the piece is there; without one it fetches the piece only.
    ///
    /// # Errors
    /// When the piece cannot be fetched.
    async fn show(page: Option<Self>) -> Result<AnyView, SplitLoaderError>;
}

/// A page for a route.
#[derive(Clone, Copy)]
pub struct LazyPage<P>(pub P);

impl<P: Chunk> ChooseView for LazyPage<P> {
    async fn choose(self) -> AnyView {
        match P::show(Some(self.0)).await {
            Ok(page) => view! {
                {page}
                // What the page has the browser fetch before it is asked for (app/client).
                <i hidden data-pieces=pieces_of(P::NAME)></i>
            }
            .into_any(),
            Err(_) => from_server().await,
        }
    }

    async fn preload(&self) {
        if P::show(None).await.is_err() {
            from_server().await;
        }
        yield_to_browser().await;
    }
}

#[cfg(feature = "ssr")]
use super::client::pieces_of;

/// The server has told.
#[cfg(not(feature = "ssr"))]
fn pieces_of(_function: &str) -> Option<String> {
    None
}

/// Has the server show the page whose piece is no longer to be had, as in a tab that is older than the
/// server. A page that the server has just sent stays as it is: it works without.
async fn from_server() -> AnyView {
    if is_interactive() {
        let Location { pathname, search, .. } = use_location();
        let address = format!("{}?{}", pathname.get_untracked(), search.get_untracked());
        // Fails for addresses that cannot be parsed only; this one was.
        let _ = window().location().set_href(address.trim_end_matches('?'));
    }
    std::future::pending().await
}

impl Chunk for Results {
    const NAME: &str = "results";

    async fn show(page: Option<Self>) -> Result<AnyView, SplitLoaderError> {
        results(page).await
    }
}

#[wasm_split(results, wasm_split_path = ::leptos::wasm_split, fallible)]
fn results(page: Option<Results>) -> Result<AnyView, SplitLoaderError> {
    Ok(page.map(|Results| view! { <ResultsPage /> }).into_any())
}

impl Chunk for Page {
    const NAME: &str = "room";

    async fn show(page: Option<Self>) -> Result<AnyView, SplitLoaderError> {
        room(page).await
    }
}

#[wasm_split(room, wasm_split_path = ::leptos::wasm_split, fallible)]
fn room(page: Option<Page>) -> Result<AnyView, SplitLoaderError> {
    Ok(match page {
        None => ().into_any(),
        Some(Page::History) => view! { <HistoryPage /> }.into_any(),
        Some(Page::Providers) => view! { <ProvidersPage /> }.into_any(),
        Some(Page::AddProvider) => view! { <AddProviderPage /> }.into_any(),
        Some(Page::Provider) => view! { <ProviderPage /> }.into_any(),
        Some(Page::Discover) => view! { <DiscoverPage /> }.into_any(),
        Some(Page::Model) => view! { <ModelPage /> }.into_any(),
        Some(Page::Prompts) => view! { <PromptsPage /> }.into_any(),
        Some(Page::Account) => view! { <AccountPage /> }.into_any(),
        Some(Page::Admin) => view! { <AdminPage /> }.into_any(),
        Some(Page::User) => view! { <UserPage /> }.into_any(),
    })
}
