//! FB021: the servers that are declared are those of the vault's architecture.

use std::collections::HashSet;

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Machine;
use crate::model::Model;
use crate::model::Unknown;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::source::Span;
use crate::source::Spanned;
use crate::syntax::inventory::Experience;

/// A finding points at so many lines that are ignored; of the others it says how many there are.
const LINES: usize = 10;

pub(crate) static RULE: Rule = Rule {
    id: "FB021",
    name: "experience-roles-mismatch",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "the servers that are declared don't fit the vault's architecture",
    docs: "\
### What it checks
Whether what the vault's architecture works with is declared at all: for classic a configuration server, a master target
and a process server, for modernized an appliance. A server counts as declared if the inventory has one; where it says
nothing about this kind, and the plan names one, nobody can tell. In a modernized plan the rule warns of master targets,
process servers and retention volumes, which are ignored there.

### Why
Classic and modernized are two architectures with different servers, and a vault uses one of them. Servers of the other
one can't bring its machines back.

### What to do
Look which architecture the vault uses, and declare its servers: configuration server, master targets and process servers
for classic, appliances for modernized.
",
    help: "declare the servers of the vault's architecture",
    article: "failover-failback-overview-modernized, Appliance selection; vmware-azure-prepare-failback, Reprotection/failback components",
    fixture: include_str!("../../../tests/rules/experience-roles-mismatch.yaml"),
    facts: &["vault.experience", "configuration_server", "master_targets", "process_servers", "appliances"],
    check: Check::Plan(check),
};

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    match model.experience()? {
        Experience::Classic => classic(model, findings),
        Experience::Modernized => modernized(model, findings),
    }
}

/// Returns the line of a machine's settings that names a server of a kind.
type Choice = fn(Machine<'_>) -> Option<&Spanned<String>>;

fn classic(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let inventory = &model.inventory;
    let server = model.configuration_server();
    let master_target =
        is_declared(model, ("master_targets", inventory.master_targets.as_deref()), |machine| {
            machine.settings().failback.master_target.as_ref()
        });
    let process_server =
        is_declared(model, ("process_servers", inventory.process_servers.as_deref()), |machine| {
            machine.settings().failback.process_server.as_ref()
        });
    let mut missing = Vec::new();
    if server == Ok(None) {
        missing.push("configuration server");
    }
    if master_target == Ok(false) {
        missing.push("master target");
    }
    if process_server == Ok(false) {
        missing.push("process server");
    }
    report(model, Experience::Classic, &missing, findings);
    server?;
    master_target?;
    process_server.map(|_| ())
}

fn modernized(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let declared = is_declared(model, ("appliances", model.inventory.appliances.as_deref()), |machine| {
        machine.settings().failback.appliance.as_ref()
    });
    report(model, Experience::Modernized, if declared == Ok(false) { &["appliance"] } else { &[] }, findings);
    let ignored: [(&str, Choice); 4] = [
        ("master target", |machine| machine.settings().failback.master_target.as_ref()),
        ("process server", |machine| machine.settings().failback.process_server.as_ref()),
        ("retention volume", |machine| machine.settings().failback.retention_volume.as_ref()),
        ("process server of the way to Azure", |machine| {
            machine.settings().forward.as_ref()?.process_server.as_ref()
        }),
    ];
    for (what, choice) in ignored {
        warn(model, what, choice, findings);
    }
    declared.map(|_| ())
}

/// Returns whether a kind of server is declared, by the inventory's list of it. Where the plan names none either, there is none.
fn is_declared<T>(
    model: &Model,
    (list, servers): (&'static str, Option<&[T]>),
    choice: Choice,
) -> Fact<bool> {
    match (servers, model.machines().find_map(choice)) {
        (Some(servers), _) => Ok(!servers.is_empty()),
        (None, Some(named)) => Err(Unknown::of(list, named.value.as_str())),
        (None, None) => Ok(false),
    }
}

fn report(model: &Model, experience: Experience, missing: &[&str], findings: &mut Findings<'_>) {
    if missing.is_empty() {
        return;
    }
    let plan = &model.plan.name;
    let span = experience_span(model);
    findings
        .at(
            span,
            format!("{plan}: the vault is {experience}, but no {} is declared", missing.join(" and no ")),
        )
        .also(plan.span, "this plan needs it");
}

/// Warns once of a key that is ignored in the modernized architecture, and points at each line that has it.
fn warn(model: &Model, what: &str, choice: Choice, findings: &mut Findings<'_>) {
    let mut seen = HashSet::new();
    let mut lines: Vec<&Spanned<String>> =
        model.machines().filter_map(choice).filter(|line| seen.insert(line.span)).collect();
    lines.sort_by_key(|line| line.span);
    let Some((first, others)) = lines.split_first() else { return };
    let message = format!("{}: {what} {first} is ignored, since the vault is modernized", model.plan.name);
    let finding = findings.at(first.span, message);
    finding
        .severity(Severity::Warning)
        .help(format!("take the {what} out; a modernized vault works with an appliance alone"))
        .also(experience_span(model), "the vault is modernized");
    for line in others.iter().take(LINES) {
        finding.also(line.span, format!("{line} is ignored too"));
    }
    if let Some(next) = others.get(LINES) {
        finding.also(next.span, format!("and {} more", others.len() - LINES));
    }
}

fn experience_span(model: &Model) -> Span {
    let vault = model.inventory.vault.as_ref();
    vault.and_then(|vault| vault.experience.as_ref()).map_or(Span::NONE, |experience| experience.span)
}
