//! FB207: a master target has LSI Logic controllers.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::MasterTarget;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::master_target::also_assigned;

pub(crate) static RULE: Rule = Rule {
    id: "FB207",
    name: "mt-paravirtual-scsi",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Beyond,
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "the master target has a paravirtual SCSI controller, or none of LSI Logic",
    docs: "\
### What it checks
The kinds of the SCSI controllers of a master target: none may be paravirtual, and there must be one of LSI Logic.

### Why
The disks of the machines are attached to these controllers. Only LSI Logic works; disks at a paravirtual controller
are not found.

### What to do
Replace the controller with one of LSI Logic.
",
    help: "replace the controller with one of LSI Logic",
    article: "vmware-azure-prepare-failback, Reprotection/failback components",
    fixture: include_str!("../../../tests/rules/mt-paravirtual-scsi.yaml"),
    facts: &["master_targets.scsi_controllers", "vault.experience"],
    check: Check::MasterTarget(check),
};

fn check(server: MasterTarget<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let name = server.name();
    let controllers = server.facts.scsi_controllers.fact_of("master_targets.scsi_controllers", name)?;
    let is_one_of = |words: &[&str], controller: &str| {
        let letters: String = controller.chars().filter(char::is_ascii_alphanumeric).collect();
        words.iter().any(|word| letters.to_ascii_lowercase().contains(word))
    };
    let paravirtual = controllers.iter().find(|kind| is_one_of(&["pvscsi", "paravirtual"], kind));
    let (span, message) = if let Some(kind) = paravirtual {
        (kind.span, format!("{name}: {kind} is a paravirtual SCSI controller; only LSI Logic works"))
    } else if controllers.iter().any(|kind| is_one_of(&["lsilogic"], kind)) {
        return Ok(());
    } else {
        let span = controllers.first().map_or(server.facts.name.span, |kind| kind.span);
        (span, format!("{name}: the master target has no LSI Logic SCSI controller"))
    };
    also_assigned(findings.at(span, message), server);
    Ok(())
}
