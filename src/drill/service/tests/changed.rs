//! The scheduler over changed plans, in paused time.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_schedule_that_changes_means_nothing_for_what_is_past() {
    let bench = Bench::new();
    let running = bench.run(DAILY);
    hours(6).await;
    bench.shelve(&DAILY.replace("0 3 * * *", "0 */4 * * *"));
    hours(1).await;
    assert_eq!(bench.fake.dues(), [""; 0], "four o'clock in the afternoon is past");
    hours(2).await;
    assert_eq!(bench.fake.dues(), ["2026-11-22T20:00:00Z"]);
    bench.shelve("  - {name: manual, kind: readiness}\n");
    hours(48).await;
    assert_eq!(bench.fake.dues().len(), 1, "it is gone");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_plan_with_a_mistake_keeps_its_drills() {
    let bench = Bench::new();
    let running = bench.run(DAILY);
    hours(1).await;
    let known_as = "/srv/plans/erp.plan.yaml".to_owned();
    let mistake = Mistake { path: known_as.clone().into(), known_as, message: "line 3: unknown key".into() };
    *bench.shelf.0.lock().expect("no panic") =
        Some(Found { plans: Vec::new(), mistakes: vec![mistake], commit: None });
    hours(16).await;
    assert_eq!(bench.count(|told| matches!(told, Happening::Mistaken(_))), 1);
    assert_eq!(bench.fake.dues(), ["2026-11-23T03:00:00Z"]);
    running.stop().await;
}

/// Puts what a test says in place of the drills, and has the scheduler see that.
async fn shelve_and_see(bench: &Bench, drills: &str) {
    bench.shelve(drills);
    hours(1).await;
}

const NONE: &str = "  - {name: manual, kind: readiness}\n";

#[tokio::test(start_paused = true)]
async fn nothing_was_missed_of_a_drill_that_was_out_of_its_plan() {
    let bench = Bench::new();
    let running = bench.run(DAILY);
    hours(1).await;
    shelve_and_see(&bench, NONE).await;
    hours(72).await;
    shelve_and_see(&bench, DAILY).await;
    assert_eq!(bench.fake.dues(), [""; 0], "it is two in the afternoon");
    shelve_and_see(&bench, NONE).await;
    running.stop().await;
    hours(48).await;
    // It comes back while nothing runs, and before that a scheduler saw the plan without it.
    let running = bench.run(DAILY);
    hours(1).await;
    assert_eq!(bench.fake.dues(), [""; 0]);
    hours(24).await;
    assert_eq!(bench.fake.dues().len(), 1, "it is due like any other");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_can_not_be_read_at_first_has_missed_what_it_missed() {
    let bench = Bench::new();
    bench.run(DAILY).stop().await;
    let running = bench.run(DAILY);
    hours(1).await;
    running.stop().await;
    hours(24).await;
    let known_as = "/srv/plans/erp.plan.yaml".to_owned();
    let mistake = Mistake { path: known_as.clone().into(), known_as, message: "line 3: unknown key".into() };
    let service = bench.service(4).expect("nobody has it");
    *bench.shelf.0.lock().expect("no panic") =
        Some(Found { plans: Vec::new(), mistakes: vec![mistake], commit: None });
    let running = begin(service, std::future::ready(()));
    hours(1).await;
    shelve_and_see(&bench, DAILY).await;
    assert_eq!(bench.fake.dues(), ["2026-11-23T03:00:00Z"], "it was due, and nothing ran");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_schedule_that_changed_while_nothing_ran_means_nothing_for_what_is_past() {
    let bench = Bench::new();
    let running = bench.run(DAILY);
    hours(1).await;
    running.stop().await;
    hours(3).await;
    let other = DAILY.replace("0 3 * * *", "0 15 * * *");
    let running = bench.run(&other);
    hours(1).await;
    assert_eq!(bench.fake.dues(), [""; 0], "three in the afternoon was not its time then");
    running.stop().await;
    hours(24).await;
    let running = bench.run(&other.replace("readiness", "rehearsal"));
    hours(1).await;
    assert_eq!(bench.fake.dues(), ["2026-11-23T15:00:00Z"], "it is due as it was, whatever it does then");
    running.stop().await;
}
