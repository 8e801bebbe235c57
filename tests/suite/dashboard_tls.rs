//! The dashboard by TLS, and what it refuses to serve without.

use failback::web::ServeError;
use failback::web::Tls;

use crate::lab::CLASSIC;
use crate::lab::world;
use crate::served::VIEWER;
use crate::served::serve_by;
use crate::support::Folder;

fn certificate() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    (made.cert.pem(), made.signing_key.serialize_pem())
}

#[test]
fn a_certificate_and_its_key_belong_together_and_a_key_is_never_shown() {
    let ((certificate, key), (_, other)) = (certificate(), self::certificate());
    assert!(Tls::of_pem(certificate.as_bytes(), key.as_bytes()).is_ok());
    let refused = |certificate: &str, key: &str| match Tls::of_pem(certificate.as_bytes(), key.as_bytes()) {
        Err(error @ ServeError::Certificate { .. }) => error.to_string(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("{certificate} {key}"),
    };
    assert!(!refused(&certificate, &other).contains("PRIVATE"));
    let torn = &key[..key.len() / 2];
    assert!(!refused(&certificate, torn).contains(&torn[40..60]));
    refused("", &key);
    refused(&certificate, "");
}

#[tokio::test]
async fn under_tls_a_session_goes_over_no_plain_connection() {
    // Whoever installs it first wins, and they are the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (certificate, key) = certificate();
    let tls = Tls::of_pem(certificate.as_bytes(), key.as_bytes()).expect("they belong together");
    let served = serve_by(Some(tls), &world(CLASSIC.0, CLASSIC.1), &[]).await;
    let root = reqwest::Certificate::from_pem(certificate.as_bytes()).expect("PEM");
    let client = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([root])
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client can be made");
    let base = format!("https://localhost:{}", served.address.port());
    let answer = client.post(format!("{base}/login")).header("Origin", &base).body(format!("token={VIEWER}"));
    let answer = answer.send().await.expect("an answer");
    let header =
        |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    assert_eq!(answer.status().as_u16(), 303);
    let cookie = header("set-cookie");
    assert!(cookie.starts_with("__Host-failback=") && cookie.contains("; Secure"), "{cookie}");
    assert!(header("strict-transport-security").starts_with("max-age="));
    let plain = served.raw("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!(plain.status, 0, "nothing is said in the clear: {plain:?}");
}

#[test]
fn nobody_is_served_from_elsewhere_without_tls() {
    let settings = "kind: Settings\nversion: 1\nserve: {listen: \"0.0.0.0:0\"}\n";
    let told = Folder::with(&[("failback.yaml", settings)]).run(&["serve"]);
    assert_eq!((told.exit, told.err.contains("is no loopback address")), (1, true), "{told:?}");
    let folder = Folder::with(&[("failback.yaml", "kind: Settings\nversion: 1\n")]);
    let flag = folder.run(&["serve", "--listen", "0.0.0.0:0"]);
    assert_eq!((flag.exit, flag.err.contains("without TLS")), (2, true), "{flag:?}");
}

#[tokio::test]
async fn a_certificate_that_was_renewed_is_shown_to_whoever_comes_next() {
    // Whoever installs it first wins, and they are the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (first, second) = (certificate(), certificate());
    let of = |(certificate, key): &(String, String)| {
        Tls::of_pem(certificate.as_bytes(), key.as_bytes()).expect("they belong together")
    };
    let tls = of(&first);
    let served = serve_by(Some(tls.clone()), &world(CLASSIC.0, CLASSIC.1), &[]).await;
    let port = served.address.port();
    let is_trusted = async |certificate: &str| {
        let root = reqwest::Certificate::from_pem(certificate.as_bytes()).expect("PEM");
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([root]).build();
        let client = client.expect("a client can be made");
        client.get(format!("https://localhost:{port}/healthz")).send().await.is_ok()
    };
    assert!(is_trusted(&first.0).await && !is_trusted(&second.0).await);
    tls.replace(&of(&second));
    assert!(is_trusted(&second.0).await && !is_trusted(&first.0).await);
}
