//! The dashboard by TLS, and what it refuses to serve without.

use failback::web::ServeError;
use failback::web::Tls;

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

#[test]
fn nobody_is_served_from_elsewhere_without_tls() {
    let settings = "kind: Settings\nversion: 1\nserve: {listen: \"0.0.0.0:0\"}\n";
    let told = Folder::with(&[("failback.yaml", settings)]).run(&["serve"]);
    assert_eq!((told.exit, told.err.contains("is no loopback address")), (1, true), "{told:?}");
    let folder = Folder::with(&[("failback.yaml", "kind: Settings\nversion: 1\n")]);
    let flag = folder.run(&["serve", "--listen", "0.0.0.0:0"]);
    assert_eq!((flag.exit, flag.err.contains("without TLS")), (2, true), "{flag:?}");
}
