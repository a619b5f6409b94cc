# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# The main job: three sites come into service; a fourth joins and one leaves while the others' pings go on.
import pytest

from kit.waiting import wait_until

THREE = ["paris", "lyon", "nice"]
PHASES = ("notify", "fetch", "apply", "ike", "ospf", "route")


@pytest.fixture(scope="module")
def captured(lab):
    """Three sites, captured on the core from the first packet on."""
    lab.core = lab.capture()
    lab.provision(THREE, timers="")     # as an SP has them who says nothing
    lab.wait_in_service(timeout=120)
    return lab


def test_three_sites_come_into_service(captured):
    assert captured.in_service(THREE)


def test_one_sa_per_pair(captured):
    for name in THREE:
        ce, wanted = captured.ce(name), sorted(f"ppvpn:acme:corp:{other}" for other in THREE if other != name)
        ce.wait_until(lambda ce=ce, wanted=wanted: ce.established() == wanted, 60, "one IKE_SA with each")
        assert all(len(sa["children"]) == 1 for sa in ce.sas() if sa["state"] == "ESTABLISHED")


def test_plan_is_empty_after_apply(captured):
    for name in THREE:
        captured.ce(name).wait_plan_empty()


def test_links_have_the_peers_name(captured):
    paris = captured.ce("paris")
    for other in ("lyon", "nice"):
        link = paris.link_for(f"ppvpn:acme:corp:{other}")
        assert link.startswith("ppv")
        detail = next(entry for entry in paris.links("vti") if entry["ifname"] == link)
        assert detail["master"] == "corp"
        data = detail["linkinfo"]["info_data"]
        assert (data["local"], data["remote"]) == (paris.address, captured.ce(other).address)


def test_outer_source_is_the_ce_address(captured):
    state = captured.ce("paris").out("ip xfrm state")
    sources = {line.split()[1] for line in state.splitlines() if line.startswith("src")}
    assert sources <= {captured.ce(name).address for name in THREE}


def test_pe_has_no_vpn_state(captured):
    assert "10." not in captured.pe.out("ip route show table all")
    assert not captured.pe.out("ip xfrm state; ip xfrm policy").strip()


def test_status_shows_the_tunnels(captured):
    for name in THREE:
        shown = captured.ce(name).ctl("peers", check=True).stdout
        assert all(other in shown for other in THREE if other != name), shown
    wait_until(lambda: all(name in captured.admin("status") for name in THREE), 30, "the server's status")
    shown = captured.admin("tunnel show acme/corp paris lyon")
    assert "INSTALLED" in shown and "Full" in shown, shown


def time_to_service(lab, sites):
    """Every end of every tunnel between these sites, once all its phases are known."""
    wanted = {(a, b) for a in sites for b in sites if a != b}

    def measured():
        ends = lab.server.admin_json("time-to-service")["ends"]
        whole = [end for end in ends if all(f"{phase}-ms" in end for phase in (*PHASES, "total"))]
        missing = wanted - {(end["site"], end["peer"]) for end in whole}
        assert not missing, f"not measured: {missing}"
        return whole
    return wait_until(measured, 60, "the time to service of every tunnel's ends")


def test_time_to_service_is_measured(captured):
    for end in time_to_service(captured, THREE):
        parts = [end[f"{phase}-ms"] for phase in PHASES]
        assert sum(parts) == end["total-ms"], end
        assert 0 < end["total-ms"] < 120000, end
        assert max(parts) < end["total-ms"], end     # apart, not all in one


def test_fourth_site_joins_without_loss(captured):
    pings = captured.pings([pair for a, b in captured.pairs(THREE) for pair in ((a, b), (b, a))])
    before = {name: [sa for sa in captured.ce(name).sas() if sa["state"] == "ESTABLISHED"] for name in THREE}
    captured.join("brest")
    captured.wait_in_service([*THREE, "brest"], timeout=120)
    time_to_service(captured, [*THREE, "brest"])
    results = pings.stop()
    assert results.sent > 50
    assert results.lost == 0, results
    for name in THREE:
        after = {(sa["name"], sa["id"]) for sa in captured.ce(name).sas()}
        assert {(sa["name"], sa["id"]) for sa in before[name]} <= after
        captured.ce(name).wait_plan_empty()


def test_removed_site_is_gone_everywhere(captured):
    rest = ["paris", "lyon", "brest"]
    nice = captured.ce("nice")
    pings = captured.pings(captured.pairs(rest))
    captured.admin("site remove acme/corp/nice")
    wait_until(lambda: not nice.installed(), 30, "no SA at its own end")
    for name in rest:
        ce = captured.ce(name)
        ce.wait_until(lambda ce=ce: "nice" not in ce.peer_names(), 30, "no SA with the removed site")
        ce.wait_until(lambda ce=ce: not ce.has_route(nice.lan, "corp"), 30, "no route to it")
        ce.wait_plan_empty()
        assert "nice" not in ce.out("swanctl --list-conns")
        assert not [link for link in ce.links("vti") if link.get("ifalias") == "ppvpn:acme:corp:nice"]
    assert not captured.reaches("paris", "nice")
    results = pings.stop()
    assert results.lost == 0, results
    assert captured.in_service(rest)


def test_removed_site_keeps_nothing_of_the_vpn(captured):
    nice = captured.ce("nice")
    nice.wait_until(lambda: "ppvpn:acme:corp" not in nice.out("swanctl --list-conns"), 30, "no connection left")
    assert not [link for link in nice.links("vti") if link["ifname"].startswith("ppv")]


def test_only_esp_ike_tls_cross_the_core(captured):
    packets = captured.core.stop()
    assert not packets.strange, packets.strange[:10]
    assert all(packets.counts[kind] for kind in ("ESP", "IKE", "TLS")), packets.table()
    assert not packets.inside(["10.0.0.0/8"])
    assert not packets.has_marker()
    assert not packets.inner_headers([host.address for host in captured.hosts.values()])
