use proptest::prelude::*;

use super::*;

fn of(ip: &str) -> AddressClass {
    classify(ip.parse().unwrap())
}

#[test]
fn ipv4_blocks_from_their_first_to_their_last_address() {
    for (first, last, expected) in [
        ("0.0.0.0", "0.255.255.255", Forbidden(Unspecified)),
        ("1.0.0.0", "9.255.255.255", Public),
        ("10.0.0.0", "10.255.255.255", Local),
        ("11.0.0.0", "100.63.255.255", Public),
        ("100.64.0.0", "100.100.100.199", Local),
        ("100.100.100.200", "100.100.100.200", Forbidden(Metadata)),
        ("100.100.100.201", "100.127.255.255", Local),
        ("100.128.0.0", "126.255.255.255", Public),
        ("127.0.0.0", "127.255.255.255", Local),
        ("128.0.0.0", "168.63.129.15", Public),
        ("168.63.129.16", "168.63.129.16", Forbidden(Metadata)),
        ("168.63.129.17", "169.253.255.255", Public),
        ("169.254.0.0", "169.254.169.253", Forbidden(LinkLocal)),
        ("169.254.169.254", "169.254.169.254", Forbidden(Metadata)),
        ("169.254.169.255", "169.254.255.255", Forbidden(LinkLocal)),
        ("169.255.0.0", "172.15.255.255", Public),
        ("172.16.0.0", "172.31.255.255", Local),
        ("172.32.0.0", "191.255.255.255", Public),
        ("192.0.0.0", "192.0.0.191", Forbidden(Reserved)),
        ("192.0.0.192", "192.0.0.192", Forbidden(Metadata)),
        ("192.0.2.0", "192.0.2.255", Forbidden(Reserved)),
        ("192.88.99.0", "192.88.99.255", Forbidden(Reserved)),
        ("192.168.0.0", "192.168.255.255", Local),
        ("198.18.0.0", "198.19.255.255", Local),
        ("198.51.100.0", "198.51.100.255", Forbidden(Reserved)),
        ("203.0.113.0", "203.0.113.255", Forbidden(Reserved)),
        ("224.0.0.0", "239.255.255.255", Forbidden(Multicast)),
        ("240.0.0.0", "255.255.255.255", Forbidden(Reserved)),
    ] {
        assert_eq!((of(first), of(last)), (expected, expected), "{first} to {last}");
    }
}

#[test]
fn ipv6_addresses_of_all_blocks() {
    for (ip, expected) in [
        ("2606:4700:4700::1111", Public),
        ("2a00:1450:4001::200e", Public),
        ("2001:4860:4860::8888", Public),
        ("::1", Local),
        ("fc00::1", Local),
        ("fdff:ffff::1", Local),
        ("fd00:ec2::254", Forbidden(Metadata)),
        ("fd00:ec2::23", Forbidden(Metadata)),
        ("fd20:ce::254", Forbidden(Metadata)),
        ("fd00:c1::a9fe:a9fe", Forbidden(Metadata)),
        ("fd00:42::42", Forbidden(Metadata)),
        ("::", Forbidden(Unspecified)),
        ("fe80::1", Forbidden(LinkLocal)),
        ("febf:ffff::1", Forbidden(LinkLocal)),
        ("fec0::1", Forbidden(Reserved)),
        ("ff02::1", Forbidden(Multicast)),
        ("ff0e::1", Forbidden(Multicast)),
        ("100::1", Forbidden(Reserved)),
        ("2001:2::1", Forbidden(Reserved)),
        ("2001:20::1", Forbidden(Reserved)),
        ("2001:db8::1", Forbidden(Reserved)),
        ("3fff::1", Forbidden(Reserved)),
        ("4000::1", Forbidden(Reserved)),
        ("5f00::1", Forbidden(Reserved)),
        ("64:ff9b:1::7f00:1", Forbidden(Reserved)),
    ] {
        assert_eq!(of(ip), expected, "{ip}");
    }
}

