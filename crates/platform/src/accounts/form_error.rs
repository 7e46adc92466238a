//! The error of a form that a browser has sent without a script, for the page that shows the form again.
//!
//! Leptos hands such an error over in the page's address, where anybody could put a text of their own and send the
//! link to a user: the page would show it as its own error. So a middleware moves the error into a sealed cookie and
//! removes it from every address.

use leptos::prelude::*;
use leptos::server::ServerActionError;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
pub use server::keep_in_cookie;

/// The error of the form that was sent before this page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormError {
    /// The path of the server function.
    function: String,
    /// The error as Leptos encodes it.
    error: String,
}

impl FormError {
    /// Lets the actions of this page begin with the error. Called once, above the router.
    pub fn provide() {
        if let Some(Self { function, error }) = SharedValue::new(Self::of_page).into_inner() {
            provide_context(ServerActionError::new(&function, &error));
        }
    }

    /// Returns the error in the cookie and clears it, if it is this page's.
    #[cfg(feature = "ssr")]
    fn of_page() -> Option<Self> {
        server::take()
    }

    /// Returns `None`: the browser gets the error from the server's HTML.
    #[cfg(not(feature = "ssr"))]
    fn of_page() -> Option<Self> {
        None
    }
}

#[cfg(feature = "ssr")]
mod server {
    use axum::extract::{Request, State};
    use axum::middleware::Next;
    use axum::response::{IntoResponse, Redirect, Response};
    use base64::prelude::{BASE64_URL_SAFE, Engine};
    use http::header::{LOCATION, SET_COOKIE};
    use http::request::Parts;
    use http::{HeaderValue, Uri};
    use leptos::prelude::use_context;
    use serde::{Deserialize, Serialize};
    use url::Url;
    use url::form_urlencoded::{Serializer, parse};

    use super::FormError;
    use crate::accounts::Accounts;
    use crate::accounts::cookies::SealedCookie;
    use crate::accounts::forms::{read_flash, take_flash};
    use crate::accounts::next_page::is_on_this_server;
    use crate::http::client_ip::ClientInfo;

    /// The parameters with which Leptos puts an error into an address.
    const FUNCTION: &str = "__path";
    const ERROR: &str = "__err";

    /// Longer errors are cut, because a browser keeps no more than 4,096 bytes of a cookie.
    const MAX_ERROR_BYTES: usize = 1_500;

    /// What the cookie contains.
    #[derive(Serialize, Deserialize)]
    struct Kept {
        /// The path of the page with the form.
        page: String,
        error: FormError,
    }

    pub(super) fn take() -> Option<FormError> {
        let page = use_context::<Parts>()?.uri.path().to_owned();
        let kept: Kept = serde_json::from_str(&read_flash(SealedCookie::FormError)?).ok()?;
        if kept.page != page {
            return None;
        }
        take_flash(SealedCookie::FormError)?;
        Some(kept.error)
    }

    /// Moves the error of a form from the redirect into a cookie. Redirects requests with an error in their address
    /// to the address without it, so that neither the page nor its script reads it.
    pub async fn keep_in_cookie(State(accounts): State<Accounts>, request: Request, next: Next) -> Response {
        if request.method().is_safe()
            && let Some(clean) = without_error(request.uri())
        {
            return Redirect::to(&clean).into_response();
        }
        let peer = ClientInfo::of(request.extensions());
        let mut response = next.run(request).await;
        let Some((address, kept)) = error_in(&response) else { return response };
        let Ok(text) = serde_json::to_string(&kept) else { return response };
        for cookie in accounts.cookies().set(SealedCookie::FormError, &text.into(), peer.secure) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        response.headers_mut().insert(LOCATION, address);
        response
    }

    /// Returns the address without an error; `None` if it has none.
    fn without_error(address: &Uri) -> Option<String> {
        let query = address.query()?;
        parse(query.as_bytes()).any(|(name, _)| is_error(&name)).then_some(())?;
        let query = query_without_error(query);
        let clean = format!("{}{query}", address.path());
        Some(if is_on_this_server(&clean) { clean } else { "/".to_owned() })
    }

    /// Returns the address of a redirect without its error, and the error.
    fn error_in(response: &Response) -> Option<(HeaderValue, Kept)> {
        let location = response.headers().get(LOCATION)?.to_str().ok()?;
        let mut address = Url::parse(location).ok()?;
        let value = |name| address.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value);
        let error = FormError {
            function: value(FUNCTION)?.into_owned(),
            error: cut(&BASE64_URL_SAFE.decode(&*value(ERROR)?).ok()?),
        };
        let query = query_without_error(address.query().unwrap_or_default());
        address.set_query(query.strip_prefix('?'));
        let kept = Kept { page: address.path().to_owned(), error };
        Some((HeaderValue::from_str(address.as_str()).ok()?, kept))
    }

    /// Returns the encoded error, shortened to [`MAX_ERROR_BYTES`].
    fn cut(error: &[u8]) -> String {
        let error = String::from_utf8_lossy(error);
        let end = error.floor_char_boundary(MAX_ERROR_BYTES);
        BASE64_URL_SAFE.encode(error.get(..end).unwrap_or_default())
    }

    /// Returns the query with its `?`; nothing if no parameter is left.
    fn query_without_error(query: &str) -> String {
        let rest = parse(query.as_bytes()).filter(|(name, _)| !is_error(name));
        let rest = Serializer::new(String::new()).extend_pairs(rest).finish();
        if rest.is_empty() { rest } else { format!("?{rest}") }
    }

    fn is_error(parameter: &str) -> bool {
        parameter == FUNCTION || parameter == ERROR
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        fn clean(address: &str) -> Option<String> {
            without_error(&address.parse().unwrap())
        }

        #[test]
        fn an_error_is_removed_from_an_address_and_the_rest_is_kept() {
            assert_eq!(clean("/login?next=%2Fa%26b&q"), None);
            assert_eq!(clean("/login"), None);
            assert_eq!(clean("/login?__err=x&__path=y").as_deref(), Some("/login"));
            assert_eq!(clean("/login?next=%2Fa%26b&__err=x").as_deref(), Some("/login?next=%2Fa%26b"));
            assert_eq!(clean("/login?%5F%5Fer%72=x").as_deref(), Some("/login"));
        }

        #[test]
        fn the_clean_address_is_on_this_server() {
            for address in ["//evil.example/?__err=x", "http://a.example//evil.example/?__err=x"] {
                assert_eq!(clean(address).as_deref(), Some("/"), "{address}");
            }
        }

        #[test]
        fn a_long_error_is_cut_between_characters() {
            let error = BASE64_URL_SAFE.decode(cut("ä".repeat(10_000).as_bytes())).unwrap();
            assert_eq!(String::from_utf8(error).unwrap(), "ä".repeat(MAX_ERROR_BYTES / 2));
        }
    }
}
