//! FB314: vCenters and hosts run a version that the support matrix has.

use crate::diagnostic::Severity;
use crate::model::Fact;
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
use crate::rules::configuration_server::is_esxi;
use crate::rules::configuration_server::vcenters;
use crate::rules::hosts::target_hosts;
use crate::source::Spanned;
use crate::syntax::inventory::Host;

pub(crate) static RULE: Rule = Rule {
    id: "FB314",
    name: "vsphere-version-unsupported",
    severity: Severity::Warning,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "a vCenter or host runs a version outside the support matrix",
    docs: "\
### What it checks
The version of each vCenter that the machines have to do with, and of each host that they come back to. Known are 6.5, 6.7,
7.0 and 8.0 with all their updates.

### Why
Site Recovery is tested with the versions of its support matrix. With another one nobody promises that disks can be made and
attached.

### What to do
Look the version up in the current support matrix, which may be newer than this rule; accept the finding, or upgrade.
",
    help: "look the version up in the current support matrix",
    article: "vmware-physical-azure-support-matrix, On-premises virtualization servers (2023-09)",
    fixture: include_str!("../../../tests/rules/vsphere-version-unsupported.yaml"),
    facts: &["appliances", "master_targets", 
        "machines",
        "kind",
        "asr",
        "asr.source_vcenter",
        "onprem_vm",
        "onprem_vm.exists",
        "onprem_vm.host",
        "vcenters",
        "vcenters.version",
        "hosts",
        "hosts.hypervisor",
        "hosts.version",
        "master_targets.host",
        "appliances.host",
        "vault.experience",
    ],
    check: Check::Plan(check),
};

/// Major and minor parts of the versions that are supported (vmware-physical-azure-support-matrix, On-premises virtualization
/// servers, 2023-09).
const SUPPORTED: [(u32, u32); 4] = [(6, 5), (6, 7), (7, 0), (8, 0)];

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let targets = target_hosts(model, is_fine);
    let (vcenters, unknown_vcenters) = vcenters(model, &targets);
    let mut unknown: Vec<Unknown> = Vec::new();
    let mut look = |kind, name: &str, what, known: &Option<Spanned<String>>, field| {
        let Some((version, supported)) = known.as_ref().and_then(|known| Some((known, is_supported(known)?)))
        else {
            return unknown.push(Unknown::of(field, name));
        };
        if !supported {
            findings
                .at(
                    version.span,
                    format!("{name}: {what} {version} is outside the support matrix (6.5, 6.7, 7.0, 8.0)"),
                )
                .subject(kind, name);
        }
    };
    for vcenter in vcenters {
        look(SubjectKind::Vcenter, &vcenter.id, "vCenter", &vcenter.version, "vcenters.version");
    }
    let mut unknown_hosts = Vec::new();
    for host in targets.hosts.iter().map(|target| target.host).filter(|host| !is_fine(host)) {
        match is_esxi(host) {
            Ok(_) => look(SubjectKind::Host, &host.name, "ESXi", &host.version, "hosts.version"),
            Err(fact) => unknown_hosts.push(fact),
        }
    }
    for fact in unknown.iter().chain(&unknown_hosts).chain(&unknown_vcenters).chain(&targets.unknown) {
        findings.unknown(fact);
    }
    Ok(())
}

/// Returns whether a host can be passed whoever comes back to it.
fn is_fine(host: &Host) -> bool {
    is_esxi(host) == Ok(false)
        || host.version.as_ref().and_then(|version| is_supported(version)) == Some(true)
}

/// Returns whether a version is supported; `None` for a text that is no version.
fn is_supported(version: &str) -> Option<bool> {
    let version = Version::parse(version)?;
    Some(SUPPORTED.contains(&(version.major(), version.minor())))
}
