//! What a run says at its end and after an interruption.

use failback::event::Outcome;
use failback::event::RunEventKind;
use failback::event::RunStatus;
use failback::id::RunId;
use failback::id::StepId;
use failback::report::Look;
use failback::report::phase::Phase;
use failback::report::summary;
use indicatif::TermLike as _;

use crate::report::play::Play;
use crate::report::play::an_eventful_run;
use crate::report::play::names;

#[test]
fn a_run_that_is_interrupted_at_a_question_goes_on_below_it() {
    let mut play = Play::classic();
    let look = Look { asks_here: true, ..Look::default() };
    let terminal = play.bar_of(40, 120, Vec::new(), look);
    play.start();
    play.go(&["approve_commit/w1", "approve_commit/w2"]);
    play.tick(&[]);
    assert!(terminal.contents().contains('━'), "{}", terminal.contents());
    play.say(RunEventKind::ApprovalAsked {
        step: StepId::new("approve_commit/w1"),
        prompt: "Commit w1?".into(),
        roles: Vec::new(),
        deadline: None,
        on_timeout: None,
    });
    play.pause(true);
    assert!(!terminal.contents().contains("Commit w1?"), "who asks says so: {}", terminal.contents());
    terminal.write_str("yes or no? ^C").expect("written");
    play.say(RunEventKind::Interrupted { reason: "asked to stop".into() });
    let text = terminal.contents();
    assert!(text.lines().any(|line| line == "yes or no? ^C"), "{text}");
    assert!(text.lines().any(|line| line == "next      failback approve r1 approve_commit/w1"), "{text}");
    assert!(!text.contains('━'), "what was true before is taken away: {text}");
}

#[test]
fn what_is_to_be_typed_next_has_the_flags_that_it_needs() {
    let mut play = Play::classic();
    play.start();
    play.go(&["reprotect"]);
    play.say(RunEventKind::Interrupted { reason: "asked to stop".into() });
    let ended = summary(&RunId::new("r1"), &play.state).typed_with(" --state-dir /srv/runs");
    assert_eq!(ended.next(), ["failback resume r1 --state-dir /srv/runs"]);
}

#[test]
fn a_summary_tells_what_came_back_and_what_to_do_next() {
    let mut play = Play::classic();
    an_eventful_run(&mut play);
    let run = RunId::new("r1");
    let going = summary(&run, &play.state);
    assert!(going.next().is_empty(), "a run that goes on needs nothing");
    assert_eq!((going.back, going.open.len()), (1, 2));
    play.answers_to("approve_commit/w3", "Commit w3?");
    play.go(&[]);
    let ended = summary(&run, &play.state);
    assert_eq!((ended.machines, ended.back), (4, 2));
    assert_eq!((ended.failed, ended.left_out), (vec!["w2".to_owned()], vec!["l1".to_owned()]));
    assert_eq!(ended.retries, 1);
    assert!(
        ended
            .approvals
            .iter()
            .all(|approval| approval.approved && approval.by == "alice" && approval.waited.0 >= 120)
    );
    let reprotect = ended.phases.iter().find(|phase| phase.phase == Phase::Reprotect).expect("it took time");
    assert_eq!(reprotect.longest.as_str(), "await_protected/w1");
}

#[test]
fn a_long_run_is_shown_without_looking_at_everything_each_time() {
    // Ticks are many more than steps that may be looked at in a reasonable time: the display skips, and is right at the end.
    let mut play = Play::planned("execution: {max_parallel: 1000}", &names(50));
    let terminal = play.bar(60, 100);
    play.start();
    play.go(&["await_protected/vm49"]);
    for _ in 0..100 {
        play.tick(&[play.progress("await_protected/vm49", 0.5, "")]);
    }
    assert!(terminal.contents().contains("vm49"), "{}", terminal.contents());
    play.go(&[]);
    assert_eq!(play.state.status(), RunStatus::Finished(Outcome::Succeeded));
    let text = terminal.contents();
    assert!(text.contains("50 of 50 machines back on-premises"), "{text}");
    assert!(!text.contains('━'), "{text}");
}
