use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use super::*;

fn head_of(text: &str) -> Result<(Head, Body), BadHttp> {
    match read_beginning(text.as_bytes())? {
        Beginning::Head(head, body, length) => {
            assert_eq!(length, text.len());
            Ok((head, body))
        }
        other => panic!("{other:?}"),
    }
}

fn body_of(head: &str) -> Result<Body, BadHttp> {
    head_of(&format!("HTTP/1.1 {head}\r\n\r\n")).map(|(_, body)| body)
}

/// Decodes what arrives in these pieces; returns the content, the state and the bytes left over.
fn decode(mut body: Body, pieces: &[&[u8]]) -> Result<(Vec<u8>, Body, Vec<u8>), BadHttp> {
    let (mut content, mut input) = (Vec::new(), Vec::new());
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            let used = body.decode(&input, |part| content.extend_from_slice(part))?;
            input.drain(..used);
            if used == 0 || input.is_empty() {
                break;
            }
        }
    }
    Ok((content, body, input))
}

const CHUNKED: Body = Body::Chunked(Chunked::Size);

#[test]
fn a_request_head_names_every_header_once() {
    let headers = HeaderMap::from_iter([
        (header::HOST, HeaderValue::from_static("a:1")),
        (header::ACCEPT, HeaderValue::from_static("text/event-stream")),
    ]);
    assert_eq!(
        request_head("/v1?a=b", &headers, 7),
        "POST /v1?a=b HTTP/1.1\r\nhost: a:1\r\naccept: text/event-stream\r\ncontent-length: 7\r\n\r\n"
    );
}

#[test]
fn a_head_says_how_its_body_is_framed() {
    for (head, expected) in [
        ("200 OK\r\ntransfer-encoding: chunked", CHUNKED),
        ("200 OK\r\nTransfer-Encoding: gzip, Chunked", CHUNKED),
        ("200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 5", CHUNKED),
        ("200 OK\r\ntransfer-encoding: chunked, gzip", Body::UntilClose),
        ("200 OK\r\ncontent-length: 5", Body::Sized(5)),
        ("200 OK\r\ncontent-length: 5, 5\r\ncontent-length: 5", Body::Sized(5)),
        ("200 OK\r\ncontent-length: 0", Body::Ended),
        ("200 OK", Body::UntilClose),
        ("204 No Content", Body::Ended),
        ("304 Not Modified\r\ncontent-length: 5", Body::Ended),
    ] {
        assert_eq!(body_of(head), Ok(expected), "{head}");
    }
    for head in
        ["200 OK\r\ncontent-length: 5, 6", "200 OK\r\ncontent-length: -5", "200 OK\r\ncontent-length:"]
    {
        assert_eq!(body_of(head), Err(BadHttp::Field("invalid content-length")), "{head}");
    }
    assert!(head_of("HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
}

#[test]
fn a_head_says_whether_the_connection_stays_open() {
    for (head, expected) in [
        ("HTTP/1.1 200 OK\r\n\r\n", true),
        ("HTTP/1.1 200 OK\r\nconnection: x, Close\r\n\r\n", false),
        ("HTTP/1.0 200 OK\r\n\r\n", false),
        ("HTTP/1.0 200 OK\r\nconnection: keep-alive\r\n\r\n", true),
    ] {
        assert_eq!(head_of(head).unwrap().0.keeps_alive, expected, "{head}");
    }
}

#[test]
fn a_head_may_come_in_parts_and_after_informational_ones() {
    assert!(matches!(read_beginning(b"HTTP/1.1 200 O"), Ok(Beginning::Partial)));
    let text = b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
    let Ok(Beginning::Informational(length)) = read_beginning(text) else { panic!() };
    assert!(matches!(read_beginning(&text[length..]), Ok(Beginning::Head(..))));
    for garbage in ["SSH-2.0-OpenSSH\r\n\r\n", "PRI * HTTP/2.0\r\n\r\n", "HTTP/1.1 99 Low\r\n\r\n"] {
        assert!(read_beginning(garbage.as_bytes()).is_err(), "{garbage}");
    }
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(101));
    assert!(matches!(read_beginning(many.as_bytes()), Err(BadHttp::TooManyFields)));
}

#[test]
fn a_body_ends_where_its_head_says() {
    let (content, body, left) = decode(Body::Sized(3), &[b"ab", b"cd"]).unwrap();
    assert_eq!((&content[..], body, &left[..]), (&b"abc"[..], Body::Ended, &b"d"[..]));
    let (content, body, _) = decode(Body::UntilClose, &[b"ab", b"cd"]).unwrap();
    assert_eq!((&content[..], body), (&b"abcd"[..], Body::UntilClose));
    let (content, body, left) =
        decode(CHUNKED, &[b"3;x=\"y\"\r\nabc\r\n0A \r\n0123456789\r\n0\r\nx-trailer: 1\r\n\r\nmore"])
            .unwrap();
    assert_eq!((&content[..], body, &left[..]), (&b"abc0123456789"[..], Body::Ended, &b"more"[..]));
}

#[test]
fn broken_chunks_are_found() {
    let endless = format!("1;{}", "x".repeat(MAX_FRAMING));
    let endless_trailer = format!("0\r\nx: {}", "x".repeat(MAX_FRAMING));
    for text in ["not a size\r\n", "\r\n", "-1\r\n", "1\r\nab\r\n", "1\nab", "12345678901234567\r\n", "g\r\n"]
        .into_iter()
        .chain([endless.as_str(), endless_trailer.as_str(), "0\r\n: x\r\n\r\n"])
    {
        assert!(decode(CHUNKED, &[text.as_bytes()]).is_err(), "{text:.40}");
    }
}

#[test]
fn what_comes_before_broken_framing_is_passed_on_first() {
    let (mut body, mut content) = (CHUNKED, Vec::new());
    let input = b"3\r\nabc\r\nzz\r\n";
    let used = body.decode(input, |part| content.extend_from_slice(part)).unwrap();
    assert_eq!((used, &content[..]), (8, &b"abc"[..]));
    assert!(body.decode(&input[used..], |_| panic!()).is_err());
}

/// The response as hyper's client reads it: status and body, or an error.
async fn read_by_hyper(response: &[u8]) -> Option<(StatusCode, Vec<u8>)> {
    let (client, mut server) = duplex(1 << 20);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(client)).await.ok()?;
    tokio::spawn(connection);
    let request = hyper::Request::post("/").body(Full::new(Bytes::new())).ok()?;
    let response = response.to_vec();
    tokio::spawn(async move {
        let mut request = [0; 1024];
        let _ = server.read(&mut request).await;
        let _ = server.write_all(&response).await;
    });
    let response = sender.send_request(request).await.ok()?;
    let status = response.status();
    Some((status, response.into_body().collect().await.ok()?.to_bytes().to_vec()))
}

