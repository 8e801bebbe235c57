//! FB219: a master target has to reach its servers.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::MasterTarget;
use crate::model::Unknown;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::master_target::also_assigned;
use crate::rules::master_target::are_process_servers_listed;
use crate::rules::master_target::process_servers_of;
use crate::rules::unmeasured::Lacking;
use crate::source::Spanned;
use crate::syntax::inventory::Reachable;

pub(crate) static RULE: Rule = Rule {
    id: "FB219",
    name: "mt-network",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Beyond,
    when: When::LIVE,
    awaited: false,
    summary: "the master target does not reach a server that it works with",
    docs: "\
### What it checks
The connections of a master target that were tried: with the process servers of its machines, in either direction, and
to port 443 of the configuration server. An inventory without `network.reachable` says nothing about any connection:
the rule is undecided, and does not weigh.

### Why
Data comes to the master target from the process server, and the configuration server tells it what to do. On Linux an
authenticated proxy (TLS error 35) or a network interface that does not come up at boot is the usual cause.

### What to do
Correct routing or the firewall; bypass or disable the proxy on the master target; make its network interface start at
boot.
",
    help: "correct routing or the firewall, bypass the proxy on the master target, or make its network interface start at boot",
    article: "vmware-azure-install-linux-master-target, Prerequisites and Common issues; site-recovery-failover-to-azure-troubleshoot, Linux Master Target registration",
    fixture: include_str!("../../../tests/rules/mt-network.yaml"),
    facts: &["master_targets", "process_servers", "configuration_server", "network.reachable", "vault.experience"],
    check: Check::MasterTarget(check),
};

/// Port of the configuration server.
const CONTROL_PORT: u16 = 443;

fn check(server: MasterTarget<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let network = server.model.inventory.network.as_ref();
    let Some(tried) = network.and_then(|network| network.reachable.as_ref()) else {
        let mut lacking = Lacking::default();
        lacking.add("the network");
        lacking.tell(&RULE, findings);
        return Ok(());
    };
    let name = server.name();
    let tried: Vec<&Reachable> =
        tried.iter().filter(|tried| tried.from.value == name || tried.to.value == name).collect();
    let mut unknown = Ok(());
    match server.model.configuration_server() {
        Ok(Some(peer)) => {
            let told = tell(server, &tried, &peer.id, Some(CONTROL_PORT), findings);
            unknown = unknown.and(told);
        }
        Ok(None) => {}
        Err(missing) => unknown = unknown.and(Err(missing)),
    }
    for peer in process_servers_of(server) {
        unknown = unknown.and(tell(server, &tried, &peer.name, None, findings));
    }
    unknown.and(are_process_servers_listed(server))
}

/// Reports a connection with a peer that failed: to one port of it, or on any port in either direction.
fn tell(
    server: MasterTarget<'_>,
    tried: &[&Reachable],
    peer: &Spanned<String>,
    port: Option<u16>,
    findings: &mut Findings<'_>,
) -> Fact<()> {
    let is_with_peer = |tried: &&&Reachable| match port {
        Some(port) => tried.to == *peer && tried.port.value == port,
        None => tried.to == *peer || tried.from == *peer,
    };
    let mut with_peer = tried.iter().filter(is_with_peer).peekable();
    if with_peer.peek().is_none() {
        return Err(Unknown::of("network.reachable", format!("{} to {peer}", server.name())));
    }
    if let Some(failed) = with_peer.find(|tried| !tried.ok.value) {
        let (from, to, port) = (&failed.from, &failed.to, failed.port);
        let message =
            format!("{}: cannot talk to {peer} (from {from} to port {port} of {to})", server.name());
        let finding = findings.at(failed.ok.span, message);
        finding.also(peer.span, "this server");
        also_assigned(finding, server);
    }
    Ok(())
}
