//! What a forecast takes for granted, in words.

use crate::escape;
use crate::forecast::Assumed;
use crate::report::text::counted;

/// Servers that are named; the others are counted.
const NAMED: usize = 5;

/// Returns what is said of a vault of which nobody knows whether it is classic or modernized.
#[must_use]
pub fn experience(assumed: &Assumed) -> Option<String> {
    assumed.experience.then(|| "the vault's experience isn't known".to_owned())
}

/// Returns what of the data is no fact.
#[must_use]
pub fn data(assumed: &Assumed) -> Option<String> {
    let (disks, machines) = (assumed.disks_without_size, assumed.machines_without_disks);
    let has = |count: usize| if count == 1 { "has" } else { "have" };
    let disks = (disks > 0).then(|| format!("{} {} no size", counted(disks, "disk"), has(disks)));
    let machines =
        (machines > 0).then(|| format!("{} {} no disks", counted(machines, "machine"), has(machines)));
    let without: Vec<String> = disks.into_iter().chain(machines).collect();
    (!without.is_empty())
        .then(|| format!("{} in the inventory, {} GiB for each", without.join(" and "), assumed.disk_gib))
}

/// Returns what of the waves is no fact.
#[must_use]
pub fn waves(assumed: &Assumed) -> Option<String> {
    let servers = &assumed.servers_without_disks;
    let named: Vec<_> = servers.iter().take(NAMED).map(|server| escape::line(server)).collect();
    let more = match servers.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let servers = (!named.is_empty())
        .then(|| format!("nobody knows the disks attached to {}{more}, none are counted", named.join(", ")));
    let machines = assumed.machines_without_disks;
    let each = if machines == 1 { "" } else { " each" };
    let machines =
        (machines > 0).then(|| format!("{} counted as one disk{each}", counted(machines, "machine")));
    let parts: Vec<String> = servers.into_iter().chain(machines).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// Returns everything that is no fact: a line for each matter.
#[must_use]
pub fn all(assumed: &Assumed) -> Vec<String> {
    [experience(assumed), data(assumed), waves(assumed)].into_iter().flatten().collect()
}
