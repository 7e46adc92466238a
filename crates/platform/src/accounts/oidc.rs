//! Sign-in with OpenID Connect: Google, or another provider set by the operator.
//!
//! The authorization code flow with PKCE (RFC 6749, RFC 7636). The identity comes from the provider's userinfo
//! endpoint over TLS, so no ID token has to be verified.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine};
use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;
use url::form_urlencoded::{Serializer, byte_serialize};
use url::{Host, Url};

use super::token::random;
use endpoint::egress::{AddressPolicy, Client, Limits};

const GOOGLE: &str = "https://accounts.google.com";
/// Path that the provider redirects browsers to.
pub const CALLBACK_PATH: &str = "/api/auth/google/callback";
const LIMITS: Limits =
    Limits { connect: Duration::from_secs(5), total: Duration::from_secs(15), max_bytes: 256 * 1024 };

/// A client of an OpenID Connect provider. Cheap to clone.
#[derive(Clone)]
pub struct OidcClient(Arc<Inner>);

struct Inner {
    issuer: Url,
    name: String,
    client_id: String,
    client_secret: SecretString,
    callback: Url,
    http: Client,
    endpoints: OnceCell<Endpoints>,
}

impl fmt::Debug for OidcClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OidcClient").field("issuer", &self.0.issuer.as_str()).finish_non_exhaustive()
    }
}

/// The provider's metadata (OpenID Connect Discovery 1.0).
#[derive(Debug, Clone, Deserialize)]
struct Endpoints {
    issuer: String,
    authorization_endpoint: Url,
    token_endpoint: Url,
    userinfo_endpoint: Url,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

/// The identity of a user at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub issuer: String,
    pub subject: String,
    /// The email address, if the provider has verified it.
    pub email: Option<String>,
}

/// The state of a sign-in, which the browser stores in a sealed cookie.
#[derive(Clone, Serialize, Deserialize)]
pub struct LoginFlow {
    pub state: String,
    verifier: String,
    /// The page to redirect to afterwards.
    pub next: String,
    pub invitation: Option<String>,
    /// The session that connects the identity with its account; `None` to sign in.
    pub session: Option<String>,
}

impl LoginFlow {
    pub fn new(next: &str, invitation: Option<String>, session: Option<String>) -> Self {
        let [state, verifier] = [random(), random()].map(|token| token.expose_secret().to_owned());
        Self { state, verifier, next: next.to_owned(), invitation, session }
    }

    /// Returns the text for the cookie.
    pub fn text(&self) -> SecretString {
        serde_json::to_string(self).unwrap_or_default().into()
    }

    /// Reads what [`Self::text`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

/// The step that failed at the provider.
#[derive(Debug)]
pub enum OidcError {
    /// The provider rejected the code.
    Exchange(anyhow::Error),
    /// The provider returned no valid user info.
    UserInfo(anyhow::Error),
}

impl OidcClient {
    /// Reads `GOOGLE_CLIENT_ID` and `GOOGLE_CLIENT_SECRET`, and for another provider than Google
    /// `OIDC_ISSUER` and `OIDC_NAME`, from `variable`. `None` without an id.
    ///
    /// # Errors
    /// If one of them is missing or invalid.
    pub fn find(
        variable: impl Fn(&str) -> Option<String>,
        public_address: Option<&Url>,
    ) -> anyhow::Result<Option<Self>> {
        let Some(client_id) = variable("GOOGLE_CLIENT_ID") else { return Ok(None) };
        let client_secret = variable("GOOGLE_CLIENT_SECRET").context("GOOGLE_CLIENT_SECRET is missing")?;
        let address = public_address.context(
            "APP_BASE_URL is missing: the provider redirects browsers to it, for example https://studio.example.org",
        )?;
        let issuer = variable("OIDC_ISSUER").unwrap_or_else(|| GOOGLE.to_owned());
        let issuer = Url::parse(&issuer)
            .ok()
            .filter(is_encrypted_or_local)
            .with_context(|| format!("OIDC_ISSUER={issuer} is not a URL such as https://id.example.org"))?;
        let own_name = if issuer.as_str().trim_end_matches('/') == GOOGLE {
            "Google".to_owned()
        } else {
            issuer.host_str().unwrap_or_default().to_owned()
        };
        Ok(Some(Self(Arc::new(Inner {
            name: variable("OIDC_NAME").unwrap_or(own_name),
            issuer,
            client_id,
            client_secret: client_secret.into(),
            callback: address.join(CALLBACK_PATH)?,
            // The operator sets the provider's URL, not a user, so local addresses are allowed.
            http: Client::new(AddressPolicy::PUBLIC_AND_LOCAL, LIMITS)?,
            endpoints: OnceCell::new(),
        }))))
    }

