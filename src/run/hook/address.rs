//! Addresses of a name that a hook may talk to.

use std::net::SocketAddr;

use crate::syntax::address::refusal;

/// Returns those of a name's addresses that a hook may talk to.
///
/// # Errors
///
/// There is none; the message names the first that was refused.
pub(super) fn permitted(
    name: &str,
    found: impl Iterator<Item = SocketAddr>,
) -> Result<Vec<SocketAddr>, String> {
    let mut refused = None;
    let mut permitted = Vec::new();
    for address in found {
        match refusal(address.ip()) {
            None => permitted.push(address),
            Some(why) => refused = refused.or(Some(why)),
        }
    }
    match refused {
        _ if !permitted.is_empty() => Ok(permitted),
        Some(why) => Err(format!("{name} may not be asked: {why}")),
        None => Err(format!("{name} has no address")),
    }
}

/// Returns the addresses of a host that a hook may talk to.
///
/// # Errors
///
/// The host isn't known, or none of its addresses may be talked to.
pub(super) async fn resolved(host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    match tokio::net::lookup_host((host, port)).await {
        Ok(found) => permitted(host, found),
        Err(error) => Err(format!("{host} can't be resolved: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_asked_at_its_permitted_addresses_only() {
        let all = |texts: &[&str]| -> Vec<SocketAddr> {
            texts.iter().map(|text| text.parse().expect("the test writes an address")).collect()
        };
        let ask = |texts: &[&str]| permitted("app1", all(texts).into_iter());
        assert_eq!(ask(&["[fe80::1]:22", "10.0.0.4:22"]), Ok(all(&["10.0.0.4:22"])));
        assert_eq!(
            ask(&["169.254.169.254:80", "[fe80::1]:80"]),
            Err("app1 may not be asked: 169.254.169.254 is link-local".into())
        );
        assert_eq!(ask(&[]), Err("app1 has no address".into()));
    }
}
