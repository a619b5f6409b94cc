# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# Routers whose address (s) changes by itself: the database follows as far as the provider lets it, and the tunnels move
# without a person. And a router behind a NAT box that rewrites addresses and ports.
import subprocess
import time

import pytest

from kit.lab import core_address
from kit.node import Node
from kit.router import CE

OURS = "192.0.2.192/27"         # within which paris' address may change
NAT = 40                        # the NAT box' place in the core
INSIDE = "10.99.0"


def move(lab, ce, number):
    """Another address on eth0 and another next hop, as a lease from elsewhere brings it; the old one is gone."""
    address, gateway = core_address(number), f"192.0.2.{4 * number + 2}"
    lab.pe.ip(f"addr flush dev to-{ce.name}", f"addr add {gateway}/30 dev to-{ce.name}")
    ce.ip("addr flush dev eth0", f"addr add {address}/30 dev eth0", f"route add default via {gateway}")
    return address


def database(lab, ce):
    return lab.server.admin_json(f"ce show acme/{ce.router}")["ce-address"]


def raised(ce, code):
    return [a for a in ce.ctl_json("alarms")["alarms"] if a["code"] == code and a["severity"] != "cleared"]


def provider_alarms(lab, code):
    return [a for a in lab.server.admin_json("alarms acme")["alarms"] if a["code"] == code]


@pytest.fixture(scope="module")
def dynamic(three):
    """paris' address is dynamic; those of the others are static."""
    three.admin(f"ce set acme/paris-r1 --dynamic {OURS}")
    return three


def test_the_database_follows(dynamic):
    paris, lyon = dynamic.ce("paris"), dynamic.ce("lyon")
    others = dynamic.pings([("lyon", "nice"), ("nice", "lyon")])
    before = lyon.link_for("ppvpn:acme:corp:nice"), lyon.sas()
    begin = time.monotonic()
    address = move(dynamic, paris, 50)
    dynamic.server.wait_until(lambda: database(dynamic, paris) == address, 20, "the database follows")
    followed = time.monotonic() - begin
    paris.address = address
    dynamic.wait_in_service(timeout=60)
    print(f"database follows after {followed:.1f} s, every pair in service after {time.monotonic() - begin:.1f} s")
    results = others.stop()
    assert results.lost == 0, results
    assert lyon.link_for("ppvpn:acme:corp:nice") == before[0]
    assert [sa for sa in lyon.sas() if sa["name"].endswith(":nice")] == [sa for sa in before[1] if sa["name"].endswith(":nice")]
    # who did it, what it was before, and whose documents changed
    record = dynamic.server.admin_json("audit --limit 1")["audit"][-1]
    assert record["actor"] == "ce:acme/paris-r1" and address in record["what"], record
    for ce in (lyon, dynamic.ce("nice")):
        assert f"remote {address}" in ce.out("ip -d link show type vti")
        assert core_address(1) not in ce.out("ip -d link show type vti") + ce.out("swanctl --list-sas")
    assert "event: code=address-changed" in paris.log_text()["ppvpn-agent.log"]
    paris.wait_until(lambda: not raised(paris, "address-lost"), 20, "the alarm is over")
    dynamic.server.wait_until(lambda: not provider_alarms(dynamic, "address-refused"), 20, "the provider has no alarm")


def test_outside_of_the_prefixes(dynamic):
    paris = dynamic.ce("paris")
    known = database(dynamic, paris)
    revision = dynamic.server.admin_json("status")["revision"]
    others = dynamic.pings([("lyon", "nice")])
    move(dynamic, paris, 30)        # 192.0.2.121
    alarm = dynamic.server.wait_until(lambda: provider_alarms(dynamic, "address-refused"), 30, "the provider's alarm")
    assert alarm[0]["resource"] == "acme/paris-r1" and "192.0.2.121: outside the prefixes" in alarm[0]["text"], alarm
    alarm = paris.wait_until(lambda: raised(paris, "address-lost"), 20, "the router's alarm")
    assert f"the provider says {known}, this router has 192.0.2.121" in alarm[0]["text"]
    assert "ce set CUSTOMER/CE --address" in paris.ctl("explain address-lost").stdout
    assert database(dynamic, paris) == known
    assert dynamic.server.admin_json("status")["revision"] == revision, "something was changed"
    # an operator says that it is right
    dynamic.admin("ce set acme/paris-r1 --dynamic 192.0.2.192/27,192.0.2.96/27")
    begin = time.monotonic()
    dynamic.server.wait_until(lambda: database(dynamic, paris) == "192.0.2.121", 60, "followed now")
    paris.address = "192.0.2.121"
    dynamic.wait_in_service(timeout=60)
    print(f"in service {time.monotonic() - begin:.1f} s after the policy allowed it")
    dynamic.server.wait_until(lambda: not provider_alarms(dynamic, "address-refused"), 20, "the provider's alarm is over")
    results = others.stop()
    assert results.lost == 0, results


