//! A minimal browser for sign-in tests: it loads pages, submits forms and stores cookies. It does not follow
//! redirects.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use url::Url;

#[derive(Debug, Default)]
pub struct Browser {
    cookies: BTreeMap<String, String>,
}

#[derive(Debug)]
pub struct Page {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Page {
    /// Returns the target of the redirect.
    pub fn location(&self) -> &str {
        let location = self.headers.get(header::LOCATION);
        location.unwrap_or_else(|| panic!("no redirect: {self:?}")).to_str().unwrap()
    }
}

impl Browser {
    pub async fn open(&mut self, address: &Url) -> Page {
        self.send("GET", address, String::new()).await
    }

    pub async fn submit(&mut self, address: &Url, form: &str) -> Page {
        self.send("POST", address, form.to_owned()).await
    }

    async fn send(&mut self, method: &str, address: &Url, body: String) -> Page {
        let host = &address[url::Position::BeforeHost..url::Position::AfterPort];
        let stream = TcpStream::connect(host).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = Request::builder()
            .method(method)
            .uri(&address[url::Position::BeforePath..url::Position::AfterQuery])
            .header(header::HOST, host)
            .header(header::ACCEPT, "text/html")
            // As if a page of this server submitted the form.
            .header("sec-fetch-site", "same-origin")
            .header(header::COOKIE, cookies.join("; "))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .unwrap();
        let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
        self.store_cookies(&parts.headers);
        let text = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&text).into_owned();
        Page { status: parts.status, headers: parts.headers, text }
    }

    fn store_cookies(&mut self, headers: &HeaderMap) {
        for cookie in headers.get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}
