# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# kernel: qemu
#
# The firewall of draft section 6.2 between a router and the provider's edge: what it lets through and what not, in both
# modes; it comes back when somebody takes it away; it tells of leaks, probes and others' rules that stand in the way; it
# does not cut the provider off.
import re
import time

import pytest

from kit.lab import core_address
from kit.plugin import tell
from kit.waiting import wait_until

VPNS = {"acme/corp": {"vrf": "corp", "table": 1001, "lan": "eth1"}}
CONFIRM = 30            # of a document, and of settings that are enforced for the first time
LISTEN = "import socket, sys; s = socket.create_server(('', int(sys.argv[1]))); [s.accept()[0].close() for _ in iter(int, 1)]"
CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 2)"
UDP = "import socket, sys; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); [s.sendto(b'x' * 40, (sys.argv[1], int(sys.argv[2]))) for _ in range(int(sys.argv[3]))]"
RAW = "import socket, sys; s = socket.socket(socket.AF_INET, socket.SOCK_RAW, int(sys.argv[2])); [s.sendto(bytes(64), (sys.argv[1], 0)) for _ in range(int(sys.argv[3]))]"
OPERATOR = "table inet operator {\n\tchain input {\n\t\ttype filter hook input priority filter; policy accept;\n\t\ttcp dport 23 drop\n\t}\n}\n"


def python(node, program, *words):
    return node.run(["python3", "-c", program, *map(str, words)], check=False, timeout=60).returncode == 0


def counters(ce):
    text = ce.out("nft list counters table inet ppvpn")
    return {name: int(packets) for name, packets in re.findall(r"counter ([\w-]+) \{\s+packets (\d+)", text)}


def counted(ce, name, least=1):
    """What this counter counts while its context is open."""
    class Counted:
        def __enter__(self):
            self.before = counters(ce)[name]

        def __exit__(self, *error):
            if error == (None, None, None):
                wait_until(lambda: counters(ce)[name] - self.before >= least, 60, f"{name} counts {least}")
    return Counted()


def alarm(ce, code):
    return next((one["severity"] for one in ce.ask("alarms")["alarms"] if one["code"] == code and one["severity"] != "cleared"), None)


def firewall(ce, **keys):
    """Restarts the agent with these keys of [firewall]; its mode is in force then."""
    ce.stop_agent()
    ce.firewall = keys
    ce.configure(VPNS)
    ce.start_agent()
    wait_until(lambda: ce.ask("status")["firewall"] == keys["mode"], 90, f"mode {keys['mode']}")
    ce.wait_plan_empty(90)


@pytest.fixture(scope="module")
def sites(lab):
    lab.server.settings["confirm-timeout"] = CONFIRM
    lab.provision(["paris", "lyon"])
    lab.wait_in_service(timeout=400)
    lab.rogue = lab.add_router("rogue", 7)
    paris = lab.ce("paris")
    lab.guest = lab.add_host(paris, "172.20.0.0", name="guest", link="eth2")
    lab.pe.run(f"ip route add 172.20.0.0/24 via {paris.address}")
    for port in (22, 9998, 9999):
        paris.spawn(f"listener-{port}", ["python3", "-c", LISTEN, str(port)])
        wait_until(lambda port=port: python(paris, CONNECT, "127.0.0.1", port), 60, f"a listener on {port}")
    return lab


def test_log_only_is_the_default_and_drops_nothing(sites):
    paris, rogue = sites.ce("paris"), sites.rogue
    assert paris.ask("status")["firewall"] == "log-only"
    with counted(paris, "in-esp", 3), counted(paris, "out-esp", 3), counted(paris, "seen-esp", 3), counted(paris, "left-esp", 3):
        assert sites.reaches("paris", "lyon", 3)
    with counted(paris, "in-refused"):
        assert python(rogue, CONNECT, paris.address, 9999)
    with counted(paris, "forward-refused", 3):
        assert sites.guest.ping("192.0.2.6", 3)
    found = counters(paris)
    assert found["in-management"] and found["out-management"] and found["in-ike"] and found["out-ike"], found
    assert "firewall log-only" in paris.ctl("status").stdout
    wait_until(lambda: alarm(paris, "firewall-leak") == "warning", 90, "what was passed on is told")


def test_enforced_under_pings(sites):
    paris, rogue = sites.ce("paris"), sites.rogue
    pings = sites.pings(sites.pairs())
    firewall(paris, mode="enforce", allow="ssh tcp/9998 ospf")
    assert python(rogue, CONNECT, paris.address, 22) and python(rogue, CONNECT, paris.address, 9998)
    with counted(paris, "in-refused"):
        assert not python(rogue, CONNECT, paris.address, 9999)
    with counted(paris, "forward-refused", 3):
        assert not sites.guest.ping("192.0.2.6", 3)
    with counted(paris, "out-refused"):
        assert not python(paris, UDP, "192.0.2.6", 9, 1)        # the kernel refuses to send
    with counted(paris, "out-refused", 1):
        paris.ip("addr add 198.51.100.7/32 dev eth2")
        assert not paris.ping("192.0.2.6", 2, options=("-I", "198.51.100.7"))
    assert paris.ping("192.0.2.6", 2)
    wait_until(lambda: paris.path("/var/lib/ppvpn/firewall").read_text().split()[-1] != "-", 90, "a server is heard: confirmed")
    results = pings.stop()
    assert results.sent and not results.lost, results
    wait_until(lambda: alarm(paris, "firewall-leak") == "minor", 90, "dropped now")


