//! Sign-in and registration: native forms. After an error the typed values are kept, except the password.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::connection::{ProviderLink, refusal};
use crate::accounts::Accounts;
use crate::accounts::api::{Register, SignIn, load_registration_info};
use crate::accounts::cookies::SealedCookie;
use crate::accounts::forms::take_flash;
use crate::accounts::types::{Registration, RegistrationInfo, SetUp};
use ui::button::{ButtonTone, SubmitButton};
use ui::form::{FormError, PasswordField, PasswordPurpose, TextField, error_of};
use ui::page::Skeleton;
use ui::sync_view::IntoSyncAny;
use ui::title::PageTitle;

/// The sign-in page.
#[component]
pub fn LoginPage() -> impl IntoView {
    let action = ServerAction::<SignIn>::new();
    let next = query("next");
    let register = with_next("/register", &next);
    let changed = query("done") == "password";
    view! {
        <PageTitle text=title("Sign in", error_of(action)) />
        <AuthHead>"Sign in"</AuthHead>
        {changed.then(|| view! { <p class="text-success mt-1" role="status">"Password changed. Sign in with the new password."</p> })}
        <ActionForm action attr:class="mt-4 grid gap-3.5">
            <EmailField />
            <PasswordField label="Password" name="password" purpose=PasswordPurpose::Current required=true />
            <input type="hidden" name="next" value=next />
            <FormError error=error_of(action) />
            <SubmitButton tone=ButtonTone::Primary>"Sign in"</SubmitButton>
        </ActionForm>
        <ProviderSignIn next=query("next") />
        {refusal().map(|why| view! { <p class="form-error mt-3" role="alert">{why}</p> })}
        <p class="text-soft mt-4">"No account yet? " <a class="link" href=register>"Create account"</a> "."</p>
        <p class="text-soft mt-1">
            <a class="link" href="/forgot-password">
                "Forgot password?"
            </a>
        </p>
    }
    .into_sync_any()
}

/// The registration page.
#[component]
pub fn RegisterPage() -> impl IntoView {
    let state = Resource::new_blocking(|| (), |()| load_registration_info());
    let next = query("next");
    let login = with_next("/login", &next);
    view! {
        <AuthHead>"Create account"</AuthHead>
        <Suspense fallback=|| view! { <Skeleton rows=3 /> }>
            {move || Suspend::new(async move {
                // If this cannot be loaded, the form is shown; submitting it shows the error.
                let open = RegistrationInfo { registration: Registration::Open, set_up: SetUp::Done, sends_mail: false };
                view! { <RegisterForm registration=state.await.unwrap_or(open) /> }
            })}
        </Suspense>
        <p class="text-soft mt-4">"Already have an account? " <a class="link" href=login>"Sign in"</a> "."</p>
    }
    .into_sync_any()
}

#[component]
fn RegisterForm(registration: RegistrationInfo) -> impl IntoView {
    let action = ServerAction::<Register>::new();
    let title = title("Create account", error_of(action));
    let invitation = query("invitation");
    let Some(about) = about(registration, !invitation.is_empty()) else {
        return view! {
            <PageTitle text=title />
            <p class="text-soft mt-2">{closed(registration)}</p>
        }
        .into_sync_any();
    };
    view! {
        <PageTitle text=title />
        <p class="text-soft mt-1">{about}</p>
        <ActionForm action attr:class="mt-4 grid gap-3.5">
            <EmailField />
            <PasswordField
                label="Password"
                name="password"
                purpose=PasswordPurpose::New
                hint="At least 8 characters. Longer is better than more complicated."
                min_length=8
                required=true
            />
            <SetupTokenField set_up=registration.set_up />
            <input type="hidden" name="invitation" value=invitation />
            <input type="hidden" name="next" value=query("next") />
            <FormError error=error_of(action) />
            <SubmitButton tone=ButtonTone::Primary>"Create account"</SubmitButton>
        </ActionForm>
        <ProviderSignIn next=query("next") invitation=query("invitation") />
    }
    .into_sync_any()
}

/// The field for the setup token, while there is no admin.
#[component]
fn SetupTokenField(set_up: SetUp) -> impl IntoView {
    let (label, required) = match set_up {
        SetUp::Done | SetUp::FirstIsAdmin => return ().into_any(),
        SetUp::TokenNeeded => ("Setup token", true),
        SetUp::TokenIfAdmin => ("Setup token, if you are to be the admin", false),
    };
    view! {
        <TextField
            label
            name="setup_token"
            hint="The server printed it when it started: see its log, or run “llm-studio user setup-token” on the server."
            max_length=100
            required
        />
    }
    .into_any()
}

/// A link to the identity provider, if one is configured.
#[component]
fn ProviderSignIn(next: String, #[prop(optional)] invitation: String) -> impl IntoView {
    let accounts = expect_context::<Accounts>();
    let provider = accounts.oidc().map(|oidc| oidc.name().to_owned());
    provider.map(|provider| view! { <div class="mt-3"><ProviderLink provider next invitation /></div> })
}

/// Returns the text above the form; `None` if registration is closed for this user.
fn about(registration: RegistrationInfo, invited: bool) -> Option<&'static str> {
    match registration.registration {
        _ if registration.set_up == SetUp::FirstIsAdmin => {
            Some("You're the first user, so this account will be the admin.")
        }
        _ if registration.set_up == SetUp::TokenNeeded => {
            Some("This server is new. The first account, which will be the admin, needs its setup token.")
        }
        Registration::Invitation | Registration::Closed if registration.set_up == SetUp::TokenIfAdmin => {
            Some(
                "This server has no admin yet. The operator can create the admin account with the setup token.",
            )
        }
        Registration::Open => Some("Your providers, keys and results are private to you."),
        Registration::Invitation if invited => Some("You have been invited."),
        Registration::Invitation | Registration::Closed => None,
    }
}

fn closed(registration: RegistrationInfo) -> &'static str {
    match registration.registration {
        Registration::Invitation => "Registration is by invitation. Ask an admin for an invitation link.",
        _ => "Registration is closed. Ask an admin for an account.",
    }
}

/// Returns the page's title. After an error it begins with that, because screen readers read the title first.
pub(super) fn title(title: &str, error: Signal<Option<ServerFnError>>) -> String {
    if error.read_untracked().is_some() { format!("Error: {title}") } else { title.to_owned() }
}

#[component]
pub(super) fn AuthHead(children: Children) -> impl IntoView {
    view! { <h1 class="text-[19px] leading-snug font-bold tracking-tight">{children()}</h1> }
}

#[component]
pub(super) fn EmailField() -> impl IntoView {
    view! {
        <TextField
            label="Email address"
            name="email"
            value=take_flash(SealedCookie::Email).unwrap_or_default()
            kind="email"
            autocomplete="username"
            max_length=254
            required=true
        />
    }
}

pub(super) fn query(name: &str) -> String {
    use_query_map().read_untracked().get(name).unwrap_or_default()
}

fn with_next(page: &str, next: &str) -> String {
    if next.is_empty() {
        return page.to_owned();
    }
    let mut query = leptos_router::params::ParamsMap::new();
    query.insert("next", next.to_owned());
    format!("{page}{}", query.to_query_string())
}
