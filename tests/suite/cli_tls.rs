//! Runs on a site whose certificates no public authority has issued: Azure's endpoint and the vCenter speak TLS.

use failback::provider::emulator::http::Certificate;
use failback::provider::emulator::http::ServerOptions;

use crate::cli_site::Site;
use crate::support::CLASSIC_INVENTORY;
use crate::support::CLASSIC_PLAN;
use crate::support::Folder;
use crate::support::inventory;

const RUN: [&str; 7] =
    ["run", "classic.plan.yaml", "--provider", "azure", "--auto-approve", "--confirm", "classic"];
const DOCTOR: [&str; 3] = ["doctor", "--inventory", "classic.inventory.yaml"];

/// Serves the classic site with a certificate of its own, whose authority is in `own.pem`; `other.pem` is another one's.
fn site() -> Site {
    let folder =
        Folder::with(&[("classic.plan.yaml", CLASSIC_PLAN), ("classic.inventory.yaml", CLASSIC_INVENTORY)]);
    let options = || ServerOptions {
        certificate: Some(Certificate::SelfMade { names: vec!["127.0.0.1".into()] }),
        ..ServerOptions::default()
    };
    let other = Site::set_up(Folder::with(&[]), inventory(CLASSIC_INVENTORY), options());
    let site = Site::set_up(folder, inventory(CLASSIC_INVENTORY), options());
    for (name, server) in [("own.pem", &site), ("other.pem", &other)] {
        site.folder.write(name, server.handle.authority().expect("it made its own").as_bytes());
    }
    site
}

/// Returns the thumbprint that a refusal shows.
fn thumbprint_in(said: &str) -> String {
    let words = said.split(|letter: char| !letter.is_ascii_hexdigit() && letter != ':');
    let plain = words.map(|word| word.replace(':', ""));
    plain
        .into_iter()
        .find(|word| word.len() == 64)
        .unwrap_or_else(|| panic!("no thumbprint is shown: {said}"))
}

#[test]
fn a_whole_run_trusts_the_authority_that_it_is_given_and_no_other() {
    let site = site();
    for wrong in [None, Some("other.pem")] {
        let with: Vec<(&str, &str)> = wrong.map(|file| ("FAILBACK_CA_FILE", file)).into_iter().collect();
        let refused = site.run_with(&RUN, &with);
        assert_ne!(refused.exit, 0, "{wrong:?}: {}", refused.said());
        assert!(refused.err.contains("certificate"), "it says what is wrong: {}", refused.said());
        assert!(refused.err.contains("--ca-file"), "and what to do: {}", refused.said());
    }
    assert_eq!(site.orders(), 0, "nothing was changed: {:?}", site.handle.counts());
    let none = site.run_with(&[&RUN[..], &["--ca-file", "nowhere.pem"]].concat(), &[]);
    assert_eq!(none.exit, 2, "{}", none.said());
    let ran = site.run_with(&[&RUN[..], &["--ca-file", "own.pem"]].concat(), &[]);
    assert_eq!(ran.exit, 0, "{}", ran.said());
    assert!(site.orders() > 0);
}

#[test]
fn a_whole_run_trusts_a_vcenter_by_its_pinned_thumbprint_and_by_no_other() {
    let site = site();
    let with = [("FAILBACK_CA_FILE", "own.pem")];
    let wrong = format!("vc1={}", "ab".repeat(32));
    let refused = site.run_with(&[&DOCTOR[..], &["--vcenter-thumbprint", &wrong]].concat(), &with);
    assert_eq!(refused.exit, 3, "{}", refused.said());
    assert!(refused.out.contains("failed   vCenter vc1"), "{}", refused.said());
    let right = format!("vc1={}", thumbprint_in(&refused.said()));
    let trusted = site.run_with(&[&DOCTOR[..], &["--vcenter-thumbprint", &right]].concat(), &with);
    assert_eq!(trusted.exit, 0, "{}", trusted.said());
    let ran = site.run_with(&[&RUN[..], &["--live", "--vcenter-thumbprint", &right]].concat(), &with);
    assert_eq!(ran.exit, 0, "{}", ran.said());
    let resumed = site.run_with(&["runs"], &[]);
    assert!(resumed.out.contains("succeeded"), "{}", resumed.said());
}
