//! Observations that tell only what changed: put together, they show what a whole look shows.

use super::walk::FAULTS;
use super::walk::Step;
use super::walk::pick;
use super::*;
use crate::model::Model;
use crate::model::resolve;
use crate::syntax::plan::RecoveryPlan;

const CLASSIC_PLAN: &str = include_str!("../../../../tests/worlds/classic.plan.yaml");
const MODERNIZED_PLAN: &str = include_str!("../../../../tests/worlds/modernized.plan.yaml");

fn plan(text: &str) -> RecoveryPlan {
    let mut sources = Sources::new();
    let index = sources.add("plan.yaml", text.to_owned()).unwrap();
    match crate::syntax::parse(sources.get(index), &mut Vec::new()).into_iter().next() {
        Some(Document::Plan(plan)) => *plan,
        other => panic!("no plan: {other:?}"),
    }
}

fn model(classic_world: bool) -> Model {
    let (text, inventory) =
        if classic_world { (CLASSIC_PLAN, classic(&[])) } else { (MODERNIZED_PLAN, modernized(&[])) };
    resolve(plan(text), inventory)
}

#[test]
fn what_changed_since_the_last_look_adds_up_to_a_whole_look() {
    let mut parts = 0;
    for seed in 0..40 {
        for classic_world in [true, false] {
            let mut random = fastrand::Rng::with_seed(seed);
            let fault_text = FAULTS[random.usize(..FAULTS.len())];
            let scenario = if fault_text.is_empty() { Scenario::default() } else { fault(fault_text) };
            let (mut whole, mut told) = (model(classic_world), model(classic_world));
            let mut site = Site::new(whole.inventory.clone(), scenario.with_seed(seed));
            let machines = [name("w1"), name("l1")];
            let mut mark = None;
            for _ in 0..40 {
                site.wait(random.i64(0..2_400));
                match pick(&mut random, classic_world) {
                    Step::Ask(request) => drop(site.begin(&request)),
                    Step::ByHand(deed) => drop(site.world.by_hand(site.now, &deed)),
                }
                if random.bool() {
                    continue;
                }
                let (Ok(seen), Ok(part)) = (
                    site.world.observe(site.now, &machines),
                    site.world.observe_since(site.now, &machines, mark),
                ) else {
                    continue;
                };
                assert_eq!(part.mark, seen.mark);
                mark = part.mark;
                whole.observe(seen.facts);
                if part.changes {
                    parts += 1;
                    told.observe_changes(part.facts);
                } else {
                    told.observe(part.facts);
                }
                assert_eq!(whole.inventory, told.inventory, "seed {seed}");
            }
        }
    }
    assert!(parts > 500, "{parts} observations told changes only");
}
