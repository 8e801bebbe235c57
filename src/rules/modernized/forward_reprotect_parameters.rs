//! FB817: protecting a machine again asks for an appliance and a storage account.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Machine;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::by_os::family_decides;
use crate::rules::modernized::other_vault;
use crate::rules::needed::protected_again;
use crate::source::Spanned;
use crate::syntax::plan::Forward;
use crate::syntax::plan::OsDefaults;

pub(crate) static RULE: Rule = Rule {
    id: "FB817",
    name: "forward-reprotect-parameters",
    severity: Severity::Error,
    architecture: Architecture::Modernized,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "parameters are missing for protecting a machine again",
    docs: "\
### What it checks
Machines that are to be protected again: whether the plan names, under `forward`, the appliance that sends their data to Azure
and the storage account that caches it; and whether that appliance is of the plan's vault. A policy and an account to log on
with may be named too; where they are not, those of the vault are used.

### Why
Reprotect from on-premises to Azure comes after the commit, when there is no way back. Until it runs, the machine has no
protection, so what it needs should be known before the run begins.

### What to do
Name both under `forward`. The appliance must be able to access the machine's datastore.
",
    help: "name them: `forward: {appliance: …, cache_storage_account: …}`",
    article: "vmware-azure-tutorial-failover-failback-modernized, Re-protect; Az PowerShell, parameter set \
              ReplicateVMwareToAzure",
    fixture: include_str!("../../../tests/rules/forward-reprotect-parameters.yaml"),
    facts: &["machines", "appliances", "os", "os.family", "vault.name", "appliances.vault"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let settings = machine.settings();
    let Some(wanted) = protected_again(machine) else { return Ok(()) };
    let forward = settings.forward.as_ref();
    let appliance = forward.and_then(|forward| forward.appliance.as_ref());
    let account = forward.and_then(|forward| forward.cache_storage_account.as_ref());
    let mut missing = Vec::new();
    let mut unknown = None;
    for (named, word, gives) in [
        (appliance, "`appliance`", gives_appliance as fn(&OsDefaults) -> bool),
        (account, "`cache_storage_account`", gives_account),
    ] {
        if named.is_none() {
            match family_decides(machine, gives) {
                Ok(()) => missing.push(word),
                Err(fact) => unknown = unknown.or(Some(fact)),
            }
        }
    }
    if !missing.is_empty() {
        let name = machine.name();
        let message = format!("{name}: missing for protecting it again: {}", missing.join(" and "));
        findings.at(name.span, message).also(wanted, "it is to be protected again");
    }
    let of_vault = appliance.map_or(Ok(()), |named| check_vault(machine, named, findings));
    unknown.map_or(of_vault, Err)
}

fn gives_appliance(family: &OsDefaults) -> bool {
    family.forward.as_ref().is_some_and(|forward: &Forward| forward.appliance.is_some())
}

fn gives_account(family: &OsDefaults) -> bool {
    family.forward.as_ref().is_some_and(|forward: &Forward| forward.cache_storage_account.is_some())
}

/// Reports an appliance of another vault. One that machines come back through too is another rule's.
fn check_vault(machine: Machine<'_>, named: &Spanned<String>, findings: &mut Findings<'_>) -> Fact<()> {
    let is_way_home =
        machine.settings().failback.appliance.as_ref().is_some_and(|home| home.value == named.value);
    if is_way_home {
        return Ok(());
    }
    let Some(appliance) = machine.listed_forward_appliance()? else { return Ok(()) };
    if appliance.machines().next().is_some() {
        return Ok(());
    }
    if let Some((theirs, ours)) = other_vault(appliance)? {
        let name = machine.name();
        findings
            .at(
                named.span,
                format!("{name}: the appliance {named} is registered in {theirs}, not in the vault {ours}"),
            )
            .help("name an appliance of the vault")
            .also(theirs.span, format!("{named} is registered here"))
            .also(name.span, "the machine that is to be protected again");
    }
    Ok(())
}
