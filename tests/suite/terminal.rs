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
