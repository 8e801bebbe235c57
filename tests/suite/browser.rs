//! The dashboard in a real browser.

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

#[test]
fn a_person_rehearses_answers_and_reads_the_report_in_a_browser() {
    let Some(modules) = std::env::var_os("FAILBACK_BROWSER") else {
        eprintln!("*** SKIPPED: FAILBACK_BROWSER names no folder of node modules; scripts/test installs one");
        return;
    };
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
    command.args(std::env::var_os("FAILBACK_BROWSER_PICTURES"));
    let ended = command.output().expect("node is there");
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{said}{}", String::from_utf8_lossy(&ended.stderr));
}
