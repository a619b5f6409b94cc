# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# Pre-shared keys are changed under live tunnels: no ping is lost, no SA is made anew; at each step two routers that are one
# step apart authenticate to each other, whoever begins; who is away holds its own tunnels back and no others; kills change
# nothing of that; and in the end an old key is worth nothing.
import time

import pytest

from kit.meshpings import LATE, MeshPings
from kit.stock import call
from kit.waiting import wait_until

SITES = ["paris", "lyon", "nice", "brest"]


def conn(peer):
    return f"ppvpn:acme:corp:{peer}"


def keys(ce):
    """{peer: [(key-id, use, secret)]} of its document."""
    return {peer["peer"]: [(key["key-id"], key["use"], key["secret"]) for key in peer["pre-shared"]["keys"]]
            for peer in ce.document()["vpns"][0]["peers"]}


def rotations(lab):
    """{(site, site): (step, routers that it waits for)}"""
    return {tuple(row["sites"]): (row["step"], sorted(end["ce"] for end in row["waits-for"]))
            for row in lab.server.admin_json("psk status acme/corp")["rotations"]}


def sas(lab):
    """Every IKE_SA of every router."""
    return {(ce.name, sa["name"], sa["spi"]) for ce in lab.ces.values() for sa in ce.sas()}


def settled(lab):
    """No pair has two, as both ends may have begun."""
    return all(len(ce.sas()) == len(SITES) - 1 for ce in lab.ces.values())


def wait_rotations(lab, condition, what, timeout=30):
    wait_until(lambda: condition(rotations(lab)), timeout, what)


@pytest.fixture(scope="module")
def mesh(lab):
    lab.provision(SITES)
    lab.wait_in_service(timeout=120)
    wait_until(lambda: settled(lab), 30, "one SA of each pair")
    lab.old = keys(lab.ce("lyon"))
    lab.mesh_pings = MeshPings(lab, SITES, interval=0.1)
    return lab


@pytest.fixture
def no_ping_lost(mesh):
    """From the first line of the test to its last."""
    pings = mesh.mesh_pings
    wait_until(pings.flow, 20, "answers of all pairs")
    begin = time.monotonic()
    yield
    end = time.monotonic()
    wait_until(lambda: time.monotonic() > end + LATE and pings.flow(), 20, "the last answers of all pairs")
    lost, count = pings.lost(begin, end), pings.count(begin, end)
    print(f"{count} pings between {len(pings.pairs)} pairs, lost: {lost}")
    assert not lost and count > 100, lost


def test_every_key_is_changed_under_live_tunnels(mesh, no_ping_lost):
    before, old = sas(mesh), {name: keys(ce) for name, ce in mesh.ces.items()}
    revision = mesh.server.admin_json("status")["revision"]
    shown = mesh.admin("psk rotate acme/corp --dry-run")
    assert "6 rotating" in shown and "routers told: 4" in shown, shown
    assert mesh.server.admin_json("status")["revision"] == revision and not rotations(mesh)
    mesh.admin("psk rotate acme/corp")
    wait_rotations(mesh, lambda found: not found, "all keys are changed")
    # accept, send, forget: three revisions, and three documents for each router
    assert mesh.server.admin_json("status")["revision"] == revision + 3
    for name, ce in mesh.ces.items():
        for peer, found in keys(ce).items():
            assert [(key_id, use) for key_id, use, _ in found] == [("g2", "send-and-accept")], found
            assert found[0][2] != old[name][peer][0][2]
            assert [found[0][2]] == [secret for _, _, secret in keys(mesh.ce(peer))[name]]
        ce.wait_plan_empty()
    assert sas(mesh) == before, "an SA was made anew"
    assert "generation 2, made" in mesh.admin("tunnel show acme/corp paris lyon")
    assert "No keys are being changed" in mesh.admin("psk status")


def authenticates(one, other):
    """Anew, begun by this one: the keys that both have now, and no others, make it so."""
    for ce, peer in ((one, other), (other, one)):
        if conn(peer.name) in {sa["name"] for sa in ce.sas()}:
            ce.run(f"swanctl --terminate --ike {conn(peer.name)} --timeout 5", check=False)
    wait_until(lambda: conn(other.name) not in {sa["name"] for sa in one.sas()} and
               conn(one.name) not in {sa["name"] for sa in other.sas()}, 10, "no SA of the pair")
    done = one.run(f"swanctl --initiate --child {conn(other.name)} --timeout 10", check=False, timeout=20)
    assert done.returncode == 0, f"{one.name} -> {other.name}: {done.stdout}{done.stderr}"
    assert conn(one.name) in other.installed(), f"{one.name} -> {other.name}"


