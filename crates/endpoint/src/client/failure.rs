//! What a failed exchange says of itself: one sentence, of the right kind, without secrets.

use http::{HeaderMap, header};

use super::{
    exchange::Limits,
    http1::BadHttp,
    recording::{Recording, bad_response},
    transport::Broken,
};
use crate::{ApiError, ErrorKind};

/// Codings that a body may come in although none was asked for.
const COMPRESSIONS: [&str; 7] = ["gzip", "x-gzip", "deflate", "br", "zstd", "compress", "x-compress"];

/// Shorter header values are no secrets, and would be found in ordinary words.
const MIN_SECRET: usize = 6;

/// How the body is compressed, if it is.
pub(super) fn compression(headers: &HeaderMap) -> Option<&'static str> {
    let coding = headers.get(header::CONTENT_ENCODING)?.to_str().ok()?;
    let last = coding.rsplit(',').next().unwrap_or_default().trim();
    COMPRESSIONS.into_iter().find(|known| last.eq_ignore_ascii_case(known))
}

/// A compressed answer cannot be measured: the compressor decides when chunks leave.
pub(super) fn compressed(coding: &str) -> ApiError {
    bad_response(format!(
        "the endpoint compressed its answer ({coding}) although it was asked not to; switch compression \
         off there or in the proxy before it, for it holds chunks back"
    ))
}

/// What a request and its recording come to. An answer that is whole stays whole, whatever became
/// of the connection after it.
pub(super) fn judge(recording: &mut Recording, read: Result<(), ApiError>) -> Result<(), ApiError> {
    if let Some(error) = recording.error.take() {
        return Err(error);
    }
    if !recording.complete {
        return read.and_then(|()| Err(lost("the stream ended before the model's answer did".into())));
    }
    if recording.arrivals_ns.is_empty() {
        let message = match &recording.finish_reason {
            Some(reason) => format!("the model generated nothing (finish reason: {reason})"),
            None => "the model generated nothing".into(),
        };
        return Err(ApiError { kind: ErrorKind::NoOutput, status: None, message, retry_after_s: None });
    }
    Ok(())
}

/// A limit has passed.
pub(super) fn timed_out(limits: Limits, has_content: bool) -> ApiError {
    let (kind, what, limit) = if has_content || limits.total <= limits.first_token {
        (ErrorKind::TotalTimeout, "the answer was not complete", limits.total)
    } else {
        (ErrorKind::FirstTokenTimeout, "no token came", limits.first_token)
    };
    let message = format!("{what} within {} s", limit.as_secs_f64());
    ApiError { kind, status: None, message, retry_after_s: None }
}

/// The connection broke, or what came over it is not HTTP.
pub(super) fn broken(error: Broken) -> ApiError {
    match error {
        Broken::HeadTooLarge | Broken::NotHttp(BadHttp::TooManyFields) => {
            bad_response(format!("the answer's headers are too large to be read ({error})"))
        }
        Broken::NotHttp(error) => bad_response(format!(
            "the endpoint does not speak HTTP/1.1 as it should ({error}); check the base URL, and whether it \
             begins with http or https"
        )),
        Broken::Unanswered => lost("the endpoint closed the connection without an answer".into()),
        Broken::Cut | Broken::Stream(_) => lost(format!("the connection was lost: {error}")),
    }
}

fn lost(message: String) -> ApiError {
    ApiError { kind: ErrorKind::ConnectionLost, status: None, message, retry_after_s: None }
}

/// Takes the request's own key out of an error: an endpoint may echo it, whatever it looks like.
pub(super) fn hide_secrets(mut error: ApiError, headers: &HeaderMap) -> ApiError {
    let sensitive = headers.values().filter(|value| value.is_sensitive());
    for value in sensitive.filter_map(|value| std::str::from_utf8(value.as_bytes()).ok()) {
        let secret = value.strip_prefix("Bearer ").unwrap_or(value);
        if secret.len() >= MIN_SECRET {
            error.message = without(&error.message, secret);
        }
    }
    error
}

/// `text` without `secret`, and without a beginning of it where the text was cut short.
fn without(text: &str, secret: &str) -> String {
    let text = text.replace(secret, "***");
    let mut pieces: Vec<&str> = text.split('…').collect();
    let last = pieces.pop().unwrap_or_default();
    let mut shown = String::with_capacity(text.len());
    for piece in pieces {
        let cut = (MIN_SECRET..secret.len())
            .rev()
            .filter_map(|len| secret.get(..len))
            .find_map(|beginning| piece.strip_suffix(beginning));
        shown.push_str(cut.unwrap_or(piece));
        shown.push_str(if cut.is_some() { "***…" } else { "…" });
    }
    shown.push_str(last);
    shown
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(authorization: &str) -> HeaderMap {
        let mut value = HeaderValue::from_str(authorization).unwrap();
        value.set_sensitive(true);
        HeaderMap::from_iter([(header::AUTHORIZATION, value)])
    }

    #[test]
    fn a_key_of_any_shape_is_hidden_even_where_the_text_was_cut() {
        let headers = headers("Bearer open sesame please");
        for (message, expected) in [
            ("no such key: open sesame please!", "no such key: ***!"),
            ("no such key: open sesame pl… – check it", "no such key: ***… – check it"),
            ("the door is open…", "the door is open…"),
        ] {
            assert_eq!(hide_secrets(lost(message.into()), &headers).message, expected);
        }
    }

    #[test]
    fn only_real_codings_are_compression() {
        for (value, expected) in
            [("GZIP", Some("gzip")), ("identity", None), ("utf-8", None), ("identity, br", Some("br"))]
        {
            let headers = HeaderMap::from_iter([(header::CONTENT_ENCODING, value.parse().unwrap())]);
            assert_eq!(compression(&headers), expected, "{value}");
        }
    }
}
