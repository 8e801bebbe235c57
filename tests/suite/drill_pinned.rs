//! Live drills that settings pin: what is carried out is what somebody looked at, and runs what the host allows.

use std::io::Read;
use std::io::Write;
use std::net::TcpListener;
use std::net::TcpStream;

use crate::cli_site::Site;
use crate::drill_live::CANCEL;
use crate::drill_live::assert_evidence;
use crate::drill_live::last;
use crate::drill_live::modernized;
use crate::drill_live::seen;
use crate::drill_live::sent;
use crate::support::Ended;

/// Settings that pin the drill of a site's plan as it is now, with the commands that they allow.
fn pinned(site: &Site, allowed: &str) {
    let digest = site.run(&["plan", "p.plan.yaml", "--format", "json"]).json()["digest"].clone();
    let digest = digest.as_str().expect("a plan has a digest");
    let settings = format!(
        "kind: Settings\nversion: 1\nplans: [p.plan.yaml]\n{allowed}live_drills: [{{plan: modernized, drill: taste, digest: \"{digest}\"}}]\n"
    );
    site.folder.write("failback.yaml", settings.as_bytes());
}

const SERVED: [&str; 7] =
    ["drill", "p.plan.yaml", "--settings", "failback.yaml", "--real-actions", "--format", "json"];

#[test]
fn a_plan_that_moved_since_it_was_pinned_is_not_carried_out() {
    let site = modernized(CANCEL);
    pinned(&site, "");
    let text = std::fs::read_to_string(site.folder.path().join("p.plan.yaml")).expect("it is there");
    site.folder.write("p.plan.yaml", text.replace("machines: [l1]", "machines: [w1]").as_bytes());
    let ended = site.run(&SERVED);
    assert_eq!(ended.exit, 1, "{}", ended.said());
    assert!(
        ended.err.contains("the plan is another than the one that the settings allow"),
        "{}",
        ended.said()
    );
    site.folder.write("p.plan.yaml", text.replace("name: taste", "name: bite").as_bytes());
    let ended = site.run(&SERVED);
    assert!(ended.exit == 1 && ended.err.contains("do not allow this live drill"), "{}", ended.said());
    assert_eq!(site.orders(), 0, "{:?}", site.handle.counts());
}

const ACTION: &str = "actions:\n  - {name: quiet, before: {phase: failover, of: l1}, run: {command: [touch, ran]}, timeout: 10m}\n";

#[test]
fn a_command_that_the_settings_do_not_allow_keeps_a_live_drill_from_beginning() {
    let site = modernized(&format!("{CANCEL}{ACTION}"));
    for allowed in ["", "allowed_commands: [[touch, other]]\n", "allowed_commands: [[touch]]\n"] {
        pinned(&site, allowed);
        let ended = site.run(&SERVED);
        assert_eq!(ended.exit, 1, "{allowed}: {}", ended.said());
        assert!(ended.err.contains("do not allow the command of action quiet"), "{}", ended.said());
    }
    assert_eq!(site.orders(), 0);
    assert!(!site.folder.path().join("ran").exists());
}

/// Under settings nobody is at a terminal: the drill waits for answers from another process, whoever that is.
#[test]
fn a_pinned_drill_waits_for_people_and_runs_the_command_that_it_may() {
    let site = modernized(&format!("{CANCEL}{ACTION}"));
    pinned(&site, "allowed_commands: [[touch, ran]]\n");
    std::thread::scope(|threads| {
        let drill = threads.spawn(|| site.run(&SERVED));
        while !drill.is_finished() {
            // Until it asks there is nothing to approve, and at first no run.
            let _ = site.run(&["approve", "latest", "--all"]);
        }
        let ended = drill.join().expect("it ends");
        assert_eq!(ended.exit, 0, "{}", ended.said());
        assert_eq!(ended.json()["verdict"], "passed", "{}", ended.said());
        assert_eq!(ended.json()["simulated_actions"], false);
    });
    assert!(site.folder.path().join("ran").exists());
    assert_eq!(sent(&site), [1, 1, 0, 1, 0], "{:?}", site.handle.counts());
    assert!(seen(&site, "l1").contains("state: protected_to_onprem"));
    assert_evidence(&site);
}

/// Runs a command line while somebody answers every question of the latest run with yes.
fn approved_beside(site: &Site, arguments: &[&str]) -> Ended {
    std::thread::scope(|threads| {
        let run = threads.spawn(|| site.run(arguments));
        while !run.is_finished() {
            // Until it asks there is nothing to approve, and at first no run.
            let _ = site.run(&["approve", "latest", "--all"]);
        }
        run.join().expect("it ends")
    })
}

