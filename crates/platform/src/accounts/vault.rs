//! Encrypts API keys with AES-256-GCM. Each is bound to the user, the provider and the URL that it was saved
//! for, and cannot be decrypted for another.

use base64::prelude::{BASE64_STANDARD, Engine};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::sealer::Sealer;
use super::secret::{Purpose, Secret};
use super::types::UserId;

/// Version prefix of each ciphertext.
const VERSION: &str = "v1:";

/// An error of encrypting or decrypting a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    #[error("A key can only be saved for a URL that starts with http:// or https:// and has a host.")]
    Address,
    #[error(
        "The stored key cannot be decrypted: it was saved for another URL or by another installation. \
         Enter it again."
    )]
    DoesNotOpen,
    #[error("The key could not be encrypted. Try again.")]
    Seal,
}

/// The user, provider and origin that a key is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPlace<'a> {
    user: &'a UserId,
    provider_id: &'a str,
    /// Scheme, host and port.
    origin: String,
}

impl<'a> KeyPlace<'a> {
    /// Creates the place of `user`'s key for the provider with this id. Only scheme, host and port of the URL
    /// count: the path may change.
    ///
    /// # Errors
    /// If `base_url` is not a server's URL.
    pub fn new(user: &'a UserId, provider_id: &'a str, base_url: &str) -> Result<Self, VaultError> {
        let origin = Url::parse(base_url).map_err(|_| VaultError::Address)?.origin();
        if !origin.is_tuple() {
            return Err(VaultError::Address);
        }
        Ok(Self { user, provider_id, origin: origin.ascii_serialization() })
    }

    /// Creates the place of `user`'s key for a provider that does not exist yet, by the provider's key. It is not
    /// the place of any provider, because `unbound` is not an origin.
    pub fn unbound(user: &'a UserId, provider_key: &'a str) -> Self {
        Self { user, provider_id: provider_key, origin: "unbound".to_owned() }
    }

    /// Encodes the parts unambiguously, each after its length.
    fn to_bytes(&self) -> Vec<u8> {
        [self.user.as_str(), self.provider_id, &self.origin]
            .iter()
            .flat_map(|part| [&(part.len() as u64).to_be_bytes(), part.as_bytes()].concat())
            .collect()
    }
}

/// Encrypts and decrypts API keys. Cheap to clone; its debug output shows nothing.
#[derive(Debug, Clone)]
pub struct Vault {
    sealer: Sealer,
}

impl Vault {
    /// Creates the vault of an installation.
    pub fn new(secret: &Secret) -> Self {
        Self { sealer: Sealer::new(secret, Purpose::SealingApiKeys) }
    }

    /// Creates a vault with a random key, for tests.
    pub fn random() -> Self {
        Self::new(&Secret::random())
    }

    /// Encrypts `key` for `place`. Returns text for the database, which is different each time.
    ///
    /// # Errors
    /// If the key is larger than the cipher's limit (64 GiB).
    pub fn seal(&self, place: &KeyPlace<'_>, key: &SecretString) -> Result<String, VaultError> {
        let sealed = self.sealer.seal(&place.to_bytes(), key.expose_secret().as_bytes());
        Ok(format!("{VERSION}{}", BASE64_STANDARD.encode(sealed.ok_or(VaultError::Seal)?)))
    }

    /// Decrypts what [`Self::seal`] returned.
    ///
    /// # Errors
    /// If it was encrypted for another place or with another secret, or was modified.
    pub fn open(&self, place: &KeyPlace<'_>, sealed: &str) -> Result<SecretString, VaultError> {
        self.decrypt(place, sealed).ok_or(VaultError::DoesNotOpen)
    }

