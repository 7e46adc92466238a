//! Converts JSON schemas to readable lists of fields.

use serde_json::Value;

/// Maximum nesting depth; deeper fields are only in the OpenAPI description.
const MAX_DEPTH: usize = 4;

/// One parameter, or one field of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    /// For example `list of integers` or `text or null`.
    pub kind: String,
    pub required: bool,
    /// Bounds, allowed values, the default.
    pub limits: Vec<String>,
    pub meaning: String,
    /// The fields of an object, or of each object of a list.
    pub fields: Vec<Field>,
}

/// A reader of schemas that can refer to those in the description.
#[derive(Debug, Clone, Copy)]
pub struct Schemas<'a>(pub &'a Value);

impl<'a> Schemas<'a> {
    /// Returns the fields of an object, or of the objects in a list.
    pub fn fields(self, schema: &'a Value) -> Vec<Field> {
        self.fields_at(schema, 0)
    }

    /// Returns a field with this schema.
    pub fn field(self, name: &str, schema: &'a Value, required: bool, meaning: &str) -> Field {
        self.field_at(name, schema, required, meaning, 0)
    }

    /// Returns the type of this schema in words.
    pub fn kind(self, schema: &'a Value) -> String {
        let nullable = if self.takes_null(schema) { " or null" } else { "" };
        let schema = self.resolve(schema);
        let kind = match type_of(schema) {
            "string" => "text".to_owned(),
            "boolean" => "true or false".to_owned(),
            "array" => match schema.get("items") {
                Some(items) => format!("list of {}", self.kind(items)),
                None => "list".to_owned(),
            },
            "" if schema.get("enum").is_some() => "text".to_owned(),
            "" if alternatives(schema).is_some() => "one of several types".to_owned(),
            "" => "any value".to_owned(),
            other => other.to_owned(),
        };
        kind + nullable
    }

    fn field_at(self, name: &str, schema: &'a Value, required: bool, meaning: &str, depth: usize) -> Field {
        let described = [Some(meaning), schema["description"].as_str()];
        let meaning = described.into_iter().flatten().find(|text| !text.is_empty()).unwrap_or_default();
        let resolved = self.resolve(schema);
        let mut limits = limits(resolved);
        if !std::ptr::eq(resolved, schema) {
            limits.extend(default_of(schema));
        }
        Field {
            name: name.to_owned(),
            kind: self.kind(schema),
            required,
            limits,
            meaning: meaning.to_owned(),
            fields: self.fields_at(schema, depth + 1),
        }
    }

    fn fields_at(self, schema: &'a Value, depth: usize) -> Vec<Field> {
        if depth > MAX_DEPTH {
            return Vec::new();
        }
        let schema = self.resolve(schema);
        if let Some(items) = schema.get("items") {
            return self.fields_at(items, depth);
        }
        let required = schema["required"].as_array();
        let is_required = |name: &str| required.is_some_and(|names| names.iter().any(|other| other == name));
        let own = schema["properties"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, property)| self.field_at(name, property, is_required(name), "", depth));
        let parts = schema["allOf"].as_array().into_iter().flatten();
        own.chain(parts.flat_map(|part| self.fields_at(part, depth))).collect()
    }

    /// Follows references and unwraps schemas that are wrapped only to allow null.
    pub fn resolve(self, schema: &'a Value) -> &'a Value {
        let next = schema["$ref"]
            .as_str()
            .and_then(|reference| self.0.pointer(reference.strip_prefix('#')?))
            .or_else(|| the_non_null_alternative(schema));
        match next {
            Some(next) if !std::ptr::eq(next, schema) => self.resolve(next),
            _ => schema,
        }
    }

    fn takes_null(self, schema: &Value) -> bool {
        let in_type = schema["type"].as_array().is_some_and(|types| types.iter().any(|name| name == "null"));
        in_type || alternatives(schema).is_some_and(|options| options.iter().any(is_null))
    }
}

fn is_null(schema: &Value) -> bool {
    schema["type"] == "null"
}

