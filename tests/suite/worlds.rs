//! Estates drawn from a seed, each forecast and then run, to compare what was foretold with what came.

use failback::event::Outcome;
use failback::forecast::Verdict;
use failback::forecast::forecast;
use failback::provider::emulator::Scenario;
use failback::run::End;
use fastrand::Rng;

use crate::estate::Estate;
use crate::estate::Vm;
use crate::lab::Process;
use crate::lab::world;

/// A drawn estate.
pub struct Drawn {
    pub seed: u64,
    pub estate: Estate,
    /// Whether every machine goes to an alternate location, so that all its data is copied.
    pub all_alternate: bool,
    /// What was drawn, in words.
    pub words: String,
    inventory: String,
}

/// What was foretold, and what came.
pub struct Trial {
    pub low: f64,
    pub high: f64,
    /// What holds the run up, in the words of the forecast.
    pub binding: String,
    /// Seconds that the run took.
    pub took: f64,
    /// Whether every machine can be protected before `reprotect_deadline`, which ends a run.
    pub deadline: Option<Verdict>,
    /// Why the run did not succeed, if it did not.
    pub failure: Option<String>,
}

impl Trial {
    pub fn is_inside(&self) -> bool {
        self.low <= self.took && self.took <= self.high
    }

    /// Returns whether the run failed although the forecast saw nothing, or succeeded although it saw that it can't.
    pub fn is_surprise(&self) -> bool {
        match self.deadline {
            Some(Verdict::Missed) => self.failure.is_none(),
            Some(Verdict::Uncertain) => false,
            Some(Verdict::Kept) | None => self.failure.is_some(),
        }
    }

    pub fn ratio(&self) -> f64 {
        self.high / self.low.max(1.0)
    }
}

fn one_of<T: Copy>(random: &mut Rng, of: &[T]) -> T {
    of[random.usize(0..of.len())]
}

/// Draws an estate of at most so many machines.
pub fn draw(seed: u64, most: usize) -> Drawn {
    let mut random = Rng::with_seed(seed);
    let classic = random.f64() < 0.6;
    let count = one_of(&mut random, &[1, 1, 2, 3, 5, 8, 12, 20, 30, 60]).min(most);
    let share = one_of(&mut random, &[0.0, 0.3, 1.0]);
    let mut alternates = 0;
    let mut booted = Vec::new();
    let mut vms = Vec::new();
    for number in 0..count {
        let mut vm = Vm::new(format!("m{number}"));
        vm = vm.disks(one_of(&mut random, &[1, 1, 2, 3]), one_of(&mut random, &[10, 40, 100, 500]));
        if random.f64() < share {
            alternates += 1;
            vm = vm.alternate();
        }
        if random.f64() < 0.15 {
            vm = vm.more(&format!("churn: {{gb_per_day: {}}}", one_of(&mut random, &[5, 50])));
        }
        booted.push(random.f64() < 0.3);
        vms.push(vm);
    }
    let mut estate = if classic { Estate::classic(vms) } else { Estate::modernized(vms) };
    estate.bandwidth_mbps = one_of(&mut random, &[200, 1_000, 1_000, 5_000]);
    estate.servers = one_of(&mut random, &[1, 1, 2, 4]).min(count);
    estate.recovery_point = match (classic, random.f64() < 0.6) {
        (true, true) => "latest",
        (false, true) => "crash_consistent",
        (_, false) => "app_consistent",
    };
    let mut execution = Vec::new();
    if random.f64() < 0.3 {
        execution.push(format!("max_parallel: {}", one_of(&mut random, &[1, 3, 5, 20])));
    }
    if random.f64() < 0.15 {
        execution.push("window: {from: \"04:00\", to: \"06:00\"}".to_owned());
    }
    if !execution.is_empty() {
        estate = estate.plan(&format!("execution: {{{}}}", execution.join(", ")));
    }
    if random.bool() {
        estate = estate.plan("thresholds: {reprotect_deadline: 60d}");
    }
    let grouped = if count >= 4 && random.f64() < 0.4 { one_of(&mut random, &[2, 3]) } else { 0 };
    if grouped > 0 {
        let members: Vec<String> = (0..grouped).map(|number| format!("m{number}")).collect();
        estate.groups.push(("g".to_owned(), members));
    }
    for number in grouped.max(3)..count {
        if random.f64() < 0.2 {
            let before = number - 3;
            let before = if before < grouped { "g".to_owned() } else { format!("m{before}") };
            estate = estate.entry(&format!("m{number}"), &format!("depends_on: [{before}]"));
        }
    }
    let tiers = count >= 4 && random.f64() < 0.3;
    if tiers {
        let first = if grouped > 0 { "g" } else { "m0" };
        let last = count - 1;
        estate = estate.plan(&format!(
            "boot_groups:\n  - {{name: first, members: [{first}]}}\n  - {{name: last, members: [m{last}]}}"
        ));
    }
    let words = format!(
        "{} {} machines ({alternates} alternate), {} Mbit/s, {}, {} server(s){}{}{}",
        if classic { "classic" } else { "modernized" },
        count,
        estate.bandwidth_mbps,
        estate.recovery_point,
        estate.servers,
        if grouped > 0 { format!(", a group of {grouped}") } else { String::new() },
        if tiers { ", boot groups" } else { "" },
        if execution.is_empty() { String::new() } else { format!(", {}", execution.join(", ")) },
    );
    let inventory = boot(&estate, &booted);
    Drawn { seed, estate, all_alternate: alternates == count, words, inventory }
}

/// Writes the inventory, with the moments at which some machines were started in Azure.
fn boot(estate: &Estate, booted: &[bool]) -> String {
    let at = if estate.classic { "2025-05-30T00:00:00Z" } else { "2026-10-30T00:00:00Z" };
    let text = estate.inventory_text();
    let mut parts = text.split("azure_vm: {exists: true,");
    let mut inventory = parts.next().unwrap_or_default().to_owned();
    for (part, booted) in parts.zip(booted) {
        inventory.push_str("azure_vm: {exists: true,");
        if *booted {
            inventory.push_str(&format!(" booted_at: {at},"));
        }
        inventory.push_str(part);
    }
    inventory
}

impl Drawn {
    /// Forecasts the plan, and runs it in the emulated world of the same seed.
    pub fn trial(&self) -> Trial {
        let mut world = world(&self.estate.plan_text(), &self.inventory);
        world.scenario = Scenario::default().with_seed(self.seed);
        let foretold = forecast(&world.graph, world.start);
        let ran = world.drive(&world.site(), Process::default());
        let last = ran.events.last().map_or(world.start, |event| event.at);
        let failure = match &ran.end {
            Ok(End::Finished(Outcome::Succeeded)) => None,
            end => {
                let bad =
                    ran.settled().into_iter().filter(|(_, word)| !matches!(*word, "succeeded" | "adopted"));
                let told: Vec<String> = bad
                    .take(2)
                    .map(|(step, word)| format!("{step} {word} {}", ran.failure(&step).unwrap_or_default()))
                    .collect();
                Some(format!("{end:?}: {}", told.join("; ")))
            }
        };
        Trial {
            low: seconds(foretold.low_s),
            high: seconds(foretold.high_s),
            binding: foretold.binding.text,
            deadline: foretold.protection.verdict,
            took: last.duration_since(world.start).as_secs_f64(),
            failure,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a run takes less than centuries")]
const fn seconds(whole: u64) -> f64 {
    whole as f64
}
