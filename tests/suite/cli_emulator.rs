//! `failback emulator` from the command line: a process of its own, asked over the loopback.

use std::io::BufRead as _;
use std::io::BufReader;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

use serde_json::Value;

use crate::support::CLASSIC_INVENTORY;
use crate::support::Folder;

/// A served site; it ends with the test.
struct Served {
    process: Child,
    said: Value,
}

impl Drop for Served {
    fn drop(&mut self) {
        // A process that has ended by itself can't be ended, and is waited for all the same.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Served {
    fn with(folder: &Folder, flags: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_failback"))
            .args(["emulator", "--seed-from", "classic.inventory.yaml", "--format", "json"])
            .args(flags)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        let out = process.stdout.take().expect("it is piped");
        BufReader::new(out).read_line(&mut line).expect("it says where it is");
        let said = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        Self { process, said }
    }

    /// Returns the status of an answer and its text; none if the connection was closed.
    async fn get(&self, path: &str) -> Option<(u16, String)> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().expect("a client can be made");
        let text = |key: &str| self.said[key].as_str().expect("it is text").to_owned();
        let url = format!("{}{path}?api-version=2025-08-01", text("url"));
        let answer = client.get(url).bearer_auth(text("token")).send().await.ok()?;
        Some((answer.status().as_u16(), answer.text().await.ok()?))
    }

    fn vault(&self) -> String {
        self.said["vault_id"].as_str().expect("it is text").to_owned()
    }
}

fn folder() -> Folder {
    Folder::with(&[("classic.inventory.yaml", CLASSIC_INVENTORY)])
}

#[tokio::test]
async fn faults_at_the_wire_come_from_a_file() {
    let folder = folder();
    let faults = "seed: 1\nfaults:\n  - {kind: error, status: 502, on: GET replicationJobs, times: 1}\n  - {kind: reset_before, on: GET replicationPolicies}\n";
    folder.write("faults.yaml", faults.as_bytes());
    let served = Served::with(&folder, &["--wire-faults", "faults.yaml"]);
    let jobs = format!("{}/replicationJobs", served.vault());
    assert_eq!(served.get(&jobs).await.expect("an answer").0, 502);
    assert_eq!(served.get(&jobs).await.expect("an answer").0, 200, "it happens once");
    assert_eq!(served.get(&format!("{}/replicationPolicies", served.vault())).await, None);
    let items = format!("{}/replicationProtectedItems", served.vault());
    assert_eq!(served.get(&items).await.expect("an answer").0, 200, "others are spared");
}

#[test]
fn a_file_of_faults_that_can_not_be_read_is_refused() {
    let folder = folder();
    for (text, told) in [
        ("faults:\n  - {kind: explode}\n", "unknown variant `explode`"),
        ("faults:\n  - {kind: error, chance: 2}\n", "`chance` is from 0 to 1"),
        ("faults:\n  - {kind: error, status: 200}\n", "`status` is from 400 to 599"),
    ] {
        folder.write("faults.yaml", text.as_bytes());
        let ended = folder.run(&[
            "emulator",
            "--seed-from",
            "classic.inventory.yaml",
            "--wire-faults",
            "faults.yaml",
        ]);
        assert_eq!(ended.exit, 2, "{}", ended.said());
        assert!(ended.err.contains(told) && ended.err.contains("faults.yaml"), "{}", ended.said());
    }
    let ended =
        folder.run(&["emulator", "--seed-from", "classic.inventory.yaml", "--wire-faults", "none.yaml"]);
    assert_eq!(ended.exit, 2, "{}", ended.said());
}

/// Runs a command with what reaches the served site.
fn asks(folder: &Folder, served: &Served, arguments: &[&str]) -> (Option<i32>, String) {
    let text = |key: &str| served.said[key].as_str().expect("it is text").to_owned();
    let ended = Command::new(env!("CARGO_BIN_EXE_failback"))
        .args(arguments)
        .current_dir(folder.path())
        .env("FAILBACK_AZURE_ENDPOINT", text("url"))
        .env("AZURE_AUTHORITY_HOST", text("url"))
        .env("FAILBACK_AZURE_TOKEN", text("token"))
        .output()
        .expect("the program runs");
    let both = [ended.stdout, ended.stderr].concat();
    (ended.status.code(), String::from_utf8(both).expect("it is text"))
}

#[test]
fn rights_that_are_taken_away_are_missed_by_doctor_and_pull() {
    let peered = CLASSIC_INVENTORY.replacen(
        "bandwidth_mbps: 1000}",
        "bandwidth_mbps: 1000, peered_vnets: [[a, b]]}",
        1,
    );
    assert_ne!(peered, CLASSIC_INVENTORY);
    let folder = Folder::with(&[("classic.inventory.yaml", &peered)]);
    let taken = ["--without", "*/failoverCommit/action", "--without", "Microsoft.Network/*"];
    let served = Served::with(&folder, &taken);
    let (_, doctor) = asks(&folder, &served, &["doctor", "--inventory", "classic.inventory.yaml"]);
    assert!(doctor.contains("the identity may not: commit"), "{doctor}");
    let pull = ["inventory", "pull", "--base", "classic.inventory.yaml", "-o", "seen.yaml"];
    let (code, pulled) = asks(&folder, &served, &pull);
    assert_eq!(code, Some(0), "{pulled}");
    let right = "'Microsoft.Network/networkInterfaces/read'";
    assert!(pulled.contains("azure_vm.vnet") && pulled.contains(right), "{pulled}");
    let seen = std::fs::read_to_string(folder.path().join("seen.yaml")).expect("it is written");
    let told = |line: &str| line.contains("peered_vnets") && !line.starts_with('#');
    assert!(!seen.lines().any(told), "what the file says of it is no observation: {seen}");
}

#[test]
fn a_second_server_does_not_get_the_folder_of_the_first() {
    let folder = folder();
    // An empty folder is one for a new world.
    std::fs::create_dir(folder.path().join("world")).expect("a folder");
    let first = Served::with(&folder, &["--world", "world"]);
    let second = ["emulator", "--seed-from", "classic.inventory.yaml", "--world", "world"];
    let refused = folder.run(&second);
    assert_eq!(refused.exit, 2, "{}", refused.said());
    assert!(refused.err.contains("another process has the world in"), "{}", refused.said());
    assert!(refused.err.contains("--world"), "what to do is told: {}", refused.said());
    drop(first);
    let again = Served::with(&folder, &["--world", "world"]);
    assert!(again.said["url"].is_string(), "a server that was killed leaves no lock behind");
}
