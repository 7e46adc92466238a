use http::HeaderMap;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;
use crate::client::http1::request_head;

/// A transport to a server that the test plays; `pipe` bytes fit between them.
fn pair(pipe: usize) -> (Transport, DuplexStream) {
    let (client, server) = duplex(pipe);
    (Transport::new(client), server)
}

async fn send(transport: &mut Transport, body: &'static [u8]) -> Result<Head, Broken> {
    transport.send(request_head("/", &HeaderMap::new(), body.len()), Bytes::from_static(body)).await
}

/// The content of the whole body.
async fn content(transport: &mut Transport) -> Result<Vec<u8>, Broken> {
    let mut content = Vec::new();
    loop {
        let read = poll_fn(|cx| transport.poll_body(cx, |part| content.extend_from_slice(part))).await?;
        if read == Read::End {
            return Ok(content);
        }
    }
}

#[tokio::test]
async fn a_connection_carries_one_response_after_another() {
    let (mut transport, mut server) = pair(1 << 16);
    for word in ["first", "second"] {
        let response = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{word}", word.len());
        server.write_all(response.as_bytes()).await.unwrap();
        assert_eq!(send(&mut transport, b"{}").await.unwrap().status, 200);
        assert!(!transport.is_idle(), "the body is unread");
        assert_eq!(content(&mut transport).await.unwrap(), word.as_bytes());
        assert!(transport.settles().await && transport.is_idle());
    }
    let expected = b"POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}".repeat(2);
    let mut request = vec![0; expected.len()];
    server.read_exact(&mut request).await.unwrap();
    assert_eq!(request, expected);
}

#[tokio::test]
async fn a_server_that_closes_or_sends_unasked_ends_the_reuse() {
    let response = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    for rest in [Some(&b"HTTP/1.1 408 Timeout\r\n\r\n"[..]), None] {
        let (mut transport, mut server) = pair(1 << 16);
        server.write_all(response).await.unwrap();
        send(&mut transport, b"").await.unwrap();
        assert_eq!(content(&mut transport).await.unwrap(), b"ok");
        assert!(transport.is_idle());
        match rest {
            Some(bytes) => server.write_all(bytes).await.unwrap(),
            None => drop(server),
        }
        assert!(!transport.is_idle());
    }
    for head in
        ["HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2", "HTTP/1.0 200 OK\r\ncontent-length: 2"]
    {
        let (mut transport, mut server) = pair(1 << 16);
        server.write_all(format!("{head}\r\n\r\nok").as_bytes()).await.unwrap();
        send(&mut transport, b"").await.unwrap();
        assert_eq!(content(&mut transport).await.unwrap(), b"ok");
        assert!(!transport.settles().await && !transport.is_idle(), "{head}");
    }
}

/// The pipe is too narrow for the request: the rest of it is sent while the response is read.
#[tokio::test]
async fn a_response_may_come_before_the_request_is_sent() {
    const BODY: &[u8] = &[b'x'; 1000];
    let (mut transport, mut server) = pair(100);
    server.write_all(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno").await.unwrap();
    assert_eq!(send(&mut transport, BODY).await.unwrap().status, 413);
    assert_eq!(content(&mut transport).await.unwrap(), b"no");
    let reader = tokio::spawn(async move {
        let mut request = vec![0; 1000 + "POST / HTTP/1.1\r\ncontent-length: 1000\r\n\r\n".len()];
        server.read_exact(&mut request).await.map(|_| server)
    });
    assert!(transport.settles().await);
    let _server = reader.await.unwrap().unwrap();
    assert!(transport.is_idle());
}

#[tokio::test]
async fn a_head_of_64_kib_is_too_large() {
    for (length, is_read) in [(60 * 1024, true), (70 * 1024, false)] {
        let (mut transport, mut server) = pair(1 << 20);
        let head = format!("HTTP/1.1 200 OK\r\nx: {}\r\ncontent-length: 2\r\n\r\nok", "h".repeat(length));
        server.write_all(head.as_bytes()).await.unwrap();
        let response = send(&mut transport, b"").await;
        if is_read {
            assert_eq!(response.unwrap().headers["x"].len(), length);
            assert_eq!(content(&mut transport).await.unwrap(), b"ok");
        } else {
            assert!(matches!(response, Err(Broken::HeadTooLarge)), "{response:?}");
        }
    }
}

#[tokio::test]
async fn a_closed_connection_is_told_from_the_end_of_a_body() {
    let in_head = "HTTP/1.1 200 OK\r\nconte";
    let in_chunk = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\nabc";
    let until_close = "HTTP/1.1 200 OK\r\n\r\nabc";
    for (text, expected) in [("", None), (in_head, None), (in_chunk, Some(false)), (until_close, Some(true))]
    {
        let (mut transport, mut server) = pair(1 << 16);
        server.write_all(text.as_bytes()).await.unwrap();
        let mut request = [0; 64];
        let response = tokio::join!(send(&mut transport, b""), async {
            let _ = server.read(&mut request).await;
            drop(server);
        })
        .0;
        match expected {
            None => assert!(matches!(response, Err(Broken::Unanswered)), "{text}: {response:?}"),
            Some(is_whole) => {
                let content = content(&mut transport).await;
                let is_right = match &content {
                    Ok(content) => is_whole && content == b"abc",
                    Err(error) => !is_whole && matches!(error, Broken::Cut),
                };
                assert!(is_right, "{text}: {content:?}");
                assert!(!transport.is_idle());
            }
        }
    }
}
