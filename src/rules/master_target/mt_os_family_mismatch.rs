//! FB201: a master target serves machines of its own operating-system family.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::model::MasterTarget;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::source::Spanned;
use crate::syntax::machine::OsFamily;

pub(crate) static RULE: Rule = Rule {
    id: "FB201",
    name: "mt-os-family-mismatch",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Seed(&["S05a"]),
    when: When::STATIC,
    awaited: false,
    summary: "the master target is of another operating-system family than the machine",
    docs: "\
### What it checks
A machine whose master target runs an operating system of the other family.

### Why
A master target has to understand the file systems and volumes that it writes: Windows machines need a Windows master
target, Linux machines a Linux one.

### What to do
Assign a master target of the machine's family; `defaults.by_os` does it for all machines at once. The master target
built into the configuration server serves Windows only.
",
    help: "assign a master target of the machine's family, for all machines at once under `defaults.by_os`",
    article: "site-recovery-failback-azure-to-vmware, Overview, step 1.1 (2017-06-05); vmware-azure-install-linux-master-target, introduction",
    fixture: include_str!("../../../tests/rules/mt-os-family-mismatch.yaml"),
    facts: &["master_targets", 
        "machines",
        "os",
        "os.family",
        "master_targets.os",
        "master_targets.os.family",
        "vault.experience",
    ],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let (Some(server), Some(choice)) =
        (machine.listed_master_target()?, &machine.settings().failback.master_target)
    else {
        return Ok(());
    };
    let own = machine.os()?.family.fact("os.family")?;
    let other = family_of(server)?;
    if own.value == other.value {
        return Ok(());
    }
    let name = machine.name();
    let finding = findings.at(
        choice.span,
        format!(
            "{name}: a {} machine is assigned to {}, a {} master target",
            title(own.value),
            server.name(),
            title(other.value)
        ),
    );
    finding
        .also(own.span, format!("{name} runs {}", title(own.value)))
        .also(other.span, format!("{} runs {}", server.name(), title(other.value)))
        .also(name.span, "this machine");
    let fitting = machine
        .model
        .master_targets()
        .find(|server| family_of(*server).is_ok_and(|family| family.value == own.value));
    if let Some(fitting) = fitting {
        finding.help(format!("assign a {} master target, such as `{}`", title(own.value), fitting.name()));
    }
    Ok(())
}

fn family_of(server: MasterTarget<'_>) -> Fact<&Spanned<OsFamily>> {
    let os = server.facts.os.fact_of("master_targets.os", server.name())?;
    os.family.fact_of("master_targets.os.family", server.name())
}

const fn title(family: OsFamily) -> &'static str {
    match family {
        OsFamily::Windows => "Windows",
        OsFamily::Linux => "Linux",
    }
}
