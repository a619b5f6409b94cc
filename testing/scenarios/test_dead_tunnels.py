# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# Tunnels that die without a word: the peer is cut off, its charon hangs, or the path takes IKE and drops ESP. The link
# goes down with the SA and OSPF moves within a second; an SA that carries nothing is an alarm that passes by itself.
import re
import signal
import time
from datetime import datetime

import pytest

from kit.waiting import wait_until

DPD = 5
# charon asks that often and that long before it gives a peer up: 1 + 1.8 + 3.24 s
DEAD = DPD + 6.1
RETRANSMIT = "charon {\n    retransmit_tries = 2\n    retransmit_timeout = 1.0\n}\n"


class Monitor:
    """What the kernel of a router says of links and routes, with times."""

    def __init__(self, ce):
        self.ce = ce
        ce.logs.joinpath("monitor.log").unlink(missing_ok=True)
        self.daemon = ce.spawn("monitor", ["ip", "-tshort", "monitor", "link", "route"])

    def stop(self):
        self.daemon.kill()

    def lines(self):
        """(seconds, text), the continuation lines of a message joined to it."""
        found = []
        for line in (self.ce.logs / "monitor.log").read_text(errors="replace").splitlines():
            stamp = re.match(r"\[([0-9T:.-]+)\] ?(.*)", line)
            if stamp:
                found.append((datetime.fromisoformat(stamp[1]).timestamp(), stamp[2]))
            elif found:
                found[-1] = (found[-1][0], found[-1][1] + " " + line)
        return found

    def link_down(self, link):
        return next((t for t, text in self.lines() if f": {link}" in text and "<" in text and "UP" not in text.split(">")[0]), None)

    def moved(self, prefix, link, after):
        """When the route to the prefix led over another link than this one."""
        return next((t for t, text in self.lines() if t >= after and text.startswith(prefix) and "dev ppv" in text
                     and f"dev {link}" not in text), None)


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


def dies(lab, kill, revive, what):
    """kill() takes the tunnel between paris and lyon away; what follows at paris."""
    paris, lyon = lab.ce("paris"), lab.ce("lyon")
    link = paris.link_for("ppvpn:acme:corp:lyon")
    monitor = Monitor(paris)
    others = lab.pings([("paris", "nice")])
    kill()
    begin = time.time()
    try:
        paris.wait_until(lambda: monitor.link_down(link), DEAD + 15, f"{link} goes down")
        down = monitor.link_down(link)
        paris.wait_until(lambda: monitor.moved(lyon.lan, link, down), 5, "OSPF takes the other way")
        moved = monitor.moved(lyon.lan, link, down) - down
        print(f"{what}: link down after {down - begin:.1f} s, OSPF moved {moved * 1000:.0f} ms later")
        assert down - begin <= DEAD + 3
        assert moved <= 1.0
        paris.wait_until(lambda: peer(paris, "lyon")["state"] != "up", 5, "the tunnel is not up")
        assert "lyon" not in paris.peer_names()
    finally:
        revive()
        monitor.stop()
        lost = others.stop()
    assert lost.lost == 0, lost
    lab.wait_in_service(timeout=90)


def test_cut_off(mesh):
    dies(mesh, lambda: mesh.partition("paris", "lyon"), mesh.heal, "IKE and ESP cut")


def test_charon_hangs(mesh):
    charon = mesh.ce("lyon").daemons["charon-systemd"].process
    dies(mesh, lambda: charon.send_signal(signal.SIGSTOP), lambda: charon.send_signal(signal.SIGCONT), "charon stopped")


def test_esp_dropped_is_an_alarm(mesh):
    """The SAs stay, since IKE passes; nothing else would say that the tunnel carries nothing."""
    paris, lyon = mesh.ce("paris"), mesh.ce("lyon")
    mesh.server.patch("vpns/acme/corp", **{"dead-interval": 8})
    wait_until(lambda: all("dead-interval 8" in ce.vtysh("show running-config") for ce in (paris, lyon)), 30, "the other dead interval")
    mesh.wait_in_service(timeout=60)
    sas = sorted(sa["id"] for sa in paris.sas() if sa["name"].endswith(":lyon"))
    for a, b in ((paris, lyon), (lyon, paris)):
        mesh.pe.run(f"ip rule add pref {mesh.CUT} iif to-{a.name} to {b.address} ipproto esp blackhole")
    mesh.pe.run("ip rule show pref 0 | grep -q local && ip rule add pref 20 lookup local && ip rule del pref 0", check=False)
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
