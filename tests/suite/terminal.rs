//! Runs at a terminal: who is asked when, and what is shown on which terminal.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use failback::cli;
use failback::cli::env::Env;
use failback::cli::env::Output;
use failback::clock::FixedClock;
use failback::event::KnownAs;
use failback::event::Outcome;
use failback::event::RunEventKind;
use failback::run::End;
use failback::run::approver::Approver;
use failback::run::approver::Question;
use failback::run::approver::Reply;

use crate::lab::CLASSIC;
use crate::lab::Process;
use crate::lab::world;
use crate::support::CLASSIC_INVENTORY;
use crate::support::CLASSIC_PLAN;
use crate::support::Folder;

/// Counts the questions that stand on a terminal.
#[derive(Clone, Default)]
struct Counts {
    open: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    all: Arc<AtomicUsize>,
}

#[async_trait::async_trait]
impl Approver for Counts {
    async fn ask(&self, _: &Question) -> Reply {
        let open = self.open.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(open, Ordering::SeqCst);
        self.all.fetch_add(1, Ordering::SeqCst);
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        self.open.fetch_sub(1, Ordering::SeqCst);
        Reply::Approved { by: "somebody".into(), known_as: KnownAs::OsUser }
    }

    fn is_at_terminal(&self) -> bool {
        true
    }
}

#[test]
fn a_terminal_is_given_back_between_two_questions() {
    let world = world(CLASSIC.0, CLASSIC.1);
    let counts = Counts::default();
    let ran = world.drive(&world.site(), Process::default().approved_by(counts.clone()));
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Succeeded)), "{}", ran.said());
    assert_eq!(counts.all.load(Ordering::SeqCst), 4, "a commit of each machine is approved");
    assert_eq!(counts.most.load(Ordering::SeqCst), 1);
}

#[test]
fn a_terminal_without_a_cursor_is_told_in_lines() {
    for term in [Some("dumb"), None] {
        let folder = Folder::with(&[
            ("classic.plan.yaml", CLASSIC_PLAN),
            ("classic.inventory.yaml", CLASSIC_INVENTORY),
        ]);
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let clock = FixedClock("2025-06-01T00:00:00Z".parse().expect("a time"));
        let (mut no_out, mut no_err) = (std::io::sink(), std::io::sink());
        let mut env = Env::new(&mut no_out, &mut no_err, folder.path(), Arc::new(clock));
        env.variables.extend(term.map(|term| ("TERM".to_owned(), term.to_owned())));
        env.out = Output::new(&mut out, true);
        env.err = Output::new(&mut err, true);
        let arguments = ["failback", "run", "classic.plan.yaml", "--auto-approve", "--speed", "max"];
        assert_eq!(cli::run(arguments, &mut env).code(), 0);
        drop(env);
        let said = String::from_utf8(out).expect("text");
        assert!(said.contains("4 of 4 machines back on-premises"), "{said}");
    }
}

/// Approves as somebody who is known in one way.
struct KnownBy(KnownAs);

#[async_trait::async_trait]
impl Approver for KnownBy {
    async fn ask(&self, question: &Question) -> Reply {
        if question.step.as_str() == "action/sign" {
            assert_eq!(question.roles, ["dba"]);
        }
        Reply::Approved { by: "alice".into(), known_as: self.0 }
    }
}

#[test]
fn a_role_that_nothing_proves_is_recorded_and_a_claimed_name_never_has_one() {
    let plan = format!(
        "{}actions:\n  - {{name: sign, before: {{phase: commit, of: w1}}, manual: {{prompt: Fine, approvers: [dba]}}}}\n",
        CLASSIC.0
    );
    let world = world(&plan, CLASSIC.1);
    let ran = world.drive(&world.site(), Process::default().approved_by(KnownBy(KnownAs::OsUser)));
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Succeeded)), "{}", ran.said());
    let roles = |asked: &str| {
        ran.events.iter().find_map(|event| match &event.kind {
            RunEventKind::ApprovalGiven { step, unproven_roles, .. } if step.as_str() == asked => {
                Some(unproven_roles.clone())
            }
            _ => None,
        })
    };
    assert_eq!(roles("action/sign"), Some(vec!["dba".to_owned()]));
    assert_eq!(roles("approve_commit/w1"), Some(Vec::new()), "anybody may answer it");
    let ran = world.drive(&world.site(), Process::default().approved_by(KnownBy(KnownAs::Claimed)));
    assert_eq!(ran.end, Ok(End::WaitsForApproval), "{}", ran.said());
    // Whoever takes the run over is asked for the same role.
    let next = Process::after(&ran.events).approved_by(KnownBy(KnownAs::OsUser));
    let ran = world.drive(&world.site(), next);
    assert!(ran.has(|kind| matches!(kind, RunEventKind::ApprovalGiven { unproven_roles, .. } if !unproven_roles.is_empty())));
}

#[cfg(unix)]
#[test]
fn a_second_interrupt_ends_what_an_action_started() {
    use std::io::BufRead as _;
    use std::io::Read as _;
    use std::os::unix::fs::PermissionsExt as _;
    use std::process::Command;
    use std::process::Stdio;
    use std::time::Duration;

    let plan = format!(
        "{CLASSIC_PLAN}actions:\n  - {{name: stay, before: {{phase: reprotect, of: w1}}, run: {{command: [./stay.sh]}}}}\n"
    );
    // It lives until somebody writes to `never`, and `alive` has a writer as long as it lives.
    let script = "#!/bin/sh\n(exec 3> alive; read word < never) &\nwait\n";
    let folder = Folder::with(&[
        ("classic.plan.yaml", &plan),
        ("classic.inventory.yaml", CLASSIC_INVENTORY),
        ("stay.sh", script),
    ]);
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder.path().join("stay.sh"), mode).expect("set");
    for name in ["alive", "never"] {
        let made = Command::new("mkfifo").arg(folder.path().join(name)).status().expect("mkfifo runs");
        assert!(made.success());
    }
    let mut failback = Command::new(env!("CARGO_BIN_EXE_failback"))
        .args(["run", "classic.plan.yaml", "--real-actions"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let id = rustix::process::Pid::from_child(&failback);
    let interrupt = || rustix::process::kill_process(id, rustix::process::Signal::INT).expect("it lives");
    // Opening waits until the action has opened the other end.
    let mut alive = std::fs::File::open(folder.path().join("alive")).expect("opened");
    interrupt();
    let out = std::io::BufReader::new(failback.stdout.take().expect("it is piped"));
    let told = out.lines().any(|line| line.expect("text").contains("Ctrl-C again ends it at once"));
    assert!(told, "the first interrupt says what it waits for");
    interrupt();
    assert_eq!(failback.wait().expect("it ends").code(), Some(130));
    let (ended, ends) = std::sync::mpsc::channel();
    std::thread::spawn(move || ended.send(alive.read(&mut [0])));
    // Only a failure takes so long.
    let read = ends.recv_timeout(Duration::from_secs(60)).expect("no process of the action is left");
    assert_eq!(read.expect("read"), 0);
}