    /// Returns the display name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Returns the issuer of its identities.
    pub fn issuer(&self) -> &str {
        self.0.issuer.as_str().trim_end_matches('/')
    }

    /// Returns the authorization URL for a browser.
    ///
    /// # Errors
    /// If the provider's metadata cannot be loaded.
    pub async fn authorization_url(&self, flow: &LoginFlow) -> anyhow::Result<Url> {
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(flow.verifier.as_bytes()));
        let mut address = self.endpoints().await?.authorization_endpoint.clone();
        address.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", &self.0.client_id),
            ("redirect_uri", self.0.callback.as_str()),
            ("scope", "openid email"),
            ("state", &flow.state),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        Ok(address)
    }

    /// Exchanges the code for the user's identity.
    ///
    /// # Errors
    /// If the provider rejects the code or returns no valid user info.
    pub async fn identity(&self, code: &str, flow: &LoginFlow) -> Result<Identity, OidcError> {
        let token = self.token(code, flow).await.map_err(OidcError::Exchange)?;
        self.user_info(&token).await.map_err(OidcError::UserInfo)
    }

    async fn token(&self, code: &str, flow: &LoginFlow) -> anyhow::Result<SecretString> {
        #[derive(Deserialize)]
        struct Token {
            access_token: SecretString,
        }
        let endpoints = self.endpoints().await?;
        let (headers, form) = self.exchange(endpoints, code, flow)?;
        let answer = self.0.http.post_form(endpoints.token_endpoint.clone(), headers, form).await?;
        Ok(read::<Token>(answer.status, &answer.body)?.access_token)
    }

    /// Returns headers and form of the token request. The secret is sent in the way that the provider supports.
    fn exchange(
        &self,
        endpoints: &Endpoints,
        code: &str,
        flow: &LoginFlow,
    ) -> anyhow::Result<(HeaderMap, String)> {
        let mut headers = HeaderMap::new();
        let mut form = Serializer::new(String::new());
        form.extend_pairs([
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", self.0.callback.as_str()),
            ("code_verifier", &flow.verifier),
        ]);
        let (id, secret) = (&self.0.client_id, self.0.client_secret.expose_secret());
        if endpoints.token_endpoint_auth_methods_supported.iter().any(|method| method == "client_secret_post")
        {
            form.extend_pairs([("client_id", id.as_str()), ("client_secret", secret)]);
        } else {
            headers.insert(AUTHORIZATION, basic(id, secret)?);
        }
        Ok((headers, form.finish()))
    }

