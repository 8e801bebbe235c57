//! Programs in Python that drive the emulated site with the vendors' own clients: outside judges of its answers.
//!
//! They need a Python in which those clients are installed, named by `FAILBACK_PYTHON`; `scripts/test` sets it.

use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use failback::provider::emulator::http::Certificate;
use failback::provider::emulator::http::Counts;
use failback::provider::emulator::http::ServerOptions;
use secrecy::ExposeSecret as _;
use serde_json::json;
use tokio::io::AsyncBufReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::io::BufReader;
use tokio::process::Command;

use crate::lab::CLASSIC;
use crate::lab::MODERNIZED;
use crate::lab::World;
use crate::lab::world;
use crate::wire_lab::Wire;
use crate::wire_lab::options;

/// Real time after which a program that says nothing is taken to hang.
const SILENCE: Duration = Duration::from_secs(120);

/// Returns the Python of the vendors' clients, and says so loudly if there is none.
#[expect(clippy::disallowed_methods, reason = "the script that runs the tests says where it put the clients")]
fn python() -> Option<PathBuf> {
    let python = std::env::var_os("FAILBACK_PYTHON").map(PathBuf::from);
    if python.is_none() {
        let words = "\n*** SKIPPED: FAILBACK_PYTHON is not set, so the vendors' own clients judge nothing here; scripts/test sets it\n";
        std::io::Write::write_all(&mut std::io::stderr(), words.as_bytes()).expect("stderr takes it");
    }
    python
}

/// Lets a program of `tests/python` drive a world to its end, and returns the requests that it made; `None` if it was skipped.
pub async fn drive(program: &[&str], world: &World, options: ServerOptions) -> Option<Counts> {
    let python = python()?;
    let tls = options.certificate.is_some();
    let wire = Wire::of(world, options).await;
    let names = wire.handle.names();
    let access = &wire.handle.options().access;
    let site = json!({
        "url": wire.handle.url(),
        "token": wire.token(),
        "tenant": names.tenant,
        "client_id": access.client_id,
        "client_secret": access.client_secret.expose_secret(),
        "subscription": names.subscription,
        "resource_group": names.resource_group,
        "vault": names.vault,
        "fabric": names.fabric,
        "container": names.container,
        "items": names.items.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
        "vcenter_user": wire.handle.options().vcenter_user,
        "vcenter_password": wire.handle.options().vcenter_password.expose_secret(),
    });
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python");
    let trusted = tempfile::NamedTempFile::new().expect("a file can be made");
    let mut command = Command::new(python);
    command.arg(folder.join(program[0])).args(&program[1..]);
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("NO_PROXY", "*").env_remove("REQUESTS_CA_BUNDLE");
    if tls {
        let authority = wire.handle.authority().expect("the server made its own certificate");
        std::fs::write(trusted.path(), authority).expect("a file can be written");
        command.env("REQUESTS_CA_BUNDLE", trusted.path());
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().expect("FAILBACK_PYTHON can be run");
    let mut told = child.stdin.take().expect("it has an input");
    let mut said = BufReader::new(child.stdout.take().expect("it has an output")).lines();
    let mut errors = child.stderr.take().expect("it has an output for errors");
    let errors = tokio::spawn(async move {
        let mut text = String::new();
        let _ = tokio::io::AsyncReadExt::read_to_string(&mut errors, &mut text).await;
        text
    });
    let mut done = false;
    told.write_all(format!("{site}\n").as_bytes()).await.expect("it listens");
    loop {
        let line = tokio::time::timeout(SILENCE, said.next_line()).await.expect("it goes on");
        let Some(line) = line.expect("it says text") else { break };
        if let Some(seconds) = line.strip_prefix("sleep ") {
            let seconds: f64 = seconds.parse().expect("seconds");
            // A client that may ask again at once still lets a second pass, else nothing would ever end.
            #[expect(clippy::cast_possible_truncation, reason = "no test waits for years")]
            wire.pass((seconds.ceil() as i64).max(1)).await;
            told.write_all(b"awake\n").await.expect("it listens");
        } else {
            done |= line.starts_with("done ");
        }
    }
    let status = child.wait().await.expect("it ends");
    let errors = errors.await.expect("its errors are read");
    assert!(status.success() && done, "{program:?}: {status}\n{errors}");
    Some(wire.handle.counts())
}

/// Returns the options of a server that says how long to wait: the clients wait by the world's clock.
pub fn patient() -> ServerOptions {
    ServerOptions { retry_after: 30, ..options() }
}

/// Returns the same of a server that speaks TLS.
pub fn secured() -> ServerOptions {
    ServerOptions { certificate: Some(Certificate::SelfMade { names: Vec::new() }), ..patient() }
}

#[tokio::test]
async fn microsofts_client_drives_a_classic_failback() {
    drive(&["site_recovery.py", "classic"], &world(CLASSIC.0, CLASSIC.1), patient()).await;
}

#[tokio::test]
async fn microsofts_pollers_ask_for_each_operation_by_itself() {
    let world = world(CLASSIC.0, CLASSIC.1);
    let machines = world.inventory.machines.as_ref().map_or(0, Vec::len) as u64;
    let Some(counts) = drive(&["pollers.py"], &world, patient()).await else { return };
    let of = |word: &str| {
        counts.iter().filter(|(kind, _)| kind.contains(word)).map(|(_, count)| count).sum::<u64>()
    };
    // A reprotect of 12 minutes, a failover and a commit of some minutes each, all asked about every 30 seconds.
    let polls = of("GET replicationOperationStatus");
    assert!(polls > 30 * machines && polls < 60 * machines, "{counts:#?}");
}

#[tokio::test]
async fn microsofts_client_reaches_everything_else_of_a_vault() {
    drive(&["tour.py"], &world(CLASSIC.0, CLASSIC.1), patient()).await;
}

#[tokio::test]
async fn microsofts_client_drives_a_modernized_failback() {
    drive(&["site_recovery.py", "modernized"], &world(MODERNIZED.0, MODERNIZED.1), patient()).await;
}

#[tokio::test]
async fn microsofts_client_signs_in_and_drives_a_modernized_failback_over_tls() {
    drive(&["site_recovery.py", "modernized"], &world(MODERNIZED.0, MODERNIZED.1), secured()).await;
}

#[tokio::test]
async fn microsofts_client_signs_in_and_drives_a_classic_failback_over_tls() {
    drive(&["site_recovery.py", "classic"], &world(CLASSIC.0, CLASSIC.1), secured()).await;
}
