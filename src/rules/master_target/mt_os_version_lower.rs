//! FB202: a Windows master target is not older than its machines.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::model::MasterTarget;
use crate::model::Unknown;
use crate::model::release::WindowsServer;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::labels::also_machines;
use crate::rules::master_target::of_machine;
use crate::source::Spanned;
use crate::syntax::machine::OsFamily;

pub(crate) static RULE: Rule = Rule {
    id: "FB202",
    name: "mt-os-version-lower",
    severity: Severity::Warning,
    architecture: Architecture::Classic,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "the master target runs an older Windows Server than a machine that is assigned to it",
    docs: "\
### What it checks
A Windows master target, and the Windows machines that are assigned to it, by the order of the Windows Server
releases. Linux master targets are not compared: they run Ubuntu by requirement, whatever their machines run.

### Why
The master target handles the volumes of the machines. It should run the same version as they do, or a higher one.

### What to do
Deploy a newer Windows master target and assign these machines to it.
",
    help: "assign the machine to a Windows master target of the same or a higher version",
    article: "vmware-azure-prepare-failback, Reprotection/failback components",
    fixture: include_str!("../../../tests/rules/mt-os-version-lower.yaml"),
    facts: &["master_targets", "machines", "os", "os.family", "os.release", "master_targets.os", "master_targets.os.family", "master_targets.os.release", "vault.experience"],
    check: Check::MasterTarget(check),
};

fn check(server: MasterTarget<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let name = server.name();
    let os = server.facts.os.fact_of("master_targets.os", name)?;
    match os.family.fact_of("master_targets.os.family", name)?.value {
        OsFamily::Linux => return Ok(()),
        OsFamily::Windows => {}
    }
    let mut windows = Vec::new();
    let mut unknown = Ok(());
    for machine in server.machines() {
        match windows_release(machine) {
            Ok(release) => windows.extend(release.map(|(release, word)| (release, word, machine))),
            Err(missing) => unknown = unknown.and(Err(of_machine(missing, machine))),
        }
    }
    if windows.is_empty() {
        return unknown;
    }
    let word = os.release.fact_of("master_targets.os.release", name)?;
    // A word that has no place in the order can't be compared.
    let (own, _) =
        WindowsServer::from_release(word).ok_or_else(|| Unknown::of("master_targets.os.release", name))?;
    windows.retain(|(release, ..)| *release > own);
    if let Some((_, newest, machine)) = windows.iter().rev().max_by_key(|(release, ..)| *release) {
        let message = format!("{name}: runs {word}, older than {newest} of {}", machine.name());
        let newer = windows.iter().map(|(.., machine)| *machine);
        also_machines(findings.at(word.span, message), newer, "runs a newer Windows Server");
    }
    unknown
}

/// Returns the release of a Windows machine; `None` of another machine.
fn windows_release(machine: Machine<'_>) -> Fact<Option<(WindowsServer, &Spanned<String>)>> {
    let os = machine.os()?;
    let known = os.release.as_ref().and_then(|word| Some((WindowsServer::from_release(word)?.0, word)));
    match (os.family.map(|family| family.value), known) {
        (Some(OsFamily::Linux), _) => Ok(None),
        (Some(OsFamily::Windows) | None, Some(known)) => Ok(Some(known)),
        (Some(OsFamily::Windows), None) => Err(Unknown::new("os.release")),
        (None, None) => Err(Unknown::new("os.family")),
    }
}
