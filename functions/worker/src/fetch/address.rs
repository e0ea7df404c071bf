//! Which addresses belong to the public internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address is one that a storage service on the public internet can have.
///
/// Refused are all blocks that the IANA special-purpose registries name, whether or not they may be forwarded, since
/// none holds a storage service: private, shared (RFC 6598), loopback, link-local with the metadata services, multicast,
/// documentation, benchmarking, reserved. Of IPv6 only global unicast passes, `2000::/3`, which leaves out the unique
/// local addresses and with them `fd00:ec2::254`. An address that stands for an IPv4 address (IPv4-mapped, NAT64) is
/// judged by that one; 6to4, Teredo and IPv4-compatible addresses are of the past and refused.
///
/// Sources: <https://www.iana.org/assignments/iana-ipv4-special-registry>,
/// <https://www.iana.org/assignments/iana-ipv6-special-registry>.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match embedded(address) {
            Some(address) => is_public_v4(address),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let special = match address.octets() {
        // This network; private; loopback; multicast, reserved and broadcast.
        [0 | 10 | 127 | 224..=255, ..] => true,
        // Shared between a carrier's customers.
        [100, 64..=127, ..] => true,
        // Link-local, with the metadata services of every cloud.
        [169, 254, ..] => true,
        [172, 16..=31, ..] | [192, 168, ..] => true,
        // Protocol assignments; the three blocks of documentation; the relays of 6to4.
        [192, 0, 0 | 2, _] | [198, 51, 100, _] | [203, 0, 113, _] | [192, 88, 99, _] => true,
        // Benchmarking.
        [198, 18..=19, ..] => true,
        // AS112, which answers questions about private addresses; AMT.
        [192, 31, 196, _] | [192, 52, 193, _] | [192, 175, 48, _] => true,
        _ => false,
    };
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // Protocol assignments: Teredo, benchmarking, ORCHID and others.
        [0x2001, 0..=0x1ff, ..] => false,
        // Documentation; 6to4; documentation again.
        [0x2001, 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => false,
        // AS112.
        [0x2620, 0x4f, 0x8000, ..] => false,
        [0x2000..=0x3fff, ..] => true,
        _ => false,
    }
}

/// The IPv4 address that a connection to this address would reach: IPv4-mapped (RFC 4291), or through the well-known
/// prefix of NAT64 (RFC 6052), which is how a network of IPv6 alone reaches IPv4.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    if let Some(mapped) = address.to_ipv4_mapped() {
        return Some(mapped);
    }
    let [0x64, 0xff9b, 0, 0, 0, 0, high, low] = address.segments() else {
        return None;
    };
    Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The first and last address of each block that is refused, and the neighbours that are not.
    const SPECIAL_V4: [(&str, &str); 20] = [
        ("0.0.0.0", "0.255.255.255"),
        ("10.0.0.0", "10.255.255.255"),
        ("100.64.0.0", "100.127.255.255"),
        ("127.0.0.0", "127.255.255.255"),
        ("169.254.0.0", "169.254.255.255"),
        ("169.254.169.254", "169.254.170.2"),
        ("172.16.0.0", "172.31.255.255"),
        ("192.0.0.0", "192.0.0.255"),
        ("192.0.2.0", "192.0.2.255"),
        ("192.31.196.0", "192.31.196.255"),
        ("192.52.193.0", "192.52.193.255"),
        ("192.88.99.0", "192.88.99.255"),
        ("192.168.0.0", "192.168.255.255"),
        ("192.175.48.0", "192.175.48.255"),
        ("198.18.0.0", "198.19.255.255"),
        ("198.51.100.0", "198.51.100.255"),
        ("203.0.113.0", "203.0.113.255"),
        ("224.0.0.0", "239.255.255.255"),
        ("240.0.0.0", "255.255.255.254"),
        ("255.255.255.255", "255.255.255.255"),
    ];

    const PUBLIC_V4: [&str; 34] = [
        "1.0.0.0",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "52.218.0.1",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "142.250.180.27",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "191.255.255.255",
        "192.0.1.0",
        "192.0.3.0",
        "192.31.195.255",
        "192.31.197.0",
        "192.52.192.255",
        "192.52.194.0",
        "192.88.98.255",
        "192.88.100.0",
        "192.167.255.255",
        "192.169.0.0",
        "192.175.47.255",
        "192.175.49.0",
        "198.17.255.255",
        "198.20.0.0",
        "198.51.99.255",
        "198.51.101.0",
        "203.0.112.255",
        "203.0.114.0",
        "223.255.255.255",
    ];

    fn v4(text: &str) -> Ipv4Addr {
        text.parse().unwrap()
    }

    /// Every IPv6 address that leads to this IPv4 address and is judged by it.
    fn disguises(address: Ipv4Addr) -> [IpAddr; 2] {
        let [a, b, c, d] = address.octets().map(u16::from);
        let (high, low) = (a << 8 | b, c << 8 | d);
        [
            IpAddr::V6(Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, high, low)),
            IpAddr::V6(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low)),
        ]
    }

    #[test]
    fn special_blocks_are_refused_to_the_last_address_in_every_disguise() {
        for (first, last) in SPECIAL_V4 {
            for text in [first, last] {
                assert!(!is_public(IpAddr::V4(v4(text))), "{text}");
                for disguise in disguises(v4(text)) {
                    assert!(!is_public(disguise), "{disguise}");
                }
            }
        }
    }

    #[test]
    fn their_neighbours_are_public() {
        for text in PUBLIC_V4 {
            assert!(is_public(IpAddr::V4(v4(text))), "{text}");
            for disguise in disguises(v4(text)) {
                assert!(is_public(disguise), "{disguise}");
            }
        }
    }

    #[test]
    fn of_ipv6_only_global_unicast_passes() {
        let special = [
            "::",
            "::1",
            // IPv4-compatible, of a public address and of the metadata service.
            "::8.8.8.8",
            "::169.254.169.254",
            // IPv4-translated (RFC 2765) is not IPv4-mapped.
            "::ffff:0:8.8.8.8",
            // NAT64 of the network's own.
            "64:ff9b:1::a00:1",
            "64:ff9b:0:0:0:1:808:808",
            "100::1",
            "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "2001::1",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
            "2001:db8::1",
            "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
            "2002:a9fe:a9fe::1",
            "2002:808:808::1",
            "2620:4f:8000::1",
            "3fff::1",
            "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
            "4000::",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "fe80::1",
            "fe80::a9fe:a9fe",
            "fec0::1",
            "ff02::1",
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        ];
        for text in special {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        let public = [
            "2000::1",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2001:db7:ffff::1",
            "2001:db9::1",
            "2003::1",
            "2600:1f13::1",
            "2620:4f:7fff::1",
            "2a00:1450:4009:81f::201b",
            "2a05:d018::1",
            "3ffe:ffff::1",
            "3fff:1000::1",
        ];
        for text in public {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }

    proptest! {
        /// Written anew from what `std` knows, so that a slip in the patterns above shows.
        #[test]
        fn what_std_calls_special_is_never_public(bits in any::<u32>()) {
            let address = Ipv4Addr::from_bits(bits);
            let special = address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_multicast()
                || address.is_documentation()
                || address.is_broadcast()
                || address.is_unspecified();
            prop_assert!(!(special && is_public(IpAddr::V4(address))));
            for disguise in disguises(address) {
                prop_assert_eq!(is_public(disguise), is_public(IpAddr::V4(address)));
            }
        }
    }
}
