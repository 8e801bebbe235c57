//! Makes a world that shows a difference as small as it can be: as near to its reference world as the difference allows.

use serde_yaml::Value;

use super::generate::World;
use super::patch;

/// Returns the smallest world found that still shows something.
pub fn shrink(world: &World, shows: impl Fn(&World) -> bool) -> World {
    let mut smallest = world.clone();
    for machine in world.machines() {
        let fewer = smallest.without_machine(&machine);
        if smallest.machines().len() > 1 && shows(&fewer) {
            smallest = fewer;
        }
    }
    let reference = World::reference(world.classic);
    let mut base = World { faults: smallest.faults.clone(), ..reference.clone() };
    for machine in reference.machines().iter().filter(|machine| !smallest.machines().contains(machine)) {
        base = base.without_machine(machine);
    }
    let mut changes = changes(&base, &smallest);
    loop {
        let before = changes.clone();
        for path in paths(&changes) {
            let fewer = without(&changes, &path);
            let candidate = applied(&base, &fewer);
            if shows(&candidate) {
                changes = fewer;
            }
        }
        if changes == before {
            break;
        }
    }
    applied(&base, &changes)
}

/// Returns what makes a world of another, plan and inventory together.
fn changes(from: &World, to: &World) -> Value {
    let mut both = serde_yaml::Mapping::new();
    for (key, from, to) in [("plan", &from.plan, &to.plan), ("inventory", &from.inventory, &to.inventory)] {
        let change = patch::difference(from, to);
        if !change.is_null() {
            both.insert(Value::from(key), change);
        }
    }
    Value::Mapping(both)
}

fn applied(base: &World, changes: &Value) -> World {
    let mut world = base.clone();
    for (key, document) in [("plan", &mut world.plan), ("inventory", &mut world.inventory)] {
        if let Some(change) = changes.get(key) {
            patch::apply(document, change);
        }
    }
    world
}

/// Returns the paths of a change: the shortest first, so that much goes at once.
fn paths(changes: &Value) -> Vec<Vec<Value>> {
    let mut all = Vec::new();
    let mut open: Vec<(Vec<Value>, &Value)> = vec![(Vec::new(), changes)];
    while let Some((path, value)) = open.pop() {
        for (key, inner) in value.as_mapping().into_iter().flatten() {
            let mut path = path.clone();
            path.push(key.clone());
            all.push(path.clone());
            open.push((path, inner));
        }
    }
    all.sort_by_key(Vec::len);
    all
}

fn without(changes: &Value, path: &[Value]) -> Value {
    let mut fewer = changes.clone();
    let Some((last, before)) = path.split_last() else { return fewer };
    let mut here = &mut fewer;
    for key in before {
        match here.get_mut(key) {
            Some(next) => here = next,
            // It went with something above it.
            None => return changes.clone(),
        }
    }
    if let Value::Mapping(mapping) = here {
        mapping.remove(last);
    }
    fewer
}

/// Returns how a world differs from its reference world, as YAML in the form of a fixture's case.
pub fn described(world: &World) -> String {
    let mut text = format!("world: {}\n", if world.classic { "classic" } else { "modernized" });
    let both = changes(World::reference(world.classic), world);
    text.push_str(&serde_yaml::to_string(&both).unwrap_or_default());
    if !world.faults.is_empty() {
        text.push_str("faults:\n");
        text.push_str(&serde_yaml::to_string(&world.faults).unwrap_or_default());
    }
    text
}
