//! Counts what a classic failback of many machines asks of Azure over HTTP, at recorded durations.
//!
//! `cargo bench --bench frugal -- [MACHINES [PARALLEL]]` (1,000 where nothing is said, and a tenth of them at once). Server, clients and run are in one process on a clock
//! that jumps. Beside mutating calls and guard reads at most two requests a machine are sent; none is refused for being one too many;
//! and the run takes no more than a twentieth longer than in the same process without a wire. It fails where one of these does not hold.
//!
//! A guard read is what is read after a guard was asked: a machine's replicated item, its virtual machine, and the servers (the lists
//! of fabrics, of their providers and of vCenters), which all guards of a minute share.

#![expect(clippy::print_stdout, reason = "the counts are what the program is for")]

#[expect(dead_code, reason = "tests use more of it")]
#[path = "../tests/suite/estate.rs"]
mod estate;
#[expect(dead_code, reason = "tests use more of it")]
#[path = "../tests/suite/lab/mod.rs"]
mod lab;
#[expect(dead_code, reason = "tests use more of it")]
#[path = "../tests/suite/wire_run.rs"]
mod wire_run;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use failback::clock::pace::Pace;
use failback::event::Outcome;
use failback::event::RunEventKind;
use failback::provider::emulator::http::Counts;
use failback::provider::emulator::http::ServerOptions;
use failback::run::End;
use jiff::SignedDuration;

use crate::estate::Estate;
use crate::estate::Vm;
use crate::lab::Process;
use crate::lab::Ran;
use crate::lab::World;
use crate::wire_run::Served;

/// Seconds after which Microsoft's client asks again how an operation is, where the service says nothing else.
const SDK_INTERVAL: i64 = 30;

struct Measured {
    counts: Counts,
    throttled: u64,
    took: SignedDuration,
    /// When each kind of step came to its last end.
    ends: BTreeMap<String, SignedDuration>,
    /// What the pollers of Microsoft's client would have asked of the same operations.
    pollers: i64,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let machines: u32 = arguments.next().map_or(1_000, |number| number.parse().expect("a number"));
    let parallel: u32 =
        arguments.next().map_or((machines / 10).max(20), |number| number.parse().expect("a number"));
    let world = world(machines, parallel);
    let inside = world.drive(&world.site(), Process::default());
    let (inside, inside_ends) = (took(&inside), ends(&inside));
    let wire = over_http(&world);
    let mut of_class = [("mutating", 0), ("guard", 0), ("other", 0), ("vCenter", 0)];
    for (kind, count) in &wire.counts {
        let class = class(kind);
        println!("{count:>8}  {class:<9} {kind}");
        of_class.iter_mut().filter(|(name, _)| *name == class).for_each(|(_, all)| *all += count);
    }
    let [mutating, guards, others, vcenter] = of_class.map(|(_, count)| count);
    let each = |count: f64| count / f64::from(machines);
    #[expect(clippy::cast_precision_loss, reason = "a count of requests")]
    let [mutating, guards, others, vcenter] =
        [mutating, guards, others, vcenter].map(|count| each(count as f64));
    #[expect(clippy::cast_precision_loss, reason = "a count of requests")]
    let pollers = each(wire.pollers as f64);
    println!("{machines} machines, {parallel} operations at once; requests a machine:");
    println!("{mutating:>8.2}  mutating calls");
    println!("{guards:>8.2}  guard reads");
    println!(
        "{others:>8.2}  other requests to Azure, where the pollers of Microsoft's client alone would ask {pollers:.2}"
    );
    println!("{vcenter:>8.2}  requests to vCenter");
    let ratio = wire.took.as_secs_f64() / inside.as_secs_f64();
    println!("{:#} over HTTP with the limits, {inside:#} without a wire: {ratio:.3} times", wire.took);
    println!("{} requests were one too many", wire.throttled);
    println!("last end of each kind of step, over HTTP and without a wire:");
    for (kind, end) in &wire.ends {
        let without = inside_ends.get(kind).copied().unwrap_or_default();
        println!("{kind:<20} {end:#} {without:#}");
    }
    let bars = [
        ("at most two requests a machine beside mutating calls and guard reads", others <= 2.0),
        ("never over the budget", wire.throttled == 0),
        ("at most a twentieth longer than without a wire", ratio <= 1.05),
    ];
    for (bar, holds) in bars {
        println!("{}: {bar}", if holds { "holds" } else { "BROKEN" });
    }
    if bars.iter().all(|(_, holds)| *holds) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Returns what a request is for.
fn class(kind: &str) -> &'static str {
    let (method, path) = kind.split_once(' ').unwrap_or((kind, ""));
    if path.starts_with("sdk") {
        "vCenter"
    } else if method != "GET" {
        "mutating"
    } else if path.ends_with("replicationProtectedItems/*")
        || path.contains("virtualMachines/*")
        || ["replicationFabrics", "replicationRecoveryServicesProviders", "replicationvCenters"]
            .contains(&path)
    {
        "guard"
    } else {
        "other"
    }
}

fn world(machines: u32, parallel: u32) -> World {
    let vms = (0..machines).map(|number| Vm::new(format!("m{number}")).disks(1, 50));
    let estate = Estate::classic(vms).bandwidth(100_000);
    let mut estate = estate.plan(&format!("execution: {{max_parallel: {parallel}}}"));
    // A master target takes 60 disks, three of its own.
    estate.servers = usize::try_from(machines.div_ceil(57)).expect("few").max(1);
    lab::world_of(&estate)
}

fn took(ran: &Ran) -> SignedDuration {
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Succeeded)), "the run comes to a good end");
    let (first, last) = (ran.events.first().expect("events"), ran.events.last().expect("events"));
    last.at.duration_since(first.at)
}

/// Returns when each kind of step came to its last end, from the begin of the run.
fn ends(ran: &Ran) -> BTreeMap<String, SignedDuration> {
    let first = ran.events.first().expect("events").at;
    let succeeded = ran.events.iter().filter_map(|event| match &event.kind {
        RunEventKind::StepSucceeded { step, .. } => {
            let kind = step.as_str().split('/').next().unwrap_or_default().to_owned();
            Some((kind, event.at.duration_since(first)))
        }
        _ => None,
    });
    // Events are in the order of time, so that the last one of a kind stays.
    succeeded.collect()
}

fn over_http(world: &World) -> Measured {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    #[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
    let began = Instant::now();
    runtime.block_on(async {
        let site = Served::begin(world, ServerOptions::default()).await;
        let client = site.client(world);
        let usage = client.view().reader().clone();
        let pace = Arc::clone(&site.pace) as Arc<dyn Pace>;
        let ran = world.process_at(Arc::new(client), pace, Process::default()).await;
        println!("{} events in {:.0} s of real time", ran.events.len(), began.elapsed().as_secs_f64());
        let took = took(&ran);
        let emulated = site.emulator.fork();
        let pollers = emulated.taken_on().filter_map(|taken| {
            let seconds = taken.ended?.duration_since(taken.at).as_secs();
            // One question at once, one every interval, and one for the result.
            Some(2 + seconds / SDK_INTERVAL)
        });
        Measured {
            counts: site.handle.counts(),
            throttled: usage.usage().throttled,
            took,
            ends: ends(&ran),
            pollers: pollers.sum(),
        }
    })
}
