//! Kinds of resources of which the vault has none.

use serde_json::Value;

use crate::provider::emulator::http::exchange::Answer;
use crate::provider::emulator::http::exchange::Asked;
use crate::provider::emulator::http::visit::Visit;

/// Kinds of resources of which a vault of VMware machines has none: they belong to Hyper-V sites, to clusters, to migrations and to
/// machines between regions of Azure.
const NONE_OF: [&str; 8] = [
    "replicationlogicalnetworks",
    "replicationmigrationitems",
    "replicationnetworkmappings",
    "replicationnetworks",
    "replicationprotectionclusters",
    "replicationprotectionintents",
    "replicationstorageclassificationmappings",
    "replicationstorageclassifications",
];

/// Returns the empty list of a kind of which the vault has none; `path` is what follows the vault.
pub(super) fn answer(visit: &Visit<'_>, asked: &Asked, path: &[&str]) -> Option<Answer> {
    let identity = visit.identity();
    let kind = match path {
        [kind] => kind,
        ["replicationfabrics", name, kind] if *name == identity.fabric.to_lowercase() => kind,
        ["replicationfabrics", name, "replicationprotectioncontainers", container, kind]
            if *name == identity.fabric.to_lowercase() && *container == identity.container.to_lowercase() =>
        {
            kind
        }
        _ => return None,
    };
    (asked.is_read() && NONE_OF.contains(kind)).then(|| Answer::list(Vec::<Value>::new(), None))
}
