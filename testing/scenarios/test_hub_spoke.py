# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# What the routers make of hub-spoke documents: spokes reach each other through the hub only, or, when disjoint,
# not at all, whoever is up or down. The documents are hand-made, so that each is what the test says.
import copy
import json
import re

import pytest

from kit.server import STATE
from kit.waiting import wait_until

FAKE = "/root/fake"
HUBS = ("paris", "brest")
SPOKES = ("lyon", "nice")
ALL = HUBS + SPOKES


class Provider:
    """A server in the place of the real one, with one document for each router."""

    def __init__(self, lab):
        self.lab, self.server, self.revision = lab, lab.server, 1000
        self.ces = {name: lab.ce(name) for name in ALL}
        self.good = {name: ce.document() for name, ce in self.ces.items()}
        self.server.path(FAKE).mkdir(parents=True, exist_ok=True)
        self.put({name: document["vpns"][0]["topology"] for name, document in self.good.items()}, ALL)
        self.server.stop("ppvpn-server")
        certificate, key = (self.server.out(f"ls {STATE}/server.{kind}").strip() for kind in ("crt", "key"))
        self.server.spawn("fake", ["python3", "-m", "kit.fakeserver", "--address", self.server.address, "--certificate",
                                   certificate, "--key", key, "--directory", FAKE])

    def put(self, topologies, hubs, hidden=()):
        """Documents with these topologies; tunnels between two sites unless both are no hubs, and not of hidden pairs."""
        self.revision += 1
        for name, topology in topologies.items():
            document = copy.deepcopy(self.good[name])
            document["revision"] += self.revision
            vpn = document["vpns"][0]
            vpn["topology"] = topology
            vpn["routing"]["ospf"].update({"hello-interval": 1, "dead-interval": 4})
            vpn["peers"] = [self.peer(peer, topology) for peer in vpn["peers"] if self.together(name, peer["peer"], hubs, hidden)]
            (self.server.path(FAKE) / f"body.{self.ces[name].address}").write_text(json.dumps(document), encoding="utf-8")

    @staticmethod
    def together(a, b, hubs, hidden):
        return (a in hubs or b in hubs) and (a, b) not in hidden and (b, a) not in hidden

    @staticmethod
    def peer(peer, topology):
        if topology["type"].startswith("hub-spoke"):
            peer["role"] = "hub-role" if peer["peer"] in HUBS else "spoke-role"
        return peer

    def topology(self, kind, hidden=()):
        """Every router gets its part of such a VPN, and has applied it."""
        roles = {name: {"type": kind, "role": "hub-role" if name in HUBS else "spoke-role"} for name in ALL}
        if kind == "any-to-any":
            roles = {name: {"type": kind, "role": "any-to-any-role"} for name in ALL}
        self.put(roles, ALL if kind == "any-to-any" else HUBS, hidden)
        for ce in self.ces.values():
            ce.wait_until(ce.synced, 60, "the document is applied")
        for ce in self.ces.values():
            ce.wait_plan_empty()

    def router_id(self, name):
        return self.good[name]["vpns"][0]["router-id"]


@pytest.fixture(scope="module")
def provider(lab):
    lab.provision(list(ALL))
    lab.wait_in_service(list(ALL), timeout=150)
    return Provider(lab)


def second_hop(lab, a, b):
    """Who says that a packet from the host at a to the one at b has died at the second router."""
    done = lab.host(a).run(["ping", "-n", "-c", "1", "-W", "2", "-t", "2", lab.host(b).address], check=False)
    found = re.search(r"From (\S+) .*[Tt]ime to live exceeded", done.stdout)
    return found and found.group(1).rstrip(":")


def filters(ce):
    """What traffic control does on the links of the product, without counters and the kernel's own numbers."""
    return {link["ifname"]: re.sub(r"index \d+", "", ce.out(f"tc filter show dev {link['ifname']} ingress; "
                                                            f"tc filter show dev {link['ifname']} egress"))
            for link in ce.links("vti") if link["ifname"].startswith("ppv")}


def wait_reaches(lab, pairs, timeout=90):
    for a, b in pairs:
        wait_until(lambda a=a, b=b: lab.reaches(a, b), timeout, f"host-{a} reaches host-{b}")


def never_reaches(lab, a, b):
    """Not one of several, either way; nor do the routers themselves."""
    assert not any(lab.reaches(*pair) for _ in range(3) for pair in ((a, b), (b, a)))
    address = lab.host(b).address
    done = lab.ce(a).run(f"ip vrf exec corp ping -n -q -c 2 -i 0.2 -W 1 {address}", check=False)
    assert " 0 received" in done.stdout, done.stdout


HUB_PAIRS = [pair for hub in HUBS for other in ALL if other != hub for pair in ((hub, other), (other, hub))]


def test_spokes_reach_each_other_through_a_hub(provider):
    lab = provider.lab
    assert second_hop(lab, "lyon", "nice") == provider.router_id("nice"), "in a mesh they are neighbours"
    provider.topology("hub-spoke")
    wait_until(lambda: "nice" not in lab.ce("lyon").peer_names(), 30, "no tunnel between spokes")
    wait_reaches(lab, [("lyon", "nice"), *HUB_PAIRS])
    assert second_hop(lab, "lyon", "nice") in [provider.router_id(hub) for hub in HUBS]
    assert second_hop(lab, "nice", "lyon") in [provider.router_id(hub) for hub in HUBS]


