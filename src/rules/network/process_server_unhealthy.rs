//! FB406: the process server is well and heard of.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Model;
use crate::quantity::Seconds;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Guard;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::SubjectKind;
use crate::rules::When;
use crate::rules::needed::Needed;
use crate::rules::needed::needed;
use crate::source::Span;
use crate::syntax::inventory::ProcessServer;
use crate::syntax::machine::Health;

pub(crate) static RULE: Rule = Rule {
    id: "FB406",
    name: "process-server-unhealthy",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Beyond,
    when: When::LIVE.and_at(&[Guard::Reprotect, Guard::Forward]),
    awaited: false,
    summary: "the process server is not well",
    docs: "\
### What it checks
The health of each process server that machines still need, to bring their data back or to send it to Azure again after the
commit, and how long before `observed_at` it was last heard of. Critical health and a silence of 15 minutes are errors; a
health of `warning` is a warning.

### Why
All data of its machines goes through the process server. One that is overloaded, full or silent stops their replication, in
either direction. The reprotect to Azure comes after the commit, when there is no way back.

### What to do
Relieve what is short: processor or memory (critical above 95 %, a warning above 80 %), space for the cache (critical below
25 %, a warning below 30 %), or throughput. Start the server's services if it is silent.
",
    help: "relieve its processor, memory, cache space or throughput, and see that its services run",
    article: "vmware-physical-azure-monitor-process-server, Process server alerts",
    fixture: include_str!("../../../tests/rules/process-server-unhealthy.yaml"),
    facts: &["process_servers", "process_servers.health", "process_servers.heartbeat_at", "observed_at"],
    check: Check::Plan(check),
};

/// Silence after which a process server counts as lost (vmware-physical-azure-monitor-process-server, Process server alerts).
const SILENCE: Seconds = Seconds::minutes(15);

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    fn named(server: &ProcessServer) -> (&str, &ProcessServer) {
        (server.name.value.as_str(), server)
    }
    let all = needed(
        model,
        findings,
        |machine| Ok(machine.listed_process_server()?.map(named)),
        |machine| Ok(machine.listed_forward_process_server()?.map(named)),
    );
    all.tell_unlisted(SubjectKind::ProcessServer, findings);
    for needed in all.servers {
        let name = &needed.server.name;
        let mut findings = findings.about(SubjectKind::ProcessServer, &name.value, name.span);
        if let Err(unknown) = check_server(&needed, model, &mut findings) {
            findings.unknown(&unknown);
        }
    }
    Ok(())
}

fn check_server(needed: &Needed<'_, &ProcessServer>, model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let server = needed.server;
    let health = server.health.fact_of("process_servers.health", &server.name);
    let mut report = |severity, span: Span, reason: &str| {
        let finding = findings.at(span, format!("{}: {reason}", server.name));
        finding.severity(severity);
        needed.point_at_machines(finding, &server.name);
    };
    let is = |wanted| health.as_ref().is_ok_and(|health| health.value == wanted);
    if let Ok(health) = &health
        && is(Health::Critical)
    {
        report(Severity::Error, health.span, "its health is critical");
        return Ok(());
    }
    let silence = silence(server, model);
    if let Ok((silence, span)) = silence
        && silence >= SILENCE
    {
        report(Severity::Error, span, &format!("it was last heard of {silence} ago"));
        return Ok(());
    }
    if let Ok(health) = &health
        && is(Health::Warning)
    {
        report(Severity::Warning, health.span, "its health is a warning");
    }
    health?;
    silence?;
    Ok(())
}

/// Returns how long before the facts were observed a process server was last heard of, and where that is written.
fn silence(server: &ProcessServer, model: &Model) -> Fact<(Seconds, Span)> {
    let heard = server.heartbeat_at.fact_of("process_servers.heartbeat_at", &server.name)?;
    let silence = model.observed_at()?.duration_since(heard.value).as_secs();
    // A heartbeat after the facts were observed is no silence.
    Ok((Seconds(u64::try_from(silence).unwrap_or(0)), heard.span))
}
