# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# Tunnels that die without a word: the peer is cut off, its charon hangs, or the path takes IKE and drops ESP. The link
# goes down with the SA and OSPF moves within a second; an SA that carries nothing is an alarm that passes by itself.
import signal
import time

import pytest

from kit.waiting import wait_until

DPD = 5
# charon asks that often and that long before it gives a peer up: 1 + 1.8 + 3.24 s
DEAD = DPD + 6.1
RETRANSMIT = "charon {\n    retransmit_tries = 2\n    retransmit_timeout = 1.0\n}\n"


# UP is bit 0 of a link's flags; one line for each look, some tens of milliseconds apart
SAMPLER = "while read -r flags </sys/class/net/$1/flags; do route=$(ip route show vrf corp \"$2\"); echo \"$(date +%s.%N) $((flags & 1)) $route\"; done"


class Sampler:
    """When a link of a router went down, and when the route to a prefix led over another one."""

    def __init__(self, ce, link, prefix):
        self.ce, self.link = ce, link
        (ce.logs / "sampler.log").unlink(missing_ok=True)
        self.daemon = ce.spawn("sampler", ["bash", "-c", SAMPLER, "sampler", link, prefix])

    def stop(self):
        self.daemon.kill()

    def samples(self):
        for line in (self.ce.logs / "sampler.log").read_text(errors="replace").splitlines():
            stamp, up, *route = line.split(" ", 2)
            yield float(stamp), up == "1", " ".join(route)

    def down(self):
        return next((stamp for stamp, up, _ in self.samples() if not up), None)

    def moved(self):
        down = self.down()
        return down and next((stamp for stamp, _, route in self.samples()
                              if stamp >= down and "dev ppv" in route and f"dev {self.link} " not in route + " "), None)


def peer(ce, name):
    return next(p for p in ce.ctl_json("peers")["peers"] if p["peer"] == name)


def alarm(ce, name, code):
    return next((a for a in ce.ctl_json("alarms")["alarms"] if a["resource"] == f"acme/corp/{name}" and a["code"] == code), None)


@pytest.fixture(scope="module")
def mesh(lab):
    lab.provision(["paris", "lyon", "nice"], start=False)
    lab.server.patch("vpns/acme/corp", **{"dpd_delay": DPD, "hello-interval": 2, "dead-interval": 40, "minimum-wait": 1, "t1": 2, "maximum": 8})
    for ce in lab.ces.values():
        ce.write("/etc/strongswan.d/zz-retransmit.conf", RETRANSMIT)
        ce.start()
    lab.wait_in_service(timeout=120)
    return lab


def drop_esp(lab, a, b):
    for one, other in ((a, b), (b, a)):
        lab.pe.run(f"ip rule add pref {lab.CUT} iif to-{one.name} to {other.address} ipproto 50 blackhole")
    lab.pe.run("ip rule show pref 0 | grep -q local && ip rule add pref 20 lookup local && ip rule del pref 0", check=False)


def dies(lab, kill, revive, what):
    """kill() takes the tunnel between paris and lyon away; what follows at paris."""
    paris, lyon = lab.ce("paris"), lab.ce("lyon")
    sampler = Sampler(paris, paris.link_for("ppvpn:acme:corp:lyon"), lyon.lan)
    others = lab.pings([("paris", "nice")])
    kill()
    begin = time.time()
    try:
        paris.wait_until(sampler.down, DEAD + 15, "the link goes down")
        paris.wait_until(sampler.moved, 5, "OSPF takes the other way")
        down, moved = sampler.down(), sampler.moved() - sampler.down()
        print(f"{what}: link down after {down - begin:.1f} s, OSPF moved {moved * 1000:.0f} ms later")
        assert down - begin <= DEAD + 4
        assert moved <= 1.0
        paris.wait_until(lambda: peer(paris, "lyon")["state"] != "up", 5, "the tunnel is not up")
    finally:
        revive()
        sampler.stop()
        lost = others.stop()
    assert lost.lost == 0, lost
    lab.wait_in_service(timeout=90)


def test_cut_off(mesh):
    dies(mesh, lambda: mesh.partition("paris", "lyon"), mesh.heal, "IKE and ESP cut")


def test_charon_hangs(mesh):
    """While the kernel carries the tunnel it is not dead; when nothing comes through it either, it is."""
    paris, lyon = mesh.ce("paris"), mesh.ce("lyon")
    charon = lyon.daemons["charon-systemd"].process
    pings = mesh.pings([("paris", "lyon")])
    charon.send_signal(signal.SIGSTOP)
    try:
        time.sleep(DEAD + 4)            # as long as it takes to find a peer dead
        lost = pings.stop()
        assert lost.lost == 0, lost
        assert peer(paris, "lyon")["state"] == "up"

        def revive():
            mesh.heal()
            charon.send_signal(signal.SIGCONT)
        dies(mesh, lambda: drop_esp(mesh, paris, lyon), revive, "charon stopped, ESP dropped")
    finally:
        charon.send_signal(signal.SIGCONT)


def test_esp_dropped_is_an_alarm(mesh):
    """The SAs stay, since IKE passes; nothing else would say that the tunnel carries nothing."""
    paris, lyon = mesh.ce("paris"), mesh.ce("lyon")
    mesh.server.patch("vpns/acme/corp", **{"dead-interval": 8})
    wait_until(lambda: all("dead-interval 8" in ce.vtysh("show running-config") for ce in (paris, lyon)), 30, "the other dead interval")
    mesh.wait_in_service(timeout=60)
    sas = sorted(sa["id"] for sa in paris.sas() if sa["name"].endswith(":lyon"))
    drop_esp(mesh, paris, lyon)
    begin = time.monotonic()
    for ce, name in ((paris, "lyon"), (lyon, "paris")):
        raised = wait_until(lambda ce=ce, name=name: alarm(ce, name, "no-traffic"), 60, f"{ce.name}: the alarm")
        assert raised["severity"] == "major"
    print(f"alarm after {time.monotonic() - begin:.1f} s: {raised['text']}")
    assert "explain" not in raised["text"] and "ESP" in paris.ctl("explain no-traffic", check=True).stdout
    assert "no-traffic" in paris.ctl("status", check=True).stdout
    assert 'ppvpn_agent_tunnel_silent{customer="acme",vpn="corp",peer="lyon"} 1' in paris.ctl("metrics", check=True).stdout
    assert not alarm(paris, "nice", "no-traffic")
    wait_until(lambda: mesh.reaches("paris", "lyon"), 20, "the other way")
    assert sorted(sa["id"] for sa in paris.sas() if sa["name"].endswith(":lyon")) == sas, "the SA was replaced"
    mesh.heal()
    begin = time.monotonic()
    for ce, name in ((paris, "lyon"), (lyon, "paris")):
        wait_until(lambda ce=ce, name=name: alarm(ce, name, "no-traffic")["severity"] == "cleared", 40, f"{ce.name}: it passes")
    print(f"cleared {time.monotonic() - begin:.1f} s after the path was back")
    mesh.wait_in_service(timeout=60)
