//! The daemon with its dashboard, as a process: drills that it begins, dies of and goes on with, and what it refuses to begin.

use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpStream;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::mpsc::Receiver;

use serde_json::Value;
use serde_json::json;

use crate::support::CLASSIC_INVENTORY;
use crate::support::CLASSIC_PLAN;
use crate::support::Folder;

const DRILLS: &str = "drills:\n  - {name: monthly, kind: rehearsal}\n  - {name: look, kind: readiness}\n";
const SETTINGS: &str = "kind: Settings\nversion: 1\nplans: [plans]\nserve: {listen: 127.0.0.1:0}\n";

fn git(folder: &Folder, words: &[&str]) {
    let mut command = Command::new("git");
    command.current_dir(folder.path()).args(["-c", "user.name=t", "-c", "user.email=t@example"]).args(words);
    let ended = command.output().expect("git runs");
    assert!(ended.status.success(), "{words:?}: {ended:?}");
}

/// A repository whose commit has a plan.
fn repository() -> Folder {
    let plan = format!("{CLASSIC_PLAN}\n{DRILLS}");
    let folder = Folder::with(&[
        ("plans/classic.plan.yaml", &plan),
        ("plans/classic.inventory.yaml", CLASSIC_INVENTORY),
        ("failback.yaml", SETTINGS),
    ]);
    git(&folder, &["init", "-q", "-b", "main"]);
    git(&folder, &["add", "plans"]);
    git(&folder, &["commit", "-q", "-m", "plans"]);
    folder
}

/// A daemon with a dashboard, which is ended with the test.
struct Daemon {
    child: Child,
    address: String,
    token: String,
    /// What it says after it told where it is.
    said: Receiver<String>,
}

impl Daemon {
    fn begin(folder: &Folder, flags: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_failback"))
            .arg("serve")
            .args(flags)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
        let mut told = |what: &str| {
            let line = lines.next().expect("it says where it is");
            line.strip_prefix(what).unwrap_or_else(|| panic!("{line}")).to_owned()
        };
        let address = told("dashboard: http://");
        let token = std::fs::read_to_string(told("token: in ")).expect("the token is there");
        // What nobody reads it says all the same.
        let (say, said) = std::sync::mpsc::channel();
        std::thread::spawn(move || lines.for_each(|line| drop(say.send(line))));
        Self { child, address, token: token.trim().to_owned(), said }
    }

    /// Asks, and returns the status and the JSON of the answer.
    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        let body = body.map(Value::to_string).unwrap_or_default();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            self.address,
            self.token,
            body.len()
        );
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let text = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let json = text.find('{').zip(text.rfind('}')).map(|(from, to)| &text[from..=to]);
        (status, json.and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null))
    }

    fn start(&self, drill: &Value) -> (u16, Value) {
        self.ask("POST", "/api/v1/drills", Some(drill))
    }

    /// Asks it to end.
    #[cfg(unix)]
    fn terminate(&self) {
        signal("-TERM", self.child.id());
    }

    /// Returns its exit code, when it has ended.
    fn exit(&mut self) -> Option<i32> {
        self.child.wait().expect("it ends").code()
    }

    /// Waits until it says something.
    fn wait_for(&self, words: &str) {
        while !self.said.recv().expect("it says so before it ends").contains(words) {}
    }

    /// Returns a drill that was begun, as soon as it is as it is waited for.
    fn drill(&self, id: &str, is: impl Fn(&Value) -> bool) -> Value {
        loop {
            let (status, listed) = self.ask("GET", "/api/v1/drills", None);
            assert_eq!(status, 200, "{listed}");
            let past = listed["past"].as_array().expect("a list").iter();
            if let Some(drill) = past.clone().find(|drill| drill["id"] == id && is(drill)) {
                return drill.clone();
            }
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // One that has ended is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_reference_that_names_nothing_begins_no_daemon() {
    let folder = repository();
    let serve = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_failback"));
        command.arg("serve").args(words).current_dir(folder.path()).output().expect("the program starts")
    };
    let ended = serve(&["--no-web", "--git-ref", "nope"]);
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(2), "{said}");
    assert!(said.contains("`nope` names none") && said.contains("--git-ref"), "{said}");
    std::fs::remove_dir_all(folder.path().join(".git")).expect("removed");
    let ended = serve(&["--no-web", "--git-ref", "main"]);
    assert_eq!(ended.status.code(), Some(2), "there is no repository: {ended:?}");
}

