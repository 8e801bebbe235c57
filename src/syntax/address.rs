//! Addresses that a hook may talk to: private ones may be, those that hand out a machine's own credentials may not.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

/// Endpoints of clouds for their machines' metadata that aren't link-local, and whose they are.
const METADATA: [(IpAddr, &str); 5] = [
    (IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)), "Azure"),
    (IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)), "Alibaba Cloud"),
    (IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)), "Oracle Cloud"),
    (IpAddr::V6(Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x254)), "AWS"),
    (IpAddr::V6(Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x254)), "Google Cloud"),
];

/// Returns why a hook may not talk to an address; `None` if it may.
#[must_use]
pub fn refusal(address: IpAddr) -> Option<String> {
    let meant = embedded(address);
    if let Some((_, cloud)) = METADATA.iter().find(|(metadata, _)| *metadata == meant) {
        return Some(format!("{address} is the metadata service of {cloud}"));
    }
    match meant {
        IpAddr::V4(four) if four.is_link_local() => Some(format!("{address} is link-local")),
        IpAddr::V6(six) if six.is_unicast_link_local() => Some(format!("{address} is link-local")),
        // `0.0.0.0/8` and `::` reach the machine itself round any rule that is written for loopback.
        IpAddr::V4(four) if four.octets()[0] == 0 => Some(format!("{address} is no address of a machine")),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Some(format!("{address} is no address of a machine")),
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    }
}

/// Returns the IPv4 address that an IPv6 address is a wrapping of: mapped, compatible, NAT64 or 6to4.
fn embedded(address: IpAddr) -> IpAddr {
    let IpAddr::V6(six) = address.to_canonical() else { return address.to_canonical() };
    let four = |high: u16, low: u16| IpAddr::V4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
    match six.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => address,
        [0, 0, 0, 0, 0, 0, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => four(high, low),
        [0x2002, high, low, ..] => four(high, low),
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(address: &str) -> bool {
        refusal(address.parse().expect("the test writes an address")).is_some()
    }

    #[test]
    fn metadata_and_link_local_addresses_are_refused_in_every_clothing() {
        for address in [
            "169.254.169.254",
            "169.254.0.1",
            "168.63.129.16",
            "100.100.100.200",
            "192.0.0.192",
            "0.0.0.0",
            "0.1.2.3",
            "::",
            "fe80::1",
            "febf::1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "::ffff:169.254.169.254",
            "::ffff:0.0.0.0",
            "::169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
        ] {
            assert!(refused(address), "{address}");
        }
    }

    #[test]
    fn services_at_home_may_be_asked() {
        for address in [
            "127.0.0.1",
            "::1",
            "10.0.0.4",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "169.253.255.255",
            "fd00::1",
            "fec0::1",
            "2001:db8::1",
            "::ffff:10.0.0.4",
            "64:ff9b::a00:4",
        ] {
            assert!(!refused(address), "{address}");
        }
    }
}
