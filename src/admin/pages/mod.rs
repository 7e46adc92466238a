//! Pages of admins.

mod installation;
mod one_time_secret;
mod user;
mod users;

use leptos::prelude::*;

use ui::page::PageHead;
use ui::title::PageTitle;

use installation::InstallationPanels;
use users::UsersPanel;

pub use user::UserPage;

/// The admin page: users, settings and invitations.
#[component]
pub fn AdminPage() -> impl IntoView {
    view! {
        <PageTitle text="Admin" />
        <PageHead title="Admin" about="Users and server settings." />
        <div class="mt-3.5 grid grid-cols-1 gap-3.5">
            <UsersPanel />
            <InstallationPanels />
        </div>
    }
}
