//! `/api/auth/google/*`: sign-in with Google or another OpenID Connect provider.

use axum::Json;
use axum::extract::{FromRef, State};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Redirect, Response};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{TAG, set_cookies};
use crate::accounts::cookies::{self, SealedCookie};
use crate::accounts::next_page::next_page;
use crate::accounts::oidc::{Identity, LoginFlow, OidcError};
use crate::accounts::service::SignedIn;
use crate::accounts::{AccountError, Accounts, Session};
use crate::http::client_ip::ClientInfo;
use crate::http::{AppError, Query, wants_page};
use crate::http::{DetailBody, ErrorBody};

/// The routes of this file.
pub fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Accounts: FromRef<S>,
{
    OpenApiRouter::default().routes(routes!(authorize)).routes(routes!(callback))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Beginning {
    /// The page to redirect to afterwards; a path on this server.
    next: Option<String>,
    /// The token of an invitation link, where registration is by invitation.
    invitation: Option<String>,
}

/// The provider's sign-in page.
#[derive(Serialize, ToSchema)]
struct Authorization {
    url: String,
}

/// Start sign-in with the identity provider
///
/// The provider is Google unless the operator has set another. A signed-in user connects their account with the
/// identity instead: that needs a session with a recent sign-in, not an API token. A browser that requests a page is
/// redirected to the provider.
#[utoipa::path(
    get, path = "/api/auth/google/authorize", tag = TAG, security(()),
    params(Beginning),
    responses(
        (status = 200, description = "The provider's sign-in page", body = Authorization),
        (status = 303, description = "Redirect to the provider, for a browser"),
        (status = 400, description = "The provider is not configured or cannot be reached", body = ErrorBody),
        (status = 403, description = "Connecting with an API token, without a recent sign-in or from another site", body = DetailBody),
    )
)]
async fn authorize(
    State(accounts): State<Accounts>,
    session: Option<Session>,
    peer: ClientInfo,
    headers: HeaderMap,
    Query(Beginning { next, invitation }): Query<Beginning>,
) -> Result<Response, AppError> {
    let not_set_up = "Sign-in with Google is not set up on this server. Use your password.";
    let oidc = accounts.oidc().ok_or_else(|| AppError::BadRequest(not_set_up.into()))?;
    let next = next_page(next.as_deref());
    let flow = match session {
        Some(_) if is_from_another_site(&headers) => {
            return Err(AppError::Forbidden("Connect the account on its account page.".into()));
        }
        Some(session) => accounts.begin_connection(&session, next).await?,
        None => LoginFlow::new(next, invitation.filter(|token| !token.is_empty()), None),
    };
    let address = oidc.authorization_url(&flow).await.map_err(|error| {
        tracing::error!("cannot load the metadata of {oidc:?}: {error:#}");
        AppError::BadRequest(format!(
            "{} can’t be reached. Use your password, or try again later.",
            oidc.name()
        ))
    })?;
    let cookies = accounts.cookies().set(SealedCookie::LoginFlow, &flow.text(), peer.secure);
    let cookies = set_cookies(cookies);
    Ok(if wants_page(&headers) {
        (cookies, Redirect::to(address.as_str())).into_response()
    } else {
        (cookies, Json(Authorization { url: address.into() })).into_response()
    })
}

/// Returns whether another site's page has sent the browser here: it may also have signed the browser in to its own
/// identity at the provider.
fn is_from_another_site(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    matches!(site, Some(b"cross-site" | b"same-site"))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Answer {
    code: Option<String>,
    state: Option<String>,
}

/// Complete sign-in with the identity provider
///
/// The provider redirects the browser here.
#[utoipa::path(
    get, path = "/api/auth/google/callback", tag = TAG, security(()),
    params(Answer),
    responses((status = 303, description = "Redirect to the requested page, or back with `?error=` and a code"))
)]
async fn callback(
    State(accounts): State<Accounts>,
    session: Option<Session>,
    peer: ClientInfo,
    headers: HeaderMap,
    Query(answer): Query<Answer>,
) -> Response {
    let flow = accounts
        .cookies()
        .read(SealedCookie::LoginFlow, &headers, peer.secure)
        .and_then(|text| LoginFlow::parse(text.expose_secret()));
    let mut cookies = cookies::clear(SealedCookie::LoginFlow, peer.secure);
    let connecting = session.is_some();
    let page = match end(&accounts, session.as_ref(), peer, flow, answer).await {
        Ok((page, signed_in)) => {
            let set = |signed_in| accounts.cookies().after_sign_in(signed_in, &headers, peer.secure);
            cookies.extend(signed_in.iter().flat_map(set));
            page
        }
        Err(why) => format!("{}?error={why}", if connecting { "/account" } else { "/login" }),
    };
    (set_cookies(cookies), Redirect::to(&page)).into_response()
}

/// Returns the page to redirect to, and the new session.
///
/// # Errors
/// The error code for the URL.
async fn end(
    accounts: &Accounts,
    session: Option<&Session>,
    peer: ClientInfo,
    flow: Option<LoginFlow>,
    answer: Answer,
) -> Result<(String, Option<SignedIn>), &'static str> {
    // A response without the state of this flow may belong to another browser's flow, and a flow of another session
    // to another user's.
    let flow = flow
        .filter(|flow| answer.state.as_ref() == Some(&flow.state))
        .filter(|flow| flow.session.as_ref() == session.map(|session| &session.id))
        .ok_or("state_mismatch")?;
    let code = answer.code.ok_or("missing_code")?;
    let identity = identity(accounts, &code, &flow).await?;
    let next = next_page(Some(&flow.next)).to_owned();
    if let Some(session) = session {
        accounts.connect(session.user_id(), &identity).await.map_err(|error| error_code(&error))?;
        return Ok((next, None));
    }
    let invitation = flow.invitation.map(Into::into);
    let signed_in = accounts.sign_in_as(&identity, invitation.as_ref(), peer).await;
    Ok((next, Some(signed_in.map_err(|error| error_code(&error))?)))
}

async fn identity(accounts: &Accounts, code: &str, flow: &LoginFlow) -> Result<Identity, &'static str> {
    let oidc = accounts.oidc().ok_or("not_set_up")?;
    oidc.identity(code, flow).await.map_err(|error| {
        let (error_code, error) = match error {
            OidcError::Exchange(error) => ("token_exchange_failed", error),
            OidcError::UserInfo(error) => ("missing_user_info", error),
        };
        tracing::error!("cannot get the identity of a user from {oidc:?}: {error:#}");
        error_code
    })
}

/// Returns the error code for the URL; the Python product's where it has one.
fn error_code(error: &AccountError) -> &'static str {
    match error {
        AccountError::NoVerifiedEmail => "missing_user_info",
        AccountError::EmailTaken => "account_exists",
        AccountError::IdentityTaken => "identity_taken",
        AccountError::RegistrationClosed | AccountError::InvitationNeeded => "registration_closed",
        AccountError::InvitationUnusable => "invitation_unusable",
        AccountError::SetupTokenNeeded => "setup_token_needed",
        AccountError::Locked(_) => "too_many_attempts",
        error => {
            tracing::error!("sign-in with the identity provider failed: {error:?}");
            "user_creation_failed"
        }
    }
}
