# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# One router in several VPNs, and two customers side by side. Everything has the same names and prefixes that may: the two
# LANs of paris, the LANs at the far ends, the second customer's VPN, sites, routers, router ids. Who answers a ping is
# told by the target's own counter.
#
#   acme/corp    paris eth1 10.1.0.0/24 ── lyon eth1 10.2.0.0/24
#   acme/voice   paris eth2 10.1.0.0/24 ── nice eth1 10.2.0.0/24, 10.77.0.0/24
#   acme/lab     paris eth3 10.31.0.0/24 ── lyon eth2 10.32.0.0/24, lyon at another address (s)
#   globex/corp  paris, lyon: routers of their own, LANs and router ids as acme's
import pytest

from kit.waiting import wait_until

CORP, VOICE, LAB = "acme/corp", "acme/voice", "acme/lab"
SECOND = "192.0.2.201"                      # lyon's further address (s)
CONF = {CORP: {"vrf": "corp", "table": 1001, "lan": "eth1"}, VOICE: {"vrf": "voice", "table": 1002, "lan": "eth2"},
        LAB: {"vrf": "lab", "table": 1003, "lan": "eth3"}}


def register(lab, ce, customer="acme"):
    lab.admin(f"ce add {customer}/{ce.router} --address {ce.address}")


def begin(lab, ce, conf, customer="acme"):
    ce.configure(conf)
    ce.enroll(lab.admin(f"ce bundle {customer}/{ce.router}"))
    ce.start()


def answers(host, address, target):
    """Does this very node answer?"""
    before = target.echoes()
    return host.ping(address, 3) and target.echoes() - before >= 3


def revision(lab):
    return lab.server.admin_json("status")["revision"]


@pytest.fixture(scope="module")
def two(lab):
    """paris in corp and voice, with other peers in each."""
    paris, lyon = lab.add_ce("paris"), lab.add_ce("lyon")
    nice = lab.add_ce("nice", lan=lyon.lan)
    lab.voice = lab.add_host(paris, "10.1.0.0", link="eth2", name="host-paris-voice")
    nice.ip("addr add 10.77.0.1/24 dev eth1")
    lab.host("nice").ip("addr add 10.77.0.10/24 dev eth0")
    for vpn in (CORP, VOICE):
        lab.provision([], vpn=vpn)
    for ce in (paris, lyon, nice):
        register(lab, ce)
    for vpn, sites in ((CORP, (paris, lyon)), (VOICE, (paris, nice))):
        for ce in sites:
            lab.admin(f"site add {vpn}/{ce.name} --ce {ce.router}")
    begin(lab, paris, {vpn: CONF[vpn] for vpn in (CORP, VOICE)})
    begin(lab, lyon, {CORP: CONF[CORP]})
    begin(lab, nice, {VOICE: {**CONF[VOICE], "lan": "eth1"}})
    return lab


def test_other_peers_in_each_vpn(two):
    paris = two.ce("paris")
    for vpn, peer in (("corp", "lyon"), ("voice", "nice")):
        paris.wait_until(lambda vpn=vpn, peer=peer: paris.peer_names(f"acme:{vpn}") == [peer], 90, f"{peer} in {vpn}")
    target = two.host("lyon").address
    assert two.host("nice").address == target
    wait_until(lambda: answers(two.host("paris"), target, two.host("lyon")), 90, "host-lyon answers in corp")
    wait_until(lambda: answers(two.voice, target, two.host("nice")), 90, "host-nice answers in voice")
    for name in ("paris", "lyon", "nice"):
        two.ce(name).wait_plan_empty()


def test_nothing_leaks_between_them(two):
    paris, core = two.ce("paris"), two.capture("two")
    wait_until(lambda: paris.has_route("10.77.0.0/24", "voice"), 60, "the route in voice")
    assert answers(two.voice, "10.77.0.10", two.host("nice"))
    before = two.host("nice").echoes(), two.voice.echoes()
    assert not paris.has_route("10.77.0.0/24", "corp") and not paris.has_route("10.77.0.0/24")
    for host in ("paris", "lyon"):
        assert not two.host(host).ping("10.77.0.10", 3)
    # what lyon sends to the prefix that both LANs of paris have comes to the one of corp
    assert answers(two.host("lyon"), two.host("paris").address, two.host("paris"))
    assert (two.host("nice").echoes(), two.voice.echoes()) == before
    assert "nice" not in two.ce("lyon").out("ppvpnctl peers; swanctl --list-conns")
    packets = core.stop()
    assert packets.counts["ESP"] and not packets.has_marker()
    assert not packets.inside(["10.0.0.0/8"])


def test_one_vpn_more_between_the_same_two_is_refused(two):
    two.admin(f"vpn add {LAB}")
    two.admin(f"site add {LAB}/paris --ce paris-r1")
    before = revision(two)
    done = two.server.run(f"ppvpn-admin site add {LAB}/lyon --ce lyon-r1", check=False)
    assert done.returncode == 1
    assert "a second one between 192.0.2.5 and 192.0.2.9: VPN acme/corp has one there" in done.stderr, done.stderr
    assert "acme/lab/lyon" not in two.admin("site list acme")
    assert revision(two) == before


