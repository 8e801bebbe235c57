//! Settings that a plan gives by operating-system family: a machine whose family is not known may have one all the same.

use crate::model::Fact;
use crate::model::Machine;
use crate::syntax::plan::OsDefaults;

/// Asks for the family of a machine that lacks a setting, if the plan gives that setting to a family.
///
/// # Errors
///
/// The missing fact, if only the family could tell whether the machine has the setting.
pub(super) fn family_decides(machine: Machine<'_>, gives: fn(&OsDefaults) -> bool) -> Fact<()> {
    let by_os = machine.model.plan.defaults.as_ref().and_then(|defaults| defaults.by_os.as_ref());
    if by_os.is_some_and(|by_os| [&by_os.windows, &by_os.linux].into_iter().flatten().any(gives)) {
        machine.os_family()?;
    }
    Ok(())
}
