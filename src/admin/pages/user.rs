//! The page of one user: role, limits, deletion.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::one_time_secret::OneTimeLink;
use super::users::RoleTag;
use crate::accounts::{Role, UserId};
use crate::admin::api::{DeleteUser, MakePasswordLink, SetUserLimits, SetUserRole, UserDetail, load_user};
use crate::admin::types::UserRow;
use crate::limits::RateLimit;
use ui::button::{ButtonTone, SubmitButton};
use ui::dialog::ConfirmDialog;
use ui::form::{Bounds, FormError, NumberField, error_of, sentence};
use ui::page::{EmptyState, PageHead, Panel, Skeleton};
use ui::title::PageTitle;

/// The page of one user.
#[component]
pub fn UserPage() -> impl IntoView {
    let params = use_params_map();
    let role = ServerAction::<SetUserRole>::new();
    let limits = ServerAction::<SetUserLimits>::new();
    let id = Memo::new(move |_| UserId::new(params.read().get("id").unwrap_or_default()));
    let detail = Resource::new_blocking(
        move || (id.get(), role.version().get(), limits.version().get()),
        |(id, ..)| load_user(id),
    );
    view! {
        <PageTitle text="User" />
        <Suspense fallback=|| view! { <Skeleton rows=4 /> }>
            {move || Suspend::new(async move {
                match detail.await {
                    Ok(detail) => view! { <Detail detail role limits /> }.into_any(),
                    Err(error) => {
                        view! {
                            <PageHead title="User" />
                            <EmptyState>
                                {sentence(&error)} " " <a class="link" href="/admin">
                                    "Back to users"
                                </a>
                            </EmptyState>
                        }
                            .into_any()
                    }
                }
            })}
        </Suspense>
    }
}

#[component]
fn Detail(
    detail: UserDetail,
    role: ServerAction<SetUserRole>,
    limits: ServerAction<SetUserLimits>,
) -> impl IntoView {
    let UserDetail { user, limit, password_link } = detail;
    let about = format!("{} benchmarks, {} API keys.", user.benchmark_count, user.key_count);
    view! {
        <PageHead title=user.email.clone() about>
            <a class=ButtonTone::Plain.class() href="/admin">
                "← Users"
            </a>
        </PageHead>
        <div class="mt-3.5 grid max-w-3xl grid-cols-1 gap-3.5">
            <RolePanel user=user.clone() action=role />
            <LimitsPanel id=user.id.clone() limit action=limits />
            <PasswordPanel id=user.id.clone() one_time_secret=password_link />
            <DeletionPanel user />
        </div>
    }
}

#[component]
fn RolePanel(user: UserRow, action: ServerAction<SetUserRole>) -> impl IntoView {
    let (other, label) = match user.role {
        Role::Admin => (Role::User, "Remove admin role"),
        Role::User => (Role::Admin, "Make admin"),
    };
    view! {
        <Panel>
            <div class="p-4.5">
                <h2 class="flex items-center gap-2 font-semibold">"Role" <RoleTag role=user.role /></h2>
                <p class="text-soft mt-0.5">"Changing the role signs the user out."</p>
                <ActionForm action attr:class="mt-3">
                    <input type="hidden" name="user" value=user.id.to_string() />
                    <input type="hidden" name="role" value=other.as_str() />
                    <SubmitButton pending=action.pending()>{label}</SubmitButton>
                </ActionForm>
                <FormError error=error_of(action) />
            </div>
        </Panel>
    }
}

#[component]
fn LimitsPanel(id: UserId, limit: RateLimit, action: ServerAction<SetUserLimits>) -> impl IntoView {
    let answer = action.value();
    view! {
        <Panel>
            <div class="p-4.5">
                <h2 class="font-semibold">"Limits"</h2>
                <ActionForm action attr:class="mt-3 grid gap-3.5 sm:grid-cols-3">
                    <input type="hidden" name="user" value=id.to_string() />
                    <NumberField
                        label="Benchmarks per hour"
                        name="benchmarks_per_hour"
                        value=limit.benchmarks_per_hour.to_string()
                        bounds=Bounds::whole(1.0, 100_000.0)
                        required=true
                    />
                    <NumberField
                        label="Concurrent jobs"
                        name="max_concurrent"
                        value=limit.max_concurrent.to_string()
                        bounds=Bounds::whole(1.0, 50.0)
                        required=true
                    />
                    <NumberField
                        label="Runs per model and size"
                        name="max_runs_per_benchmark"
                        value=limit.max_runs_per_benchmark.to_string()
                        bounds=Bounds::whole(1.0, 100.0)
                        required=true
                    />
                    <div class="sm:col-span-3">
                        <SubmitButton pending=action.pending()>"Save limits"</SubmitButton>
                    </div>
                </ActionForm>
                <FormError error=error_of(action) />
                <p class="text-success mt-1" role="status">
                    {move || matches!(*answer.read(), Some(Ok(()))).then_some("Limits saved.")}
                </p>
            </div>
        </Panel>
    }
}

#[component]
fn PasswordPanel(id: UserId, one_time_secret: Option<String>) -> impl IntoView {
    let action = ServerAction::<MakePasswordLink>::new();
    let made = action.value();
    let link = move || made.get().and_then(Result::ok).flatten().or_else(|| one_time_secret.clone());
    view! {
        <Panel>
            <div class="p-4.5" id="password">
                <h2 class="font-semibold">"Password"</h2>
                <p class="text-soft mt-0.5">
                    "Creates a one-time link, valid for 24 hours. You’ll need to send it yourself."
                </p>
                <ActionForm action attr:class="mt-3">
                    <input type="hidden" name="user" value=id.to_string() />
                    <SubmitButton pending=action.pending()>"Create link"</SubmitButton>
                </ActionForm>
                <FormError error=error_of(action) />
                {move || link().map(|path| view! { <OneTimeLink path what="this password reset link" /> })}
            </div>
        </Panel>
    }
}

#[component]
fn DeletionPanel(user: UserRow) -> impl IntoView {
    let action = ServerAction::<DeleteUser>::new();
    view! {
        <Panel>
            <div class="p-4.5">
                <h2 class="font-semibold">"Delete user"</h2>
                <p class="text-soft mt-0.5 mb-3">
                    "Deletes the account with its providers, keys, benchmarks and results."
                </p>
                <ConfirmDialog
                    id="delete-user"
                    trigger="Delete user"
                    trigger_tone=ButtonTone::Danger
                    title=format!("Delete {} and everything in the account?", user.email)
                >
                    <p>{user.benchmark_count} " benchmarks and " {user.key_count} " API keys will be deleted."</p>
                    <ActionForm action>
                        <input type="hidden" name="user" value=user.id.to_string() />
                        <SubmitButton tone=ButtonTone::Danger pending=action.pending()>
                            "Delete user"
                        </SubmitButton>
                    </ActionForm>
                </ConfirmDialog>
                <FormError error=error_of(action) />
            </div>
        </Panel>
    }
}