fn alternatives(schema: &Value) -> Option<&Vec<Value>> {
    schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array())
}

fn the_non_null_alternative(schema: &Value) -> Option<&Value> {
    let mut others = alternatives(schema)?.iter().filter(|option| !is_null(option));
    others.next().filter(|_| others.next().is_none())
}

/// Returns the type's name; of several the first that is not null.
pub fn type_of(schema: &Value) -> &str {
    match &schema["type"] {
        Value::String(name) => name,
        Value::Array(names) => {
            names.iter().filter_map(Value::as_str).find(|name| *name != "null").unwrap_or("")
        }
        _ => "",
    }
}

fn limits(schema: &Value) -> Vec<String> {
    let between = |low: &str, high: &str, unit: &str| match (number(schema, low), number(schema, high)) {
        (Some(low), Some(high)) => Some(format!("{low} to {high}{unit}")),
        (Some(low), None) => Some(format!("at least {low}{unit}")),
        (None, Some(high)) => Some(format!("at most {high}{unit}")),
        (None, None) => None,
    };
    [
        choices(schema),
        between("minimum", "maximum", ""),
        between("minLength", "maxLength", " characters"),
        between("minItems", "maxItems", " in the list"),
        schema["pattern"].as_str().map(|pattern| format!("as {pattern}")),
        default_of(schema),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn number(schema: &Value, name: &str) -> Option<String> {
    let value = schema.get(name)?.as_f64()?;
    Some(value.to_string())
}

fn choices(schema: &Value) -> Option<String> {
    let values = schema["enum"].as_array()?.iter().filter_map(Value::as_str);
    Some(format!("one of {}", values.collect::<Vec<_>>().join(", ")))
}

fn default_of(schema: &Value) -> Option<String> {
    match schema.get("default")? {
        Value::Null => None,
        value => Some(format!("default {value}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_body_is_read_with_its_bounds() {
        let description = json!({ "components": { "schemas": {
            "Start": {
                "type": "object",
                "required": ["targets"],
                "properties": {
                    "targets": { "type": "array", "minItems": 1, "items": { "$ref": "#/components/schemas/Target" } },
                    "runs": { "type": "integer", "minimum": 1, "maximum": 20, "default": 1, "description": "How often." },
                    "seed": { "type": ["integer", "null"] },
                    "target": { "oneOf": [{ "type": "null" }, { "$ref": "#/components/schemas/Target" }] },
                },
            },
            "Target": { "type": "object", "required": ["model_id"], "properties": {
                "model_id": { "type": "string", "maxLength": 256 },
                "kind": { "type": "string", "enum": ["a", "b"] },
            } },
        } } });
        let fields = Schemas(&description).fields(&json!({ "$ref": "#/components/schemas/Start" }));
        let [targets, runs, seed, target] = fields.as_slice() else { panic!("{fields:?}") };
        assert_eq!((targets.kind.as_str(), targets.required), ("list of object", true));
        assert_eq!(targets.limits, ["at least 1 in the list"]);
        assert_eq!(targets.fields[0].limits, ["at most 256 characters"]);
        assert_eq!(targets.fields[1].limits, ["one of a, b"]);
        assert_eq!(
            (runs.kind.as_str(), runs.required, runs.meaning.as_str()),
            ("integer", false, "How often.")
        );
        assert_eq!(runs.limits, ["1 to 20", "default 1"]);
        assert_eq!(seed.kind, "integer or null");
        assert_eq!(target.kind, "object or null");
        assert_eq!(target.fields.len(), 2);
    }

    #[test]
    fn recursive_schemas_are_truncated() {
        let description = json!({ "components": { "schemas": {
            "Tree": { "type": "object", "properties": { "child": { "$ref": "#/components/schemas/Tree" } } },
        } } });
        let schema = json!({ "$ref": "#/components/schemas/Tree" });
        let mut fields = Schemas(&description).fields(&schema);
        let mut depth = 0;
        while let Some(field) = fields.pop() {
            fields = field.fields;
            depth += 1;
        }
        assert!(depth > 1 && depth < 10, "{depth}");
    }
}
