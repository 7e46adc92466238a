//! The SQL of prompt templates.

use crate::accounts::UserId;
use crate::database::{Database, new_id, now_ms};

use super::types::{Category, Template};

const LIST: &str = "
    select key, category, label, prompt from prompt_templates where user_id = $1 order by created_at, id";

/// The table `prompt_templates`.
#[derive(Debug, Clone)]
pub struct PromptStore {
    database: Database,
}

impl PromptStore {
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// The user's own templates, oldest first.
    pub async fn list(&self, user: &UserId) -> sqlx::Result<Vec<Template>> {
        let rows: Vec<(String, String, String, String)> =
            sqlx::query_as(LIST).bind(user.as_str()).fetch_all(self.database.reader()).await?;
        let template = |(key, category, label, prompt): (String, String, String, String)| Template {
            key,
            category: Category::from_name(&category),
            label,
            prompt,
            own: true,
        };
        Ok(rows.into_iter().map(template).collect())
    }

    /// Keeps a template in place of the user's one of the same key.
    pub async fn save(&self, user: &UserId, template: &Template) -> sqlx::Result<()> {
        sqlx::query(
            "insert into prompt_templates (id, user_id, key, category, label, prompt, created_at, updated_at)
             values ($1, $2, $3, $4, $5, $6, $7, $7)
             on conflict (user_id, key) do update set category = excluded.category, label = excluded.label,
                 prompt = excluded.prompt, updated_at = excluded.updated_at",
        )
        .bind(new_id())
        .bind(user.as_str())
        .bind(&template.key)
        .bind(template.category.as_str())
        .bind(&template.label)
        .bind(&template.prompt)
        .bind(now_ms())
        .execute(self.database.writer())
        .await?;
        Ok(())
    }

    /// False when the user has no such template.
    pub async fn delete(&self, user: &UserId, key: &str) -> sqlx::Result<bool> {
        let done = sqlx::query("delete from prompt_templates where user_id = $1 and key = $2")
            .bind(user.as_str())
            .bind(key)
            .execute(self.database.writer())
            .await?;
        Ok(done.rows_affected() > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::query_plans::{Sorts, assert_read_by_index, bound, fill};
    use crate::database::testing;

    fn template(key: &str, prompt: &str) -> Template {
        Template {
            key: key.into(),
            category: Category::Code,
            label: "Mine".into(),
            prompt: prompt.into(),
            own: true,
        }
    }

    #[tokio::test]
    async fn the_list_reads_by_an_index() {
        for database in testing::databases().await {
            fill(&database).await;
            // A user's own are sorted; there are few.
            assert_read_by_index(&database, Sorts::Few, &[bound(LIST, &["'00000250'"])]).await;
        }
    }

    #[tokio::test]
    async fn templates_are_kept_replaced_and_deleted() {
        for database in testing::databases().await {
            let anna = testing::add_user(&database, "anna").await;
            let store = PromptStore::new(database);
            store.save(&anna, &template("a", "one")).await.unwrap();
            store.save(&anna, &template("b", "two")).await.unwrap();
            store.save(&anna, &template("a", "three")).await.unwrap();
            assert_eq!(store.list(&anna).await.unwrap(), [template("a", "three"), template("b", "two")]);
            assert!(store.delete(&anna, "a").await.unwrap());
            assert!(!store.delete(&anna, "a").await.unwrap());
        }
    }

    #[tokio::test]
    async fn users_do_not_see_or_change_each_other() {
        for database in testing::databases().await {
            let anna = testing::add_user(&database, "anna").await;
            let ben = testing::add_user(&database, "ben").await;
            let store = PromptStore::new(database);
            store.save(&anna, &template("a", "anna's")).await.unwrap();
            store.save(&ben, &template("a", "ben's")).await.unwrap();
            assert!(store.delete(&ben, "a").await.unwrap());
            assert!(!store.delete(&ben, "a").await.unwrap());
            assert!(store.list(&ben).await.unwrap().is_empty());
            assert_eq!(store.list(&anna).await.unwrap(), [template("a", "anna's")]);
        }
    }
}
