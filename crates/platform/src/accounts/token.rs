//! Tokens: random ones, stored as hashes, and signed ones, which are not stored.

use std::fmt;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::hs256;
use super::secret::{Purpose, Secret};
use super::types::UserId;

/// Lifetime of an access token in seconds.
pub const ACCESS_SECONDS: i64 = 24 * 60 * 60;
/// Lifetime of a refresh token in seconds.
pub const REFRESH_SECONDS: i64 = 7 * 24 * 60 * 60;
/// Prefix of API tokens, so that secret scanners and people recognise them.
pub const PERSONAL_PREFIX: &str = "lbs_";
/// Maximum clock difference of two servers in seconds.
const LEEWAY_SECONDS: u64 = 5;

/// Returns 256 random bits as text.
pub fn random() -> SecretString {
    let bytes = Zeroizing::new(rand::random::<[u8; 32]>());
    BASE64_URL_SAFE_NO_PAD.encode(*bytes).into()
}

/// Returns a new API token.
pub fn random_personal() -> SecretString {
    format!("{PERSONAL_PREFIX}{}", random().expose_secret()).into()
}

/// Returns the hash of a random token for the database. A single SHA-256 is enough, because 256 random bits
/// cannot be guessed.
pub fn fingerprint(token: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(token.as_bytes()))
}

/// A refresh token. It contains its session's id, so that a replaced token can be distinguished from an invalid
/// one.
#[derive(Debug, Clone)]
pub struct RefreshToken {
    pub session_id: String,
    secret: SecretString,
}

impl RefreshToken {
    pub fn random(session_id: impl Into<String>) -> Self {
        Self { session_id: session_id.into(), secret: random() }
    }

    /// Reads what [`Self::text`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let (session_id, secret) = text.split_once('.')?;
        Some(Self { session_id: session_id.to_owned(), secret: secret.to_owned().into() })
    }

    /// Returns the text for the cookie.
    pub fn text(&self) -> SecretString {
        format!("{}.{}", self.session_id, self.secret.expose_secret()).into()
    }

    /// Returns the hash for the database.
    pub fn fingerprint(&self) -> String {
        fingerprint(self.secret.expose_secret())
    }
}

/// The claims of an access token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    #[serde(rename = "sub")]
    pub user: UserId,
    #[serde(rename = "sid")]
    pub session_id: String,
    /// Unix seconds.
    #[serde(rename = "iat")]
    pub issued_at: i64,
    #[serde(rename = "exp")]
    pub expires_at: i64,
}

/// Signs and verifies access tokens. Cheap to clone.
#[derive(Clone)]
pub struct Signer {
    encoding: EncodingKey,
    decoding: DecodingKey,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").finish_non_exhaustive()
    }
}

impl Signer {
    pub fn new(secret: &Secret) -> Self {
        hs256::install();
        let key = secret.key(Purpose::SigningAccessTokens);
        Self { encoding: EncodingKey::from_secret(&*key), decoding: DecodingKey::from_secret(&*key) }
    }

    /// Signs an access token for a session, valid for [`ACCESS_SECONDS`] from `now_ms`.
    pub fn sign(
        &self,
        user: &UserId,
        session_id: &str,
        now_ms: i64,
    ) -> jsonwebtoken::errors::Result<SecretString> {
        let issued_at = now_ms / 1000;
        let expires_at = issued_at + ACCESS_SECONDS;
        let claims = Claims { user: user.clone(), session_id: session_id.to_owned(), issued_at, expires_at };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encoding).map(Into::into)
    }

    /// Returns the claims of a token that this installation signed and that has not expired. Whether its
    /// session still exists has to be looked up.
    pub fn read(&self, token: &str) -> Option<Claims> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = LEEWAY_SECONDS;
        jsonwebtoken::decode(token, &self.decoding, &validation).ok().map(|token| token.claims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::now_ms;

    fn signer() -> Signer {
        Signer::new(&Secret::random())
    }

    #[test]
    fn a_signed_token_has_user_and_session() {
        let (signer, anna) = (signer(), UserId::new("anna"));
        let token = signer.sign(&anna, "s1", now_ms()).unwrap();
        let claims = signer.read(token.expose_secret()).unwrap();
        assert_eq!((claims.user, claims.session_id.as_str()), (anna, "s1"));
        assert_eq!(claims.expires_at - claims.issued_at, 24 * 60 * 60);
    }

    #[test]
    fn foreign_and_expired_tokens_are_rejected() {
        let (signer, anna) = (signer(), UserId::new("anna"));
        let foreign = Signer::new(&Secret::random()).sign(&anna, "s1", now_ms()).unwrap();
        let expired = signer.sign(&anna, "s1", now_ms() - (ACCESS_SECONDS + 60) * 1000).unwrap();
        for token in [foreign.expose_secret(), expired.expose_secret(), "", "a.b.c"] {
            assert_eq!(signer.read(token), None, "{token}");
        }
    }

    #[test]
    fn only_one_algorithm_is_accepted() {
        let signer = signer();
        let claims = Claims {
            user: UserId::new("anna"),
            session_id: "s1".into(),
            issued_at: now_ms() / 1000,
            expires_at: now_ms() / 1000 + 60,
        };
        let other = Header::new(Algorithm::HS512);
        assert!(jsonwebtoken::encode(&other, &claims, &signer.encoding).is_err());
        for (algorithm, signature) in [("HS512", None), ("none", Some(""))] {
            let header = format!(r#"{{"alg":"{algorithm}","typ":"JWT"}}"#);
            let parts = [header, serde_json::to_string(&claims).unwrap()];
            let message = parts.map(|part| BASE64_URL_SAFE_NO_PAD.encode(part)).join(".");
            let signed = || {
                let algorithm = Algorithm::HS256;
                jsonwebtoken::crypto::sign(message.as_bytes(), &signer.encoding, algorithm).unwrap()
            };
            let signature = signature.map_or_else(signed, str::to_owned);
            assert_eq!(signer.read(&format!("{message}.{signature}")), None, "{algorithm}");
        }
    }

    #[test]
    fn a_refresh_token_is_read_back() {
        let token = RefreshToken::random("s1");
        let read = RefreshToken::parse(token.text().expose_secret()).unwrap();
        assert_eq!((read.session_id.as_str(), read.fingerprint()), ("s1", token.fingerprint()));
        assert!(RefreshToken::parse("no dot").is_none());
    }

    #[test]
    fn debug_output_shows_no_token() {
        let token = RefreshToken::random("s1");
        let text = token.text();
        let secret = text.expose_secret().split_once('.').unwrap().1;
        let shown = format!("{token:?} {:?}", signer());
        assert!(!shown.contains(secret), "{shown}");
    }
}
