# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# The lab's layout: a PE router between all CEs (the core, space s), the SP's server behind it, and a LAN
# host (space v) behind each CE.
#
#   host-paris 10.1.0.10 ── eth1 [paris 192.0.2.5] eth0 ──┐
#   host-lyon  10.2.0.10 ── eth1 [lyon  192.0.2.9] eth0 ──┤ PE ── [server 192.0.2.1]
#   ...                                                   ┘
import contextlib
import shutil
from pathlib import Path

from kit.capture import MARKER, Capture
from kit.node import NODES, Node
from kit.pings import Pings
from kit.router import CE, Router
from kit.server import Server
from kit.waiting import wait_until

SHARE = Path("/lab/share")
# Position in the core: the site's link is 192.0.2.(4n)/30, its LAN 10.n.0.0/24. Other names take the next free one.
PLACES = {"paris": 1, "lyon": 2, "nice": 3, "brest": 4, "rogue": 7}
OTHER_PLACES = range(8, 64)
# What most scenarios wait for is an adjacency, and that waits for a hello: by default up to 10 s.
QUICK = "--hello-interval 2 --dead-interval 20"
SERVER_ADDRESS = "192.0.2.1"


def core_address(number):
    return f"192.0.2.{4 * number + 1}"


class Lab:
    CUT = 10        # preference of the PE's rules that drop

    def __init__(self, name="lab"):
        self.name = name
        self.nodes = {}
        self.hosts = {}
        self.ces = {}
        self.pe = self._add(Node(self, "pe"))
        self.server = self._add(Server(self, "server", SERVER_ADDRESS))
        self.connect(self.server, 0)
        self._vpns = []         # made by provision()

    def _add(self, node):
        self.nodes[node.name] = node
        return node

    def link(self, a, name_a, b, name_b, more_a=(), more_b=()):
        a.ip(f"link add name {name_a} type veth peer name {name_b} netns {b.holder.pid}", f"link set {name_a} up", *more_a)
        b.ip(f"link set {name_b} up", *more_b)

    def connect(self, node, number, gateway=True):
        """A link of this node to the PE."""
        pe_address = f"192.0.2.{4 * number + 2}"
        self.link(self.pe, f"to-{node.name}", node, "eth0",
                  [f"addr add {pe_address}/30 dev to-{node.name}"],
                  [f"addr add {core_address(number)}/30 dev eth0"] + [f"route add default via {pe_address}"] * gateway)

    def add_host(self, ce, subnet, address=None, router=None, name=None, link="eth1"):
        """A host on the LAN behind a router, on its eth1 (or a further link, and then not the site's own host)."""
        net = subnet.rsplit(".", 1)[0]
        host = self._add(Node(self, name or f"host-{ce.name}"))
        host.address = address or f"{net}.10"
        router = router or f"{net}.1"
        self.link(ce, link, host, "eth0", [f"addr add {router}/24 dev {link}"],
                  [f"addr add {host.address}/24 dev eth0", f"route add default via {router}"])
        if link == "eth1":
            self.hosts[ce.name] = host
        return host

    def add_ce(self, name, lan=None, host_address=None, lan_router=None):
        number = PLACES.get(name) or next(n for n in OTHER_PLACES if core_address(n) not in {c.address for c in self.ces.values()})
        lan = lan or f"10.{number}.0.0/24"
        ce = self._add(CE(self, name, core_address(number), f"192.0.2.{4 * number + 2}", lan))
        self.connect(ce, number)
        self.add_host(ce, lan.split("/", maxsplit=1)[0], host_address, lan_router)
        self.ces[name] = ce
        return ce

    def add_router(self, name, number):
        """A router without the product."""
        router = self._add(Router(self, name))
        router.address = core_address(number)
        self.connect(router, number)
        return router

    def ce(self, name):
        return self.ces[name]

    def host(self, name):
        return self.hosts[name]

    def admin(self, words, **more):
        return self.server.admin(words, **more)

    # the network's weather

    def partition(self, *names):
        """Cuts a node off the core (one name), or two nodes off each other."""
        names = names or ("server",)
        if len(names) == 1:
            node = self.nodes[names[0]]
            rules = [f"iif to-{node.name}", f"to {node.address}"]
        else:
            a, b = (self.nodes[name] for name in names)
            rules = [f"iif to-{a.name} to {b.address}", f"iif to-{b.name} to {a.address}"]
        for rule in rules:              # before the rule for local addresses, so that the PE's own go too
            self.pe.run(f"ip rule add pref {self.CUT} {rule} blackhole")
        self.pe.run("ip rule show pref 0 | grep -q local && ip rule add pref 20 lookup local && ip rule del pref 0", check=False)

    def heal(self):
        self.pe.run(f"while ip rule del pref {self.CUT} 2>/dev/null; do :; done")

    def capture(self, name="core"):
        return Capture(self.pe, name)

    def pings(self, pairs, interval=0.2):
        """Continuous pings between pairs of site names."""
        return Pings([(self.hosts[a], self.hosts[b].address) for a, b in pairs], interval)

    def reaches(self, a, b, count=1):
        """Does the host at one site reach the host at another?"""
        return self.hosts[a].ping(self.hosts[b].address, count, options=("-p", MARKER.hex()))

    def pairs(self, names=None):
        names = list(names or self.ces)
        return [(a, b) for i, a in enumerate(names) for b in names[i + 1:]]

    # the product

    def provision(self, sites, vpn="acme/corp", vrf="corp", table=1001, start=True, topology="any-to-any", hubs=(), timers=QUICK):
        """Server, customer and VPN if there are none yet; these sites enrolled and started."""
        customer = vpn.split("/", maxsplit=1)[0]
        if not self._vpns:
            self.server.init()
            self.server.start()
        if customer not in {known.split("/", maxsplit=1)[0] for known in self._vpns}:
            self.admin(f"customer add {customer}")
        if vpn not in self._vpns:
            self.admin(f"vpn add {vpn} --topology {topology} {timers}")
            self._vpns.append(vpn)
        for name in sites:
            self.join(name, vpn, vrf, table, start, "--role hub-role" if name in hubs else "")

    def join(self, name, vpn="acme/corp", vrf="corp", table=1001, start=True, options=""):
        """One site: the router and its membership in the database, its one enrolment, its daemons."""
        ce = self.ces.get(name) or self.add_ce(name)
        customer = vpn.split("/", maxsplit=1)[0]
        self.admin(f"ce add {customer}/{ce.router} --address {ce.address}")
        self.admin(f"site add {vpn}/{name} --ce {ce.router} {options}")
        ce.configure({vpn: {"vrf": vrf, "table": table, "lan": "eth1"}})
        ce.enroll(self.admin(f"ce bundle {customer}/{ce.router}"))
        if start:
            ce.start()
        return ce

    def in_service(self, names=None, vrf="corp", vpn="acme:corp"):
        """True when every one of these sites has SA, adjacency and routes with all the others, and hosts ping."""
        names = list(names or self.ces)
        for name in names:
            ce, others = self.ces[name], [other for other in names if other != name]
            if not set(others) <= set(ce.peer_names(vpn)):
                raise AssertionError(f"{name} has SAs with {ce.peer_names(vpn)} only")
            if len(ce.full_neighbors(vrf)) < len(others):
                raise AssertionError(f"{name}: adjacencies {ce.neighbors(vrf)}")
            reached = {route["dst"] for route in ce.routes(vrf)}
            missing = [other for other in others if self.ces[other].lan not in reached]
            if missing:
                raise AssertionError(f"{name} has no route to {missing}")
        for a, b in self.pairs(names):
            if not self.reaches(a, b):
                raise AssertionError(f"host-{a} does not reach host-{b}")
        return True

    def wait_in_service(self, names=None, timeout=90, **more):
        wait_until(lambda: self.in_service(names, **more), timeout, "every pair in service", 0.5)

    # the end

    def save_logs(self):
        for node in self.nodes.values():
            target = SHARE / "logs" / self.name / node.name
            target.mkdir(parents=True, exist_ok=True)
            for log in [*node.logs.glob("*.log"), *node.dir.glob("*.log")]:
                shutil.copy(log, target / log.name)

    def state(self):
        """What a person would ask for after a failure."""
        text = []
        for name, ce in self.ces.items():
            if "charon-systemd" not in ce.daemons:
                continue
            for command in ("swanctl --list-sas", "ip -br link", "ip rule", "ip route show table all type unicast",
                            "vtysh -c 'show ip ospf vrf all neighbor' -c 'show ip ospf vrf all interface'", "ppvpnctl status", "ppvpnctl plan"):
                with contextlib.suppress(Exception):
                    done = ce.run(command, check=False, timeout=10)
                    text.append(f"--- {name}: {command}\n{done.stdout[-2500:]}{done.stderr[-500:]}")
        return "\n".join(text)

    def close(self):
        self.save_logs()
        for node in reversed(list(self.nodes.values())):
            node.close()
        for node in self.nodes:
            shutil.rmtree(NODES / node, ignore_errors=True)
