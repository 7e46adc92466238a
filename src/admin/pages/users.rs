//! The list of users.

use leptos::prelude::*;
use leptos_router::components::A;
use leptos_router::hooks::use_query_map;

use crate::accounts::{Role, UserId};
use crate::admin::api::list_users;
use crate::admin::types::{UserPage, UserRow};
use ui::form::sentence;
use ui::page::{Panel, Skeleton};
use ui::tag::{Tag, Tone};
use ui::time::Ago;

#[component]
pub fn UsersPanel() -> impl IntoView {
    let query = use_query_map();
    let after = Memo::new(move |_| query.read().get("after").map(UserId::new));
    let users = Resource::new_blocking(move || after.get(), list_users);
    view! {
        <Suspense fallback=|| view! { <Skeleton rows=4 /> }>
            {move || Suspend::new(async move {
                match users.await {
                    Ok(page) => view! { <UserTable page /> }.into_any(),
                    Err(error) => view! { <p class="form-error">{sentence(&error)}</p> }.into_any(),
                }
            })}
        </Suspense>
    }
}

#[component]
fn UserTable(page: UserPage) -> impl IntoView {
    view! {
        <Panel>
            <h2 class="px-4.5 pt-4 font-semibold">"Users"</h2>
            <div class="mt-2 overflow-x-auto">
                <table class="data-table">
                    <thead>
                        <tr>
                            <th scope="col">"Email address"</th>
                            <th scope="col">"Role"</th>
                            <th scope="col" class="n">
                                "Benchmarks"
                            </th>
                            <th scope="col" class="n">
                                "Keys"
                            </th>
                            <th scope="col">"Joined"</th>
                            <th scope="col">"Last signed in"</th>
                        </tr>
                    </thead>
                    <tbody>{page.users.into_iter().map(|user| view! { <Row user /> }).collect_view()}</tbody>
                </table>
            </div>
            {page
                .next
                .map(|next| {
                    view! {
                        <p class="px-4.5 py-3">
                            <A href=format!("/admin?after={next}") attr:class="link">
                                "More users"
                            </A>
                        </p>
                    }
                })}
        </Panel>
    }
}

#[component]
fn Row(user: UserRow) -> impl IntoView {
    let last_login = match user.last_login {
        Some(at_ms) => view! { <Ago at_ms /> }.into_any(),
        None => view! { <span class="text-muted">"never"</span> }.into_any(),
    };
    view! {
        <tr>
            <td>
                <A href=format!("/admin/users/{}", user.id) attr:class="link">
                    {user.email}
                </A>
            </td>
            <td>
                <RoleTag role=user.role />
            </td>
            <td class="n">{user.benchmark_count}</td>
            <td class="n">{user.key_count}</td>
            <td>
                <Ago at_ms=user.created_at />
            </td>
            <td>{last_login}</td>
        </tr>
    }
}

#[component]
pub fn RoleTag(role: Role) -> impl IntoView {
    let (text, tone) = match role {
        Role::Admin => ("admin", Tone::Good),
        Role::User => ("user", Tone::Plain),
    };
    view! { <Tag text tone /> }
}
