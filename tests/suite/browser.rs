//! The dashboard in a real browser.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use crate::support::CLASSIC_INVENTORY;
use crate::support::CLASSIC_PLAN;
use crate::support::Folder;

const SETTINGS: &str = "\
kind: Settings
version: 1
plans: [classic.plan.yaml]
serve:
  users:
    - {name: kim, roles: [viewer, operator, approver], token_file: kim.token}
    - {name: lee, roles: [viewer], token_file: lee.token}
";

/// Returns the folder of node's modules, and where pictures go.
#[expect(clippy::print_stderr, reason = "a test that looks at nothing must say so")]
#[expect(clippy::disallowed_methods, reason = "the script that runs the tests says where it put them")]
fn modules() -> Option<(OsString, Option<OsString>)> {
    let found = std::env::var_os("FAILBACK_BROWSER").filter(|folder| !folder.is_empty());
    if found.is_none() {
        eprintln!(
            "NOT CHECKED: the dashboard in a browser, since no folder of node's modules is named; run scripts/test"
        );
    }
    Some((found?, std::env::var_os("FAILBACK_BROWSER_PICTURES")))
}

#[test]
fn a_person_rehearses_answers_and_reads_the_report_in_a_browser() {
    let Some((modules, pictures)) = modules() else { return };
    let folder = Folder::with(&[
        ("failback.yaml", SETTINGS),
        ("classic.plan.yaml", CLASSIC_PLAN),
        ("classic.inventory.yaml", CLASSIC_INVENTORY),
        ("kim.token", "kim-0123456789-0123456789\n"),
        ("lee.token", "lee-0123456789-0123456789\n"),
    ]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/dashboard.mjs");
    let mut command = Command::new("node");
    command.arg(script).arg(env!("CARGO_BIN_EXE_failback")).arg(folder.path()).arg(modules);
    command.args(pictures);
    let ended = command.output().expect("node is there");
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{said}{}", String::from_utf8_lossy(&ended.stderr));
}
