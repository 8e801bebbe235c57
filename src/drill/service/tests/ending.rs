//! The scheduler that is asked to end while drills run, in paused time.

use super::*;

const BOTH: &str = "  - {name: daily, kind: readiness, schedule: \"0 3 * * *\"}\n  - {name: other, kind: readiness, schedule: \"0 5 * * *\"}\n";

#[tokio::test(start_paused = true)]
async fn one_that_waits_begins_nothing_more_and_ends_with_the_last_drill() {
    let bench = Bench::new();
    let Running { stop, task } = bench.run_with_patience(BOTH, std::future::pending());
    hours(16).await;
    stop.send(()).expect("it runs");
    hours(4).await;
    assert!(!task.is_finished(), "the drill goes on");
    assert_eq!(bench.fake.dues(), ["2026-11-23T03:00:00Z"], "five o'clock has passed");
    assert_eq!(bench.count(|told| matches!(told, Happening::Waiting { drills: 1 })), 1);
    bench.fake.end(0, 2);
    task.await.expect("no panic").expect("it goes well");
    assert_eq!(bench.count(|told| matches!(told, Happening::Ended { .. })), 1, "its end is told");
    let running = bench.run(BOTH);
    hours(1).await;
    running.stop().await;
    assert_eq!(bench.fake.dues()[1..], ["2026-11-23T05:00:00Z"], "what was due then was missed");
}

#[tokio::test(start_paused = true)]
async fn one_that_is_asked_again_ends_at_once_and_its_drills_go_on() {
    let bench = Bench::new();
    let (hurry, hurried) = oneshot::channel::<()>();
    let Running { stop, task } = bench.run_with_patience(DAILY, async {
        let _ = hurried.await;
    });
    hours(16).await;
    stop.send(()).expect("it runs");
    hours(1).await;
    assert!(!task.is_finished());
    hurry.send(()).expect("it waits");
    task.await.expect("no panic").expect("it goes well");
    assert_eq!(bench.database().drills().expect("read")[0].ended_at, None, "nobody ended it");
}

#[tokio::test(start_paused = true)]
async fn one_that_has_nothing_to_wait_for_ends_at_once_and_says_nothing_of_waiting() {
    let bench = Bench::new();
    let running = bench.run_with_patience(DAILY, std::future::pending());
    hours(1).await;
    running.stop().await;
    assert_eq!(bench.count(|told| matches!(told, Happening::Waiting { .. })), 0);
}