def test_with_another_address_both_work(two):
    paris, lyon = two.ce("paris"), two.ce("lyon")
    pings = two.pings([("paris", "lyon")])
    two.pe.run(f"ip route add {SECOND} via {lyon.address}")
    lyon.ip(f"addr add {SECOND}/32 dev eth0")
    at_paris = two.add_host(paris, "10.31.0.0", link="eth3", name="host-paris-lab")
    at_lyon = two.add_host(lyon, "10.32.0.0", link="eth2", name="host-lyon-lab")
    paris.configure(CONF)
    lyon.configure({CORP: CONF[CORP], LAB: {**CONF[LAB], "lan": "eth2"}})
    for ce in (paris, lyon):
        ce.stop_agent()
        ce.start_agent()
    core = two.capture("second")
    two.admin(f"site add {LAB}/lyon --ce lyon-r1 --ce-address {SECOND}")
    for ce, peer in ((paris, "lyon"), (lyon, "paris")):
        for vpn in ("corp", "lab"):
            ce.wait_until(lambda ce=ce, vpn=vpn, peer=peer: ce.peer_names(f"acme:{vpn}") == [peer], 90, f"{peer} in {vpn}")
    wait_until(lambda: answers(at_paris, at_lyon.address, at_lyon), 90, "hosts in lab")
    assert answers(at_lyon, at_paris.address, at_paris)
    for ce in (paris, lyon):
        ce.wait_plan_empty()
    packets = core.stop()
    assert {(paris.address, SECOND), (SECOND, paris.address)} <= packets.pairs
    assert not packets.has_marker()
    ends = {(link["linkinfo"]["info_data"]["local"], link["linkinfo"]["info_data"]["remote"])
            for link in paris.links("vti") if link.get("ifalias", "").endswith(":lyon")}
    assert ends == {(paris.address, lyon.address), (paris.address, SECOND)}
    # the hosts of one do not reach those of the other
    for a, b in ((two.host("paris"), at_lyon), (at_paris, two.host("lyon")), (at_lyon, two.host("paris"))):
        assert not answers(a, b.address, b)
    results = pings.stop()
    assert results.sent > 10 and results.lost == 0, results


def test_without_the_second_vpn_the_first_goes_on(two):
    paris = two.ce("paris")
    pings = two.pings([("paris", "lyon")], interval=0.1)
    two.admin(f"site remove {LAB}/lyon")
    paris.wait_until(lambda: not paris.peer_names("acme:lab"), 30, "no tunnel in lab")
    for name in ("paris", "lyon"):
        two.ce(name).wait_plan_empty()
    assert paris.peer_names("acme:corp") == ["lyon"]
    results = pings.stop()
    assert results.sent > 5 and results.lost == 0, results


def test_another_customer_with_the_same_names(two):
    core = two.capture("customers")
    own = {name: two.add_ce(f"globex-{name}", lan=two.ce(name).lan) for name in ("paris", "lyon")}
    two.provision([], vpn="globex/corp")
    for name, ce in own.items():
        ce.router = f"{name}-r1"
        register(two, ce, "globex")
        two.admin(f"site add globex/corp/{name} --ce {ce.router} --prefix {ce.lan}")
        two.admin(f"site set {CORP}/{name} --prefix {ce.lan}")
        begin(two, ce, {"globex/corp": CONF[CORP]}, "globex")
    ids = {site["customer"] + "/" + site["site"]: site["router-id"]
           for customer in ("acme", "globex") for site in two.server.admin_json(f"site list {customer}/corp")["sites"]}
    assert ids["acme/paris"] == ids["globex/paris"] and ids["acme/lyon"] == ids["globex/lyon"]
    for name, peer in (("paris", "lyon"), ("lyon", "paris")):
        own[name].wait_until(lambda name=name, peer=peer: own[name].peer_names("globex:corp") == [peer], 90, "the tunnel")
    far = {customer: two.host(prefix + "lyon") for customer, prefix in (("acme", ""), ("globex", "globex-"))}
    assert far["acme"].address == far["globex"].address
    wait_until(lambda: answers(two.host("globex-paris"), far["globex"].address, far["globex"]), 90, "globex's hosts")
    before = far["globex"].echoes(), far["acme"].echoes()
    assert answers(two.host("paris"), far["acme"].address, far["acme"])
    assert far["globex"].echoes() == before[0]
    before = far["acme"].echoes()
    assert answers(two.host("globex-paris"), far["globex"].address, far["globex"])
    assert far["acme"].echoes() == before
    packets = core.stop()
    mine = {two.ce(name).address for name in ("paris", "lyon", "nice")}
    theirs = {ce.address for ce in own.values()}
    assert not {(a, b) for a, b in packets.pairs if (a in mine and b in theirs) or (a in theirs and b in mine)}
    assert not packets.has_marker()
    two.admin("site remove globex/corp/lyon")
    own["paris"].wait_until(lambda: not own["paris"].peer_names("globex:corp"), 30, "globex' tunnel is gone")
    assert answers(two.host("paris"), far["acme"].address, far["acme"])
