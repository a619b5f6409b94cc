# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# A new site's IKE arrives at a router that has not heard of it: that makes it ask the server, and nothing else does
# here, since its long poll is dead. Ten thousand forged requests make it ask no more often, and cost no memory.
import re
import time
from datetime import datetime

import pytest

from kit.waiting import wait_until

# Sends IKE_SA_INITs that charon understands from COUNT forged addresses, RATE a second: python3 - SOURCE DESTINATION COUNT RATE
FLOOD = r"""
import os, socket, struct, sys, time
count, rate = int(sys.argv[2]), int(sys.argv[3])
target = socket.inet_aton(sys.argv[1])
out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)

def payload(following, body):
    return struct.pack("!BBH", following, 0, 4 + len(body)) + body

def transform(more, kind, number, attribute=b""):
    return struct.pack("!BBHBBH", 3 if more else 0, 0, 8 + len(attribute), kind, 0, number) + attribute

# one proposal: AES-CBC-256, PRF and integrity HMAC-SHA2-256, ECP-256
transforms = transform(1, 1, 12, struct.pack("!HH", 0x800e, 256)) + transform(1, 2, 5) + transform(1, 3, 12) + transform(0, 4, 19)
proposal = struct.pack("!BBHBBBB", 0, 0, 8 + len(transforms), 1, 1, 0, 4) + transforms
body = payload(34, proposal) + payload(40, struct.pack("!HH", 19, 0) + os.urandom(64)) + payload(0, os.urandom(32))
begin = time.monotonic()
for n in range(count):
    ike = os.urandom(8) + bytes(8) + struct.pack("!BBBBII", 33, 0x20, 34, 0x08, 0, 28 + len(body)) + body
    udp = struct.pack("!HHHH", 500, 500, 8 + len(ike), 0) + ike
    source = struct.pack("!I", 0xc6120000 + n + 1)             # 198.18.0.0/15, for benchmarks
    out.sendto(struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), n & 0xffff, 0, 64, 17, 0, source, target) + udp, (sys.argv[1], 0))
    time.sleep(max(n / rate - (time.monotonic() - begin), 0.0005))      # the others need the CPU, too
print(f"{count} in {time.monotonic() - begin:.1f} s")
"""


def metric(ce, name):
    return int(re.search(rf"^{name} (\d+)$", ce.ctl("metrics", check=True).stdout, re.M)[1])


def own_kb(daemon):
    """Memory of its own: pages of files come and go."""
    return int(re.search(r"RssAnon:\s+(\d+)", open(f"/proc/{daemon.pid}/status", encoding="ascii").read())[1])


def connections(lab):
    """How many connections paris has begun to the server, as the core sees it."""
    return len((lab.pe.logs / "syns.log").read_text(errors="replace").splitlines())


@pytest.fixture(scope="module")
def two(lab):
    lab.provision(["paris", "lyon"], start=False)
    for ce in lab.ces.values():         # ten lines of log for each of 10,000 requests would be the load
        ce.write("/etc/strongswan.d/zzz-quiet.conf", "charon {\n    filelog {\n        lab {\n            default = 0\n            cfg = 0\n        }\n    }\n}\n")
        ce.start()
    lab.wait_in_service(timeout=120)
    lab.pe.spawn("syns", ["tcpdump", "-nlq", "-i", "to-paris", "tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn and dst port 8443"])
    wait_until(lambda: "listening on" in (lab.pe.logs / "syns.log").read_text(errors="replace"), 10, "the counter of connections")
    return lab


