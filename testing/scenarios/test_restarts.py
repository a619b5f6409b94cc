# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# Restarts and accidents on a CE: the agent's restart changes nothing; what else is lost comes back by itself.
import time

import pytest

REPAIR = 10     # seconds from the daemon being back


@pytest.fixture(scope="module")
def settled(three):
    for ce in three.ces.values():
        ce.wait_plan_empty()
    return three


def unchanged(ce, before, after):
    for kind, value in before.items():
        assert after[kind] == value, f"{ce.name}: {kind} changed"


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_agent_restart_changes_nothing(settled, how):
    paris = settled.ce("paris")
    pings = settled.pings([("paris", "lyon"), ("nice", "paris")])
    before, ages, begin = paris.fingerprint(), paris.ages(), time.monotonic()
    assert len([key for key in ages if key.startswith("adjacency")]) == 2, ages
    getattr(paris, f"{how}_agent")()
    unchanged(paris, before, paris.fingerprint())
    paris.start_agent()
    paris.wait_plan_empty()
    paris.wait_until(paris.synced, 20, "a sync after the restart")
    paris.wait_plan_empty()
    unchanged(paris, before, paris.fingerprint())
    passed = time.monotonic() - begin
    for what, age in paris.ages().items():
        assert age >= ages[what] + passed - 3, f"{what} flapped: {age} s old, was {ages[what]} s {passed:.0f} s before"
    results = pings.stop()
    assert results.lost == 0, results


def repaired(lab, ce, begin, condition, what):
    ce.wait_until(condition, REPAIR, what)
    print(f"{what}: {time.monotonic() - begin:.1f} s")
    ce.wait_plan_empty(15)
    lab.wait_in_service(timeout=60)


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_charon_restart_is_repaired(settled, how):
    paris = settled.ce("paris")
    getattr(paris, f"{how}_charon")()
    paris.start_charon()
    begin = time.monotonic()
    repaired(settled, paris, begin, lambda: paris.peer_names() == ["lyon", "nice"], "SAs after charon's restart")
    for name in ("lyon", "nice"):       # no second SA anywhere
        names = settled.ce(name).installed()
        assert len(names) == len(set(names)), names


def test_frr_restart_is_repaired(settled):
    paris = settled.ce("paris")
    paris.kill_frr()
    paris.start_frr()
    begin = time.monotonic()

    def ospf_on_links():
        links = [link["ifname"] for link in paris.links("vti") if link["ifname"].startswith("ppv")]
        text = paris.vtysh("show ip ospf vrf corp interface")
        return len(links) == 2 and all(f"{link} is up" in text for link in links)
    repaired(settled, paris, begin, ospf_on_links, "OSPF's configuration after FRR's restart")


def test_ospfd_alone_restarted_is_repaired(settled):
    paris = settled.ce("paris")
    paris.kill("ospfd")
    paris.start_frr(["ospfd"])
    begin = time.monotonic()
    repaired(settled, paris, begin, lambda: "router ospf vrf corp" in paris.vtysh("show running-config"), "OSPF after ospfd's restart")


def test_link_deleted_by_hand_is_repaired(settled):
    paris = settled.ce("paris")
    alias = "ppvpn:acme:corp:lyon"
    paris.run(["ip", "link", "del", paris.link_for(alias)])
    begin = time.monotonic()
    repaired(settled, paris, begin, lambda: paris.link_for(alias), "the link")


def test_rules_and_address_deleted_by_hand_are_repaired(settled):
    paris = settled.ce("paris")
    rules = sorted(paris.out("ip rule").splitlines())
    link = paris.link_for("ppvpn:acme:corp:lyon")
    paris.run(["ip", "addr", "flush", "dev", link])
    mark = next(line for line in rules if "fwmark" in line)
    paris.run(f"ip rule del pref {mark.split(':')[0]}")
    begin = time.monotonic()
    repaired(settled, paris, begin, lambda: sorted(paris.out("ip rule").splitlines()) == rules
             and "inet " in paris.out(["ip", "-4", "addr", "show", "dev", link]), "rule and address")


def test_boots_from_its_last_known_configuration(settled):
    paris = settled.ce("paris")
    settled.server.stop("ppvpn-server")
    paris.stop_agent()
    paris.stop_charon()
    paris.stop_frr()
    # a boot: nothing in the kernel, nothing in /run; what is on disk stays
    paris.run("""for link in $(ip -o link show type vti | grep -o 'ppv[0-9]*'); do ip link del "$link"; done
        ip link set eth1 nomaster; ip link del corp 2>/dev/null
        ip rule flush; ip rule add pref 0 lookup local protocol kernel
        ip rule add pref 1000 l3mdev protocol kernel      # the kernel adds it with a namespace's first VRF only
        ip rule add pref 32766 lookup main protocol kernel; ip rule add pref 32767 lookup default protocol kernel
        ip xfrm state flush; ip xfrm policy flush; rm -rf /run/ppvpn /run/frr /run/charon.*; true""")
    assert "local" in paris.out("ip rule")
    begin = time.monotonic()
    paris.start()
    paris.wait_until(lambda: paris.peer_names() == ["lyon", "nice"], 60, "tunnels without the server")
    settled.wait_in_service(timeout=90)
    print(f"in service {time.monotonic() - begin:.1f} s after boot")
    paris.wait_plan_empty()
    settled.server.start()
    paris.wait_until(paris.synced, 60, "a sync when the server is back")
    settled.wait_in_service(timeout=30)


def test_server_away_changes_nothing(settled):
    paris = settled.ce("paris")
    before = paris.fingerprint()
    settled.partition("server")
    assert not paris.synced()
    assert settled.in_service()
    unchanged(paris, before, paris.fingerprint())
    settled.heal()
    paris.wait_until(paris.synced, 60, "a sync after healing")
    unchanged(paris, before, paris.fingerprint())


def test_cut_between_two_sites_heals(settled):
    settled.partition("paris", "lyon")
    assert settled.reaches("paris", "nice")
    settled.heal()
    settled.wait_in_service(timeout=120)
