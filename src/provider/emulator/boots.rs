//! How often each copy of a machine was booted: what one does says nothing about the other.

use crate::syntax::machine::ActiveSite;

/// Boots so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Boots {
    azure: u32,
    onprem: u32,
}

impl Boots {
    pub(super) const fn of(self, side: ActiveSite) -> u32 {
        match side {
            ActiveSite::Azure => self.azure,
            ActiveSite::Onprem => self.onprem,
        }
    }

    /// Counts a boot; returns its number.
    pub(super) const fn count(&mut self, side: ActiveSite) -> u32 {
        let boots = match side {
            ActiveSite::Azure => &mut self.azure,
            ActiveSite::Onprem => &mut self.onprem,
        };
        *boots += 1;
        *boots
    }
}
