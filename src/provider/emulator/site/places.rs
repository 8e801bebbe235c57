//! Places of servers and groups in the facts, by name, and the connections that were tried, by their ends.

use crate::id::IdMap;
use crate::source::Spanned;
use crate::syntax::inventory::Inventory;

/// Ports that were tried between two ends, and whether each worked.
type Tried = Vec<(u16, bool)>;

/// Places in the facts, by name; the emulated site neither gains nor loses a server.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    pub hosts: IdMap<String, usize>,
    pub datastores: IdMap<String, usize>,
    pub master_targets: IdMap<String, usize>,
    pub appliances: IdMap<String, usize>,
    /// Replication groups of each machine.
    pub groups: IdMap<String, Vec<usize>>,
    /// Connections that were tried: from whom, to whom.
    pub tried: IdMap<String, IdMap<String, Tried>>,
}

impl Places {
    pub(super) fn of(facts: &Inventory) -> Self {
        let mut groups: IdMap<String, Vec<usize>> = IdMap::default();
        for (at, group) in facts.replication_groups.iter().flatten().enumerate() {
            for member in &group.members {
                groups.entry(member.value.clone()).or_default().push(at);
            }
        }
        let mut tried: IdMap<String, IdMap<String, Tried>> = IdMap::default();
        let connections = facts.network.as_ref().and_then(|network| network.reachable.as_ref());
        for connection in connections.into_iter().flatten() {
            let ends = tried.entry(connection.from.value.clone()).or_default();
            let ports = ends.entry(connection.to.value.clone()).or_default();
            ports.push((connection.port.value, connection.ok.value));
        }
        Self {
            hosts: by_name(facts.hosts.as_deref(), |host| &host.name),
            datastores: by_name(facts.datastores.as_deref(), |datastore| &datastore.name),
            master_targets: by_name(facts.master_targets.as_deref(), |server| &server.name),
            appliances: by_name(facts.appliances.as_deref(), |server| &server.name),
            groups,
            tried,
        }
    }
}

fn by_name<T>(things: Option<&[T]>, name: impl Fn(&T) -> &Spanned<String>) -> IdMap<String, usize> {
    let mut places = IdMap::default();
    for (at, thing) in things.unwrap_or_default().iter().enumerate() {
        places.entry(name(thing).value.clone()).or_insert(at);
    }
    places
}

/// Copies one thing of a section.
pub(super) fn copy<T: Clone>(into: &mut Option<Vec<T>>, from: &Option<Vec<T>>, place: usize) {
    into.get_or_insert_default().extend(from.as_ref().and_then(|things| things.get(place)).cloned());
}

/// Returns the thing of a name.
pub(super) fn at<'t, T>(
    things: &'t Option<Vec<T>>,
    places: &IdMap<String, usize>,
    name: &str,
) -> Option<&'t T> {
    things.as_ref()?.get(*places.get(name)?)
}
