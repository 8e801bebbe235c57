//! Which disks of a machine come back: those of its VM in Azure, else those that it had on-premises.

use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::model::Unknown;
use crate::quantity::Bytes;
use crate::source::Spanned;
use crate::syntax::inventory::Experience;
use crate::syntax::machine::AzureDisk;
use crate::syntax::machine::OsFamily;

/// The disks of a machine that come back, and those that may.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReturningDisks {
    /// The size of each.
    pub sizes: Vec<Fact<Bytes>>,
    /// The fact without which nobody can tell whether all of them come back.
    pub fewer: Option<Unknown>,
    /// The fact without which nobody can tell whether others do.
    pub more: Option<Unknown>,
}

impl ReturningDisks {
    /// Returns how many there are.
    #[must_use]
    pub fn count(&self) -> u32 {
        u32::try_from(self.sizes.len()).unwrap_or(u32::MAX)
    }
}

impl Machine<'_> {
    /// Returns the disks that come back with the machine. A disk of which a fact is missing is among them: what has to take
    /// the disks had better have room for it.
    ///
    /// # Errors
    ///
    /// [`Unknown`] if the inventory lists the disks of neither side.
    pub fn returning_disks(self) -> Fact<ReturningDisks> {
        // The list of a VM that is gone is empty, whatever it had.
        let own = self.onprem_disks().unwrap_or_default();
        let mut returning = ReturningDisks::default();
        match self.azure_vm().and_then(|vm| vm.disks.fact("azure_vm.disks")) {
            Ok(disks) => {
                for disk in disks {
                    match self.brings_back(disk) {
                        Ok(false) => continue,
                        Ok(true) => {}
                        Err(missing) => {
                            returning.fewer.get_or_insert(missing);
                        }
                    }
                    let on_premises = || own.iter().find(|own| own.id == disk.id)?.size_gb;
                    let size = disk.size_gb.or_else(on_premises);
                    returning.sizes.push(size.fact("azure_vm.disks.size_gb").map(|size| size.value));
                }
            }
            Err(missing) if own.is_empty() => return Err(missing),
            Err(missing) => {
                let replicated =
                    own.iter().filter(|disk| !disk.excluded.is_some_and(|excluded| excluded.value));
                returning.sizes.extend(
                    replicated
                        .map(|disk| disk.size_gb.fact("onprem_vm.disks.size_gb").map(|size| size.value)),
                );
                if self.brings_back_added_disks() != Ok(false) {
                    returning.more = Some(missing);
                }
            }
        }
        Ok(returning)
    }

    /// Returns whether a disk of its VM in Azure comes back: one from on-premises always, one that was added in Azure where
    /// such disks do; a temporary one never.
    fn brings_back(self, disk: &AzureDisk) -> Fact<bool> {
        let is =
            |known: Option<Spanned<bool>>, wanted: bool| known.is_some_and(|known| known.value == wanted);
        if is(disk.temporary, true) {
            return Ok(false);
        }
        if is(disk.replicated_from_onprem, true) {
            return Ok(true);
        }
        let added_ones = self.brings_back_added_disks();
        if is(disk.replicated_from_onprem, false) && added_ones == Ok(false) {
            return Ok(false);
        }
        disk.temporary.fact("azure_vm.disks.temporary")?;
        if added_ones != Ok(true) {
            disk.replicated_from_onprem.fact("azure_vm.disks.replicated_from_onprem")?;
        }
        added_ones
    }

    /// Returns whether disks that were added in Azure come back: only with a Linux machine of the classic architecture
    /// (exclude-disks-replication, Exclude limitations).
    fn brings_back_added_disks(self) -> Fact<bool> {
        match (self.model.experience(), self.os_family()) {
            (Ok(Experience::Modernized), _) | (_, Ok(OsFamily::Windows)) => Ok(false),
            (Ok(Experience::Classic), family) => Ok(family? == OsFamily::Linux),
            (Err(unknown), Ok(OsFamily::Linux) | Err(_)) => Err(Unknown::new(unknown.field)),
        }
    }
}
