//! Whole runs on the clients of Azure and vCenter over HTTP: uncut, cut by a process that dies, and over a bad line.

use failback::clock::Clock as _;
use failback::event::Outcome;
use failback::provider::emulator::http::ServerOptions;
use failback::provider::emulator::http::WireFaults;
use failback::run::End;
use failback::run::trial::law::breaches_of_site;
use failback::syntax::machine::PowerState;
use failback::syntax::machine::State;
use jiff::SignedDuration;

use crate::lab;
use crate::lab::Ran;
use crate::lab::World;
use crate::lab::laws::assert_lawful;
use crate::wire_run::Served;

/// Asserts that a run came to a good end, that nothing was begun twice, and that all machines are home.
fn assert_good(world: &World, site: &Served, ran: &Ran, what: &str) {
    let said = || {
        let lines: Vec<String> =
            ran.events.iter().map(|event| format!("{} {} {:?}\n", event.seq, event.at, event.kind)).collect();
        lines[lines.len().saturating_sub(60)..].concat()
    };
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Succeeded)), "{what}\n{}", said());
    assert_eq!(breaches_of_site(&site.emulator.fork()), Vec::new(), "{what}\n{}", said());
    assert_lawful(&world.graph, &ran.events);
    for name in world.machines() {
        let machine = site.emulator.machine_facts(&name).expect("it is there");
        assert_eq!(machine.state.map(|state| state.value), Some(State::ProtectedToAzure), "{what}: {name}");
        let onprem = machine.onprem_vm.and_then(|vm| vm.power_state).map(|power| power.value);
        assert_eq!(onprem, Some(PowerState::Running), "{what}: {name}");
        let azure = machine.azure_vm.and_then(|vm| vm.exists).map(|exists| exists.value);
        assert_eq!(azure, Some(false), "{what}: {name}");
    }
}

#[tokio::test]
async fn a_classic_run_comes_home_over_http() {
    let world = lab::world(lab::CLASSIC.0, lab::CLASSIC.1);
    let site = Served::begin(&world, ServerOptions::default()).await;
    let ran = site.process(&world, &[], None).await;
    assert_good(&world, &site, &ran, "uncut");
}

#[tokio::test]
async fn the_branch_office_comes_home_over_http() {
    let world = lab::example("branch-office");
    let site = Served::begin(&world, ServerOptions::default()).await;
    let ran = site.process(&world, &[], None).await;
    assert_good(&world, &site, &ran, "uncut");
}

#[tokio::test]
#[ignore = "two minutes of processor time unoptimised: scripts/proof runs it"]
async fn the_enterprise_comes_home_over_http_as_it_does_without_a_wire() {
    let world = lab::example("enterprise");
    let inside = world.site();
    let without = world.run_at(&inside);
    let site = Served::begin(&world, ServerOptions::default()).await;
    let ran = site.process(&world, &[], None).await;
    assert_eq!(ran.end, without.end);
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Succeeded)));
    assert_eq!(breaches_of_site(&site.emulator.fork()), Vec::new());
    assert_lawful(&world.graph, &ran.events);
    assert_eq!(ran.settled(), without.settled(), "each step ended as it does without a wire");
    assert_eq!(world.machines().len(), 50);
    for name in world.machines() {
        let machine = site.emulator.machine_facts(&name).expect("it is there");
        let same = inside.machine(&name);
        assert_eq!(machine.state, same.state, "{name}");
        let power = |vm: Option<failback::syntax::machine::OnpremVm>| vm.and_then(|vm| vm.power_state);
        assert_eq!(power(machine.onprem_vm), power(same.onprem_vm), "{name}");
        assert_eq!(
            machine.azure_vm.and_then(|vm| vm.exists),
            same.azure_vm.and_then(|vm| vm.exists),
            "{name}"
        );
    }
}

/// How long a run lies dead before another process takes it over, in minutes.
const DEAD: [i64; 3] = [0, 7, 180];