    async fn user_info(&self, token: &SecretString) -> anyhow::Result<Identity> {
        #[derive(Deserialize)]
        struct UserInfo {
            sub: String,
            email: Option<String>,
            /// A boolean, which some providers send as a string.
            #[serde(default)]
            email_verified: Value,
        }
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, sensitive(format!("Bearer {}", token.expose_secret()))?);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let answer = self.0.http.get(self.endpoints().await?.userinfo_endpoint.clone(), headers).await?;
        let UserInfo { sub, email, email_verified } = read(answer.status, &answer.body)?;
        ensure!(!sub.is_empty(), "the user info has no subject");
        let email = email.filter(|_| email_verified == true || email_verified == "true");
        Ok(Identity { issuer: self.issuer().to_owned(), subject: sub, email })
    }

    async fn endpoints(&self) -> anyhow::Result<&Endpoints> {
        self.0.endpoints.get_or_try_init(|| self.discover()).await
    }

    async fn discover(&self) -> anyhow::Result<Endpoints> {
        let address = Url::parse(&format!("{}/.well-known/openid-configuration", self.issuer()))?;
        let answer = self.0.http.get(address, HeaderMap::new()).await?;
        let found: Endpoints = read(answer.status, &answer.body)?;
        ensure!(
            found.issuer.trim_end_matches('/') == self.issuer(),
            "the metadata has another issuer, {}",
            found.issuer
        );
        for endpoint in [&found.authorization_endpoint, &found.token_endpoint, &found.userinfo_endpoint] {
            ensure!(is_encrypted_or_local(endpoint), "{endpoint} does not use TLS");
        }
        Ok(found)
    }
}

/// Returns whether traffic to this URL cannot be read by others: HTTPS or the local machine.
fn is_encrypted_or_local(url: &Url) -> bool {
    let on_this_machine = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && on_this_machine)
}

fn read<T: DeserializeOwned>(status: http::StatusCode, body: &[u8]) -> anyhow::Result<T> {
    ensure!(status.is_success(), "the provider responded with status {status}");
    serde_json::from_slice(body).context("the provider's response has an unexpected format")
}

/// Returns id and secret as basic authentication (RFC 6749, 2.3.1).
fn basic(id: &str, secret: &str) -> anyhow::Result<HeaderValue> {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    sensitive(format!("Basic {}", BASE64_STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret)))))
}

fn sensitive(text: String) -> anyhow::Result<HeaderValue> {
    let mut value = HeaderValue::from_str(&text)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(variables: &[(&str, &str)], address: Option<&str>) -> anyhow::Result<Option<OidcClient>> {
        let address = address.map(|address| Url::parse(address).unwrap());
        let value = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| *value);
        OidcClient::find(|name| value(name).map(str::to_owned), address.as_ref())
    }

    const ID: (&str, &str) = ("GOOGLE_CLIENT_ID", "id");
    const SECRET: (&str, &str) = ("GOOGLE_CLIENT_SECRET", "hush");
    const ADDRESS: Option<&str> = Some("https://studio.example.org");

    #[test]
    fn missing_and_invalid_settings_are_named() {
        assert!(find(&[SECRET], ADDRESS).unwrap().is_none());
        for (variables, address, named) in [
            (vec![ID], ADDRESS, "GOOGLE_CLIENT_SECRET is missing"),
            (vec![ID, SECRET], None, "APP_BASE_URL is missing"),
            (vec![ID, SECRET, ("OIDC_ISSUER", "http://id.example.org")], ADDRESS, "OIDC_ISSUER=http:"),
        ] {
            let error = format!("{:#}", find(&variables, address).unwrap_err());
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn known_issuers_have_a_display_name() {
        let google = find(&[ID, SECRET], ADDRESS).unwrap().unwrap();
        assert_eq!((google.name(), google.issuer()), ("Google", GOOGLE));
        assert!(!format!("{google:?}").contains("hush"));
        let own = [ID, SECRET, ("OIDC_ISSUER", "https://id.example.org/realms/team/")];
        let own = find(&own, ADDRESS).unwrap().unwrap();
        assert_eq!((own.name(), own.issuer()), ("id.example.org", "https://id.example.org/realms/team"));
    }

    #[test]
    fn a_flow_is_read_back() {
        let flow = LoginFlow::new("/history?q=ä;\"", Some("token".into()), Some("session".into()));
        let read = LoginFlow::parse(flow.text().expose_secret()).unwrap();
        assert_eq!((read.state, read.verifier, read.next), (flow.state, flow.verifier, flow.next));
        assert!(LoginFlow::parse("nonsense").is_none());
    }
}
