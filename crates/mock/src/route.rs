//! Routes a request to its protocol by its path and, where protocols share a path, by its headers.

use std::borrow::Cow;

use http::{HeaderMap, Method, Uri};

use super::script::ChatRequest;
use endpoint::Protocol;

/// The endpoint that a request addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    Chat(Address),
    Models(Protocol),
    /// No endpoint. The protocol determines the form of the error.
    Unknown(Protocol),
}

/// The information in the URL of a chat request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) protocol: Protocol,
    /// Model and whether to stream, in Gemini's URLs.
    gemini: Option<(String, bool)>,
}

impl Address {
    fn of(protocol: Protocol) -> Self {
        Self { protocol, gemini: None }
    }

    /// Adds to `request` what the protocol puts into the URL instead of the body.
    pub(super) fn complete(self, request: ChatRequest) -> ChatRequest {
        match self.gemini {
            Some((model, stream)) => ChatRequest { model, stream, ..request },
            None => request,
        }
    }
}

impl Route {
    /// Returns the route of a request.
    pub(super) fn of(method: &Method, uri: &Uri, headers: &HeaderMap) -> Self {
        let path = uri.path().trim_end_matches('/');
        match (method.as_str(), path) {
            ("POST", "/v1/chat/completions" | "/chat/completions") => {
                Self::Chat(Address::of(Protocol::OpenaiChat))
            }
            ("POST", "/v1/messages") => Self::Chat(Address::of(Protocol::AnthropicMessages)),
            ("POST", "/v2/chat") => Self::Chat(Address::of(Protocol::CohereChat)),
            ("GET", "/v1beta/models") => Self::Models(Protocol::GeminiGenerate),
            ("GET", "/v1/models" | "/models") => Self::Models(protocol_of_model_list(uri, headers)),
            (method, path) => match path.strip_prefix("/v1beta/models/").or(path.strip_prefix("/v1/models/"))
            {
                Some(rest) if method == "POST" => gemini(rest, uri.query().unwrap_or_default()),
                _ => Self::Unknown(protocol_of_path(path)),
            },
        }
    }
}

/// Returns the protocol of a request for the model list, which all protocols serve at the same path.
/// Anthropic's clients send a version header, Google's send the key in `x-goog-api-key`, Cohere's send the
/// parameter `endpoint`.
fn protocol_of_model_list(uri: &Uri, headers: &HeaderMap) -> Protocol {
    if headers.contains_key("anthropic-version") {
        Protocol::AnthropicMessages
    } else if headers.contains_key("x-goog-api-key") {
        Protocol::GeminiGenerate
    } else if parameter(uri.query().unwrap_or_default(), "endpoint").is_some() {
        Protocol::CohereChat
    } else {
        Protocol::OpenaiChat
    }
}

/// Parses `{model}:{method}`, where the model may contain slashes.
fn gemini(rest: &str, query: &str) -> Route {
    let unknown = Route::Unknown(Protocol::GeminiGenerate);
    let Some((model, method)) = rest.rsplit_once(':') else { return unknown };
    let stream = match method {
        "generateContent" => false,
        "streamGenerateContent" if parameter(query, "alt").as_deref() == Some("sse") => true,
        _ => return unknown,
    };
    let gemini = Some((decoded(model), stream));
    Route::Chat(Address { protocol: Protocol::GeminiGenerate, gemini })
}

fn protocol_of_path(path: &str) -> Protocol {
    match path {
        _ if path.starts_with("/v1beta") => Protocol::GeminiGenerate,
        _ if path.starts_with("/v2") => Protocol::CohereChat,
        _ if path.starts_with("/v1/messages") => Protocol::AnthropicMessages,
        _ => Protocol::OpenaiChat,
    }
}

fn parameter<'a>(query: &'a str, name: &str) -> Option<Cow<'a, str>> {
    url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value)
}

/// Decodes percent encoding. `+` stays a plus, unlike in forms.
fn decoded(segment: &str) -> String {
    let kept_plus = format!("model={}", segment.replace('+', "%2B").replace('&', "%26"));
    parameter(&kept_plus, "model").unwrap_or_default().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(method: &str, uri: &str, header: Option<&'static str>) -> Route {
        let mut headers = HeaderMap::new();
        if let Some(name) = header {
            headers.insert(name, "2023-06-01".parse().unwrap());
        }
        Route::of(&method.parse().unwrap(), &uri.parse().unwrap(), &headers)
    }

    #[test]
    fn distinguishes_the_model_lists() {
        assert_eq!(route("GET", "/v1/models", None), Route::Models(Protocol::OpenaiChat));
        assert_eq!(route("GET", "/models", None), Route::Models(Protocol::OpenaiChat));
        let anthropic = route("GET", "/v1/models?limit=20", Some("anthropic-version"));
        assert_eq!(anthropic, Route::Models(Protocol::AnthropicMessages));
        let cohere = route("GET", "/v1/models?page_size=100&endpoint=chat", None);
        assert_eq!(cohere, Route::Models(Protocol::CohereChat));
        assert_eq!(route("GET", "/v1beta/models?pageSize=5", None), Route::Models(Protocol::GeminiGenerate));
        let google = route("GET", "/v1/models", Some("x-goog-api-key"));
        assert_eq!(google, Route::Models(Protocol::GeminiGenerate));
    }

    #[test]
    fn a_scenario_is_read_from_a_gemini_url() {
        let gemini = |model: &str, stream| {
            Route::Chat(Address {
                protocol: Protocol::GeminiGenerate,
                gemini: Some((model.to_owned(), stream)),
            })
        };
        let plain = "/v1beta/models/mock/ttft=50,gap=0.5:streamGenerateContent?alt=sse";
        assert_eq!(route("POST", plain, None), gemini("mock/ttft=50,gap=0.5", true));
        let encoded = "/v1/models/mock%2Fttft%3D50%2Cgap%3D5:generateContent";
        assert_eq!(route("POST", encoded, None), gemini("mock/ttft=50,gap=5", false));
    }

    #[test]
    fn an_unknown_path_gets_an_error_of_the_closest_protocol() {
        assert_eq!(route("GET", "/", None), Route::Unknown(Protocol::OpenaiChat));
        assert_eq!(route("GET", "/v2/chat", None), Route::Unknown(Protocol::CohereChat));
        assert_eq!(route("POST", "/v1beta/models/x", None), Route::Unknown(Protocol::GeminiGenerate));
        let array = "/v1beta/models/x:streamGenerateContent";
        assert_eq!(route("POST", array, None), Route::Unknown(Protocol::GeminiGenerate));
    }
}