/// The response as the functions of this module read it, to the closing of the connection.
fn read_here(mut input: &[u8]) -> Option<(StatusCode, Vec<u8>)> {
    loop {
        match read_beginning(input).ok()? {
            Beginning::Partial => return None,
            Beginning::Informational(length) => input = &input[length..],
            Beginning::Head(head, body, length) => {
                let (content, body, _) = decode(body, &[&input[length..]]).ok()?;
                return matches!(body, Body::Ended | Body::UntilClose).then_some((head.status, content));
            }
        }
    }
}

fn framing() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "",
        "content-length: 5\r\n",
        "content-length: 5,5\r\n",
        "content-length: 05\r\n",
        "content-length: +5\r\n",
        "content-length: 5\r\ncontent-length: 6\r\n",
        "transfer-encoding: chunked\r\n",
        "transfer-encoding: identity\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 3\r\n",
        "connection: close\r\n",
    ])
    .prop_map(str::to_owned)
}

proptest! {
    /// Wherever the network cuts a chunked body, its content is the same.
    #[test]
    fn cuts_do_not_matter(
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..6),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let mut text = Vec::new();
        for chunk in &chunks {
            text.extend_from_slice(format!("{:x};e=1\r\n", chunk.len()).as_bytes());
            text.extend_from_slice(chunk);
            text.extend_from_slice(b"\r\n");
        }
        text.extend_from_slice(b"0\r\nx-trailer: 1\r\n\r\nnext");
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        at.extend([0, text.len()]);
        at.sort_unstable();
        let pieces: Vec<&[u8]> = at.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
        let (content, body, left) = decode(CHUNKED, &pieces).unwrap();
        prop_assert_eq!(content, chunks.concat());
        prop_assert_eq!((body, &left[..]), (Body::Ended, &b"next"[..]));
    }

    /// hyper's client reads the same from responses of any framing, broken ones included.
    #[test]
    fn hyper_reads_the_same(
        status in prop::sample::select(vec!["200 OK", "204 No Content", "404", "500 Oops", "20 Bad", "304 Same"]),
        version in prop::sample::select(vec!["HTTP/1.1", "HTTP/1.0", "HTTP/2.0"]),
        framing in framing(),
        body in prop::sample::select(vec![
            "", "hello", "hello world", "5\r\nhello\r\n0\r\n\r\n", "5;a=b\r\nhello\r\n0\r\na: b\r\n\r\n",
            "5\r\nhello\r\n", "5\r\nhelloo\r\n0\r\n\r\n", "\r\n\r\n", "5\nhello\n0\n\n", "0\r\n\r\n", "fff",
            "5 \t\r\nhello\r\n00\r\n\r\n", "+5\r\nhello\r\n0\r\n\r\n",
        ]),
    ) {
        let text = format!("{version} {status}\r\n{framing}\r\n{body}");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let expected = runtime.block_on(read_by_hyper(text.as_bytes()));
        prop_assert_eq!(read_here(text.as_bytes()), expected, "{}", text);
    }
}
