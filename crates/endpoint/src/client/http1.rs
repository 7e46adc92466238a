//! The framing of HTTP/1.1 (RFC 9112), as far as the measuring client needs it: the head of a request, the head
//! of a response, and where a body ends. Pure: takes bytes and returns bytes.
//!
//! A general client passes each piece of a body through a task of its own and a channel. That costs more CPU
//! time per token than everything else the measuring client does, so the task that waits for a response reads
//! it from the socket itself.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use httparse::Status;

/// More header fields than any endpoint sends.
const MAX_FIELDS: usize = 100;
/// Longest line of a chunk's size with its extensions, and longest trailers, in bytes.
const MAX_FRAMING: usize = 8 * 1024;

/// Why bytes are not a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadHttp {
    /// The head has too many fields.
    #[error("more than 100 header fields")]
    TooManyFields,
    /// The head cannot be parsed.
    #[error("{0}")]
    Head(httparse::Error),
    /// The head contradicts itself or the protocol.
    #[error("{0}")]
    Field(&'static str),
    /// The framing of a chunked body cannot be parsed.
    #[error("{0}")]
    Chunk(&'static str),
}

impl From<httparse::Error> for BadHttp {
    fn from(error: httparse::Error) -> Self {
        match error {
            httparse::Error::TooManyHeaders => Self::TooManyFields,
            error => Self::Head(error),
        }
    }
}

/// Returns the head of a `POST` request. `headers` holds everything but `content-length`.
pub(super) fn request_head(target: &str, headers: &HeaderMap, content_length: usize) -> Bytes {
    let fields: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    let mut head = Vec::with_capacity(target.len() + fields + 64);
    head.extend_from_slice(b"POST ");
    head.extend_from_slice(target.as_bytes());
    head.extend_from_slice(b" HTTP/1.1\r\n");
    for (name, value) in headers {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(format!("content-length: {content_length}\r\n\r\n").as_bytes());
    head.into()
}

/// The head of a response.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// Whether the server keeps the connection open after the body.
    pub(super) keeps_alive: bool,
}

/// What the beginning of the input is.
#[derive(Debug)]
pub(super) enum Beginning {
    /// A part of a head.
    Partial,
    /// An informational response (`100 Continue`), which another one follows, of so many bytes.
    Informational(usize),
    /// A head of so many bytes, and the body that follows it.
    Head(Head, Body, usize),
}

/// Parses the beginning of a response to a `POST`.
///
/// # Errors
/// When it is no response, or one whose body has no certain end.
pub(super) fn read_beginning(input: &[u8]) -> Result<Beginning, BadHttp> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut response = httparse::Response::new(&mut fields);
    let Status::Complete(length) = response.parse(input)? else { return Ok(Beginning::Partial) };
    let status = response.code.and_then(|code| StatusCode::from_u16(code).ok());
    let status = status.ok_or(BadHttp::Head(httparse::Error::Status))?;
    if status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS {
        return Ok(Beginning::Informational(length));
    }
    let is_http_11 = response.version == Some(1);
    let headers = headers(response.headers)?;
    let body = Body::of(status, is_http_11, &headers)?;
    let keeps_alive = keeps_alive(is_http_11, &headers);
    Ok(Beginning::Head(Head { status, headers, keeps_alive }, body, length))
}

fn headers(fields: &[httparse::Header<'_>]) -> Result<HeaderMap, BadHttp> {
    let mut headers = HeaderMap::with_capacity(fields.len());
    for field in fields {
        let name = HeaderName::from_bytes(field.name.as_bytes());
        let name = name.map_err(|_| BadHttp::Head(httparse::Error::HeaderName))?;
        let value = HeaderValue::from_bytes(field.value);
        headers.append(name, value.map_err(|_| BadHttp::Head(httparse::Error::HeaderValue))?);
    }
    Ok(headers)
}

fn keeps_alive(is_http_11: bool, headers: &HeaderMap) -> bool {
    let says = |word: &str| items(headers, &header::CONNECTION).any(|item| is_word(item, word));
    if is_http_11 { !says("close") } else { says("keep-alive") }
}

/// All items of a list that may be spread over several fields.
fn items<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    headers.get_all(name).into_iter().flat_map(|value| value.as_bytes().split(|&byte| byte == b','))
}

fn is_word(item: &[u8], word: &str) -> bool {
    item.trim_ascii().eq_ignore_ascii_case(word.as_bytes())
}

/// A body that is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    /// So many bytes follow.
    Sized(u64),
    /// Chunks follow.
    Chunked(Chunked),
    /// It ends when the connection closes.
    UntilClose,
    /// It has ended.
    Ended,
}

/// The part of a chunked body that comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chunked {
    /// The line with a chunk's size.
    Size,
    /// So many bytes of a chunk.
    Data(u64),
    /// The line break after a chunk.
    DataEnd,
    /// The trailers and the empty line after them.
    Trailers,
}

