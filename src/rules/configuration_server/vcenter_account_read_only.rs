//! FB312: Site Recovery's account on the vCenter may do what failback asks for.

use std::collections::HashSet;

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Model;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::source::Spanned;
use crate::syntax::inventory::Vcenter;

pub(crate) static RULE: Rule = Rule {
    id: "FB312",
    name: "vcenter-account-read-only",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "Site Recovery's account on the vCenter lacks privileges",
    docs: "\
### What it checks
Whether the account has every privilege that failback uses, on each vCenter that the machines have to do with. The word
`failback` stands for all of them; a branch, such as `VirtualMachine.Config`, for everything in it. Otherwise these are
asked for:

- `Datastore`: `AllocateSpace`, `Browse`, `FileManagement`, `DeleteFile`, `UpdateVirtualMachineFiles`
- `Network`: `Assign`
- `Resource`: `AssignVMToPool`, `ColdMigrate`, `HotMigrate`
- `Task`: `Create`, `Update`
- `VirtualMachine.Config`: all
- `VirtualMachine.Interact`: `AnswerQuestion`, `DeviceConnection`, `SetCDMedia`, `SetFloppyMedia`, `PowerOff`, `PowerOn`, `ToolsInstall`
- `VirtualMachine.Inventory`: `Create`, `Register`, `Unregister`
- `VirtualMachine.Provisioning`: `GetVmFiles`, `PutVmFiles`
- `VirtualMachine.State`: `RemoveSnapshot`

### Why
An account that may only read is enough to find machines, to protect them and to fail over to Azure. Reprotect to
on-premises makes and attaches disks: without the privileges it does not even list datastores.

### What to do
Give the account a role with these privileges on the datacenter, propagated to what is inside. It takes about 15 minutes
until a change of the credentials counts.
",
    help: "give the account a role with these privileges on the datacenter, propagated, and wait about 15 minutes",
    article: "vmware-azure-reprotect, Before you begin, item 7; vmware-azure-manage-vcenter, Account permissions",
    fixture: include_str!("../../../tests/rules/vcenter-account-read-only.yaml"),
    facts: &[
        "vcenters",
        "vcenters.account",
        "vcenters.account.privileges",
        "machines",
        "asr",
        "asr.source_vcenter",
    ],
    check: Check::Vcenter(check),
};

/// The word for all that failback needs.
const ALL: &str = "failback";

/// The branch that is needed whole.
const CONFIGURATION: &str = "VirtualMachine.Config";

/// Privileges that failback needs, by vCenter's own ids (vmware-azure-manage-vcenter, Account permissions;
/// vmware-azure-tutorial-prepare-on-premises). `VirtualMachine.Config` is needed whole: these are its privileges in vSphere 6.5
/// to 8.0.
const NEEDED: [&str; 50] = [
    "Datastore.AllocateSpace",
    "Datastore.Browse",
    "Datastore.FileManagement",
    "Datastore.DeleteFile",
    "Datastore.UpdateVirtualMachineFiles",
    "Network.Assign",
    "Resource.AssignVMToPool",
    "Resource.ColdMigrate",
    "Resource.HotMigrate",
    "Task.Create",
    "Task.Update",
    "VirtualMachine.Config.AddExistingDisk",
    "VirtualMachine.Config.AddNewDisk",
    "VirtualMachine.Config.AddRemoveDevice",
    "VirtualMachine.Config.AdvancedConfig",
    "VirtualMachine.Config.Annotation",
    "VirtualMachine.Config.CPUCount",
    "VirtualMachine.Config.ChangeTracking",
    "VirtualMachine.Config.DiskExtend",
    "VirtualMachine.Config.DiskLease",
    "VirtualMachine.Config.EditDevice",
    "VirtualMachine.Config.HostUSBDevice",
    "VirtualMachine.Config.ManagedBy",
    "VirtualMachine.Config.Memory",
    "VirtualMachine.Config.MksControl",
    "VirtualMachine.Config.QueryFTCompatibility",
    "VirtualMachine.Config.QueryUnownedFiles",
    "VirtualMachine.Config.RawDevice",
    "VirtualMachine.Config.ReloadFromPath",
    "VirtualMachine.Config.RemoveDisk",
    "VirtualMachine.Config.Rename",
    "VirtualMachine.Config.ResetGuestInfo",
    "VirtualMachine.Config.Resource",
    "VirtualMachine.Config.Settings",
    "VirtualMachine.Config.SwapPlacement",
    "VirtualMachine.Config.ToggleForkParent",
    "VirtualMachine.Config.UpgradeVirtualHardware",
    "VirtualMachine.Interact.AnswerQuestion",
    "VirtualMachine.Interact.DeviceConnection",
    "VirtualMachine.Interact.SetCDMedia",
    "VirtualMachine.Interact.SetFloppyMedia",
    "VirtualMachine.Interact.PowerOff",
    "VirtualMachine.Interact.PowerOn",
    "VirtualMachine.Interact.ToolsInstall",
    "VirtualMachine.Inventory.Create",
    "VirtualMachine.Inventory.Register",
    "VirtualMachine.Inventory.Unregister",
    "VirtualMachine.Provisioning.GetVmFiles",
    "VirtualMachine.Provisioning.PutVmFiles",
    "VirtualMachine.State.RemoveSnapshot",
];

/// A message names this many privileges; of the others it says how many there are.
const NAMED: usize = 8;

fn check(vcenter: &Vcenter, _: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let account = vcenter.account.fact_of("vcenters.account", &vcenter.id)?;
    let privileges = account.privileges.fact_of("vcenters.account.privileges", &vcenter.id)?;
    let missing = missing(privileges);
    if missing.is_empty() {
        return Ok(());
    }
    let mut names = missing.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    if missing.len() > NAMED {
        names = format!("{names} and {} more", missing.len() - NAMED);
    }
    let name = account.name.as_ref();
    let span =
        privileges.first().map(|first| first.span).or(name.map(|name| name.span)).unwrap_or(vcenter.id.span);
    let who = name.map_or_else(String::new, |name| format!(" {name}"));
    findings.at(
        span,
        format!(
            "{}: account{who} lacks {names}: what only reads protects and fails over, but does not reprotect",
            vcenter.id
        ),
    );
    Ok(())
}

/// Returns the privileges that are missing; a branch that is needed whole and missing whole is one of them.
fn missing(privileges: &[Spanned<String>]) -> Vec<&'static str> {
    let held: HashSet<&str> = privileges.iter().map(|privilege| privilege.value.as_str()).collect();
    let is_held = |needed: &str| {
        held.contains(ALL)
            || held.contains(needed)
            || needed.match_indices('.').any(|(dot, _)| held.contains(&needed[..dot]))
    };
    let mut missing: Vec<&str> = NEEDED.into_iter().filter(|needed| !is_held(needed)).collect();
    let is_configuration = |needed: &&str| needed.starts_with(CONFIGURATION);
    if NEEDED.iter().filter(|needed| is_configuration(needed)).all(|needed| missing.contains(needed)) {
        let mut told = false;
        missing.retain_mut(|needed| {
            if !is_configuration(&&**needed) {
                return true;
            }
            *needed = CONFIGURATION;
            !std::mem::replace(&mut told, true)
        });
    }
    missing
}
