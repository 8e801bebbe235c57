//! FB212: a master target is not newer than the servers that it works with.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::MasterTarget;
use crate::model::Unknown;
use crate::model::version::Version;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::master_target::also_assigned;
use crate::rules::master_target::are_process_servers_listed;
use crate::rules::master_target::process_servers_of;
use crate::source::Spanned;

pub(crate) static RULE: Rule = Rule {
    id: "FB212",
    name: "mt-version-newer",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Beyond,
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "the master target is newer than its configuration server or a process server",
    docs: "\
### What it checks
The version of a master target against those of the configuration server, and of the process servers that carry the
data of its machines to on-premises.

### Why
A reprotect through a newer master target succeeds, but the replication that follows fails.

### What to do
Upgrade the configuration server first, then the process servers; the master target comes last, or stays older.
",
    help: "upgrade the configuration server and the process servers first; the master target must be equal or older",
    article: "vmware-azure-install-linux-master-target, Prerequisites and Install the master target",
    fixture: include_str!("../../../tests/rules/mt-version-newer.yaml"),
    facts: &["master_targets", "process_servers", "master_targets.version", "configuration_server", "configuration_server.version", "process_servers.version", "vault.experience"],
    check: Check::MasterTarget(check),
};

fn check(server: MasterTarget<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let name = server.name();
    let own = server.facts.version.fact_of("master_targets.version", name)?;
    let version = Version::parse(own).ok_or_else(|| Unknown::of("master_targets.version", name))?;
    let mut older: Vec<(&str, &Spanned<String>)> = Vec::new();
    let mut unknown = Ok(());
    for peer in peers(server) {
        let is_older = peer.and_then(|(field, peer, theirs)| {
            let theirs = theirs.fact_of(field, peer)?;
            let parsed = Version::parse(theirs).ok_or_else(|| Unknown::of(field, peer))?;
            Ok((parsed < version).then_some((peer, theirs)))
        });
        match is_older {
            Ok(found) => older.extend(found),
            Err(missing) => unknown = unknown.and(Err(missing)),
        }
    }
    if !older.is_empty() {
        let than: Vec<String> = older.iter().map(|(peer, theirs)| format!("{peer} ({theirs})")).collect();
        let finding =
            findings.at(own.span, format!("{name}: version {own} is newer than {}", than.join(", ")));
        for (peer, theirs) in older {
            finding.also(theirs.span, format!("the version of {peer}"));
        }
        also_assigned(finding, server);
    }
    unknown.and(are_process_servers_listed(server))
}

/// A server's version with its key in the inventory, and the server's name.
type Peer<'m> = (&'static str, &'m str, &'m Option<Spanned<String>>);

/// Returns the servers that a master target works with.
fn peers<'m>(server: MasterTarget<'m>) -> impl Iterator<Item = Fact<Peer<'m>>> {
    let configuration_server =
        server.model.configuration_server().transpose().map(|found| {
            found.map(|found| ("configuration_server.version", found.id.as_str(), &found.version))
        });
    let process_servers = process_servers_of(server)
        .map(|found| Ok(("process_servers.version", found.name.as_str(), &found.version)));
    configuration_server.into_iter().chain(process_servers)
}
