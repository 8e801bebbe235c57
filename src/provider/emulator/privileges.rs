//! What an account must be allowed to do on a vCenter so that machines can come back.

/// The ids of the privileges that the article on managing vCenter (`vmware-azure-manage-vcenter`, account permissions)
/// asks for; where it says "all" of a group, the ids that every vSphere version since 6.5 has in it.
const NEEDED: &[&str] = &[
    "Datastore.AllocateSpace",
    "Datastore.Browse",
    "Datastore.DeleteFile",
    "Datastore.FileManagement",
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
    "VirtualMachine.Interact.PowerOff",
    "VirtualMachine.Interact.PowerOn",
    "VirtualMachine.Interact.SetCDMedia",
    "VirtualMachine.Interact.SetFloppyMedia",
    "VirtualMachine.Interact.ToolsInstall",
    "VirtualMachine.Inventory.Create",
    "VirtualMachine.Inventory.Register",
    "VirtualMachine.Inventory.Unregister",
    "VirtualMachine.Provisioning.GetVmFiles",
    "VirtualMachine.Provisioning.PutVmFiles",
    "VirtualMachine.State.RemoveSnapshot",
];

/// Returns whether an account with these privileges can do what a failback needs; `failback` stands for the whole list, and
/// the id of a group for all that is in it.
pub(super) fn suffice<'p>(privileges: impl Iterator<Item = &'p str>) -> bool {
    let has: std::collections::HashSet<&str> = privileges.collect();
    let granted = |needed: &str| {
        let groups = needed.match_indices('.').map(|(end, _)| &needed[..end]);
        has.contains(needed) || groups.into_iter().any(|group| has.contains(group))
    };
    has.contains("failback") || NEEDED.iter().all(|needed| granted(needed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_privilege_that_is_missing_is_too_few() {
        assert!(suffice(NEEDED.iter().copied()));
        assert!(suffice(["failback"].into_iter()));
        let groups = ["Datastore", "Network", "Resource", "Task", "VirtualMachine"];
        assert!(suffice(groups.into_iter()));
        assert!(!suffice(groups[..4].iter().copied()));
        assert!(!suffice(["VirtualMachine.Config"].into_iter().chain(groups[..4].iter().copied())));
        for missing in NEEDED {
            assert!(!suffice(NEEDED.iter().copied().filter(|needed| needed != missing)), "{missing}");
        }
    }
}
