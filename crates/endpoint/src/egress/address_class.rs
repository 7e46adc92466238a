//! Classifies IP addresses: public, local, or forbidden. Follows IANA's special-purpose registries (RFC 6890
//! and its successors).
//!
//! A network-specific NAT64 prefix looks like any public prefix, so its operator has to filter there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

/// The class of an address, ordered from harmless to dangerous.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AddressClass {
    Public,
    /// This machine or a private network.
    Local,
    Forbidden(Reason),
}

/// Why connections to an address are forbidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The unspecified address; 0.0.0.0 connects to this machine.
    Unspecified,
    Reserved,
    Multicast,
    LinkLocal,
    /// A metadata service, which returns the machine's credentials to any client.
    Metadata,
}

use AddressClass::{Forbidden, Local, Public};
use Reason::{LinkLocal, Metadata, Multicast, Reserved, Unspecified};

/// The first matching block applies.
const V4: [(Ipv4Net, AddressClass); 20] = [
    // Alibaba Cloud, within the shared addresses.
    (v4([100, 100, 100, 200], 32), Forbidden(Metadata)),
    // Azure's platform address, in a public range.
    (v4([168, 63, 129, 16], 32), Forbidden(Metadata)),
    // Oracle Cloud's first generation.
    (v4([192, 0, 0, 192], 32), Forbidden(Metadata)),
    (v4([169, 254, 169, 254], 32), Forbidden(Metadata)),
    (v4([169, 254, 0, 0], 16), Forbidden(LinkLocal)),
    (v4([0, 0, 0, 0], 8), Forbidden(Unspecified)),
    (v4([127, 0, 0, 0], 8), Local),
    (v4([10, 0, 0, 0], 8), Local),
    (v4([172, 16, 0, 0], 12), Local),
    (v4([192, 168, 0, 0], 16), Local),
    (v4([100, 64, 0, 0], 10), Local),
    // For network benchmarks. VPN programs return it for DNS lookups, so it is allowed like local networks.
    (v4([198, 18, 0, 0], 15), Local),
    (v4([192, 0, 0, 0], 24), Forbidden(Reserved)),
    (v4([192, 0, 2, 0], 24), Forbidden(Reserved)),
    (v4([192, 88, 99, 0], 24), Forbidden(Reserved)),
    (v4([198, 51, 100, 0], 24), Forbidden(Reserved)),
    (v4([203, 0, 113, 0], 24), Forbidden(Reserved)),
    (v4([224, 0, 0, 0], 4), Forbidden(Multicast)),
    // Includes broadcast.
    (v4([240, 0, 0, 0], 4), Forbidden(Reserved)),
    (v4([0, 0, 0, 0], 0), Public),
];

/// The first matching block applies. Addresses that embed an IPv4 address are classified by that as well.
const V6: [(Ipv6Net, AddressClass); 15] = [
    (v6([0, 0, 0, 0, 0, 0, 0, 1], 128), Local),
    // Amazon, Google, Oracle and Scaleway, inside the unique local addresses.
    (v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0], 32), Forbidden(Metadata)),
    (v6([0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254], 128), Forbidden(Metadata)),
    (v6([0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe], 128), Forbidden(Metadata)),
    (v6([0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42], 128), Forbidden(Metadata)),
    (v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), Local),
    (v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), Forbidden(LinkLocal)),
    (v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), Forbidden(Multicast)),
    // Teredo, inside the protocol assignments.
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32), Public),
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), Forbidden(Reserved)),
    (v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), Forbidden(Reserved)),
    (v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), Forbidden(Reserved)),
    (v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3), Public),
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 128), Forbidden(Unspecified)),
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 0), Forbidden(Reserved)),
];

const fn v4(octets: [u8; 4], prefix: u8) -> Ipv4Net {
    let [a, b, c, d] = octets;
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(segments: [u16; 8], prefix: u8) -> Ipv6Net {
    let [a, b, c, d, e, f, g, h] = segments;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), prefix)
}

/// Classifies `ip`.
pub fn classify(ip: IpAddr) -> AddressClass {
    match ip {
        IpAddr::V4(ip) => classify_v4(ip),
        IpAddr::V6(ip) => translated(ip).map_or_else(|| classify_v6(ip), classify_v4),
    }
}

fn classify_v4(ip: Ipv4Addr) -> AddressClass {
    V4.iter().find(|(block, _)| block.contains(&ip)).map_or(Forbidden(Reserved), |&(_, class)| class)
}

fn classify_v6(ip: Ipv6Addr) -> AddressClass {
    let own =
        V6.iter().find(|(block, _)| block.contains(&ip)).map_or(Forbidden(Reserved), |&(_, class)| class);
    tunnel_ends(ip).into_iter().flatten().map(classify_v4).fold(own, AddressClass::max)
}

/// Returns the IPv4 address that an IPv6 address is another notation of.
fn translated(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    match ip.segments() {
        // The unspecified address and loopback look like IPv4-compatible ones.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        // IPv4-compatible and IPv4-mapped, IPv4-translated (SIIT), NAT64.
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(joined(high, low)),
        _ => None,
    }
}

/// Returns the IPv4 addresses that packets to `ip` may be tunnelled to: 6to4, both ends of Teredo, ISATAP.
fn tunnel_ends(ip: Ipv6Addr) -> [Option<Ipv4Addr>; 4] {
    let [a, b, c, d, e, f, g, h] = ip.segments();
    let teredo = (a, b) == (0x2001, 0);
    [
        (a == 0x2002).then(|| joined(b, c)),
        teredo.then(|| joined(c, d)),
        teredo.then(|| joined(!g, !h)),
        (matches!(e, 0 | 0x200) && f == 0x5efe).then(|| joined(g, h)),
    ]
}

fn joined(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(high) << 16 | u32::from(low))
}

#[cfg(test)]
#[path = "address_class_tests.rs"]
mod tests;
