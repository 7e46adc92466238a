//! The prompt template service.

use super::store::PromptStore;
use super::types::{BUILT_IN, Template};
use crate::accounts::UserId;
use crate::database::Database;
use crate::http::AppError;

/// Maximum number of templates per user.
const MAX_TEMPLATES: usize = 200;

/// An error of the prompt template service.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    #[error("{0}")]
    Invalid(String),
    #[error("You have no template \"{0}\".")]
    Unknown(String),
    #[error("You’ve reached the limit of {MAX_TEMPLATES} templates. Delete one first.")]
    TooMany,
    #[error("The database failed: {0}")]
    Database(#[from] sqlx::Error),
}

impl From<PromptError> for AppError {
    fn from(error: PromptError) -> Self {
        let text = error.to_string();
        match error {
            PromptError::Invalid(_) => Self::Invalid(text),
            PromptError::Unknown(_) => Self::NotFound(text),
            PromptError::TooMany => Self::BadRequest(text),
            PromptError::Database(error) => Self::internal(error),
        }
    }
}

/// The prompt templates of all users. Cheap to clone.
#[derive(Debug, Clone)]
pub struct PromptService {
    store: PromptStore,
}

impl PromptService {
    pub fn new(database: Database) -> Self {
        Self { store: PromptStore::new(database) }
    }

    /// Returns the built-in templates, then the user's own.
    pub async fn list(&self, user: &UserId) -> Result<Vec<Template>, PromptError> {
        let own = self.store.list(user).await?;
        Ok(BUILT_IN.into_iter().map(Template::from).chain(own).collect())
    }

    /// Saves a template of the user, replacing the one of the same key.
    ///
    /// # Errors
    /// If a part of it is out of bounds, its key is built in, or there are too many.
    pub async fn save(&self, user: &UserId, template: &Template) -> Result<(), PromptError> {
        template.check().map_err(PromptError::Invalid)?;
        let own = self.store.list(user).await?;
        if own.len() >= MAX_TEMPLATES && own.iter().all(|other| other.key != template.key) {
            return Err(PromptError::TooMany);
        }
        Ok(self.store.save(user, template).await?)
    }

    /// # Errors
    /// If the user has no such template.
    pub async fn delete(&self, user: &UserId, key: &str) -> Result<(), PromptError> {
        let found = self.store.delete(user, key).await?;
        if found { Ok(()) } else { Err(PromptError::Unknown(key.to_owned())) }
    }
}
