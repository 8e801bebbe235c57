//! A vault by its subscription, resource group and name, and the addresses below it.

use std::fmt;

/// A Recovery Services vault.
#[derive(Clone, Debug)]
pub struct VaultId {
    /// The subscription.
    pub subscription: String,
    /// The resource group.
    pub resource_group: String,
    /// The vault's name.
    pub name: String,
}

/// Why a text names no vault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` names no vault: write /subscriptions/<id>/resourceGroups/<group>/providers/Microsoft.RecoveryServices/vaults/<name>"
)]
pub struct VaultIdError {
    text: String,
}

impl VaultId {
    /// Returns the vault that an Azure resource id names, in whatever case it is written.
    ///
    /// # Errors
    ///
    /// [`VaultIdError`] if the id is not that of a vault.
    pub fn parse(text: &str) -> Result<Self, VaultIdError> {
        let parts: Vec<&str> = text.trim().trim_matches('/').split('/').collect();
        let is = |at: usize, word: &str| parts.get(at).is_some_and(|part| part.eq_ignore_ascii_case(word));
        let fits = parts.len() == 8
            && is(0, "subscriptions")
            && is(2, "resourceGroups")
            && is(4, "providers")
            && is(5, "Microsoft.RecoveryServices")
            && is(6, "vaults");
        match parts.as_slice() {
            [_, subscription, _, group, _, _, _, name] if fits => Ok(Self {
                subscription: (*subscription).to_owned(),
                resource_group: (*group).to_owned(),
                name: (*name).to_owned(),
            }),
            _ => Err(VaultIdError { text: text.to_owned() }),
        }
    }

    /// Returns the address of the vault's subscription.
    pub(super) fn subscription_path(&self) -> String {
        format!("/subscriptions/{}", escaped(&self.subscription))
    }

    /// Returns the address of the vault's resource group.
    pub(super) fn group_path(&self) -> String {
        format!("{}/resourceGroups/{}", self.subscription_path(), escaped(&self.resource_group))
    }

    /// Returns the address of the vault.
    pub(super) fn path(&self) -> String {
        format!("{}/providers/Microsoft.RecoveryServices/vaults/{}", self.group_path(), escaped(&self.name))
    }
}

impl PartialEq for VaultId {
    fn eq(&self, other: &Self) -> bool {
        self.subscription.eq_ignore_ascii_case(&other.subscription)
            && self.resource_group.eq_ignore_ascii_case(&other.resource_group)
            && self.name.eq_ignore_ascii_case(&other.name)
    }
}

impl Eq for VaultId {}

impl fmt::Display for VaultId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.RecoveryServices/vaults/{}",
            self.subscription, self.resource_group, self.name
        )
    }
}

/// Returns a name as a part of an address.
pub(super) fn escaped(name: &str) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~()".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// Returns the last part of an id.
pub(super) fn last_part(id: &str) -> &str {
    id.trim_end_matches('/').rsplit('/').next().unwrap_or(id)
}

/// Returns the part of an id that follows a word, such as the group after `resourceGroups`.
pub(super) fn part_after<'i>(id: &'i str, word: &str) -> Option<&'i str> {
    let mut parts = id.split('/');
    parts.find(|part| part.eq_ignore_ascii_case(word))?;
    parts.next().filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vault_is_read_in_whatever_case_its_id_is_written() {
        let one = VaultId::parse(
            "/Subscriptions/S1/resourcegroups/RG/providers/microsoft.recoveryservices/vaults/V",
        )
        .expect("it is a vault");
        let other = VaultId::parse(
            "/subscriptions/s1/resourceGroups/rg/providers/Microsoft.RecoveryServices/vaults/v/",
        )
        .expect("it is a vault");
        assert_eq!(one, other);
        assert!(
            VaultId::parse("/subscriptions/s1/resourceGroups/rg/providers/Microsoft.Compute/vaults/v")
                .is_err()
        );
        assert!(VaultId::parse("").is_err());
    }

    #[test]
    fn a_name_can_not_leave_its_place_in_an_address() {
        assert_eq!(escaped("a/../b?c#d%"), "a%2F..%2Fb%3Fc%23d%25");
        assert_eq!(part_after("/subscriptions/s/resourceGroups/rg/x", "resourcegroups"), Some("rg"));
    }
}
