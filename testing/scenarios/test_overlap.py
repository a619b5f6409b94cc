# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# The VPN's addresses (v) are the provider's (s): a host with the address of a CE, and a default route in the
# VRF. The two spaces stay apart.
import pytest

THREE = ["paris", "lyon", "nice"]
HOST = "192.0.2.5"      # the v host behind lyon; in s it is paris' own CE address


@pytest.fixture(scope="module")
def overlapping(lab):
    lab.add_ce("paris")
    lab.add_ce("lyon", lan="192.0.2.0/24", host_address=HOST, lan_router="192.0.2.254")
    lab.add_ce("nice")
    # Until its VRF has it, lyon's LAN would hide the provider's addresses: it comes up when it is in there.
    lyon = lab.ce("lyon")
    lyon.ip("link set eth1 down")
    lab.provision(THREE)
    lyon.wait_until(lambda: any(link["ifname"] == "eth1" and link.get("master") == "corp" for link in lyon.links()), 30,
                    "the LAN link in the VRF")
    lyon.ip("link set eth1 up")
    lab.wait_in_service(THREE, timeout=120)
    return lab


def echoes_in(host):
    """Echo requests this node has received."""
    return int(host.out("awk '/^Icmp:/ { if (!n) { for (i = 1; i <= NF; i++) if ($i == \"InEchos\") n = i } else print $n }' /proc/net/snmp"))


def reaches_the_v_host(lab, site):
    target = lab.host("lyon")
    before = echoes_in(target)
    assert lab.host(site).ping(HOST, 3)
    return echoes_in(target) - before >= 3


@pytest.mark.parametrize("site", ["paris", "nice"])
def test_the_host_answers_not_the_router(overlapping, site):
    assert reaches_the_v_host(overlapping, site)


def test_s_side_is_itself(overlapping):
    nice = overlapping.ce("nice")
    before = echoes_in(overlapping.ce("paris"))
    assert nice.ping("192.0.2.5", 2)
    assert echoes_in(overlapping.ce("paris")) - before >= 2


def test_default_route_in_the_vrf(overlapping):
    for name in THREE:
        ce, host = overlapping.ce(name), overlapping.host(name)
        ce.run(f"ip route replace default via {host.address} dev eth1 vrf corp")
    assert reaches_the_v_host(overlapping, "paris")
    for name in ("lyon", "nice"):
        peer = f"ppvpn:acme:corp:{name}"
        overlapping.ce("paris").run(f"swanctl --rekey --ike {peer}", timeout=30)
        overlapping.ce("paris").run(f"swanctl --rekey --child {peer}", timeout=30)
    overlapping.wait_in_service(THREE, timeout=60)
    assert reaches_the_v_host(overlapping, "nice")


def test_plan_is_empty_and_restart_holds(overlapping):
    paris = overlapping.ce("paris")
    paris.wait_plan_empty()
    paris.kill_agent()
    paris.start_agent()
    paris.wait_plan_empty()
    assert reaches_the_v_host(overlapping, "paris")


def test_v_without_a_route_does_not_leave_by_s(overlapping):
    for name in THREE:
        overlapping.ce(name).run("ip route del default dev eth1 vrf corp", check=False)
    core = overlapping.capture("leak")
    overlapping.host("paris").ping("203.0.113.77", 3)
    packets = core.stop()
    assert "203.0.113.77" not in packets.addresses()


def test_s_does_not_come_in(overlapping):
    """A packet from the core to a host's address is not forwarded into the site."""
    pe, host = overlapping.pe, overlapping.host("paris")
    before = echoes_in(host)
    pe.run(f"ip route add 10.1.0.0/24 via {overlapping.ce('paris').address}")
    assert not pe.ping(host.address, 3)
    assert echoes_in(host) == before
