//! Lazily loaded pages. The build splits the WebAssembly at `wasm_split` functions; a chunk is loaded when one
//! of its pages is shown.

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

/// The page of a running or finished benchmark.
#[derive(Clone, Copy)]
pub struct Results;

/// All other pages. They are one chunk, because they share most of their code.
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

/// Pages that are loaded together.
pub trait Chunk: Copy + Send + 'static {
    /// The module's name in `wasm_split`.
    const NAME: &str;

    /// Loads the chunk and shows the page; with `None` it only loads the chunk.
    ///
    /// # Errors
    /// If the chunk cannot be loaded.
    async fn show(page: Option<Self>) -> Result<AnyView, SplitLoaderError>;
}

/// The page of a route.
#[derive(Clone, Copy)]
pub struct LazyPage<P>(pub P);

impl<P: Chunk> ChooseView for LazyPage<P> {
    async fn choose(self) -> AnyView {
        match P::show(Some(self.0)).await {
            Ok(page) => view! {
                {page}
                // Chunks that the browser loads with the client (app/client).
                <i hidden data-chunks=chunks_of(P::NAME)></i>
            }
            .into_any(),
            Err(_) => load_from_server().await,
        }
    }

    async fn preload(&self) {
        if P::show(None).await.is_err() {
            load_from_server().await;
        }
        yield_to_browser().await;
    }
}

#[cfg(feature = "ssr")]
use super::client::chunks_of;

/// Only the server's HTML needs it.
#[cfg(not(feature = "ssr"))]
fn chunks_of(_function: &str) -> Option<String> {
    None
}

/// Falls back to a full page load if a chunk is missing, for example after a deployment. A page that the server
/// has just rendered stays unhydrated, because it works without a script.
async fn load_from_server() -> AnyView {
    if is_interactive() {
        let Location { pathname, search, .. } = use_location();
        let address = format!("{}?{}", pathname.get_untracked(), search.get_untracked());
        // Fails only for invalid URLs, and this one is the current page's.
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
    const NAME: &str = "other_pages";

    async fn show(page: Option<Self>) -> Result<AnyView, SplitLoaderError> {
        other_pages(page).await
    }
}

#[wasm_split(other_pages, wasm_split_path = ::leptos::wasm_split, fallible)]
fn other_pages(page: Option<Page>) -> Result<AnyView, SplitLoaderError> {
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