/// Returns how many cuts are made: `usual`, or as many as `FAILBACK_HTTP_CUTS` says, or one at each sync where it says `all`.
fn cuts(usual: usize, syncs: usize, told: Option<&str>) -> usize {
    match told {
        None => usual.min(syncs),
        Some("all") => syncs,
        Some(number) => number.parse().map_or_else(
            |_| panic!("FAILBACK_HTTP_CUTS is a number or `all`, not `{number}`"),
            |cuts: usize| cuts.min(syncs),
        ),
    }
}

#[test]
fn as_many_cuts_are_made_as_one_is_told() {
    assert_eq!((cuts(8, 100, None), cuts(8, 5, None)), (8, 5));
    assert_eq!(
        (cuts(8, 100, Some("30")), cuts(8, 100, Some("all")), cuts(8, 100, Some("999"))),
        (30, 100, 100)
    );
    assert!(std::panic::catch_unwind(|| cuts(8, 100, Some("many"))).is_err());
}

/// Lets the process of a run die at some of its syncs, spread over all of them, and another one go on.
async fn cut_at(world: &World, usual: usize, faults: impl Fn(u64) -> WireFaults) {
    let uncut = {
        let site = Served::begin(world, ServerOptions::default()).await;
        site.process(world, &[], None).await
    };
    // The last sync is that of the run's end: there is nothing to go on with.
    let syncs = uncut.synced.saturating_sub(1);
    #[expect(clippy::disallowed_methods, reason = "who runs the tests says how many cuts are tried")]
    let asked = std::env::var("FAILBACK_HTTP_CUTS").ok();
    let cuts = cuts(usual, syncs, asked.as_deref());
    for cut in 1..=cuts {
        let number = u64::try_from(cut).expect("few");
        let at = uncut.synced * cut / (cuts + 1);
        let options = ServerOptions { wire_faults: faults(number), ..ServerOptions::default() };
        let site = Served::begin(world, options).await;
        let died = site.process(world, &[], Some(at)).await;
        assert!(died.end.is_err(), "it dies at {at} of {}: {:?}", uncut.synced, died.end);
        site.pace.reach(site.pace.now() + SignedDuration::from_mins(DEAD[cut % DEAD.len()]));
        let went_on = site.process(world, &died.events, None).await;
        assert_good(world, &site, &went_on, &format!("cut at sync {at} of {}", uncut.synced));
    }
}

#[tokio::test]
async fn a_classic_run_goes_on_over_http_wherever_its_process_died() {
    cut_at(&lab::world(lab::CLASSIC.0, lab::CLASSIC.1), 8, |_| WireFaults::default()).await;
}

#[tokio::test]
async fn the_branch_office_goes_on_over_http_wherever_its_process_died() {
    cut_at(&lab::example("branch-office"), 5, |_| WireFaults::default()).await;
}

/// Lets a run go over a line on which every kind of fault happens now and then.
async fn over_a_bad_line(world: &World, seeds: impl Iterator<Item = u64>) {
    for seed in seeds {
        let options = ServerOptions { wire_faults: WireFaults::bad_line(seed), ..ServerOptions::default() };
        let site = Served::begin(world, options).await;
        let ran = site.process(world, &[], None).await;
        assert_good(world, &site, &ran, &format!("bad line {seed}"));
    }
}

#[tokio::test]
async fn a_classic_run_comes_home_over_a_bad_line() {
    over_a_bad_line(&lab::world(lab::CLASSIC.0, lab::CLASSIC.1), 0..4).await;
}

#[tokio::test]
async fn the_branch_office_comes_home_over_a_bad_line() {
    over_a_bad_line(&lab::example("branch-office"), 0..2).await;
}

#[tokio::test]
async fn a_classic_run_goes_on_over_a_bad_line_wherever_its_process_died() {
    cut_at(&lab::world(lab::CLASSIC.0, lab::CLASSIC.1), 4, WireFaults::bad_line).await;
}

#[tokio::test]
async fn a_modernized_run_goes_on_over_a_bad_line_wherever_its_process_died() {
    cut_at(&lab::world(lab::MODERNIZED.0, lab::MODERNIZED.1), 4, WireFaults::bad_line).await;
}