def both_ways(one, other):
    """With no agent that might help."""
    for ce in (one, other):
        if ce.daemons["ppvpn-agent"].running():
            ce.stop_agent()
    authenticates(one, other)
    authenticates(other, one)


def test_one_step_apart_both_directions_authenticate(mesh):
    paris, nice = mesh.ce("paris"), mesh.ce("nice")
    pair = ("nice", "paris")
    nice.stop_agent()
    mesh.admin("psk rotate acme/corp/paris/nice")
    # each in turn stays a step behind; the server says for whom it waits, and how far it is
    for behind, ahead, step in ((nice, paris, "accept"), (paris, nice, "send"), (nice, paris, "forget")):
        if step != "accept":
            ahead.start_agent()
        wait_rotations(mesh, lambda found: found == {pair: (step, [behind.router])}, f"{ahead.name} is at {step}, {behind.name} behind")
        both_ways(paris, nice)
        print(f"{ahead.name} at {step}, {behind.name} one behind: both directions")
    paris.start_agent()
    nice.start_agent()
    wait_rotations(mesh, lambda found: not found, "the end of it")
    both_ways(paris, nice)
    paris.start_agent()
    nice.start_agent()
    mesh.wait_in_service(timeout=60)


def test_who_is_away_and_who_is_killed(mesh, no_ping_lost):
    server, brest, lyon = mesh.server, mesh.ce("brest"), mesh.ce("lyon")
    brest.stop_agent()
    mesh.admin("psk rotate acme/corp")
    seen = set()

    def goes_on(done):
        """A kill of the server and of an agent whenever a step is seen for the first time."""
        found = rotations(mesh)
        for step in {step for step, _ in found.values()} - seen:
            seen.add(step)
            server.kill("ppvpn-server")
            lyon.kill_agent()
            server.start()
            lyon.start_agent()
        return done(found)
    away = {tuple(sorted(("brest", name))): ("accept", ["brest-r1"]) for name in ("paris", "lyon", "nice")}
    wait_until(lambda: goes_on(lambda found: found == away), 60, "all but brest's are changed")
    text = mesh.admin("psk status acme/corp")
    assert text.count("brest-r1: it has an older document") == 3, text
    assert [row[0] for row in keys(mesh.ce("paris"))["brest"]] == ["g3", "g2"]
    assert [row[0] for row in keys(mesh.ce("paris"))["lyon"]] == ["g3"]
    seen.clear()
    brest.start_agent()
    wait_until(lambda: goes_on(lambda found: not found), 60, "brest's are changed, too")
    assert len(seen) >= 2, seen
    for name, ce in mesh.ces.items():
        for peer, found in keys(ce).items():
            assert len(found) == 1 and found[0][0] == ("g4" if {name, peer} == {"paris", "nice"} else "g3"), (name, peer)
    assert "OK" in server.out(["setpriv", "--reuid=ppvpn-server", "--regid=ppvpn-server", "--init-groups", "ppvpn-server", "check",
                               "--config", server.conf("ppvpn-server")], timeout=60)


def test_an_old_key_is_worth_nothing(mesh):
    """Somebody has lyon's place, address and all, and what lyon's document said before."""
    paris, lyon = mesh.ce("paris"), mesh.ce("lyon")
    vpn = lyon.document()["vpns"][0]
    words = {"local": lyon.address, "remote": paris.address, "me": vpn["identity"]["fqdn-string"],
             "peer": next(p for p in vpn["peers"] if p["peer"] == "paris")["identity"]["fqdn-string"]}
    old, new = mesh.old["paris"][0][2], keys(lyon)["paris"][0][2]
    assert old != new
    lyon.stop_agent()
    paris.stop_agent()
    lyon.write("/etc/strongswan.d/charon/ppvpn.conf", "ppvpn {\n    load = no\n}\n")
    for secret, good in ((old, False), (new, True)):
        done = call(lyon, "stock", secret=secret, **words)
        assert (done.returncode == 0) == good, done.stdout + done.stderr
        assert ("AUTHENTICATION_FAILED" in done.stdout) == (not good), done.stdout
        assert (lyon.installed("stock") == ["stock"]) == good
