//! Where drills take their facts from: the site that is looked at when they begin, or the file that the plan names.

use serde_json::Value;

use crate::cli_site::Site;
use crate::drill_live::confirmed;
use crate::drill_live::last;
use crate::drill_live::modernized;
use crate::drill_live::sent;
use crate::support::Ended;

const DRILLS: &str = "drills:
  - {name: seen, kind: readiness, facts: live}
  - {name: rehearsed, kind: rehearsal, facts: live}
  - {name: filed, kind: readiness}
";

/// Has the file tell of a moment long before.
fn make_old(site: &Site) {
    let path = site.folder.path().join("modernized.inventory.yaml");
    let text = std::fs::read_to_string(path).expect("it is there");
    let old = text.replace("observed_at: 2025-06-01T", "observed_at: 2025-05-01T");
    assert_ne!(old, text);
    site.folder.write("modernized.inventory.yaml", old.as_bytes());
}

fn drill(site: &Site, name: &str) -> (Ended, Value) {
    let ended = site.run(&["drill", "p.plan.yaml", "--name", name, "--format", "json"]);
    let facts = ended.json()["facts"].clone();
    (ended, facts)
}

#[test]
fn a_drill_looks_at_its_site_or_takes_the_file_as_its_plan_says() {
    let site = modernized(DRILLS);
    make_old(&site);
    for name in ["seen", "rehearsed"] {
        let (ended, facts) = drill(&site, name);
        assert_eq!(ended.exit, 0, "{name}: {}", ended.said());
        assert_eq!(facts["are_live"], true, "{name}: {facts}");
        assert!(
            facts["observed_at"].as_str().is_some_and(|at| at.starts_with("2025-06-01")),
            "{name}: {facts}"
        );
    }
    let (_, facts) = drill(&site, "filed");
    assert_eq!(facts["are_live"], false, "{facts}");
    assert!(facts["observed_at"].as_str().is_some_and(|at| at.starts_with("2025-05-01")), "{facts}");
    assert_eq!(sent(&site), [0; 5], "nothing is changed by looking");
}

/// The file is what a repository has, and nobody commits it every day.
#[test]
fn a_live_drill_looks_at_its_site_however_old_the_file_is() {
    let site = modernized("drills:\n  - {name: taste, kind: live, machines: [l1], finish: cancel}\n");
    make_old(&site);
    let begun = site.run(&confirmed("modernized"));
    assert_eq!(begun.exit, 4, "it waits for the approval of its failover: {}", begun.said());
}

#[test]
fn a_drill_whose_site_nobody_names_fails_and_says_so() {
    let site = modernized(DRILLS);
    let path = site.folder.path().join("modernized.inventory.yaml");
    let text = std::fs::read_to_string(path).expect("it is there");
    let nameless = text.replace("subscription_id:", "x-subscription:");
    assert_ne!(nameless, text);
    site.folder.write("modernized.inventory.yaml", nameless.as_bytes());
    let ended = site.run(&["drill", "p.plan.yaml", "--name", "seen"]);
    assert!(ended.exit == 2 && ended.err.contains("no vault is named"), "{}", ended.said());
    assert_eq!(last(&site)["state"], "failed");
}
