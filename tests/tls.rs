//! Tests measuring over TLS: the real program against the mock behind a TLS server.
#![cfg(feature = "ssr")]
#![allow(clippy::unwrap_used)]

use std::{path::Path, process::Command, sync::Arc};

use bench::types::{Clock, Report};
use endpoint::ErrorKind;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer},
};

/// Runs the program against `localhost:port`, trusting only `authority`.
fn bench(port: u16, authority: &Path) -> Report {
    let output = Command::new(env!("CARGO_BIN_EXE_llm-studio"))
        .args(["bench", "--no-save", "--format", "json", "--runs", "2"])
        .args(["--base-url", &format!("https://localhost:{port}/v1")])
        .args(["--model-id", "mock/ttft=20,gap=2,tokens=20"])
        .env("SSL_CERT_FILE", authority)
        .env_remove("SSL_CERT_DIR")
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// Serves TLS on a free port and forwards the decrypted data to `upstream`.
async fn serve_tls(key: &CertifiedKey<rcgen::KeyPair>, upstream: String) -> u16 {
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![key.cert.der().clone()],
            PrivateKeyDer::try_from(key.signing_key.serialize_der()).unwrap(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, upstream) = (acceptor.clone(), upstream.clone());
            tokio::spawn(async move {
                // A client that does not trust the certificate aborts the handshake.
                let Ok(mut decrypted) = acceptor.accept(stream).await else { return };
                let mut plain = TcpStream::connect(upstream).await.unwrap();
                let _ = copy_bidirectional(&mut decrypted, &mut plain).await;
            });
        }
    });
    port
}

async fn report(trusted: bool) -> Report {
    let mock = mock::start_demo().unwrap();
    let served = generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let known = if trusted {
        served.cert.pem()
    } else {
        generate_simple_self_signed(vec!["other".into()]).unwrap().cert.pem()
    };
    let directory = tempfile::tempdir().unwrap();
    let authority = directory.path().join("authority.pem");
    std::fs::write(&authority, known).unwrap();
    let upstream = mock.base_url().trim_start_matches("http://").to_owned();
    let port = serve_tls(&served, upstream).await;
    tokio::task::spawn_blocking(move || {
        let _keep = directory;
        bench(port, &authority)
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_measured_with_kernel_timestamps() {
    let report = report(true).await;
    let row = &report.results[0];
    assert_eq!(row.summary.success_count, 2, "{:?}", row.runs[0].error);
    let warmup = row.warmup.as_ref().unwrap();
    let phases = [warmup.dns_ms, warmup.tcp_ms, warmup.tls_ms].map(|phase| phase.unwrap());
    assert!(phases.iter().all(|phase| *phase > 0.0), "{warmup:?}");
    assert!(phases.iter().sum::<f64>() <= warmup.connect_ms.unwrap(), "{warmup:?}");
    for run in &row.runs {
        assert_eq!((run.output_tokens, run.chunks), (Some(20), 20));
        assert!(run.ttft_ms.is_some());
        #[cfg(target_os = "linux")]
        assert_eq!(run.clock, Clock::Kernel);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_untrusted_certificate_is_rejected() {
    let report = report(false).await;
    let error = report.results[0].runs[0].error.clone().unwrap();
    assert_eq!(error.kind, ErrorKind::ConnectFailed);
    assert!(error.message.contains("TLS") && error.message.contains("localhost"), "{error}");
}