    fn decrypt(&self, place: &KeyPlace<'_>, sealed: &str) -> Option<SecretString> {
        let bytes = BASE64_STANDARD.decode(sealed.strip_prefix(VERSION)?).ok()?;
        let key = self.sealer.open(&place.to_bytes(), &bytes)?;
        Some(std::str::from_utf8(&key).ok()?.into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ADDRESS: &str = "https://api.example.com/v1";

    fn secret(text: &str) -> SecretString {
        text.into()
    }

    fn opened(vault: &Vault, place: &KeyPlace<'_>, sealed: &str) -> Result<String, VaultError> {
        vault.open(place, sealed).map(|key| key.expose_secret().to_owned())
    }

    proptest! {
        #[test]
        fn a_key_is_decrypted_for_its_place(key in ".*", user in ".*", provider in ".*") {
            let (vault, user) = (Vault::random(), UserId::new(user));
            let place = KeyPlace::new(&user, &provider, ADDRESS).unwrap();
            let sealed = vault.seal(&place, &secret(&key)).unwrap();
            prop_assert_eq!(opened(&vault, &place, &sealed), Ok(key));
        }

        #[test]
        fn a_key_is_not_decrypted_for_another_place(
            here in ("[ab]{0,3}", "[ab]{0,3}", "https?://[ab]\\.example(:[12]000)?"),
            there in ("[ab]{0,3}", "[ab]{0,3}", "https?://[ab]\\.example(:[12]000)?"),
        ) {
            prop_assume!(here != there);
            let vault = Vault::random();
            let (user, other) = (UserId::new(here.0), UserId::new(there.0));
            let place = KeyPlace::new(&user, &here.1, &here.2).unwrap();
            let elsewhere = KeyPlace::new(&other, &there.1, &there.2).unwrap();
            let sealed = vault.seal(&place, &secret("sk-1")).unwrap();
            prop_assert_eq!(opened(&vault, &elsewhere, &sealed), Err(VaultError::DoesNotOpen));
        }

        #[test]
        fn a_modified_text_is_not_decrypted(index in any::<prop::sample::Index>(), to in any::<char>()) {
            let (vault, user) = (Vault::random(), UserId::new("anna"));
            let place = KeyPlace::new(&user, "openai", ADDRESS).unwrap();
            let sealed = vault.seal(&place, &secret("sk-1")).unwrap();
            let mut changed: Vec<char> = sealed.chars().collect();
            let index = index.index(changed.len());
            prop_assume!(changed[index] != to);
            changed[index] = to;
            let changed: String = changed.into_iter().collect();
            prop_assert_eq!(opened(&vault, &place, &changed), Err(VaultError::DoesNotOpen));
        }

        #[test]
        fn any_text_is_rejected_without_a_panic(text in ".*") {
            let user = UserId::new("anna");
            let place = KeyPlace::new(&user, "openai", ADDRESS).unwrap();
            prop_assert_eq!(opened(&Vault::random(), &place, &text), Err(VaultError::DoesNotOpen));
        }
    }

    #[test]
    fn the_same_key_is_encrypted_differently_each_time() {
        let (vault, user) = (Vault::random(), UserId::new("anna"));
        let place = KeyPlace::new(&user, "openai", ADDRESS).unwrap();
        let [one, two] = [(); 2].map(|()| vault.seal(&place, &secret("sk-1")).unwrap());
        assert_ne!(one, two);
    }

    #[test]
    fn only_the_origin_of_the_url_counts() {
        let user = UserId::new("anna");
        let place = |address| KeyPlace::new(&user, "openai", address).unwrap();
        assert_eq!(place("https://api.example.com/v1"), place("https://API.example.com:443/v2?x#y"));
        assert_ne!(place("https://api.example.com"), place("http://api.example.com"));
        for address in ["", "api.example.com", "file:///etc/passwd", "data:text/plain,x"] {
            assert_eq!(KeyPlace::new(&user, "openai", address), Err(VaultError::Address), "{address}");
        }
    }

    #[test]
    fn debug_output_shows_no_key() {
        let (vault, user) = (Vault::random(), UserId::new("anna"));
        let place = KeyPlace::new(&user, "openai", ADDRESS).unwrap();
        let sealed = vault.seal(&place, &secret("sk-visible")).unwrap();
        let shown = format!("{vault:?} {:?} {sealed}", vault.open(&place, &sealed).unwrap());
        assert!(!shown.contains("sk-visible"), "{shown}");
    }
}
