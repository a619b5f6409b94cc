# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# Restarts and accidents on a CE: the agent's restart changes nothing; what else is lost comes back by itself.
import os
import random
import re
import time

import pytest

from kit.waiting import wait_until

REPAIR = 10     # seconds from the daemon being back
ROUNDS = 10     # with a kill of each of three agents
TRIAL = "/var/lib/ppvpn/trial"
# Sites without a router: their tunnels are set up as far as one end can, and taken away again.
OTHERS = ["x0", "x1"]


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


def cross(pair, names):
    """Both call, and neither has come through when the other's call arrives: each has two IKE_SAs with the other then."""
    for ce, name in zip(pair, names):
        ce.run(f"swanctl --terminate --ike {name} --force --timeout 5", check=False)
        wait_until(lambda ce=ce, name=name: not ce.installed(name), 20, "no SA between the two")
    callers = [ce.spawn(f"call-{name}", ["swanctl", "--initiate", "--child", name, "--timeout", "20"]) for ce, name in zip(pair, names)]
    for caller in callers:
        wait_until(lambda caller=caller: not caller.running(), 30, "the attempt's end")
    return all(ce.installed(name) == [name] * 2 for ce, name in zip(pair, names))


def test_both_ends_call_at_once(settled):
    """charon keeps two IKE_SAs when both attempts cross: the agents see to it that one of them goes."""
    pair, names = [settled.ce("paris"), settled.ce("lyon")], ["ppvpn:acme:corp:lyon", "ppvpn:acme:corp:paris"]
    for ce in pair:
        ce.stop_agent()
        settled.pe.run(f"tc qdisc add dev to-{ce.name} root netem delay 1500ms")
    # the two begin within a second and a half of each other, unless the machine has too much else to do
    assert any(cross(pair, names) for _ in range(4)), [ce.sas() for ce in pair]
    for ce in pair:
        settled.pe.run(f"tc qdisc del dev to-{ce.name} root")
        ce.start_agent()
    for ce, name in zip(pair, names):
        wait_until(lambda ce=ce, name=name: ce.installed(name) == [name], 90, f"one IKE_SA at {ce.name}")
    settled.wait_in_service(timeout=60)
    pings = settled.pings([("paris", "lyon")])
    for ce in pair:
        ce.wait_plan_empty()
    assert pings.stop().lost == 0


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


@pytest.mark.parametrize("lines", ["no router ospf vrf corp", "router ospf vrf corp\nno network 10.1.0.0/24 area 0.0.0.0",
                                   "interface LINK\nip ospf cost 77"], ids=["instance", "network", "cost"])
def test_ospf_changed_by_hand_is_repaired(settled, lines):
    paris = settled.ce("paris")
    link = paris.link_for("ppvpn:acme:corp:lyon")
    before = paris.vtysh("show running-config")
    words = [word for line in ["configure terminal", *lines.replace("LINK", link).splitlines()] for word in ("-c", line)]
    paris.run(["env", "VTYSH_HISTFILE=/dev/null", "vtysh", "-d", "ospfd", *words])
    begin = time.monotonic()

    def as_before():
        # the cost that is said again stands in the configuration
        return [line for line in paris.vtysh("show running-config").splitlines() if line.strip() != "ip ospf cost 10"
                and line != f"interface {link}"] == [line for line in before.splitlines() if line != f"interface {link}"]
    if "cost" in lines:
        repaired(settled, paris, begin, lambda: "cost 77" not in paris.vtysh("show running-config"), "OSPF's cost")
    else:
        repaired(settled, paris, begin, as_before, "OSPF's configuration")


@pytest.mark.parametrize("what", ["state", "policy"])
def test_sas_flushed_by_hand_are_repaired(settled, what):
    paris = settled.ce("paris")
    old = {sa["name"]: sa["id"] for sa in paris.sas()}
    paris.run(f"ip xfrm {what} deleteall")
    begin = time.monotonic()

    def anew():
        return {sa["name"] for sa in paris.sas() if sa["children"] and sa["id"] != old[sa["name"]]} == set(old)
    repaired(settled, paris, begin, anew, f"SAs after the {what} was flushed")


def test_all_links_deleted_come_back_to_their_sas(settled):
    """On lyon the link to paris was there before the one to nice: made anew in another order, each kept its mark."""
    lyon = settled.ce("lyon")
    peers = ("ppvpn:acme:corp:nice", "ppvpn:acme:corp:paris")
    names = {peer: lyon.link_for(peer) for peer in peers}
    sas = [(sa["name"], sa["id"]) for sa in lyon.sas()]
    lyon.ip(*(f"link del {name}" for name in names.values()))
    begin = time.monotonic()
    repaired(settled, lyon, begin, lambda: {peer: lyon.link_for(peer) for peer in peers} == names, "the links under their names")
    assert [(sa["name"], sa["id"]) for sa in lyon.sas()] == sas


def test_a_second_agent_is_sent_away(settled):
    paris = settled.ce("paris")
    before = paris.fingerprint()
    done = paris.run("ppvpn-agent run --config /etc/ppvpn/agent.conf", check=False)
    assert done.returncode == 1 and "another ppvpn-agent uses it" in done.stderr, done
    assert paris.ctl("status").returncode == 0
    unchanged(paris, before, paris.fingerprint())


