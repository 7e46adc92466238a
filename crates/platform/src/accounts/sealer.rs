//! Authenticated encryption (AES-256-GCM) of texts that leave this program and come back.

use std::fmt;
use std::sync::Arc;

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use secrecy::zeroize::Zeroizing;

use super::secret::{Purpose, Secret};

const NONCE_BYTES: usize = 12;

/// Encrypts and decrypts with the key of one purpose. Cheap to clone; its debug output shows nothing.
#[derive(Clone)]
pub struct Sealer {
    cipher: Arc<Aes256Gcm>,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").finish_non_exhaustive()
    }
}

impl Sealer {
    pub fn new(secret: &Secret, purpose: Purpose) -> Self {
        let key = secret.key(purpose);
        Self { cipher: Arc::new(Aes256Gcm::new((&*key).into())) }
    }

    /// Encrypts `text`. It can only be decrypted for the same `place`. The result differs each time; `None` if the
    /// text is larger than the cipher's limit (64 GiB).
    pub fn seal(&self, place: &[u8], text: &[u8]) -> Option<Vec<u8>> {
        let nonce = rand::random::<[u8; NONCE_BYTES]>();
        let sealed = self.cipher.encrypt(&Nonce::from(nonce), Payload { msg: text, aad: place }).ok()?;
        Some([&nonce[..], &sealed].concat())
    }

    /// Decrypts what [`Self::seal`] returned; `None` if it was encrypted for another place or with another secret, or
    /// was modified.
    pub fn open(&self, place: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        let payload = Payload { msg: sealed, aad: place };
        self.cipher.decrypt(&Nonce::from(*nonce), payload).ok().map(Zeroizing::new)
    }
}