#[test]
fn what_can_not_be_begun_is_refused_before_there_is_a_process() {
    let folder = repository();
    std::fs::remove_file(folder.path().join("plans/classic.plan.yaml")).expect("removed");
    let daemon = Daemon::begin(&folder, &["--git-ref", "main"]);
    // The daemon listens before it has read the commit.
    let plans = loop {
        let (_, plans) = daemon.ask("GET", "/api/v1/plans", None);
        if plans["plans"].as_array().is_none_or(|plans| !plans.is_empty()) {
            break plans;
        }
    };
    let plan = &plans["plans"][0];
    assert_eq!(
        (&plan["key"], &plan["path"], &plan["drills"]),
        (&"classic".into(), &"plans/classic.plan.yaml".into(), &json!(["monthly", "look"])),
        "the plan of the commit is listed, although no file has it: {plans}"
    );
    let (status, page) = daemon.ask("GET", "/api/v1/plans/classic", None);
    assert_eq!((status, page["plan"].is_object()), (200, true), "{page}");
    for (drill, wanted, word) in [
        (json!({"plan": "nope"}), 404, "no such plan"),
        (json!({"plan": "classic", "drill": "nope"}), 404, "no drill `nope`"),
        (json!({"plan": "classic", "drill": "a\u{0}b"}), 400, "control characters"),
        (json!({"plan": "a\u{0}b"}), 400, "control characters"),
        (json!({"plan": "classic", "drill": "look", "speed": "60"}), 400, "is about rehearsals"),
        (json!({"plan": "classic", "drill": "look", "ask": true}), 400, "is about rehearsals"),
    ] {
        let (status, told) = daemon.start(&drill);
        assert_eq!(status, wanted, "{drill}: {told}");
        let message = told["error"]["message"].as_str().expect("a sentence");
        assert!(message.contains(word), "{drill}: {message}");
    }
    assert_eq!(daemon.ask("POST", "/api/v1/runs/nope/resume", None).0, 404);
    let (_, listed) = daemon.ask("GET", "/api/v1/drills", None);
    assert_eq!(listed["past"], json!([]), "nothing was begun");
    let (status, begun) = daemon.start(&json!({"plan": "classic", "drill": "monthly", "speed": "max"}));
    assert_eq!(status, 202, "{begun}");
    let id = begun["drill"].as_str().expect("an id");
    let ended = daemon.drill(id, |drill| !drill["ended_at"].is_null());
    assert_eq!(ended["state"], "passed", "{ended}");
    let run = ended["run"].as_str().expect("it made one");
    let (status, told) = daemon.ask("POST", &format!("/api/v1/runs/{run}/resume"), None);
    assert_eq!(status, 409, "{told}");
    assert!(told["error"]["message"].as_str().is_some_and(|told| told.contains("has ended")), "{told}");
}

#[cfg(unix)]
fn signal(signal: &str, process: u32) {
    let sent = Command::new("kill").args([signal, &process.to_string()]).status().expect("kill runs");
    assert!(sent.success());
}

/// Returns the process that carries a drill out.
#[cfg(target_os = "linux")]
fn process_of(id: &str) -> Option<u32> {
    let flag = format!("--id={id}");
    let processes = std::fs::read_dir("/proc").expect("it can be listed").map_while(Result::ok);
    let mut numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    numbers.find(|number| {
        let line = std::fs::read(format!("/proc/{number}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).any(|word| word == flag.as_bytes())
    })
}

#[cfg(target_os = "linux")]
#[test]
fn a_drill_that_the_daemon_began_goes_on_after_it_was_killed_and_nobody_is_asked() {
    let folder = repository();
    let daemon = Daemon::begin(&folder, &[]);
    let (status, begun) = daemon.start(&json!({"plan": "classic", "drill": "monthly", "speed": "500"}));
    assert_eq!(status, 202, "{begun}");
    let id = begun["drill"].as_str().expect("an id");
    let drill = daemon.drill(id, |drill| drill["run"].is_string());
    let run = drill["run"].as_str().expect("it was waited for").to_owned();
    let process = process_of(id).expect("it goes on");
    signal("-KILL", process);
    daemon.drill(id, |drill| drill["state"] == "died");
    let resume = format!("/api/v1/runs/{run}/resume");
    let (status, told) = daemon.ask("POST", &resume, None);
    assert_eq!(status, 202, "{told}");
    let ended = daemon.drill(id, |drill| !drill["ended_at"].is_null());
    assert_eq!(ended["run"], run.as_str(), "{ended}");
    let state = &ended["state"];
    assert!(state == "passed" || state == "degraded", "this machine may be slow: {ended}");
    assert_eq!(daemon.ask("POST", &resume, None).0, 409);
}

/// In a container the drills end with the daemon, so that it has to wait for them.
#[cfg(target_os = "linux")]
#[test]
fn a_daemon_that_waits_ends_with_the_drills_that_it_began_or_when_it_is_asked_again() {
    let folder = repository();
    // In real time, it takes hours.
    let long = json!({"plan": "classic", "drill": "monthly", "speed": "1"});
    let begin = |daemon: &Daemon| {
        let (status, begun) = daemon.start(&long);
        assert_eq!(status, 202, "{begun}");
        let id = begun["drill"].as_str().expect("an id").to_owned();
        daemon.drill(&id, |drill| drill["run"].is_string());
        process_of(&id).expect("it goes on")
    };
    let mut daemon = Daemon::begin(&folder, &["--wait"]);
    let first = begin(&daemon);
    daemon.terminate();
    daemon.wait_for("asked to end: waits for 1 drill");
    let (status, refused) = daemon.start(&long);
    assert_eq!(status, 503, "{refused}");
    assert!(
        refused["error"]["message"].as_str().is_some_and(|told| told.contains("about to end")),
        "{refused}"
    );
    signal("-KILL", first);
    assert_eq!(daemon.exit(), Some(0));

    let mut daemon = Daemon::begin(&folder, &["--wait"]);
    let second = begin(&daemon);
    daemon.terminate();
    daemon.wait_for("asked to end");
    daemon.terminate();
    assert_eq!(daemon.exit(), Some(0));
    signal("-KILL", second);
}
