# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# Every topology, from the provider's command to the hosts: spokes behind a hub, spokes that are kept apart, a mesh, a
# single tunnel more, a router that is suspended; and all of it taken back. Who is not concerned loses no ping.
import pytest

from kit.waiting import wait_until

SITES = ["paris", "lyon", "nice"]


@pytest.fixture(scope="module")
def hub(lab):
    """paris is the hub of lyon and nice."""
    lab.provision(SITES, topology="hub-spoke", hubs=["paris"])
    has_peers(lab, {"paris": {"lyon", "nice"}, "lyon": {"paris"}, "nice": {"paris"}})
    wait_until(lambda: lab.reaches("lyon", "nice"), 90, "spokes through the hub", 0.5)
    return lab


def has_peers(lab, wanted):
    for name, peers in wanted.items():
        ce = lab.ce(name)
        ce.wait_until(lambda ce=ce, peers=peers: set(ce.peer_names()) == peers, 90, f"the peers {peers}")


def settled(lab):
    for name in SITES:
        lab.ce(name).wait_plan_empty()


def next_hop(lab, name, prefix):
    """Over which tunnel a prefix is reached, by the name of the peer."""
    ce = lab.ce(name)
    devices = {route.get("dev") for route in ce.routes("corp") if route["dst"] == prefix}
    return {link["ifalias"].rsplit(":", 1)[1] for link in ce.links("vti") if link["ifname"] in devices}


def test_spokes_reach_each_other_through_the_hub(hub):
    assert next_hop(hub, "lyon", hub.ce("nice").lan) == {"paris"}
    settled(hub)


def test_disjoint_by_one_command(hub):
    pings = hub.pings([("paris", "lyon"), ("nice", "paris")])
    hub.admin("vpn set acme/corp --topology hub-spoke-disjoint")
    wait_until(lambda: not hub.reaches("lyon", "nice"), 30, "spokes apart", 0.5)
    settled(hub)
    assert not hub.reaches("nice", "lyon", 3)
    results = pings.stop()
    assert results.sent > 20 and results.lost == 0, results


def test_a_mesh_by_one_command(hub):
    shown = hub.admin("vpn set acme/corp --topology any-to-any --dry-run")
    assert "lyon nice" in shown
    assert "nice" not in hub.ce("lyon").peer_names()
    pings = hub.pings([("paris", "lyon"), ("nice", "paris")])
    hub.admin("vpn set acme/corp --topology any-to-any")
    hub.wait_in_service(SITES)
    wait_until(lambda: next_hop(hub, "lyon", hub.ce("nice").lan) == {"nice"}, 60, "the direct way", 0.5)
    settled(hub)
    results = pings.stop()
    assert results.lost == 0, results


def test_taken_back(hub):
    revision = hub.server.admin_json("status")["revision"]
    pings = hub.pings([("paris", "lyon"), ("nice", "paris")])
    hub.admin(f"revert {revision}")
    has_peers(hub, {"lyon": {"paris"}, "nice": {"paris"}})
    settled(hub)
    results = pings.stop()
    assert results.lost == 0, results
    assert not hub.reaches("lyon", "nice", 2)


def test_a_partial_mesh(hub):
    hub.admin("vpn set acme/corp --topology hub-spoke")
    hub.admin("link add acme/corp lyon nice")
    has_peers(hub, {"lyon": {"paris", "nice"}, "nice": {"paris", "lyon"}})
    wait_until(lambda: next_hop(hub, "lyon", hub.ce("nice").lan) == {"nice"}, 90, "the direct way", 0.5)
    hub.admin("link remove acme/corp lyon nice")
    has_peers(hub, {"lyon": {"paris"}, "nice": {"paris"}})
    wait_until(lambda: hub.reaches("lyon", "nice"), 60, "the way through the hub again", 0.5)
    settled(hub)


def test_suspended_and_back(hub):
    pings = hub.pings([("paris", "lyon")])
    hub.admin(f"ce suspend acme/{hub.ce('nice').router}")
    has_peers(hub, {"nice": set(), "paris": {"lyon"}})
    assert "SUSPENDED" in hub.ce("nice").ctl("status").stdout
    hub.admin(f"ce resume acme/{hub.ce('nice').router}")
    has_peers(hub, {"nice": {"paris"}, "paris": {"lyon", "nice"}})
    results = pings.stop()
    assert results.lost == 0, results


def test_a_spoke_leaves(hub):
    hub.ce("nice").ctl("leave --yes", check=True)
    has_peers(hub, {"paris": {"lyon"}})
    wait_until(lambda: not hub.ce("nice").installed(), 30, "no SA at its own end")
    assert "nice" not in hub.admin("site list acme")