def test_a_static_address_stays(dynamic):
    nice = dynamic.ce("nice")
    address = nice.address
    others = dynamic.pings([("paris", "lyon")])
    move(dynamic, nice, 52)
    alarm = dynamic.server.wait_until(lambda: provider_alarms(dynamic, "address-refused"), 30, "the provider's alarm")
    assert "its address is static" in alarm[0]["text"], alarm
    assert database(dynamic, nice) == address
    # somebody gives it back
    move(dynamic, nice, 3)
    dynamic.wait_in_service(timeout=90)
    dynamic.server.wait_until(lambda: not provider_alarms(dynamic, "address-refused"), 30, "the provider's alarm is over")
    nice.wait_until(lambda: not raised(nice, "address-lost"), 20, "the router's alarm is over")
    results = others.stop()
    assert results.lost == 0, results


# ---- NAT

def nat_box(lab):
    """Rewrites addresses and ports both ways, and lets nothing in that nobody inside asked for: tc's conntrack."""
    for module in ("sch_ingress", "cls_flower", "act_ct", "nf_nat", "nf_conntrack_netlink"):
        subprocess.run(["modprobe", module], check=True)
    box = lab.nodes.get("nat") or lab._add(Node(lab, "nat"))
    box.address = core_address(NAT)
    lab.connect(box, NAT)
    return box


# IPCTNL_MSG_CT_DELETE of everything, and the kernel's answer
FLUSH = """
import socket, struct
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
s.send(struct.pack("=IHHII", 20, 1 << 8 | 2, 5, 1, 0) + bytes(4))
error = struct.unpack_from("=i", s.recv(4096), 16)[0]
assert error == 0, error
"""


def translate(box, address):
    """As this address from now on; what was translated before is forgotten."""
    box.run(f"""
tc qdisc del dev eth0 clsact 2>/dev/null
set -e
tc qdisc add dev eth0 clsact
for proto in udp tcp icmp; do
    port=pipe; [ $proto = icmp ] || port='port 20000-29999 pipe'
    tc filter add dev eth0 egress protocol ip flower ip_proto $proto src_ip {INSIDE}.0/24 action ct commit nat src addr {address} $port
    tc filter add dev eth0 ingress protocol ip flower ip_proto $proto dst_ip {address} action ct nat pipe
done
tc filter add dev eth0 egress protocol ip prio 60000 flower src_ip {INSIDE}.0/24 ip_proto 50 action drop
""")
    box.run(["python3", "-c", FLUSH])


@pytest.fixture(scope="module")
def behind(dynamic):
    """brest is a site behind the NAT box."""
    lab = dynamic
    box = nat_box(lab)
    brest = lab._add(CE(lab, "brest", box.address, None, "10.4.0.0/24"))
    lab.link(box, "eth1", brest, "eth0", [f"addr add {INSIDE}.1/24 dev eth1"],
             [f"addr add {INSIDE}.2/24 dev eth0", f"route add default via {INSIDE}.1"])
    translate(box, box.address)
    lab.add_host(brest, "10.4.0.0")
    lab.admin(f"ce add acme/brest-r1 --address {box.address} --behind-nat yes --dynamic 192.0.2.160/27")
    lab.admin("site add acme/corp/brest --ce brest-r1")
    brest.configure({"acme/corp": {"vrf": "corp", "table": 1001, "lan": "eth1"}})
    brest.enroll(lab.admin("ce bundle acme/brest-r1"))
    lab.ces["brest"] = brest
    brest.start()
    lab.wait_in_service(timeout=90)
    return lab


