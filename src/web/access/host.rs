//! Which names the server answers to: a page of another site can't reach it by a name of its own (DNS rebinding).

use std::net::IpAddr;
use std::net::SocketAddr;

/// The names that requests may be for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hosts {
    /// Of the address that is listened at, with its port.
    own: Vec<String>,
    /// That the settings name, at any port: a proxy may stand before the server.
    named: Vec<String>,
    scheme: &'static str,
}

impl Hosts {
    /// Returns the names of a listening address, and those that the settings add.
    pub fn of(address: SocketAddr, named: &[String], is_tls: bool) -> Self {
        let (ip, port) = (address.ip(), address.port());
        let mut names = vec![bracketed(ip)];
        if ip.is_loopback() || ip.is_unspecified() {
            names.extend(["localhost".into(), "127.0.0.1".into(), "[::1]".into()]);
        }
        let usual = if is_tls { 443 } else { 80 };
        let mut own: Vec<String> = names.iter().map(|name| format!("{name}:{port}")).collect();
        if port == usual {
            own.extend(names);
        }
        let named = named.iter().map(|name| name.to_ascii_lowercase()).collect();
        Self { own, named, scheme: if is_tls { "https" } else { "http" } }
    }

    /// Returns whether a `Host` header names this server.
    pub fn knows(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        if self.own.contains(&host) {
            return true;
        }
        let name = match host.rsplit_once(':') {
            Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            Some(_) | None => host.as_str(),
        };
        self.named.iter().any(|named| named == name || *named == host)
    }

    /// Returns whether an `Origin` header is of a page of this server, which was asked by the name `host`.
    pub fn is_own_origin(&self, origin: &str, host: &str) -> bool {
        let Some((scheme, of)) = origin.split_once("://") else { return false };
        // Behind a proxy that ends TLS, pages are of https and the server's own connections are not.
        let fits = scheme == self.scheme || scheme == "https";
        fits && of.eq_ignore_ascii_case(host) && self.knows(of)
    }
}

fn bracketed(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts() -> Hosts {
        Hosts::of(([127, 0, 0, 1], 8080).into(), &["Failback.corp.example".into()], false)
    }

    #[test]
    fn only_the_servers_own_names_are_answered() {
        let hosts = hosts();
        for known in ["127.0.0.1:8080", "LOCALHOST:8080", "[::1]:8080", "failback.corp.example:443"] {
            assert!(hosts.knows(known), "{known}");
        }
        let strange = [
            "",
            "127.0.0.1",
            "127.0.0.1:8081",
            "evil.example:8080",
            "failback.corp.example.evil.example",
            "failback.corp.example:",
            "failback.corp.example:80@evil.example",
            "127.0.0.1:8080.evil.example",
        ];
        for strange in strange {
            assert!(!hosts.knows(strange), "{strange}");
        }
    }

    #[test]
    fn a_page_of_another_site_is_known_by_its_origin() {
        let hosts = hosts();
        assert!(hosts.is_own_origin("http://127.0.0.1:8080", "127.0.0.1:8080"));
        assert!(hosts.is_own_origin("https://failback.corp.example", "failback.corp.example"));
        let strange = ["null", "", "http://evil.example", "http://localhost:8080", "file://127.0.0.1:8080"];
        for strange in strange {
            assert!(!hosts.is_own_origin(strange, "127.0.0.1:8080"), "{strange}");
        }
    }
}
