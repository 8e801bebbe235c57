//! FB301: the way back leads through the configuration server that protected the machine.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::SubjectKind;
use crate::rules::When;
use crate::rules::labels::also_machines;
use crate::syntax::inventory::ConfigurationServer;

pub(crate) static RULE: Rule = Rule {
    id: "FB301",
    name: "config-server-not-original",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Seed(&["S11"]),
    when: When::STATIC,
    awaited: false,
    summary: "the configuration server is not the original one",
    docs: "\
### What it checks
Whether each machine was protected through the configuration server that is there, and whether that server is
the original: neither cloned nor newly deployed.

### Why
Failback works only through the configuration server that protected the machine. A new one can't be deployed
for it, and a clone is not the same server.

### What to do
Restore the original configuration server from its backup, with its address.
",
    help: "restore the original configuration server from its backup; a new or cloned one can't be used",
    article: "site-recovery-failback-azure-to-vmware, note before Original location recovery (2017-06-05); vmware-azure-common-questions",
    fixture: include_str!("../../../tests/rules/config-server-not-original.yaml"),
    facts: &[
        "machines",
        "asr",
        "asr.configuration_server",
        "configuration_server",
        "configuration_server.cloned",
    ],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let Some(server) = machine.model.configuration_server()? else { return Ok(()) };
    let original = machine.asr().and_then(|asr| asr.configuration_server.fact("asr.configuration_server"));
    if let Ok(original) = original
        && *original != server.id
    {
        findings
            .at(
                original.span,
                format!(
                    "{}: it was protected through the configuration server {original}, and failback through {} is not possible",
                    machine.name(),
                    server.id
                ),
            )
            .also(server.id.span, "the configuration server that is there")
            .also(machine.name().span, "the plan brings it back here");
    }
    // The server itself is judged once, with the first machine; what is missing about the one hides nothing about the other.
    if machine.index() == 0 {
        let id = &server.id;
        let mut of_server = findings.about(SubjectKind::ConfigurationServer, &id.value, id.span);
        if let Err(unknown) = check_server(machine, server, &mut of_server) {
            of_server.unknown(&unknown);
        }
    }
    original.map(|_| ())
}

fn check_server(machine: Machine<'_>, server: &ConfigurationServer, findings: &mut Findings<'_>) -> Fact<()> {
    let cloned = server.cloned.fact_of("configuration_server.cloned", &server.id)?;
    if cloned.value {
        let finding = findings.at(
            cloned.span,
            format!("{}: it is a clone or a new deployment, not the original server", server.id),
        );
        let model = machine.model;
        also_machines(finding, model.machines(), "it would fail back through this server");
    }
    Ok(())
}
