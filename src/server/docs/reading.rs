//! The OpenAPI description as data for the page: operations by tag.

use serde_json::Value;

use super::example;
use super::fields::{Field, Schemas};

/// The content of the API reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    pub title: String,
    pub version: String,
    /// Paragraphs.
    pub introduction: Vec<String>,
    pub sections: Vec<Section>,
}

/// The operations of one tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    pub name: String,
    pub about: String,
    pub operations: Vec<Operation>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Id within the page.
    pub anchor: String,
    /// In upper case.
    pub method: String,
    pub path: String,
    pub summary: String,
    /// Paragraphs.
    pub about: Vec<String>,
    /// Whether it can be called without signing in.
    pub public: bool,
    pub parameters: Vec<Field>,
    pub body: Vec<Field>,
    pub answers: Vec<Answer>,
    /// An example command.
    pub example: String,
}

/// One possible response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: String,
    pub meaning: String,
    pub fields: Vec<Field>,
}

impl Answer {
    pub fn is_success(&self) -> bool {
        self.status.starts_with(['2', '3'])
    }
}

/// Reads an OpenAPI description. Missing parts are left empty.
pub fn reference(description: &Value) -> Reference {
    let info = &description["info"];
    let sections = description["tags"].as_array().into_iter().flatten();
    Reference {
        title: text(&info["title"]),
        version: text(&info["version"]),
        introduction: paragraphs(&info["description"]),
        sections: sections
            .map(|tag| section(description, tag))
            .filter(|section| !section.operations.is_empty())
            .collect(),
    }
}

fn section(description: &Value, tag: &Value) -> Section {
    let paths = description["paths"].as_object().into_iter().flatten();
    let all = paths.flat_map(|(path, item)| {
        item.as_object().into_iter().flatten().map(move |(method, operation)| (method, path, operation))
    });
    let operations = all
        .filter(|(_, _, operation)| operation["tags"][0] == tag["name"])
        .map(|(method, path, operation)| read_operation(Schemas(description), method, path, operation))
        .collect();
    Section { name: text(&tag["name"]), about: text(&tag["description"]), operations }
}

fn read_operation(schemas: Schemas<'_>, method: &str, path: &str, operation: &Value) -> Operation {
    let method = method.to_uppercase();
    let public = operation["security"][0].as_object().is_some_and(serde_json::Map::is_empty);
    let body = operation.pointer("/requestBody/content/application~1json/schema");
    Operation {
        anchor: text(&operation["operationId"]),
        summary: text(&operation["summary"]),
        about: paragraphs(&operation["description"]),
        public,
        parameters: parameters(schemas, operation),
        body: body.map(|schema| schemas.fields(schema)).unwrap_or_default(),
        answers: answers(schemas, operation),
        example: example::curl(schemas, &method, path, operation, public),
        method,
        path: path.to_owned(),
    }
}

fn parameters(schemas: Schemas<'_>, operation: &Value) -> Vec<Field> {
    let all = operation["parameters"].as_array().into_iter().flatten();
    all.map(|parameter| {
        let required = parameter["required"] == true;
        let meaning = text(&parameter["description"]);
        schemas.field(&text(&parameter["name"]), &parameter["schema"], required, &meaning)
    })
    .collect()
}

fn answers(schemas: Schemas<'_>, operation: &Value) -> Vec<Answer> {
    let all = operation["responses"].as_object().into_iter().flatten();
    all.map(|(status, response)| {
        let schema = response.pointer("/content/application~1json/schema");
        Answer {
            status: status.clone(),
            meaning: text(&response["description"]),
            fields: schema.map(|schema| schemas.fields(schema)).unwrap_or_default(),
        }
    })
    .collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn paragraphs(value: &Value) -> Vec<String> {
    let text = value.as_str().unwrap_or_default();
    text.split("\n\n").map(str::to_owned).filter(|paragraph| !paragraph.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn operations_are_grouped_by_tag_in_the_order_of_the_tags() {
        let description = json!({
            "info": { "title": "T", "version": "1", "description": "One.\n\nTwo." },
            "tags": [{ "name": "jobs", "description": "What runs" }, { "name": "empty" }, { "name": "server" }],
            "paths": {
                "/healthz": { "get": { "tags": ["server"], "operationId": "server_health", "security": [{}] } },
                "/api/jobs/{id}": { "delete": {
                    "tags": ["jobs"], "operationId": "jobs_delete", "summary": "Delete a job",
                    "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } }],
                    "responses": { "204": { "description": "Gone" } },
                } },
            },
        });
        let reference = reference(&description);
        assert_eq!(reference.introduction, ["One.", "Two."]);
        let names: Vec<&str> = reference.sections.iter().map(|section| section.name.as_str()).collect();
        assert_eq!(names, ["jobs", "server"]);
        let delete = &reference.sections[0].operations[0];
        assert_eq!((delete.method.as_str(), delete.path.as_str()), ("DELETE", "/api/jobs/{id}"));
        assert_eq!((delete.parameters[0].name.as_str(), delete.parameters[0].required), ("id", true));
        assert!(delete.answers[0].is_success() && !delete.public);
        assert!(reference.sections[1].operations[0].public);
    }
}
