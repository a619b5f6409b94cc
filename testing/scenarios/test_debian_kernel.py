# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# kernel: qemu
#
# Debian's own kernel, as routers in the field have it: what it has and the lab's usual one has not, and that the
# product's tunnels come up there.
import pytest

# What a firewall on a CE is made of.
RULES = {
    "inet": "chain in { type filter hook input priority 0; policy accept; meta l4proto esp counter; }",
    "ip": "chain out { type nat hook postrouting priority 100; policy accept; oif eth0 counter masquerade; }",
    "ip6": "chain in { type filter hook input priority 0; policy accept; icmpv6 type nd-neighbor-solicit counter; }",
    "netdev": 'chain early { type filter hook ingress device "eth0" priority 0; udp dport 500 limit rate 50/second counter; }',
}

LINKS = {
    "vrf": "type vrf table 9",
    "vti": "type vti local 192.0.2.5 remote 192.0.2.9 key 7",
    "ipip": "type ipip local 192.0.2.5 remote 192.0.2.9",
    "xfrm": "type xfrm dev eth0 if_id 7",
}

COUNTED = """
table inet probe {
    chain in {
        type filter hook input priority 0; policy accept
        iifname x0 ipsec in reqid 7 counter
    }
}
"""


@pytest.fixture(scope="module")
def routers(lab):
    """Two routers on the core without the product."""
    return lab.add_router("left", 5), lab.add_router("right", 6)


@pytest.mark.parametrize("family", RULES)
def test_firewall(routers, family):
    left, _ = routers
    left.run(["nft", "-f", "-"], text_in=f"table {family} probe {{\n{RULES[family]}\n}}\n")
    assert "counter packets" in left.out(f"nft list table {family} probe")
    left.run(f"nft delete table {family} probe")


@pytest.mark.parametrize("kind", LINKS)
def test_link(routers, kind):
    left, _ = routers
    left.run(f"ip link add probe {LINKS[kind]} && ip link set probe up")
    assert f"{kind} " in left.out("ip -d link show probe")
    left.run("ip link del probe")


def configure_xfrm_link(router, other, address):
    """An XFRM interface, and SAs and policies that only it uses."""
    state = "proto esp spi {} reqid 7 mode tunnel if_id 7 aead 'rfc4106(gcm(aes))' 0x{} 128"
    lines = ["link add x0 type xfrm dev eth0 if_id 7", "link set x0 up", f"addr add {address}/30 dev x0"]
    for way, source, target, spi in (("out", router, other, 0x1000), ("in", other, router, 0x1000)):
        spi += int(source.address.rpartition(".")[2])
        lines.append(f"xfrm state add src {source.address} dst {target.address} " + state.format(spi, "00112233445566778899aabbccddeeff01020304"))
        lines.append(f"xfrm policy add dir {way} if_id 7 tmpl src {source.address} dst {target.address} proto esp reqid 7 mode tunnel")
    router.ip(*lines)


def test_xfrm_interface_carries_and_the_firewall_sees_it(lab, routers):
    left, right = routers
    configure_xfrm_link(left, right, "10.99.0.1")
    configure_xfrm_link(right, left, "10.99.0.2")
    right.run(["nft", "-f", "-"], text_in=COUNTED)
    core = lab.capture()
    assert left.ping("10.99.0.2", 3, timeout=5)
    packets = core.stop()
    assert packets.counts["ESP"] >= 6 and not packets.inside(["10.0.0.0/8"]), packets.table()
    assert "counter packets 3 " in right.out("nft list table inet probe")


def test_two_sites_of_the_product(lab):
    lab.provision(["paris", "lyon"])
    lab.wait_in_service(timeout=180)
    assert lab.ce("paris").link_for("ppvpn:acme:corp:lyon").startswith("ppv")
