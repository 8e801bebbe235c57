//! The scheduler beside drills that it did not begin, in paused time.

use super::*;

#[tokio::test(start_paused = true)]
async fn drills_go_on_when_the_scheduler_stops_and_the_next_one_knows_them() {
    let bench = Bench::new();
    let running = bench.run(DAILY);
    hours(16).await;
    let order = bench.fake.begun.lock().expect("no panic")[0].0.clone();
    running.stop().await;
    // The drill holds its lock, as its process does.
    let folder = bench.state.make_drill(&order.id).expect("made");
    let lock = Lock::take(&folder).expect("free");
    bench.database().take_drill(&order.id, "sha256:1", None).expect("it has it");
    let running = bench.run(DAILY);
    hours(24).await;
    assert_eq!(bench.fake.dues().len(), 1, "it still runs");
    drop(lock);
    hours(24).await;
    assert_eq!(bench.fake.dues().len(), 2);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_drill_that_a_person_began_keeps_the_same_one_out_and_takes_no_place() {
    let bench = Bench::new();
    bench.shelve(DAILY);
    let service = bench.service(1).expect("nobody has it");
    let running = begin(service, std::future::ready(()));
    hours(10).await;
    let id = crate::id::DrillId::new("by-hand");
    let lock = Lock::take(&bench.state.make_drill(&id).expect("made")).expect("free");
    let plan_path = "/srv/plans/erp.plan.yaml".to_owned();
    let order = Order {
        id,
        plan: plan_path.clone().into(),
        known_as: plan_path,
        drill: "daily".into(),
        due: bench.clock.now(),
        commit: None,
    };
    let by_hand = DrillRow { cause: "person".into(), due_at: None, ..row(&order) };
    bench.database().add_drill(&by_hand).expect("new");
    bench.shelve(&format!("{DAILY}  - {{name: other, kind: readiness, schedule: \"0 4 * * *\"}}\n"));
    hours(8).await;
    let begun: Vec<String> =
        bench.fake.begun.lock().expect("no panic").iter().map(|(order, _)| order.drill.clone()).collect();
    assert_eq!(begun, ["other"], "there is a place, and the same one runs");
    assert_eq!(bench.count(|told| matches!(told, Happening::LeftOut { why: LeftOut::Overlap, .. })), 1);
    drop(lock);
    bench.fake.end(0, 0);
    hours(24).await;
    assert_eq!(bench.fake.begun.lock().expect("no panic").len(), 2, "nobody is at it any more");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_drill_that_dies_with_its_scheduler_before_it_began_is_entered_as_failed() {
    let bench = Bench::new();
    let running = bench.run(DAILY);
    hours(16).await;
    running.stop().await;
    assert_eq!(bench.fake.dues().len(), 1);
    assert_eq!(bench.database().drills().expect("read")[0].verdict, None, "nobody knows yet");
    bench.run(DAILY).stop().await;
    let rows = bench.database().drills().expect("read");
    let [row] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((row.verdict.as_deref(), row.name.as_deref()), (Some("failed"), Some("daily")));
    assert!(row.result.as_ref().is_some_and(|result| result.contains("died before it began")));
    assert_eq!(bench.count(|told| matches!(told, Happening::Ended { lost: Some(_), .. })), 1);
}
