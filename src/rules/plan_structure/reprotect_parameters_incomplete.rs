//! FB509: reprotect asks for every parameter of every machine.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::LocationMode;
use crate::model::Machine;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::by_os::family_decides;
use crate::syntax::inventory::Experience;
use crate::syntax::plan::OsDefaults;

pub(crate) static RULE: Rule = Rule {
    id: "FB509",
    name: "reprotect-parameters-incomplete",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "parameters of reprotect are missing",
    docs: "\
### What it checks
What reprotect to on-premises has to be told of each machine. Classic: the datastore and the retention volume; modernized: the
appliance and the datastore. One finding lists all that a machine lacks. What other rules report is not listed again: the master
target (FB200) and the process server (FB401) of the classic architecture, the log storage account of the modernized one (FB805),
and the datastore of a machine that comes back as a new one (FB121).

### Why
Reprotect is refused if one of them is missing, and a recovery plan asks for them machine by machine. The datastore must be given
even where it is ignored, as for a machine that returns into its original disks.

### What to do
Write what is missing under `failback`: of the machine, of its replication group, or under `defaults`.
",
    help: "write what is missing under `failback`: of the machine, of its replication group, or under `defaults`",
    article: "vmware-azure-reprotect, Enable reprotection; REST models InMageReprotectInput and InMageRcmReprotectInput, required fields",
    fixture: include_str!("../../../tests/rules/reprotect-parameters-incomplete.yaml"),
    facts: &["vault.experience", "machines", "os", "os.family"],
    check: Check::Machine(check),
};

/// A parameter of reprotect.
struct Parameter {
    /// Its key in a plan.
    key: &'static str,
    /// Whether a machine has it.
    is_given: bool,
    /// Whether the plan gives it to the machines of a family.
    by_family: fn(&OsDefaults) -> bool,
}

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let settings = &machine.settings().failback;
    let datastore = Parameter {
        key: "datastore",
        // Without one the disks of an alternate location are another rule's matter.
        is_given: settings.datastore.is_some() || machine.location_mode() == Ok(LocationMode::Alternate),
        by_family: |family| family.failback.as_ref().is_some_and(|failback| failback.datastore.is_some()),
    };
    let parameters = match machine.model.experience()? {
        Experience::Classic => vec![
            datastore,
            Parameter {
                key: "retention_volume",
                is_given: settings.retention_volume.is_some(),
                by_family: |family| {
                    family.failback.as_ref().is_some_and(|failback| failback.retention_volume.is_some())
                },
            },
        ],
        Experience::Modernized => vec![
            Parameter {
                key: "appliance",
                is_given: settings.appliance.is_some(),
                by_family: |family| {
                    family.failback.as_ref().is_some_and(|failback| failback.appliance.is_some())
                },
            },
            datastore,
        ],
    };
    let (mut missing, mut unknown) = (Vec::new(), Ok(()));
    for parameter in parameters.iter().filter(|parameter| !parameter.is_given) {
        match family_decides(machine, parameter.by_family) {
            Ok(()) => missing.push(format!("`{}`", parameter.key)),
            Err(fact) => unknown = unknown.and(Err(fact)),
        }
    }
    if !missing.is_empty() {
        let name = machine.name();
        let message = format!("{name}: parameters of reprotect are missing: {}", missing.join(", "));
        findings.at(name.span, message);
    }
    unknown
}
