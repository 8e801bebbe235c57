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
    summary: "the master target has a paravirtual SCSI controller, none of LSI Logic, or several kinds",
    docs: "\
### What it checks
The kinds of the SCSI controllers of a master target: none may be paravirtual, there must be one of LSI Logic, and all must be
of one kind.

### Why
The disks of the machines are attached to these controllers. Only LSI Logic works; disks at a paravirtual controller
are not found. With controllers of several kinds the reprotection ends with job error 78150, with a foreign one with 78151.

### What to do
Replace the controllers with some of one LSI Logic kind.
",
    help: "replace the controllers with some of one LSI Logic kind",
    article: "vmware-azure-prepare-failback, Reprotection/failback components; job errors 78150 and 78151 of Site Recovery, several or foreign kinds",
    fixture: include_str!("../../../tests/rules/mt-paravirtual-scsi.yaml"),
    facts: &["master_targets", "master_targets.scsi_controllers", "vault.experience"],
    check: Check::MasterTarget(check),
};

fn check(server: MasterTarget<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let name = server.name();
    let controllers = server.facts.scsi_controllers.fact_of("master_targets.scsi_controllers", name)?;
    let plain = |kind: &str| -> String {
        kind.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
    };
    let kinds = || controllers.iter().map(|kind| (kind, plain(kind)));
    let foreign =
        kinds().find(|(_, letters)| ["pvscsi", "paravirtual"].iter().any(|word| letters.contains(word)));
    let (span, message) = if let Some((kind, _)) = foreign {
        (kind.span, format!("{name}: {kind} is a paravirtual SCSI controller; only LSI Logic works"))
    } else if !kinds().any(|(_, letters)| letters.contains("lsilogic")) {
        let span = controllers.first().map_or(server.facts.name.span, |kind| kind.span);
        (span, format!("{name}: the master target has no LSI Logic SCSI controller"))
    } else if let Some((first, letters)) = kinds().next()
        && let Some((other, _)) = kinds().find(|(_, others)| *others != letters)
    {
        (other.span, format!("{name}: its SCSI controllers are of different kinds, {first} and {other}"))
    } else {
        return Ok(());
    };
    also_assigned(findings.at(span, message), server);
    Ok(())
}
