//! Drills at the command line: the list of them, schedules for others, and the daemon as a process.

use std::io::BufRead as _;
use std::io::BufReader;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

use crate::support::Folder;

const PLAN: &str = "\
kind: RecoveryPlan
version: 1
name: erp
machines: [w1]
drills:
  - {name: weekly, kind: readiness, schedule: \"0 3 * * SUN\", timezone: Asia/Seoul}
  - {name: taste, kind: live, machines: [w1]}
";

const SETTINGS: &str = "kind: Settings\nversion: 1\nplans: [dr]\n";

fn folder() -> Folder {
    Folder::with(&[("dr/erp.plan.yaml", PLAN), ("failback.yaml", SETTINGS)])
}

#[test]
fn drills_are_listed_with_their_next_times() {
    let folder = folder();
    insta::assert_snapshot!(folder.run(&["drills"]).said(), @r"
    exit 0
    --- out
    plan  drill   kind       next                  last   verdict
    erp   weekly  readiness  2025-06-08 03:00 KST  never  not exercised
    erp   taste   live       by hand               never  not exercised
    ");
    let json = folder.run(&["drills", "dr/erp.plan.yaml", "--format", "json"]).json();
    assert_eq!(json["version"], 1);
    let weekly = &json["drills"][0];
    assert_eq!((&weekly["drill"], &weekly["next_at"]), (&"weekly".into(), &"2025-06-07T18:00:00Z".into()));
    assert!(
        weekly["last"].is_null()
            && weekly["plan_path"].as_str().is_some_and(|path| path.ends_with("dr/erp.plan.yaml"))
    );
}

#[test]
fn what_can_not_be_listed_is_told() {
    let folder = Folder::with(&[("plans/erp.plan.yaml", &PLAN.replace("name: taste", "nmae: taste"))]);
    let ended = folder.run(&["drills"]);
    assert!(ended.exit == 1 && ended.err.contains("erp.plan.yaml`: line 7: "), "{}", ended.said());
    let ended = folder.run(&["drills", "none"]);
    assert_eq!((ended.exit, ended.err.as_str()), (2, "error: `none` does not exist\n"));
    let ended = folder.run(&["schedule", "none", "--format", "cron"]);
    assert_eq!((ended.exit, ended.err.as_str()), (2, "error: `none` does not exist\n"));
    let ended = folder.run(&["drills", "--settings", "none.yaml"]);
    assert!(ended.exit == 2 && ended.err.contains("--settings FILE"), "{}", ended.said());
}

#[test]
fn other_schedulers_are_told_what_they_can_be_told() {
    let folder = folder();
    let systemd = folder.run(&["schedule", "dr", "--format", "systemd"]);
    assert!(
        systemd.exit == 0 && systemd.out.contains("OnCalendar=Sun *-*-* 3:0:00 Asia/Seoul\n"),
        "{}",
        systemd.said()
    );
    // Who begins them elsewhere on this machine looks for the records of this folder.
    let cron = folder.run(&["schedule", "dr", "--format", "cron"]);
    let state = folder.path().join(".failback");
    assert!(cron.exit == 0 && cron.out.contains(&*state.to_string_lossy()), "{}", cron.said());
    let kubernetes = folder.run(&["schedule", "dr", "--format", "kubernetes-cronjob"]);
    assert!(
        kubernetes.exit == 0 && !kubernetes.out.contains(&*folder.path().to_string_lossy()),
        "{}",
        kubernetes.said()
    );
    let github = folder.run(&["schedule", "dr", "--format", "github"]);
    assert!(github.exit == 0 && github.out.contains("- cron: 0 18 * * 6\n"), "{}", github.said());
    folder.write("dr/erp.plan.yaml", PLAN.replace("Asia/Seoul", "Europe/Berlin").as_bytes());
    let refused = folder.run(&["schedule", "dr", "--format", "github"]);
    assert!(
        refused.exit == 1 && refused.err.contains("clocks of Europe/Berlin change"),
        "{}",
        refused.said()
    );
    folder.write("dr/erp.plan.yaml", b"kind: RecoveryPlan\nversion: 1\nname: erp\nmachines: [w1]\n");
    let nothing = folder.run(&["schedule", "dr", "--format", "cron"]);
    assert!(
        nothing.exit == 2 && nothing.err.contains("no drill of these plans has a schedule"),
        "{}",
        nothing.said()
    );
}

/// A daemon that is ended with the test.
struct Daemon {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Daemon {
    fn begin(folder: &Folder) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_failback"))
            .args(["serve", "--no-web"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        Self { child, lines }
    }

    /// Returns the next line that it says, when it says it.
    fn line(&mut self) -> String {
        self.lines.next().expect("it says something").expect("text")
    }

    /// Asks it to end, and returns its exit code.
    fn end(&mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().expect("kill runs").success());
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // One that has ended is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(unix)]
#[test]
fn one_daemon_has_a_state_directory_and_ends_when_it_is_asked_to() {
    let folder = folder();
    let mut daemon = Daemon::begin(&folder);
    let line = daemon.line();
    assert!(line.ends_with("Z 1 plan with 1 scheduled drill"), "{line}");
    let second = Command::new(env!("CARGO_BIN_EXE_failback"))
        .args(["serve", "--no-web"])
        .current_dir(folder.path())
        .output()
        .expect("the program starts");
    assert_eq!(second.status.code(), Some(5), "{second:?}");
    assert_eq!(daemon.end(), Some(0));
    let mut next = Daemon::begin(&folder);
    assert!(next.line().ends_with("1 scheduled drill"));
    assert_eq!(next.end(), Some(0));
}

#[test]
fn settings_with_mistakes_begin_no_daemon() {
    let folder = Folder::with(&[("failback.yaml", "kind: Settings\nversion: 1\nserv: {}\n")]);
    let ended = folder.run(&["serve"]);
    assert!(ended.exit == 1 && ended.err.contains("did you mean `serve`"), "{}", ended.said());
    assert!(!folder.path().join(".failback").exists());
    let ended = Folder::with(&[]).run(&["serve"]);
    assert!(ended.exit == 2 && ended.err.contains("failback.yaml"), "{}", ended.said());
}

#[test]
fn a_notice_whose_secret_is_missing_begins_no_daemon() {
    let settings = "kind: Settings\nversion: 1\nnotify: [{events: [failure], webhook: {url: \"https://h.example\", secret_file: none}}]\n";
    let folder = Folder::with(&[("failback.yaml", settings)]);
    let ended = folder.run(&["serve"]);
    assert!(ended.exit == 2 && ended.err.contains("can't prepare to send notices: `"), "{}", ended.said());
}

#[cfg(unix)]
#[test]
fn a_drill_that_died_while_no_daemon_ran_is_told_before_the_next_one_ends() {
    use failback::id::DrillId;
    use failback::journal::Database;
    use failback::journal::DrillRow;
    use failback::journal::StateDir;

    let notify = "notify: [{events: [drill_failed], command: [sh, -c, \"cat > told.json\"]}]\n";
    let folder =
        Folder::with(&[("dr/erp.plan.yaml", PLAN), ("failback.yaml", &format!("{SETTINGS}{notify}"))]);
    let root = folder.path().canonicalize().expect("there");
    let state = StateDir::create(&root.join(".failback")).expect("made");
    let id = DrillId::new("by-hand");
    let drill = DrillRow {
        id: id.clone(),
        plan: "erp".into(),
        plan_path: root.join("dr/erp.plan.yaml").to_string_lossy().into_owned(),
        name: Some("taste".into()),
        kind: "live".into(),
        cause: "person".into(),
        due_at: None,
        began_at: "2026-01-01T00:00:00Z".parse().expect("a time"),
        ended_at: None,
        run: None,
        git_commit: None,
        plan_digest: Some("sha256:1".into()),
        verdict: None,
        result: None,
    };
    let mut database = Database::open(&state.database()).expect("opened");
    database.add_drill(&drill).expect("new");
    let mut daemon = Daemon::begin(&folder);
    assert!(daemon.line().ends_with("1 plan with 1 scheduled drill"));
    let died = daemon.line();
    assert!(died.ends_with(" erp: drill taste died (by-hand): its process died"), "{died}");
    assert_eq!(daemon.end(), Some(0));
    let told = std::fs::read_to_string(folder.path().join("told.json")).expect("the command was told");
    let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!(
        (&told["event"], &told["drill"]["verdict"]),
        (&"drill_failed".into(), &"died".into()),
        "{told}"
    );
    assert!(database.told_stops().expect("read").contains(&id), "the next one tells of it no more");
}

/// A daemon of a plan that can be exercised, whose drill was due while nothing ran.
#[cfg(unix)]
#[test]
fn a_drill_that_was_missed_is_begun_and_its_outcome_is_listed() {
    use failback::journal::Database;
    use failback::journal::StateDir;

    use crate::support::CLASSIC_INVENTORY;
    use crate::support::CLASSIC_PLAN;

    let plan =
        format!("{CLASSIC_PLAN}\ndrills:\n  - {{name: daily, kind: rehearsal, schedule: \"0 3 * * *\"}}\n");
    let settings = "kind: Settings\nversion: 1\nnotify: [{events: [drill_passed, drill_failed], command: [sh, -c, \"cat > told.json\"]}]\n";
    let folder = Folder::with(&[
        ("plans/classic.plan.yaml", &plan),
        ("plans/classic.inventory.yaml", CLASSIC_INVENTORY),
        ("failback.yaml", settings),
    ]);
    let root = folder.path().canonicalize().expect("there");
    let state = StateDir::create(&root.join(".failback")).expect("made");
    let mut database = Database::open(&state.database()).expect("opened");
    let path = root.join("plans/classic.plan.yaml");
    let long_ago = "2026-01-01T00:00:00Z".parse().expect("a time");
    let handled = failback::journal::Handled { until: long_ago, timetable: None };
    database.set_handled(&path.to_string_lossy(), "daily", &handled).expect("written");
    drop(database);
    let mut daemon = Daemon::begin(&folder);
    assert!(daemon.line().ends_with("1 plan with 1 scheduled drill"));
    let begins = daemon.line();
    assert!(
        begins.contains(" classic: drill daily begins as ") && begins.contains("which was missed"),
        "{begins}"
    );
    let ended = daemon.line();
    assert!(
        ended.contains(" classic: drill daily passed (")
            || ended.contains(" classic: drill daily degraded ("),
        "{ended}"
    );
    assert_eq!(daemon.end(), Some(0));
    let listed = folder.run(&["drills", "--format", "json"]).json();
    let last = &listed["drills"][0]["last"];
    assert_eq!(last["cause"], "schedule", "{listed}");
    assert!(
        last["run"].is_string() && ["passed", "degraded"].contains(&last["state"].as_str().expect("a word"))
    );
    let told = std::fs::read_to_string(folder.path().join("told.json")).expect("the command was told");
    let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!((&told["rehearsal"], &told["drill"]["id"]), (&true.into(), &last["id"]));
    assert!(told["run"]["head"].is_string(), "{told}");
}