impl Body {
    /// Returns the body that follows a head, by section 6.3 of RFC 9112.
    fn of(status: StatusCode, is_http_11: bool, headers: &HeaderMap) -> Result<Self, BadHttp> {
        if matches!(
            status,
            StatusCode::SWITCHING_PROTOCOLS | StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
        ) {
            return Ok(Self::Ended);
        }
        if let Some(last) = items(headers, &header::TRANSFER_ENCODING).last() {
            return match is_word(last, "chunked") {
                _ if !is_http_11 => Err(BadHttp::Field("transfer-encoding in an HTTP/1.0 response")),
                true => Ok(Self::Chunked(Chunked::Size)),
                false => Ok(Self::UntilClose),
            };
        }
        let mut lengths = items(headers, &header::CONTENT_LENGTH).map(content_length);
        let Some(length) = lengths.next() else { return Ok(Self::UntilClose) };
        match length {
            Some(0) if lengths.all(|other| other == length) => Ok(Self::Ended),
            Some(bytes) if lengths.all(|other| other == length) => Ok(Self::Sized(bytes)),
            _ => Err(BadHttp::Field("invalid content-length")),
        }
    }

    /// Decodes the beginning of `input`, passes each part of the content to `on_content` and returns how many
    /// bytes of `input` are used up; the rest is needed again, together with what follows.
    ///
    /// # Errors
    /// When the framing is broken where `input` begins. What comes before a broken part is used up first.
    pub(super) fn decode(
        &mut self,
        input: &[u8],
        mut on_content: impl FnMut(&[u8]),
    ) -> Result<usize, BadHttp> {
        let mut rest = input;
        loop {
            let used = match self.decode_part(rest, &mut on_content) {
                Err(error) if rest.len() == input.len() => return Err(error),
                part => part.unwrap_or(0),
            };
            rest = &rest[used..];
            if used == 0 || rest.is_empty() {
                return Ok(input.len() - rest.len());
            }
        }
    }

    /// Decodes one part of the framing or of the content; returns 0 where it is not all there or the body has ended.
    fn decode_part(&mut self, input: &[u8], on_content: &mut impl FnMut(&[u8])) -> Result<usize, BadHttp> {
        match self {
            Self::Ended => Ok(0),
            Self::UntilClose => {
                on_content(input);
                Ok(input.len())
            }
            Self::Sized(left) => {
                let used = pass_on(input, left, on_content);
                if *left == 0 {
                    *self = Self::Ended;
                }
                Ok(used)
            }
            Self::Chunked(Chunked::Data(left)) => {
                let used = pass_on(input, left, on_content);
                if *left == 0 {
                    *self = Self::Chunked(Chunked::DataEnd);
                }
                Ok(used)
            }
            Self::Chunked(Chunked::Size) => self.read_size(input),
            Self::Chunked(Chunked::DataEnd) => self.read_data_end(input),
            Self::Chunked(Chunked::Trailers) => self.read_trailers(input),
        }
    }

    fn read_size(&mut self, input: &[u8]) -> Result<usize, BadHttp> {
        const INVALID: BadHttp = BadHttp::Chunk("invalid chunk size");
        if !input.first().is_none_or(u8::is_ascii_hexdigit) {
            return Err(INVALID);
        }
        match httparse::parse_chunk_size(input).map_err(|_| INVALID)? {
            Status::Complete((used, size)) => {
                *self = Self::Chunked(if size == 0 { Chunked::Trailers } else { Chunked::Data(size) });
                Ok(used)
            }
            Status::Partial => unfinished(input),
        }
    }

    fn read_data_end(&mut self, input: &[u8]) -> Result<usize, BadHttp> {
        match input {
            [b'\r', b'\n', ..] => {
                *self = Self::Chunked(Chunked::Size);
                Ok(2)
            }
            [] | [b'\r'] => Ok(0),
            _ => Err(BadHttp::Chunk("a chunk is longer than its size")),
        }
    }

    fn read_trailers(&mut self, input: &[u8]) -> Result<usize, BadHttp> {
        let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
        match httparse::parse_headers(input, &mut fields)? {
            Status::Complete((used, _)) => {
                *self = Self::Ended;
                Ok(used)
            }
            Status::Partial => unfinished(input),
        }
    }
}

/// A line whose end has not arrived yet uses nothing up.
fn unfinished(input: &[u8]) -> Result<usize, BadHttp> {
    if input.len() > MAX_FRAMING {
        return Err(BadHttp::Chunk("chunk extensions or trailers of more than 8 KiB"));
    }
    Ok(0)
}

/// Passes on at most `left` bytes, takes them off `left` and returns their number.
fn pass_on(input: &[u8], left: &mut u64, on_content: &mut impl FnMut(&[u8])) -> usize {
    let used = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
    if used > 0 {
        on_content(&input[..used]);
        *left -= used as u64;
    }
    used
}

fn content_length(item: &[u8]) -> Option<u64> {
    let item = item.trim_ascii();
    let text =
        std::str::from_utf8(item).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    text.parse().ok()
}

#[cfg(test)]
mod tests;