#[test]
fn an_embedded_ipv4_address_is_classified() {
    for (ip, expected) in [
        ("::ffff:8.8.8.8", Public),
        ("::ffff:127.0.0.1", Local),
        ("::ffff:169.254.169.254", Forbidden(Metadata)),
        ("::ffff:0.0.0.0", Forbidden(Unspecified)),
        ("::8.8.8.8", Public),
        ("::10.0.0.1", Local),
        ("::ffff:0:127.0.0.1", Local),
        ("64:ff9b::8.8.8.8", Public),
        ("64:ff9b::192.168.1.1", Local),
        ("64:ff9b::169.254.169.254", Forbidden(Metadata)),
        ("2002:808:808::1", Public),
        ("2002:7f00:1::1", Local),
        ("2002:a9fe:a9fe::1", Forbidden(Metadata)),
        // Teredo: the server's address as is, the client's inverted.
        ("2001:0:4136:e378:8000:63bf:f7f7:f7f7", Public),
        ("2001:0:4136:e378:8000:63bf:80ff:fffe", Local),
        ("2001:0:7f00:1:8000:63bf:f7f7:f7f7", Local),
        ("2001:0:4136:e378:8000:63bf:5601:5601", Forbidden(Metadata)),
        // ISATAP inside a public prefix.
        ("2606:4700::5efe:8.8.8.8", Public),
        ("2606:4700::200:5efe:10.0.0.1", Local),
        ("2606:4700::5efe:169.254.169.254", Forbidden(Metadata)),
    ] {
        assert_eq!(of(ip), expected, "{ip}");
    }
}

/// Generates an address of a block that is not public: local or forbidden.
fn special_v4() -> impl Strategy<Value = Ipv4Addr> {
    let guarded: Vec<_> = V4.iter().filter(|(_, class)| *class != Public).map(|&(block, _)| block).collect();
    (prop::sample::select(guarded), any::<u32>()).prop_map(|(block, host)| {
        Ipv4Addr::from(u32::from(block.network()) | (host & u32::from(block.hostmask())))
    })
}

/// The same for IPv6. Teredo, inside such a block, is classified by the embedded address.
fn special_v6() -> impl Strategy<Value = Ipv6Addr> {
    let guarded: Vec<_> = V6
        .iter()
        .filter(|(block, class)| *class != Public && block.prefix_len() > 0)
        .map(|&(block, _)| block)
        .collect();
    (prop::sample::select(guarded), any::<u128>())
        .prop_map(|(block, host)| {
            Ipv6Addr::from(u128::from(block.network()) | (host & u128::from(block.hostmask())))
        })
        .prop_filter("Teredo", |ip| ip.segments()[..2] != [0x2001, 0])
}

/// Returns all IPv6 addresses that embed `ip`; `rest` fills the free bits.
fn embeddings(ip: Ipv4Addr, rest: u64) -> Vec<Ipv6Addr> {
    let v4 = u128::from(u32::from(ip));
    let rest = u128::from(rest);
    let public_server = u128::from(0x0808_0808_u32) << 64;
    let teredo = 0x2001_0000_u128 << 96;
    let (public_prefix, isatap) = (0x2606_4700_u128 << 96, 0x5efe_u128 << 32);
    let all = [
        v4 | 0xffff << 32,
        v4 | 0xffff << 48,
        v4 | 0x0064_ff9b << 96,
        v4 << 80 | 0x2002 << 112 | rest,
        teredo | v4 << 64 | rest,
        teredo | public_server | (rest & 0xffff_ffff) << 32 | (v4 ^ 0xffff_ffff),
        public_prefix | isatap | v4,
        public_prefix | 0x200 << 48 | isatap | v4,
    ];
    // ::0.0.0.0 and ::0.0.0.1 are IPv6's own unspecified and loopback addresses.
    all.into_iter().chain((v4 > 1).then_some(v4)).map(Ipv6Addr::from).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_embedding_makes_an_address_less_dangerous(ip in special_v4(), rest: u64) {
        let own = classify(ip.into());
        prop_assert!(own > Public, "{ip}");
        for embedding in embeddings(ip, rest) {
            prop_assert!(classify(embedding.into()) >= own, "{ip} inside {embedding}");
        }
    }

    #[test]
    fn no_address_of_a_special_ipv6_block_is_public(ip in special_v6()) {
        prop_assert!(classify(ip.into()) > Public, "{ip}");
    }

    /// Every address that the standard library treats as special is not public here.
    #[test]
    fn special_addresses_of_the_standard_library_are_not_public(bits: u32) {
        let ip = Ipv4Addr::from(bits);
        let local = ip.is_private() || ip.is_loopback();
        let never = ip.is_link_local() || ip.is_multicast() || ip.is_broadcast()
            || ip.is_documentation() || ip.is_unspecified();
        prop_assert!(!local || classify(ip.into()) > Public, "{ip}");
        prop_assert!(!never || classify(ip.into()) > Local, "{ip}");
    }
}
