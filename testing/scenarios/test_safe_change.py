# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# Changes that would cost more than they are worth: a document that cuts a router's own way to the server comes back by
# itself, and one that drops peers in masses without a word is held back.
import time

import pytest

from kit.server import STATE

CONFIRM = 12                # seconds
SERVER = "198.51.100.1"     # of the management network; paris has a link of its own into it
VPNS = {"acme/corp": {"vrf": "corp", "table": 1001, "lan": "eth1"}, "acme/oob": {"vrf": "oob", "table": 1002, "lan": "eth2"}}
MANY = [f"x{n}" for n in range(4)]


@pytest.fixture(scope="module")
def managed(lab):
    """Three sites; paris reaches the server over eth2 only, and somebody gave eth2 to a VPN of paris in agent.conf."""
    server = lab.server
    server.urls, server.listen = [f"https://{SERVER}:8443"], "0.0.0.0"
    server.settings["confirm-timeout"] = CONFIRM
    paris = lab.add_ce("paris")
    lab.link(server, "eth9", paris, "eth2", [f"addr add {SERVER}/30 dev eth9"], ["addr add 198.51.100.2/30 dev eth2"])
    lab.pe.ip(f"route add {SERVER}/32 via {server.address}", f"rule add pref {lab.CUT} iif to-paris to {SERVER} blackhole")
    lab.provision(["paris", "lyon", "nice"])
    paris.stop_agent()
    paris.configure(VPNS)
    paris.start_agent()
    lab.wait_in_service()
    paris.wait_until(lambda: known(paris)["confirmed"], 20, "the first documents are confirmed")
    return lab


def known(ce):
    return ce.ctl_json("status")


def alarm(ce, code):
    return [a for a in ce.ctl_json("alarms")["alarms"] if a["code"] == code and a["severity"] != "cleared"]


def taken_back(ce, good):
    return known(ce)["revision"] == good and bool(alarm(ce, "rolled-back"))


def test_a_change_that_cuts_the_way_comes_back(managed):
    paris = managed.ce("paris")
    good = known(paris)["revision"]
    pings = managed.pings([("paris", "lyon"), ("nice", "paris")])
    managed.admin("vpn add acme/oob")
    begin = time.monotonic()
    managed.admin("site add acme/oob/paris --ce paris-r1")      # takes eth2 into a VRF
    paris.wait_until(lambda: known(paris)["revision"] > good, 10, "the change is applied")
    bad = known(paris)["revision"]
    paris.wait_until(lambda: "master oob" in paris.out("ip link show eth2"), 10, "eth2 in the VRF")
    assert not known(paris)["confirmed"]
    assert "ON TRIAL" in paris.ctl("status").stdout
    assert not paris.run(f"ping -n -q -c 1 -W 1 {SERVER}", check=False).returncode == 0
    paris.wait_until(lambda: taken_back(paris, good), CONFIRM + 10, "the change is taken back")
    print(f"taken back {time.monotonic() - begin:.1f} s after it was made")
    assert time.monotonic() - begin > CONFIRM
    paris.wait_until(lambda: known(paris)["connected"], 10, "the server is reached again")
    paris.wait_until(lambda: f" 1 {bad} 1 0 condemned" in paris.read("/var/lib/ppvpn/trial"), 10, "it is remembered")
    assert known(paris)["confirmed"] and known(paris)["state"] == "active"
    # the provider sees it
    managed.server.wait_until(lambda: "rolled-back" in managed.admin("status acme --json"), 20, "the provider's alarm")
    # and it stays so: neither time nor a restart tries it again
    paris.stop_agent()
    paris.start_agent()
    paris.wait_until(lambda: known(paris)["connected"] and alarm(paris, "rolled-back"), 20, "connected after a restart")
    for _ in range(3):
        said = paris.sync()
        assert "was taken back" in str(said), said
    assert known(paris)["revision"] == good
    paris.wait_plan_empty()
    results = pings.stop()
    assert results.lost == 0, results


def test_corrected_at_the_provider(managed):
    paris = managed.ce("paris")
    managed.admin("site remove acme/oob/paris")
    paris.wait_until(lambda: paris.synced() and known(paris)["confirmed"], 30, "the corrected configuration")
    assert not alarm(paris, "rolled-back")
    assert not paris.path("/var/lib/ppvpn/trial").exists()


