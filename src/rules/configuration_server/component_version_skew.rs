//! FB330: the parts of Site Recovery are not too far apart in their versions.

use crate::diagnostic::Severity;
use crate::id::IdSet;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::model::Model;
use crate::model::Unknown;
use crate::model::version::Version;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::SubjectKind;
use crate::rules::When;
use crate::rules::configuration_server::of_machine;
use crate::rules::configuration_server::releases_between;
use crate::source::Span;
use crate::source::Spanned;
use crate::syntax::inventory::Experience;
use crate::syntax::inventory::Inventory;

pub(crate) static RULE: Rule = Rule {
    id: "FB330",
    name: "component-version-skew",
    severity: Severity::Warning,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "a part of Site Recovery is more than four releases behind",
    docs: "\
### What it checks
The configuration server, and the process servers, appliances and Mobility agents of the plan: how many releases each is
behind the newest of such parts in the inventory. A release is the second number of a version; 9.62 is four after 9.58.

### Why
Parts work together only with those of the last four releases. What is older is not supported beside the newest one.

### What to do
Upgrade in this order: configuration server, process servers, agents. Who is more than four releases behind goes through
releases between, such as 9.16, 9.20, 9.24.
",
    help: "upgrade it: configuration server, then process servers, then agents, at most four releases at a time",
    article: "service-updates-how-to, Support statement",
    fixture: include_str!("../../../tests/rules/component-version-skew.yaml"),
    facts: &[
        "configuration_server",
        "configuration_server.version",
        "process_servers",
        "process_servers.version",
        "appliances",
        "appliances.version",
        "machines",
        "asr",
        "asr.agent_version",
    ],
    check: Check::Plan(check),
};

/// Releases that a part may be behind (service-updates-how-to, Support statement).
const BEHIND: u32 = 4;

/// A kind of parts.
struct Kind {
    subject: SubjectKind,
    what: &'static str,
    /// The key under which the version stands.
    field: &'static str,
}

const CONFIGURATION_SERVER: Kind = Kind {
    subject: SubjectKind::ConfigurationServer,
    what: "configuration server",
    field: "configuration_server.version",
};
const PROCESS_SERVER: Kind =
    Kind { subject: SubjectKind::ProcessServer, what: "process server", field: "process_servers.version" };
const APPLIANCE: Kind =
    Kind { subject: SubjectKind::Appliance, what: "appliance", field: "appliances.version" };
const AGENT: Kind = Kind { subject: SubjectKind::Machine, what: "agent", field: "asr.agent_version" };

/// A part of Site Recovery that the plan uses.
struct Part<'m> {
    kind: &'static Kind,
    /// Its name; a machine's, for an agent.
    name: &'m str,
    version: Fact<&'m Spanned<String>>,
    /// Where the plan brings it in.
    used: Span,
}

impl<'m> Part<'m> {
    fn new(kind: &'static Kind, used: &'m Spanned<String>, version: &'m Option<Spanned<String>>) -> Self {
        let version = version.fact_of(kind.field, used);
        Self { kind, name: &used.value, version, used: used.span }
    }
}

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let newest = newest(&model.inventory);
    let mut unknown = model.machines().find_map(|machine| are_listed(machine).err());
    for Part { kind, name, version, used } in parts(model) {
        let known = version.and_then(|written| {
            let version = Version::parse(written).ok_or_else(|| Unknown::of(kind.field, name))?;
            Ok((written, version))
        });
        match (known, &newest) {
            (Ok((written, version)), Some((newest, place)))
                if releases_between(&version, newest) > BEHIND =>
            {
                findings
                    .at(
                        written.span,
                        format!(
                            "{name}: {} {written} is more than {BEHIND} releases behind {place}",
                            kind.what
                        ),
                    )
                    .also(place.span, "the newest version in the inventory")
                    .also(used, "the plan uses it here")
                    .subject(kind.subject, name);
            }
            (Ok(_), _) => {}
            (Err(fact), _) => {
                unknown.get_or_insert(fact);
            }
        }
    }
    if model.experience() == Ok(Experience::Classic) {
        model.configuration_server()?;
    }
    unknown.map_or(Ok(()), Err)
}

/// Looks whether the servers of a machine can be looked up at all.
fn are_listed(machine: Machine<'_>) -> Fact<()> {
    machine.listed_process_server()?;
    machine.listed_forward_process_server()?;
    machine.listed_appliance()?;
    machine.listed_forward_appliance().map(|_| ())
}

/// Returns the newest version in the inventory, and where it is written.
fn newest(inventory: &Inventory) -> Option<(Version, &Spanned<String>)> {
    let server = inventory.configuration_server.as_option().and_then(|server| server.version.as_ref());
    let process_servers =
        inventory.process_servers.iter().flatten().filter_map(|server| server.version.as_ref());
    let appliances = inventory.appliances.iter().flatten().filter_map(|appliance| appliance.version.as_ref());
    let agents = inventory
        .machines
        .iter()
        .flatten()
        .filter_map(|machine| machine.asr.as_ref()?.agent_version.as_ref());
    server
        .into_iter()
        .chain(process_servers)
        .chain(appliances)
        .chain(agents)
        .filter_map(|written| Some((Version::parse(written)?, written)))
        // Of equal ones the first: that is a server, rather than one agent of many.
        .reduce(|newest, next| if next.0 > newest.0 { next } else { newest })
}

/// Returns the parts that the plan uses, in the order in which they are upgraded.
fn parts(model: &Model) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    if let Some(server) = model.inventory.configuration_server.as_option() {
        let version = server.version.fact_of(CONFIGURATION_SERVER.field, &server.id);
        let (kind, name) = (&CONFIGURATION_SERVER, server.id.value.as_str());
        parts.push(Part { kind, name, version, used: Span::NONE });
    }
    let mut seen = IdSet::default();
    for machine in model.machines() {
        let failback = &machine.settings().failback;
        let forward = machine.settings().forward.as_ref();
        let ways = [&failback.process_server, forward.map_or(&None, |forward| &forward.process_server)];
        for used in ways.into_iter().flatten() {
            if let Ok(server) = model.process_server(used)
                && seen.insert(("process server", used.value.as_str()))
            {
                parts.push(Part::new(&PROCESS_SERVER, used, &server.version));
            }
        }
        let ways = [&failback.appliance, forward.map_or(&None, |forward| &forward.appliance)];
        for used in ways.into_iter().flatten() {
            if let Some(appliance) = model.appliance_named(used)
                && seen.insert(("appliance", used.value.as_str()))
            {
                parts.push(Part::new(&APPLIANCE, used, &appliance.facts.version));
            }
        }
    }
    for machine in model.machines() {
        let (kind, name) = (&AGENT, machine.name());
        let asr = machine.asr().map_err(|unknown| of_machine(unknown, machine));
        let version = asr.and_then(|asr| asr.agent_version.fact_of(kind.field, name));
        parts.push(Part { kind, name, version, used: name.span });
    }
    parts
}