/// A modernized site whose plan lies in a checkout, with two commands that say from where they came, and the settings of a host
/// that allows them; each place has the script.
fn in_a_checkout(of_host: &str) -> Site {
    let actions = "actions:\n  - {name: bare, before: {phase: failover, of: l1}, run: {command: [sh, ./stop.sh]}, timeout: 10m}\n  \
                   - {name: path, before: {phase: failover, of: l1}, run: {command: [./stop.sh]}, timeout: 10m}\n";
    let site = modernized(&format!("{CANCEL}{actions}"));
    let root = site.folder.path();
    let plan = std::fs::read(root.join("p.plan.yaml")).expect("it is there");
    let facts = std::fs::read(root.join("modernized.inventory.yaml")).expect("it is there");
    std::fs::create_dir(root.join("checkout")).expect("made");
    site.folder.write("checkout/p.plan.yaml", &plan);
    site.folder.write("checkout/modernized.inventory.yaml", &facts);
    script(&site, "checkout/stop.sh", "#!/bin/sh\ntouch ran\n");
    script(&site, "stop.sh", of_host);
    pinned(&site, "allowed_commands: [[sh, ./stop.sh], [./stop.sh]]\n");
    site
}

fn script(site: &Site, name: &str, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    site.folder.write(name, text.as_bytes());
    let path = site.folder.path().join(name);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("set");
}

/// What came with the plan is not what the host allows, whatever its name is.
#[cfg(unix)]
#[test]
fn a_pinned_drill_runs_the_commands_of_the_host_and_none_of_the_checkout() {
    let site = in_a_checkout("#!/bin/sh\necho \"$0\" >> ran\n");
    let arguments = [&["drill", "checkout/p.plan.yaml"], &SERVED[2..]].concat();
    let ended = approved_beside(&site, &arguments);
    assert_eq!(ended.exit, 0, "{}", ended.said());
    let ran = |folder: &str| std::fs::read_to_string(site.folder.path().join(folder).join("ran"));
    assert!(ran("checkout").is_err(), "a merge would have run");
    assert_eq!(ran(".").expect("the host's own ran").lines().count(), 2);
}

/// Who goes on with it by hand, without naming the settings, does not go on outside of them.
#[cfg(unix)]
#[test]
fn a_pinned_drill_stays_under_its_settings_whoever_goes_on_with_it() {
    let site = in_a_checkout("#!/bin/sh\nexit 1\n");
    let arguments = [&["drill", "checkout/p.plan.yaml"], &SERVED[2..]].concat();
    let ended = approved_beside(&site, &arguments);
    assert_eq!(ended.exit, 3, "the command fails: {}", ended.said());
    script(&site, "stop.sh", "#!/bin/sh\necho \"$0\" >> ran\n");
    for action in ["action/bare", "action/path"] {
        let retried = site.run(&["retry", "latest", action]);
        assert_eq!(retried.exit, 0, "{}", retried.said());
    }
    let _ = approved_beside(&site, &["resume", "latest"]);
    let ran = |folder: &str| std::fs::read_to_string(site.folder.path().join(folder).join("ran"));
    assert!(ran("checkout").is_err(), "what came with the plan ran");
    assert!(!ran(".").expect("the host's own ran").is_empty());
}

/// Stands before a site, and does something when it is asked for the first time.
struct Before {
    url: String,
    port: u16,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Before {
    fn of(site: &Site, first: impl FnOnce() + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let behind = site.handle.url().trim_start_matches("http://").trim_end_matches('/').to_owned();
        let thread = std::thread::spawn(move || {
            let mut first = Some(first);
            for near in listener.incoming() {
                let mut near = near.expect("somebody comes");
                let mut begin = [0];
                // Whoever says nothing has this end.
                if near.read_exact(&mut begin).is_err() {
                    return;
                }
                if let Some(first) = first.take() {
                    first();
                }
                let mut far = TcpStream::connect(&behind).expect("the site is there");
                far.write_all(&begin).expect("the site listens");
                let (mut there, mut back) =
                    (near.try_clone().expect("a handle"), far.try_clone().expect("a handle"));
                std::thread::spawn(move || std::io::copy(&mut there, &mut far));
                std::thread::spawn(move || std::io::copy(&mut back, &mut near));
            }
        });
        Self { url: format!("http://127.0.0.1:{port}"), port, thread: Some(thread) }
    }
}

impl Drop for Before {
    fn drop(&mut self) {
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A sign-in takes its time, and a file can be another one afterwards.
#[test]
fn a_plan_that_changes_after_it_was_compared_with_its_pin_is_not_carried_out() {
    let site = modernized(CANCEL);
    pinned(&site, "");
    let path = site.folder.path().join("p.plan.yaml");
    let text = std::fs::read_to_string(&path).expect("it is there");
    let other = text.replace("failover: on_approval", "failover: automatic");
    assert_ne!(text, other);
    let before = Before::of(&site, move || std::fs::write(path, other).expect("written"));
    let ended = site.run_with(&SERVED, &[("FAILBACK_AZURE_ENDPOINT", before.url.as_str())]);
    assert_eq!(ended.exit, 1, "{}", ended.said());
    assert!(ended.err.contains("the plan was changed while the drill began"), "{}", ended.said());
    assert_eq!(site.orders(), 0, "{:?}", site.handle.counts());
    assert_eq!(site.run(&["runs", "--format", "json"]).json()["runs"], serde_json::json!([]));
    assert_eq!(last(&site)["state"], "failed");
}
