//! Worlds by hand: differences that are known and not settled, each with the reason why it stands, and rules that no fixture
//! shows.

use std::sync::LazyLock;

use serde::Deserialize;
use serde_yaml::Value;

use super::generate::World;
use super::patch;

/// A difference that is known.
#[derive(Debug, Deserialize)]
pub struct Known {
    /// The difference.
    pub difference: String,
    /// Who misreads what, and why it is left.
    pub reason: String,
    /// The world that shows it.
    #[serde(flatten)]
    pub shown_by: Changed,
}

/// A rule that no fixture shows, with a world in which the service enforces it.
#[derive(Debug, Deserialize)]
pub struct Shown {
    /// The rule.
    pub rule: String,
    /// The world that shows it.
    #[serde(flatten)]
    pub shown_by: Changed,
}

/// A reference world with changes.
#[derive(Debug, Deserialize)]
pub struct Changed {
    world: Architecture,
    #[serde(default)]
    plan: Value,
    #[serde(default)]
    inventory: Value,
    #[serde(default)]
    faults: Vec<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Architecture {
    Classic,
    Modernized,
}

/// Every difference that is known.
pub static KNOWN: LazyLock<Vec<Known>> =
    LazyLock::new(|| serde_yaml::from_str(include_str!("known.yaml")).expect("the list is readable"));

/// The rules that no fixture shows before a run.
pub static SHOWN: LazyLock<Vec<Shown>> =
    LazyLock::new(|| serde_yaml::from_str(include_str!("shown.yaml")).expect("the list is readable"));

/// Returns whether a difference is known.
pub fn is_known(difference: &str) -> bool {
    KNOWN.iter().any(|known| known.difference == difference)
}

impl Changed {
    /// Returns the world.
    pub fn world(&self) -> World {
        let mut world = World::reference(self.world == Architecture::Classic).clone();
        patch::apply(&mut world.plan, &self.plan);
        patch::apply(&mut world.inventory, &self.inventory);
        world.faults.clone_from(&self.faults);
        world
    }
}
