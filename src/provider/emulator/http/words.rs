//! Words and figures of the wire that several kinds of resources share.

use jiff::SignedDuration;
use jiff::Timestamp;
use serde_json::Value;
use serde_json::json;

use crate::provider::emulator::http::guid;
use crate::quantity::Bytes;
use crate::quantity::GIB;
use crate::source::Spanned;
use crate::syntax::inventory::Known;
use crate::syntax::machine::Health;
use crate::syntax::machine::OsFamily;

/// What stands for a time that never comes.
pub const NEVER: &str = "9999-12-31T23:59:59.9999999";

/// Returns a known fact as text.
#[must_use]
pub fn text_of(fact: &Known<String>) -> Option<&str> {
    fact.as_deref().map(String::as_str)
}

/// Returns the plain texts of a list.
#[must_use]
pub fn texts(list: Option<&Vec<Spanned<String>>>) -> Vec<&str> {
    list.into_iter().flatten().map(|text| text.value.as_str()).collect()
}

/// Returns the word of Site Recovery for a health.
#[must_use]
pub const fn health_word(health: Health) -> &'static str {
    match health {
        Health::Ok | Health::Healthy => "Normal",
        Health::Warning => "Warning",
        Health::Critical => "Critical",
    }
}

/// Returns the word of Site Recovery for a health that may be unknown.
#[must_use]
pub fn health(fact: &Known<Health>) -> &'static str {
    fact.as_deref().map_or("None", |health| health_word(*health))
}

/// Returns the word for the state of a part of the modernized architecture.
#[must_use]
pub fn component_word(fact: &Known<Health>) -> &'static str {
    match fact.as_deref() {
        None => "Unknown",
        Some(Health::Ok | Health::Healthy) => "Healthy",
        Some(Health::Warning) => "Warning",
        Some(Health::Critical) => "Critical",
    }
}

/// Returns the word for a family of operating systems.
#[must_use]
pub const fn os_word(family: OsFamily) -> &'static str {
    match family {
        OsFamily::Windows => "Windows",
        OsFamily::Linux => "Linux",
    }
}

/// Returns a release as the service and vCenter write it: `Microsoft Windows Server 2019 Datacenter`, `Ubuntu 20.04`.
#[must_use]
pub fn os_text(release: &str) -> String {
    let (name, version) = match release {
        _ if release.starts_with("windows_server_") => ("Microsoft Windows Server", &release[15..]),
        _ if release.starts_with("windows_") => ("Microsoft Windows", &release[8..]),
        _ if release.starts_with("rhel_") => ("Red Hat Enterprise Linux", &release[5..]),
        _ if release.starts_with("sles_") => ("SUSE Linux Enterprise Server", &release[5..]),
        _ if release.starts_with("oracle_linux_") => ("Oracle Linux", &release[13..]),
        _ if release.starts_with("centos_") => ("CentOS", &release[7..]),
        _ if release.starts_with("ubuntu_") => ("Ubuntu", &release[7..]),
        _ if release.starts_with("debian_") => ("Debian", &release[7..]),
        _ => return release.to_owned(),
    };
    if let Some(edition) = match name {
        "Microsoft Windows Server" => Some("Datacenter"),
        "Microsoft Windows" => Some("Enterprise"),
        _ => None,
    } {
        return format!("{name} {} {edition}", version.replace('_', " ").to_uppercase());
    }
    format!("{name} {}", version.replace('_', "."))
}

/// Returns the address that a machine or server has at the site. It follows from the name: an inventory holds none.
#[must_use]
pub fn address(name: &str) -> String {
    let [a, b, c] = figures(name);
    format!("10.{}.{b}.{}", 64 + a % 64, 4 + c % 250)
}

/// Returns the address that a machine gets in Azure where it does not keep its own.
#[must_use]
pub fn azure_address(name: &str) -> String {
    let [a, b, c] = figures(name);
    format!("172.{}.{b}.{}", 16 + a % 16, 4 + c % 250)
}

fn figures(name: &str) -> [u8; 3] {
    let hex = guid::long("address", &name.to_lowercase());
    [0, 2, 4].map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap_or(0))
}

/// Returns an amount in GB as the classic service writes it, with two decimals at most.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a figure for people with two decimals")]
pub fn gigabytes(bytes: Bytes) -> String {
    let rounded = (bytes.0 as f64 / GIB as f64 * 100.0).round() / 100.0;
    rounded.to_string()
}

/// Returns the capacity of a datastore of which only the free space is known: a quarter more.
#[must_use]
pub const fn capacity(free: Bytes) -> Bytes {
    Bytes(free.0.saturating_add(free.0 / 4))
}

/// Returns the last moment at which something that works was heard from, and one that is too long ago for what does not.
#[must_use]
pub fn heartbeat(now: Timestamp, works: bool) -> String {
    let ago = if works { 30 } else { 3_600 };
    now.saturating_sub(SignedDuration::from_secs(ago)).unwrap_or(now).to_string()
}

/// Returns the members of a version.
#[must_use]
pub fn version_details(version: Option<&str>) -> Value {
    json!({ "version": version, "expiryDate": NEVER, "status": "Supported" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_written_as_the_service_writes_them() {
        assert_eq!(os_text("windows_server_2008_r2"), "Microsoft Windows Server 2008 R2 Datacenter");
        assert_eq!(os_text("windows_10"), "Microsoft Windows 10 Enterprise");
        assert_eq!(os_text("rhel_7_9"), "Red Hat Enterprise Linux 7.9");
        assert_eq!(os_text("ubuntu_20_04"), "Ubuntu 20.04");
        assert_eq!(os_text("solaris"), "solaris");
    }

    #[test]
    fn an_amount_has_two_decimals_at_most() {
        assert_eq!(gigabytes(Bytes(GIB * 439 + GIB / 2)), "439.5");
        assert_eq!(gigabytes(Bytes(0)), "0");
    }

    #[test]
    fn the_two_addresses_of_a_machine_differ() {
        assert!(address("w1").starts_with("10."));
        assert!(azure_address("w1").starts_with("172."));
        assert_eq!(address("W1"), address("w1"));
    }
}
