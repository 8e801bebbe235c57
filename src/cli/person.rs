//! Who this process acts for.

use std::collections::BTreeMap;

use crate::event::KnownAs;

/// The person at the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The name.
    pub name: String,
    /// How it is known.
    pub known_as: KnownAs,
}

impl Person {
    /// Returns the user that this process runs as; a name of the environment is only claimed.
    #[must_use]
    pub fn of(variables: &BTreeMap<String, String>) -> Self {
        match os_user() {
            Some(name) => Self { name, known_as: KnownAs::OsUser },
            None => {
                let claimed = ["USER", "LOGNAME"].iter().find_map(|name| variables.get(*name)).cloned();
                let name = claimed.unwrap_or_else(|| "somebody at the terminal".into());
                Self { name, known_as: KnownAs::Claimed }
            }
        }
    }

    /// Returns the name, if the system vouches for it.
    #[must_use]
    pub fn proven(self) -> Option<String> {
        (self.known_as == KnownAs::OsUser).then_some(self.name)
    }
}

/// Returns the user that this process runs as, as the system knows it: `name (uid 1000)`.
#[cfg(target_os = "linux")]
fn os_user() -> Option<String> {
    use std::os::linux::fs::MetadataExt as _;
    let uid = std::fs::metadata("/proc/self").ok()?.st_uid();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid.to_string()).then(|| name.to_owned())
    });
    Some(name.map_or(format!("uid {uid}"), |name| format!("{name} (uid {uid})")))
}

/// Returns the user that this process runs as; other systems are not asked.
#[cfg(not(target_os = "linux"))]
fn os_user() -> Option<String> {
    None
}