def test_disjoint_spokes_do_not_and_nobody_else_notices(provider):
    lab = provider.lab
    pings = lab.pings(HUB_PAIRS)
    provider.topology("hub-spoke-disjoint")
    never_reaches(lab, "lyon", "nice")
    results = pings.stop()
    assert results.sent > 50
    assert results.lost == 0, results


def test_the_hubs_themselves_reach_the_spokes(provider):
    for hub in HUBS:
        for spoke in SPOKES:
            assert provider.lab.ce(hub).run(f"ip vrf exec corp ping -n -q -c 2 -i 0.2 -W 1 {provider.lab.host(spoke).address}", check=False).returncode == 0
            assert provider.lab.ce(spoke).run(f"ip vrf exec corp ping -n -q -c 2 -i 0.2 -W 1 {provider.router_id(hub)}", check=False).returncode == 0


def test_restart_of_the_agent_changes_nothing(provider):
    paris = provider.lab.ce("paris")
    before = filters(paris), paris.fingerprint()
    assert sum("skbedit" in text for text in before[0].values()) == 2, before[0]
    assert sum("gact" in text for text in before[0].values()) == 3, before[0]
    paris.kill_agent()
    paris.start_agent()
    paris.wait_until(paris.synced, 60, "the agent is back")
    paris.wait_plan_empty()
    assert (filters(paris), paris.fingerprint()) == before


@pytest.mark.parametrize("damage", ["tc qdisc del dev {} clsact", "tc filter del dev {} ingress", "tc filter del dev {} egress"])
def test_what_a_person_breaks_is_repaired(provider, damage):
    lab = provider.lab
    paris = lab.ce("paris")
    link = paris.link_for("ppvpn:acme:corp:lyon")
    before = filters(paris)
    paris.run(damage.format(link))
    paris.wait_until(lambda: filters(paris) == before, 20, "the filters are back")
    never_reaches(lab, "lyon", "nice")


def test_the_operators_own_filters_stay(provider):
    lab = provider.lab
    paris = lab.ce("paris")
    link = paris.link_for("ppvpn:acme:corp:nice")
    paris.run(f"tc filter add dev {link} ingress pref 7 protocol ip matchall action ok; "
              "tc qdisc add dev eth1 clsact; tc filter add dev eth1 ingress pref 1 protocol all matchall action skbedit mark 5 continue")
    own = paris.out("tc filter show dev eth1 ingress")
    paris.run(f"tc filter del dev {link} egress")
    paris.wait_until(lambda: "gact" in filters(paris)[link], 20, "repaired")
    paris.wait_plan_empty()
    assert "pref 7" in filters(paris)[link]
    assert paris.out("tc filter show dev eth1 ingress") == own
    never_reaches(lab, "lyon", "nice")
    wait_reaches(lab, HUB_PAIRS)


def test_no_way_around_over_the_other_hub(provider):
    """Each spoke has another hub: what lyon sends to paris would find its way to nice over brest."""
    lab = provider.lab
    provider.topology("hub-spoke-disjoint", hidden=[("paris", "nice"), ("brest", "lyon")])
    wait_until(lambda: lab.ce("lyon").peer_names() == ["paris"], 30, "lyon has paris only")
    wait_reaches(lab, [("paris", "lyon"), ("lyon", "paris"), ("brest", "nice"), ("nice", "brest"), ("paris", "brest")])
    lab.ce("lyon").wait_until(lambda: lab.ce("lyon").has_route(lab.ce("nice").lan, "corp"), 30, "it does learn the route")
    never_reaches(lab, "lyon", "nice")


def test_suspended_keeps_the_vrf(provider):
    """Tunnels go; the VRF and its LAN, the identity and the word from the provider stay."""
    nice = provider.lab.ce("nice")
    document = copy.deepcopy(provider.good["nice"])
    document["revision"] += provider.revision + 1
    document["state"] = "suspended"
    document["vpns"][0]["peers"] = []
    provider.revision += 1
    (provider.server.path(FAKE) / f"body.{nice.address}").write_text(json.dumps(document), encoding="utf-8")
    nice.wait_until(nice.synced, 60, "the document is applied")
    nice.wait_plan_empty()
    assert not nice.peer_names() and not [link for link in nice.links("vti") if link["ifname"].startswith("ppv")]
    assert [link["master"] for link in nice.links() if link["ifname"] == "eth1"] == ["corp"]
    assert provider.lab.host("nice").ping("10.3.0.1", 2)
    assert "SUSPENDED" in nice.ctl("status").stdout
    assert nice.ctl_json("status")["state"] == "suspended"


def test_a_mesh_again_leaves_nothing_behind(provider):
    lab = provider.lab
    provider.topology("any-to-any")
    lab.wait_in_service(list(ALL), timeout=120)
    for name in HUBS:
        left = {link: text for link, text in filters(lab.ce(name)).items() if text.strip()}
        assert all("pref 7" in text and "gact action drop" not in text and "skbedit" not in text for text in left.values()), left
    brest = lab.ce("brest")
    assert "clsact" not in brest.out("tc qdisc show")
    assert second_hop(lab, "lyon", "nice") == provider.router_id("nice")