def test_behind_nat(behind):
    brest, lyon, public = behind.ce("brest"), behind.ce("lyon"), behind.nodes["nat"].address
    # UDP encapsulation at both ends, from a port that the box chose
    assert "TUNNEL-in-UDP" in lyon.out("swanctl --list-sas") and "TUNNEL-in-UDP" in brest.out("swanctl --list-sas")
    states = lyon.out("ip xfrm state")
    there = states[states.index(f"src {public} dst {lyon.address}"):]
    print(there.splitlines()[0], *[line for line in there.splitlines() if "espinudp" in line][:1])
    assert "encap type espinudp sport 2" in there
    # each end has the other's address as it sees it
    assert f"remote {lyon.address} local {INSIDE}.2" in " ".join(brest.out("ip -d link show type vti").split())
    assert f"remote {public} local {lyon.address}" in " ".join(lyon.out("ip -d link show type vti").split())
    assert f"local  'brest.corp.acme" in brest.out("swanctl --list-sas")
    # the side behind NAT begins
    for peer in ("paris", "lyon", "nice"):
        ours = [line for line in brest.out("swanctl --list-sas").splitlines() if line.startswith(f"ppvpn:acme:corp:{peer}:")]
        assert ours and "_i*" in ours[0], ours
    assert behind.reaches("brest", "lyon", 5) and behind.reaches("paris", "brest", 5)


def test_a_peers_charon_is_new(behind):
    """It cannot begin: the side behind NAT notices that nothing is heard, and does."""
    brest, lyon = behind.ce("brest"), behind.ce("lyon")
    others = behind.pings([("brest", "paris"), ("paris", "nice")])
    begin = time.monotonic()
    lyon.kill_charon()
    lyon.start_charon()
    lyon.wait_until(lambda: set(lyon.peer_names()) >= {"paris", "nice"}, 60, "those that can be reached, at once")
    behind.wait_in_service(timeout=150)
    print(f"in service {time.monotonic() - begin:.1f} s after a peer's charon was killed")
    assert "lyon" in brest.peer_names()
    results = others.stop()
    assert results.lost == 0, results


def test_the_nat_gets_another_address(behind):
    """Nothing changes at the router: the server sees that it comes from elsewhere."""
    box, brest = behind.nodes["nat"], behind.ce("brest")
    others = behind.pings([("paris", "lyon"), ("lyon", "nice")])
    begin = time.monotonic()
    behind.pe.ip("addr flush dev to-nat", "addr add 192.0.2.166/30 dev to-nat")
    box.ip("addr flush dev eth0", "addr add 192.0.2.165/30 dev eth0", "route add default via 192.0.2.166")
    translate(box, "192.0.2.165")
    behind.server.wait_until(lambda: database(behind, brest) == "192.0.2.165", 120, "the database follows")
    followed = time.monotonic() - begin
    box.address = brest.address = "192.0.2.165"
    behind.wait_in_service(timeout=180)
    print(f"database follows after {followed:.1f} s, in service after {time.monotonic() - begin:.1f} s")
    assert "ce:acme/brest-r1" in behind.admin("audit --limit 1")
    results = others.stop()
    assert results.lost == 0, results


def test_another_address_inside(behind):
    """A private matter of the router: no document changes, and its tunnels move."""
    brest = behind.ce("brest")
    revision = behind.server.admin_json("status")["revision"]
    begin = time.monotonic()
    brest.ip("addr flush dev eth0", f"addr add {INSIDE}.77/24 dev eth0", f"route add default via {INSIDE}.1")
    brest.wait_until(lambda: f"{INSIDE}.77" in brest.out("ip -d link show type vti"), 20, "the links move")
    behind.wait_in_service(timeout=120)
    print(f"in service after {time.monotonic() - begin:.1f} s")
    assert f"{INSIDE}.2 " not in brest.out("ip -d link show type vti")
    assert behind.server.admin_json("status")["revision"] == revision


def test_nat_at_both_ends_is_refused(behind):
    revision = behind.server.admin_json("status")["revision"]
    done = behind.server.run("ppvpn-admin ce set acme/nice-r1 --behind-nat yes", check=False)
    assert done.returncode and "both are behind NAT" in done.stderr and "brest" in done.stderr, done
    assert behind.server.admin_json("status")["revision"] == revision