def test_a_new_sites_ike_makes_it_ask(two):
    paris = two.ce("paris")
    nice = two.add_ce("nice")       # what takes long comes before: TCP finds out by itself after 30 s
    nice.start_charon()
    nice.start_frr()
    pulls = metric(paris, "ppvpn_agent_unknown_peer_pulls_total")
    paris.wait_until(paris.synced, 30, "a sync")
    # The connection over which the notification would come is dead, and nobody has told; new ones work.
    ports = sorted({int(port) for port in re.findall(r":(\d+)\s+\S+:8443", paris.out("ss -Htn state established"))})
    assert ports
    for port in ports:
        two.pe.run(f"""ip rule add pref {two.CUT} iif to-paris ipproto 6 sport {port} dport 8443 blackhole
            ip rule add pref {two.CUT} iif to-server ipproto 6 sport 8443 dport {port} blackhole""")
    two.join("nice", start=False)
    assert "nice" not in {p["peer"] for p in paris.ctl_json("peers")["peers"]}
    nice.start_agent()
    begin = time.monotonic()
    wait_until(lambda: "nice" in {p["peer"] for p in paris.ctl_json("peers")["peers"]}, 25, "paris knows of nice")
    print(f"known {time.monotonic() - begin:.1f} s after nice was switched on")
    assert metric(paris, "ppvpn_agent_unknown_peer_pulls_total") == pulls + 1
    assert "code=unknown-peer-pull" in (paris.logs / "ppvpn-agent.log").read_text(errors="replace")
    two.wait_in_service(timeout=60)
    print(f"in service {time.monotonic() - begin:.1f} s after nice was switched on")
    two.heal()


def test_a_flood_of_forged_requests(two):
    paris, rogue = two.ce("paris"), two.add_router("rogue", 7)
    two.pe.run("sysctl -qw net.ipv4.conf.all.rp_filter=0; sysctl -qw net.ipv4.conf.to-rogue.rp_filter=0")
    paris.run("sysctl -qw net.ipv4.conf.all.rp_filter=0; sysctl -qw net.ipv4.conf.eth0.rp_filter=0")
    wait_until(lambda: paris.ctl_json("status")["connected"], 60, "the server is reached")
    pings = two.pings([("paris", "lyon")])
    before = {name: metric(paris, f"ppvpn_agent_unknown_peer_{name}_total") for name in ("requests", "pulls")}
    syns, memory = connections(two), {name: own_kb(paris.daemons[name]) for name in ("ppvpn-agent", "charon-systemd")}
    alarms = len(paris.ctl_json("alarms")["alarms"])
    begin = time.monotonic()
    told = rogue.run(["nice", "-n", "10", "python3", "-", paris.address, "10000", "400"], text_in=FLOOD, timeout=150).stdout.strip()
    wait_until(lambda: time.monotonic() - begin >= 31, 32, "30 s have passed")
    seen = metric(paris, "ppvpn_agent_unknown_peer_requests_total") - before["requests"]
    pulls = metric(paris, "ppvpn_agent_unknown_peer_pulls_total") - before["pulls"]
    seconds = time.monotonic() - begin
    times = [datetime.fromisoformat(line.split("Z ", 1)[0]).timestamp() for line in
             (paris.logs / "ppvpn-agent.log").read_text(errors="replace").splitlines() if "code=unknown-peer-pull" in line]
    gaps = [b - a for a, b in zip(times, times[1:])]
    grown = {name: own_kb(paris.daemons[name]) - kb for name, kb in memory.items()}
    print(f"{told}: {seen} reported, {pulls} questions in {seconds:.0f} s, {connections(two) - syns} connections to the server, "
          f"memory grew by {grown} kB")
    assert seen >= 1000, "too few arrived to say anything"
    assert 1 <= pulls <= 1 + seconds / 30
    assert all(gap >= 29.9 for gap in gaps), gaps           # so there are never more than two in 30 s
    assert connections(two) - syns <= pulls + seconds / 10
    assert grown["ppvpn-agent"] < 1024
    assert grown["charon-systemd"] < 8192
    assert len(paris.ctl_json("alarms")["alarms"]) <= alarms + 1
    lost = pings.stop()
    assert lost.lost == 0, lost
    assert paris.ctl_json("status")["connected"]