def test_forged_packets_of_a_rogue(sites):
    paris, lyon, rogue = sites.ce("paris"), sites.ce("lyon"), sites.rogue
    with counted(paris, "in-refused", 20):
        assert python(rogue, RAW, paris.address, 50, 10)            # ESP
        assert python(rogue, RAW, paris.address, 4, 10)             # IP in IP
    with counted(paris, "in-allowed", 10):
        assert python(rogue, RAW, paris.address, 89, 10)            # OSPF with the PE is what this owner allows
    with counted(paris, "in-ike-others", 50), counted(paris, "in-ike-flood", 100):
        assert python(rogue, UDP, paris.address, 500, 1000)
    wait_until(lambda: alarm(paris, "firewall-probe") == "minor", 90, "the probes are told")
    # with a peer's address ESP gets as far as the kernel's SAs, and no further
    rogue.ip(f"addr add {lyon.address}/32 dev lo")
    with counted(paris, "in-esp", 5):
        assert python(rogue, RAW.replace("; [s.send", f"; s.bind(('{lyon.address}', 0)); [s.send"), paris.address, 50, 5)
    rogue.ip(f"addr del {lyon.address}/32 dev lo")
    assert sites.reaches("paris", "lyon", 2)


HARM = ("delete table inet ppvpn", "flush chain inet ppvpn from-pe", "add element inet ppvpn peers4 { 203.0.113.9 }",
        "insert rule inet ppvpn to-pe accept", "flush ruleset")


def test_put_back_under_pings(sites):
    paris = sites.ce("paris")
    before = paris.out("nft -s list table inet ppvpn")
    lines = []
    for harm in HARM:
        pings = sites.pings(sites.pairs(["paris", "lyon"]))
        begin = time.monotonic()
        paris.run(["nft", harm])
        wait_until(lambda: paris.out("nft -s list table inet ppvpn") == before, 60, f"put back after {harm}", 0.05)
        lines.append(f"{'nft ' + harm:<62} put back after {time.monotonic() - begin:4.1f} s")
        time.sleep(1)                                               # pings behind it are the point
        results = pings.stop()
        lines[-1] += f", pings: {results.sent} sent, {results.lost} lost"
        assert results.sent and not results.lost, lines
    assert paris.plan() == []
    tell("\n".join(lines))


def test_the_operators_rules_are_left_alone(sites):
    paris = sites.ce("paris")
    paris.run(["nft", OPERATOR])
    operators = paris.out("nft -a list table inet operator")
    sites.admin(f"ce add acme/nice-r1 --address {core_address(3)}")
    sites.admin("site add acme/corp/nice --ce nice-r1")             # a peer more, before it is there
    wait_until(lambda: core_address(3) in paris.out("nft list set inet ppvpn peers4"), 60, "it is in the set")
    assert paris.out("nft -a list table inet operator") == operators


def test_a_restart_changes_nothing(sites):
    paris = sites.ce("paris")
    before = paris.out("nft -a -s list table inet ppvpn")           # with handles
    paris.stop_agent()
    assert paris.out("nft -a -s list table inet ppvpn") == before
    paris.start_agent()
    paris.wait_plan_empty(90)
    assert paris.out("nft -a -s list table inet ppvpn") == before


def test_rules_of_others_that_stand_in_the_way(sites):
    paris = sites.ce("paris")
    assert alarm(paris, "firewall-blocked") is None
    paris.run(["nft", "add rule inet operator input meta l4proto esp drop"])
    wait_until(lambda: not sites.reaches("lyon", "paris") and alarm(paris, "firewall-blocked") == "major", 120, "who drops ESP is told")
    assert "ESP from peers" in paris.ctl("alarms").stdout
    paris.run(["nft", "delete table inet operator"])
    wait_until(lambda: sites.reaches("lyon", "paris") and alarm(paris, "firewall-blocked") is None, 120, "and that it is over")


def test_settings_that_let_no_server_through_are_not_kept(sites):
    paris = sites.ce("paris")
    sites.partition("paris", "server")                              # as a wrong rule of ours would
    firewall(paris, mode="enforce", allow="none")
    wait_until(lambda: alarm(paris, "firewall-held") == "major" and paris.ask("status")["firewall"] == "log-only", CONFIRM + 120, "held")
    assert sites.reaches("paris", "lyon", 2)
    sites.heal()
    # those of before are trusted without anybody's answer
    sites.partition("paris", "server")
    firewall(paris, mode="enforce", allow="ssh tcp/9998 ospf")
    assert alarm(paris, "firewall-held") is None
    sites.heal()


def test_off_and_gone(sites):
    paris, lyon = sites.ce("paris"), sites.ce("lyon")
    paris.stop_agent()
    paris.firewall = {"mode": "off"}
    paris.configure(VPNS)
    paris.start_agent()
    wait_until(lambda: "ppvpn" not in paris.out("nft list tables"), 90, "no table")
    assert paris.ask("status")["firewall"] == "off"
    assert "ppvpn" in lyon.out("nft list tables")
    lyon.ctl("leave --yes", check=True)
    wait_until(lambda: "ppvpn" not in lyon.out("nft list tables"), 120, "none after it left")
