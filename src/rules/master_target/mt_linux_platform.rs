//! FB217: a Linux master target runs one of two releases of Ubuntu.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::MasterTarget;
use crate::model::Unknown;
use crate::model::version::Version;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::master_target::also_assigned;
use crate::source::Span;
use crate::syntax::machine::OsFamily;

pub(crate) static RULE: Rule = Rule {
    id: "FB217",
    name: "mt-linux-platform",
    severity: Severity::Warning,
    architecture: Architecture::Classic,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "the Linux master target runs another distribution, or updates its kernel by itself",
    docs: "\
### What it checks
A Linux master target of the plan: whether it runs Ubuntu 16.04, or Ubuntu 20.04 with version 9.42 or later of the
master target, and whether its kernel updates by itself.

### Why
The driver of the master target is made for these releases and the kernels that were tested with them. After an update
of the kernel it may not load, and disks that are attached then can't be written.

### What to do
Use the documented release of Ubuntu, and switch the automatic updates of its kernel off.
",
    help: "use the documented release of Ubuntu and switch automatic kernel updates off",
    article: "vmware-azure-install-linux-master-target (2026-02)",
    fixture: include_str!("../../../tests/rules/mt-linux-platform.yaml"),
    facts: &["master_targets", "master_targets.os", "master_targets.os.family", "master_targets.os.release", "master_targets.version", "master_targets.kernel_auto_update", "vault.experience"],
    check: Check::MasterTarget(check),
};

fn check(server: MasterTarget<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let name = server.name();
    let os = server.facts.os.fact_of("master_targets.os", name)?;
    match os.family.fact_of("master_targets.os.family", name)?.value {
        OsFamily::Windows => return Ok(()),
        OsFamily::Linux => {}
    }
    let platform = unsupported(server);
    let updates = server.facts.kernel_auto_update;
    if let Ok(Some((span, what))) = &platform {
        let message = format!("{name}: {what} is not supported for a Linux master target");
        also_assigned(findings.at(*span, message), server);
    }
    if let Some(updates) = updates.filter(|updates| updates.value) {
        let message = format!("{name}: the kernel of the Linux master target updates by itself");
        also_assigned(findings.at(updates.span, message), server);
    }
    platform?;
    updates.fact_of("master_targets.kernel_auto_update", name)?;
    Ok(())
}

/// Returns the platform of a Linux master target if it is not a supported one.
fn unsupported(server: MasterTarget<'_>) -> Fact<Option<(Span, String)>> {
    let (facts, name) = (server.facts, server.name());
    let release = facts.os.as_ref().and_then(|os| os.release.as_ref());
    let release = release.ok_or_else(|| Unknown::of("master_targets.os.release", name))?;
    let letters: String = release.chars().filter(char::is_ascii_alphanumeric).collect();
    let letters = letters.to_ascii_lowercase();
    if letters.starts_with("ubuntu1604") {
        return Ok(None);
    }
    if !letters.starts_with("ubuntu2004") {
        return Ok(Some((release.span, release.value.clone())));
    }
    let version = facts.version.fact_of("master_targets.version", name)?;
    let parsed = Version::parse(version).ok_or_else(|| Unknown::of("master_targets.version", name))?;
    Ok((parsed < first_with_ubuntu_20_04())
        .then(|| (version.span, format!("{release} before version {FIRST_WITH_UBUNTU_20_04}"))))
}

/// The first version of the master target that runs on Ubuntu 20.04 (vmware-azure-install-linux-master-target).
const FIRST_WITH_UBUNTU_20_04: &str = "9.42";

fn first_with_ubuntu_20_04() -> Version {
    Version::parse(FIRST_WITH_UBUNTU_20_04).expect("the constant is a version")
}
