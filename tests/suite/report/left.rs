//! How much of a run is done, and the time that is left.

use std::collections::HashMap;
use std::sync::Arc;

use failback::graph::StepIndex;
use failback::graph::StepKind;
use failback::report::Look;
use failback::report::eta;
use jiff::SignedDuration;

use crate::report::play::Play;
use crate::report::play::names;

#[test]
fn the_time_left_is_the_longest_way() {
    let mut play = Play::classic();
    play.start();
    let graph = Arc::clone(play.state.graph());
    let weights: Vec<f64> = graph
        .steps()
        .iter()
        .map(|step| match (step.kind, step.id.as_str()) {
            (_, "await_protected/w3") => 7200.0,
            (StepKind::AwaitProtected, _) => 3600.0,
            (StepKind::Failover, _) => 600.0,
            (_, "verify/w1") => 900.0,
            _ => 0.0,
        })
        .collect();
    let left = |play: &Play, done: &[(&str, f64)]| {
        let done: HashMap<StepIndex, f64> =
            done.iter().map(|(step, done)| (play.index(step), *done)).collect();
        eta::remaining(&play.state, &weights, play.now, &done)
    };
    let close = |left: f64, expected: f64| assert!((left - expected).abs() < 1.0, "{left} is not {expected}");
    // The slowest protection, then the barrier, a failover, and the longest verification: all machines fail over after the barrier.
    close(left(&play, &[]), 7200.0 + 600.0 + 900.0);
    play.go(&["await_protected"]);
    let began = |play: &Play| play.state.step(play.index("await_protected/w3")).started_at.expect("it runs");
    play.now = began(&play) + SignedDuration::from_mins(30);
    // Without a word of how far it is, time passes.
    close(left(&play, &[]), 5400.0 + 1500.0);
    // A step that is faster than was thought moves the end: half done in 30 minutes, so 30 to 90 minutes are left.
    let half = left(&play, &[("await_protected/w3", 0.5)]);
    close(half, f64::midpoint(1800.0, 5400.0) + 1500.0);
    // Machines that share a line are slow at first, and what is left grows less all the same.
    let mut before = f64::INFINITY;
    for (minutes, done) in [(15, 0.05), (30, 0.1), (60, 0.3), (90, 0.6), (110, 0.9)] {
        play.now = began(&play) + SignedDuration::from_mins(minutes);
        let after = left(&play, &[("await_protected/w3", done)]);
        assert!(after < before, "{after} s are left after {minutes} minutes, {before} s before");
        before = after;
    }
    play.now = began(&play) + SignedDuration::from_mins(30);
    play.done("await_protected/w3");
    // Now the protection that began last is the slowest; some of its hour has passed.
    let l1 = play.state.step(play.index("await_protected/l1")).started_at.expect("it runs");
    let passed = (play.now.duration_since(l1)).as_secs_f64();
    close(left(&play, &[]), 3600.0 - passed + 1500.0);
    play.go(&[]);
    close(left(&play, &[]), 0.0);
}

#[test]
fn so_many_operations_take_their_time_however_short_the_longest_way() {
    let mut play = Play::planned("execution: {max_parallel: 2}", &names(10));
    play.start();
    let kind = |step: &failback::graph::Step| if step.kind == StepKind::Failover { 600.0 } else { 0.0 };
    let weights: Vec<f64> = play.state.graph().steps().iter().map(kind).collect();
    let left = eta::remaining(&play.state, &weights, play.now, &HashMap::new());
    assert!((left - 10.0 * 600.0 / 2.0).abs() < 1.0, "{left}");
}

#[test]
fn the_bar_counts_weights_and_says_what_is_left() {
    let mut play = Play::classic();
    let weights: Vec<f64> = play
        .state
        .graph()
        .steps()
        .iter()
        .map(|step| if step.kind == StepKind::AwaitProtected { 3600.0 } else { 0.0 })
        .collect();
    let terminal = play.bar_of(30, 100, weights, Look::default());
    play.start();
    play.go(&["await_protected"]);
    for machine in ["w1", "w2"] {
        play.done(&format!("await_protected/{machine}"));
    }
    play.now = play.state.step(play.index("await_protected/l1")).started_at.expect("it runs");
    play.now += SignedDuration::from_mins(30);
    play.tick(&[play.progress("await_protected/l1", 0.5, "")]);
    let text = terminal.contents();
    let whole = text.lines().find(|line| line.contains('━')).expect("the whole has a bar");
    // Two of four, and half of one, are 62.5 %.
    assert!(whole.starts_with(" 62% ") && whole.ends_with("━━━━━━━━━━━━━━━━━━━━────────────"), "{text}");
    assert!(whole.contains(" gone, about ") && whole.contains(" left "), "{text}");
}
