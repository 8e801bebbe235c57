//! A world on disk: a killed process finds it where it left it.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;

use super::*;
use crate::clock::Clock;
use crate::provider::Observe as _;
use crate::provider::Operate as _;
use crate::provider::emulator::Emulator;

struct Hand(Mutex<Timestamp>);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

fn clock(seconds: i64) -> Arc<Hand> {
    Arc::new(Hand(Mutex::new(begin_of_time() + SignedDuration::from_secs(seconds))))
}

fn set(clock: &Hand, seconds: i64) {
    *clock.0.lock().unwrap() = begin_of_time() + SignedDuration::from_secs(seconds);
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn key(number: u32) -> IdempotencyKey {
    IdempotencyKey::new(format!("key-{number}"))
}

fn faults() -> Scenario {
    scenario(
        "seed: 9\nfaults:\n  - {kind: no_answer_after, of: w1, phase: reprotect}\n  - {kind: busy, phase: failover}\n",
    )
}

fn create(path: &Path, clock: Arc<Hand>) -> Emulator {
    Emulator::create(path, classic(&[]), faults(), begin_of_time(), clock).unwrap()
}

#[test]
fn a_world_that_is_opened_again_goes_on_as_if_nothing_had_happened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world");
    let time = clock(0);
    let whole = create(&path, time.clone());
    let memory = Emulator::in_memory(classic(&[]), faults(), begin_of_time(), time.clone());
    let mut held = whole;
    for (number, (at, request)) in (0_u32..).zip([
        (0, Request::Prepare),
        (200, reprotect("w1")),
        (300, reprotect("w1")),
        (410, reprotect("w2")),
        (9_000, latest("w1")),
        (9_200, latest("w1")),
        (9_600, commit("w1")),
    ]) {
        set(&time, at);
        let one = wait(held.begin(&request, &key(number)));
        let other = wait(memory.begin(&request, &key(number)));
        assert_eq!(format!("{one:?}"), format!("{other:?}"));
        // The process dies after every call.
        drop(held);
        let (opened, last) = Emulator::open(&path, time.clone()).unwrap();
        assert_eq!(last, begin_of_time() + SignedDuration::from_secs(at));
        held = opened;
        let machines = [name("w1"), name("w2")];
        for later in [at, at + 100] {
            set(&time, later);
            let one = wait(held.observe(&machines)).unwrap();
            assert_eq!(one, wait(memory.observe(&machines)).unwrap());
        }
        assert_eq!(wait(held.find(&key(number))).unwrap(), wait(memory.find(&key(number))).unwrap());
    }
}

#[test]
fn a_torn_last_line_is_cut_and_the_next_call_follows_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world");
    let time = clock(0);
    let world = create(&path, time.clone());
    wait(world.begin(&Request::Prepare, &key(1))).unwrap();
    drop(world);
    let calls = path.join("calls.jsonl");
    for torn in ["{\"at\":\"2025-06-01T00", "{\"at\":\"2025\n"] {
        let whole = std::fs::read(&calls).unwrap();
        std::fs::OpenOptions::new().append(true).open(&calls).unwrap().write_all(torn.as_bytes()).unwrap();
        let (world, _) = Emulator::open(&path, time.clone()).unwrap();
        assert_eq!(std::fs::read(&calls).unwrap(), whole);
        assert!(wait(world.find(&key(1))).unwrap().is_some());
    }
    let (world, _) = Emulator::open(&path, time.clone()).unwrap();
    set(&time, 120);
    wait(world.begin(&reprotect("w2"), &key(2))).unwrap();
    drop(world);
    let (world, last) = Emulator::open(&path, time).unwrap();
    assert!(wait(world.find(&key(2))).unwrap().is_some());
    assert_eq!(last, begin_of_time() + SignedDuration::from_secs(120));
}

#[test]
fn what_is_torn_in_the_middle_is_not_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world");
    let time = clock(0);
    let world = create(&path, time.clone());
    wait(world.begin(&Request::Prepare, &key(1))).unwrap();
    drop(world);
    let calls = path.join("calls.jsonl");
    let line = std::fs::read_to_string(&calls).unwrap();
    std::fs::write(&calls, format!("garbage\n{line}")).unwrap();
    assert!(matches!(Emulator::open(&path, time), Err(ProviderError::World { action: "read", .. })));
}

#[test]
fn a_world_whose_calls_are_gone_is_not_read_and_the_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world");
    drop(create(&path, clock(0)));
    std::fs::remove_file(path.join("calls.jsonl")).unwrap();
    let error = Emulator::open(&path, clock(0)).err().unwrap();
    assert!(error.to_string().contains("calls.jsonl: "), "{error}");
}

#[test]
fn a_folder_holds_one_world() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world");
    drop(create(&path, clock(0)));
    let again = Emulator::create(&path, classic(&[]), Scenario::default(), begin_of_time(), clock(0));
    assert!(matches!(again, Err(ProviderError::World { action: "written", .. })));
    let none = Emulator::open(&folder.path().join("none"), clock(0));
    assert!(matches!(none, Err(ProviderError::World { action: "read", .. })));
}

#[test]
fn a_world_is_used_by_one_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world");
    let first = create(&path, clock(0));
    for second in [
        Emulator::open(&path, clock(0)).err().unwrap(),
        Emulator::last_call(&path).unwrap_err(),
        Emulator::create(&path, classic(&[]), faults(), begin_of_time(), clock(0)).err().unwrap(),
    ] {
        assert!(second.to_string().contains("another process has the world in"), "{second}");
    }
    drop(first);
    let (opened, _) = Emulator::open(&path, clock(0)).unwrap();
    assert!(matches!(Emulator::last_call(&path), Err(ProviderError::World { action: "used", .. })));
    drop(opened);
    assert!(Emulator::last_call(&path).is_ok());
}

#[test]
fn looking_and_asking_again_write_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world");
    let time = clock(0);
    let world = create(&path, time.clone());
    let operation = wait(world.begin(&Request::Prepare, &key(1))).unwrap();
    let calls = path.join("calls.jsonl");
    let before = std::fs::read(&calls).unwrap();
    set(&time, 50);
    wait(world.poll(&operation)).unwrap();
    wait(world.observe(&[name("w1")])).unwrap();
    assert_eq!(wait(world.begin(&Request::Prepare, &key(1))).unwrap(), operation);
    assert_eq!(std::fs::read(&calls).unwrap(), before);
}

#[test]
fn both_reference_worlds_read_back_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    for (number, inventory) in [classic(&[]), modernized(&[])].into_iter().enumerate() {
        let path = folder.path().join(number.to_string());
        Emulator::create(&path, inventory, Scenario::default(), begin_of_time(), clock(0)).unwrap();
        Emulator::open(&path, clock(0)).unwrap();
    }
}
