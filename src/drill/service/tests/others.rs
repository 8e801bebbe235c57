//! The scheduler beside drills that it did not begin, in paused time.

use super::*;
use crate::event::Journal as _;
use crate::event::RunEvent;
use crate::event::RunEventKind;
use crate::id::RunId;
use crate::journal::DrillEnd;
use crate::journal::RunRecord;

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
    let begun = bench.database().drills().expect("read").remove(0);
    assert_eq!(begun.verdict, None, "nobody knows yet");
    // A database of an older program has this of every drill that had not ended.
    bench.database().stop_was_told(&begun.id, begun.began_at).expect("it is there");
    let running = bench.run(DAILY);
    hours(1).await;
    running.stop().await;
    let rows = bench.database().drills().expect("read");
    let [row] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((row.verdict.as_deref(), row.name.as_deref()), (Some("failed"), Some("daily")));
    assert!(row.result.as_ref().is_some_and(|result| result.contains("died before it began")));
    assert_eq!(bench.count(|told| matches!(told, Happening::Ended { lost: Some(_), .. })), 1);
}

fn is_lost(told: &Happening) -> bool {
    matches!(told, Happening::Ended { lost: Some(_), .. })
}

/// A drill whose scheduler has ended, and which has its plan.
async fn orphan(bench: &Bench) -> DrillId {
    let running = bench.run(DAILY);
    hours(16).await;
    let id = bench.fake.begun.lock().expect("no panic")[0].0.id.clone();
    running.stop().await;
    bench.database().take_drill(&id, "sha256:1", None).expect("it has it");
    id
}

/// Takes the lock of a drill, as its process does.
fn go_on(bench: &Bench, id: &DrillId) -> Lock {
    Lock::take(&bench.state.make_drill(id).expect("made")).expect("free")
}

#[tokio::test(start_paused = true)]
async fn a_drill_that_dies_under_the_next_scheduler_is_told_once_and_again_when_it_dies_again() {
    let bench = Bench::new();
    let id = orphan(&bench).await;
    let lock = go_on(&bench, &id);
    let running = bench.run(DAILY);
    hours(1).await;
    assert_eq!(bench.count(is_lost), 0, "it goes on");
    drop(lock);
    hours(1).await;
    assert_eq!(bench.count(is_lost), 1);
    running.stop().await;
    let running = bench.run(DAILY);
    hours(1).await;
    assert_eq!(bench.count(is_lost), 1, "the next one knows that it was told");
    let lock = go_on(&bench, &id);
    hours(1).await;
    drop(lock);
    hours(1).await;
    assert_eq!(bench.count(is_lost), 2, "somebody went on with it");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_drill_that_died_while_no_scheduler_ran_is_told_by_the_next_one_with_the_plans_known() {
    let bench = Bench::new();
    let id = orphan(&bench).await;
    let service = bench.service(4).expect("nobody has it");
    bench.shelve(DAILY);
    let running = begin(service, std::future::ready(()));
    hours(1).await;
    running.stop().await;
    let told = bench.told.lock().expect("no panic");
    let read = told.iter().rposition(|told| matches!(told, Happening::Read { .. })).expect("they were read");
    let lost = told.iter().position(is_lost).expect("it is told");
    assert!(read < lost, "whom the plan has told is known then");
    assert!(matches!(&told[lost], Happening::Ended { row, .. } if row.id == id && row.ended_at.is_none()));
}

#[tokio::test(start_paused = true)]
async fn a_drill_that_was_stopped_in_order_did_not_die() {
    let bench = Bench::new();
    let id = orphan(&bench).await;
    let run = RunId::new("r1");
    let record = RunRecord {
        id: run.clone(),
        plan: "erp".into(),
        plan_path: "/srv/plans/erp.plan.yaml".into(),
        plan_digest: "sha256:1".into(),
        facts_digest: "sha256:2".into(),
        provider: "emulator".into(),
        options: "{}".into(),
        created_at: bench.clock.now(),
        git_commit: None,
        program: "0.1.0".into(),
        migrated_events: 0,
    };
    let mut database = bench.database();
    database.add_run_of_drill(&record, &id).expect("it had none");
    let mut writer = database.writer(&run).expect("entered");
    let kind = RunEventKind::Interrupted { reason: "waits for an approval".into() };
    writer.append(&RunEvent { run, seq: 1, at: bench.clock.now(), kind }).expect("taken");
    writer.sync().expect("kept");
    drop(writer);
    let running = bench.run(DAILY);
    hours(1).await;
    running.stop().await;
    assert_eq!(bench.count(is_lost), 0);
    let is_stopped =
        |told: &Happening| matches!(told, Happening::Stopped { why, .. } if why == "waits for an approval");
    assert_eq!(bench.count(is_stopped), 1);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_drill_that_another_scheduler_began_is_told() {
    let bench = Bench::new();
    let id = orphan(&bench).await;
    let lock = go_on(&bench, &id);
    let running = bench.run(DAILY);
    hours(1).await;
    let end = DrillEnd { ended_at: bench.clock.now(), verdict: "passed".into(), result: "{}".into() };
    bench.database().end_drill(&id, &end).expect("it had not ended");
    drop(lock);
    hours(1).await;
    running.stop().await;
    assert_eq!(bench.count(is_lost), 0);
    let has_passed = |told: &Happening| matches!(told, Happening::Ended { row, lost: None } if row.verdict.as_deref() == Some("passed"));
    assert_eq!(bench.count(has_passed), 1);
}