def test_a_restart_in_the_time_of_confirming_goes_back(managed):
    paris = managed.ce("paris")
    good = known(paris)["revision"]
    managed.admin("site add acme/oob/paris --ce paris-r1")
    paris.wait_until(lambda: known(paris)["revision"] > good and not known(paris)["confirmed"], 10, "the change is on trial")
    paris.wait_until(lambda: "running" in paris.read("/var/lib/ppvpn/trial"), 5, "it is remembered")
    paris.kill_agent()          # as a loss of power would: nobody is asked
    log = paris.daemons["ppvpn-agent"].log
    at = len(log.read_text())
    paris.start_agent()
    paris.wait_until(lambda: f"document 1.{good} known" in log.read_text()[at:], 10, "the confirmed document first")
    # an interrupted trial proves nothing: once more, and then no more
    paris.wait_until(lambda: taken_back(paris, good) and "condemned" in paris.read("/var/lib/ppvpn/trial"), CONFIRM + 40,
                     "taken back for good")
    for _ in range(2):
        paris.sync()
    assert known(paris)["revision"] == good
    managed.admin("site remove acme/oob/paris")
    paris.wait_until(lambda: paris.synced() and not alarm(paris, "rolled-back"), 30, "the corrected configuration")


def peers(ce):
    return sorted(peer["peer"] for peer in ce.ctl_json("peers")["peers"])


def test_what_operators_mean_is_not_braked(managed):
    lyon = managed.ce("lyon")
    for n, name in enumerate(MANY):
        managed.admin(f"ce add acme/{name} --address 192.0.2.{200 + n}")
        managed.admin(f"site add acme/corp/{name} --ce {name}")
    lyon.wait_until(lambda: len(peers(lyon)) == len(MANY) + 2, 30, "all the peers")
    managed.admin("vpn set acme/corp --topology hub-spoke --hub paris")
    lyon.wait_until(lambda: peers(lyon) == ["paris"], 30, "a spoke has its hub only")
    assert not alarm(lyon, "bulk-removal")
    managed.admin("vpn set acme/corp --topology any-to-any")
    lyon.wait_until(lambda: len(peers(lyon)) == len(MANY) + 2, 30, "all the peers again")
    managed.wait_in_service(["paris", "lyon", "nice"])


LOSE = f"""
import sqlite3
with sqlite3.connect("{STATE}/ppvpn.db", timeout=10) as db:
    gone = "SELECT id FROM site WHERE name LIKE 'x_'"
    for table in ("psk", "link"):
        db.execute(f"DELETE FROM {{table}} WHERE site_a IN ({{gone}}) OR site_b IN ({{gone}})")
    db.execute("UPDATE installation SET revision = revision + 1")
    db.execute("UPDATE ce_change SET revision = (SELECT revision FROM installation)")
"""


def lose_links(server):
    """A fault in the database: the tunnels with most sites are gone, and nobody said so."""
    server.run(["python3", "-c", LOSE])


def test_a_mass_removal_without_a_word_is_held_back(managed):
    paris, lyon, nice = (managed.ce(name) for name in ("paris", "lyon", "nice"))
    before = {ce.name: (peers(ce), known(ce)["revision"]) for ce in (paris, lyon, nice)}
    pings = managed.pings([("paris", "lyon"), ("nice", "paris")])
    lose_links(managed.server)
    for ce in (paris, lyon, nice):
        ce.wait_until(lambda ce=ce: alarm(ce, "bulk-removal"), 20, "the alarm")
        assert (peers(ce), known(ce)["revision"]) == before[ce.name]
    managed.server.wait_until(lambda: "bulk-removal" in managed.admin("status acme --json"), 20, "the provider's alarm")
    assert "--accept-removal" in paris.ctl("explain bulk-removal").stdout
    # a restart does not let it slip through
    lyon.stop_agent()
    lyon.start_agent()
    lyon.wait_until(lambda: alarm(lyon, "bulk-removal"), 20, "the alarm after a restart")
    assert peers(lyon) == before["lyon"][0]
    # somebody here means it
    paris.ctl("sync --accept-removal", check=True)
    assert peers(paris) == ["lyon", "nice"]
    assert not alarm(paris, "bulk-removal")
    # somebody at the provider means it
    managed.admin("ce allow-removal acme/lyon-r1")
    lyon.wait_until(lambda: peers(lyon) == ["nice", "paris"] and not alarm(lyon, "bulk-removal"), 20, "the word")
    assert peers(nice) == before["nice"][0]
    managed.admin("ce allow-removal acme/nice-r1")
    nice.wait_until(lambda: peers(nice) == ["lyon", "paris"], 20, "the word")
    results = pings.stop()
    assert results.lost == 0, results