def test_boots_while_charon_is_away(settled):
    """It says so, to the provider as well; changes nothing before it has seen charon's settings; then goes to work."""
    paris = settled.ce("paris")
    paris.stop_agent()
    paris.stop_charon()
    paris.run("rm -f /run/charon.*; ip link set eth1 nomaster")     # something to repair
    paris.start_agent()
    paris.wait_until(lambda: paris.ctl_json("status")["connected"], 20, "the server answers")
    paris.wait_until(lambda: "charon" in [e["code"] for e in paris.ctl_json("status")["errors"]], 10, "the error is shown")
    assert paris.ctl("sync").returncode == 1
    assert paris.ctl_json("plan")["not-possible"][0]["code"] == "charon"
    wait_until(lambda: "pending" in settled.admin("status"), 20, "the provider sees it")
    assert "master" not in paris.out("ip link show eth1")
    paris.start_charon()
    begin = time.monotonic()
    repaired(settled, paris, begin, lambda: paris.peer_names() == ["lyon", "nice"] and "master corp" in paris.out("ip link show eth1"),
             "tunnels once charon is there")


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


def known(ce):
    return ce.ctl_json("status")


def revision(ce):
    return known(ce)["revision"]


def as_it_should(ce, after, peers):
    """Then the revision: a new one, kept, nothing left to do, and a link for each peer."""
    status = known(ce)
    assert status["revision"] > after and status["confirmed"] and status["converged"] and not status["errors"], status
    assert [vpn["peers"] for vpn in status["vpns"]] == [len(peers)], status
    assert sorted(link["ifalias"].split(":")[-1] for link in ce.links("vti") if "ifalias" in link) == peers
    return status["revision"]


def test_killed_at_random_moments_of_a_change(settled):
    """Dozens of times; tunnels that no change is about do not notice. Each moment of it, on a router of memory, is
    testing/unit/test_agent_kills.py."""
    seed = os.environ.get("PPVPN_SEED", str(time.time_ns()))
    chance, there = random.Random(seed), set()
    ces = list(settled.ces.values())
    settled.wait_in_service()
    logs = {ce: ce.daemons["ppvpn-agent"].log for ce in ces}
    for n, name in enumerate(OTHERS):
        settled.admin(f"ce add acme/{name} --address 192.0.2.{200 + n}")
    for ce in ces:
        ce.wait_until(lambda ce=ce: ce.synced() and known(ce)["confirmed"], 30, "at rest")
        ce.wait_plan_empty()
    before, last = {ce: ce.fingerprint() for ce in ces}, revision(ces[0])

    def change(name):
        settled.admin(f"site remove acme/corp/{name}" if name in there else f"site add acme/corp/{name} --ce {name}")
        there.symmetric_difference_update({name})

    def converged():
        nonlocal last
        for ce in ces:
            peers = sorted({other.name for other in ces if other is not ce} | there)
            now = ce.wait_until(lambda ce=ce, peers=peers: as_it_should(ce, last, peers), 30, f"converged (seed {seed})")
        last = now

    begin = time.monotonic()
    change(OTHERS[0])
    wait_until(lambda: revision(ces[0]) > last and known(ces[0])["confirmed"], 20, "a change that nobody disturbs", 0.02)
    span = time.monotonic() - begin
    converged()
    pings = settled.pings(settled.pairs())
    seen = {"before": 0, "on trial": 0, "kept": 0}
    tried, at = {}, {}

    def kill(ce):
        ce.kill_agent()
        tried[ce], at[ce] = ce.path(TRIAL).exists(), len(logs[ce].read_text())

    for n in range(ROUNDS):
        change(chance.choice(OTHERS))
        begin, aimed = time.monotonic(), ces[n % len(ces)]
        # one while it applies the change, the others at any moment: that is the point of these sleeps
        wait_until(aimed.path(TRIAL).exists, 10, "the change is being applied", 0.01)
        time.sleep(chance.uniform(0, span / 4))
        kill(aimed)
        for ce, moment in sorted(((ce, chance.uniform(0, span)) for ce in ces if ce is not aimed), key=lambda pair: pair[1]):
            time.sleep(max(0, begin + moment - time.monotonic()))
            kill(ce)
        for ce in ces:
            ce.start_agent()
        converged()
        for ce in ces:
            kept = re.search(r"document \d+\.(\d+) known", logs[ce].read_text()[at[ce]:])[1] == str(last)
            seen["kept" if kept else "on trial" if tried[ce] else "before"] += 1
    while there:
        change(max(there))
        converged()
    results = pings.stop()
    print(f"{ROUNDS * len(ces)} kills within {span:.2f} s of a change: {seen}, seed {seed}")
    assert results.lost == 0, results
    for ce in ces:
        ce.wait_plan_empty()
        after = ce.fingerprint()
        for kind, value in before[ce].items():
            assert after[kind] == value, f"{ce.name}: {kind}"
    assert seen["on trial"] >= ROUNDS / 4, seen
