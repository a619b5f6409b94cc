# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# testing/demo's part inside the lab: three sites, a fourth joins, one leaves; each claim is checked and shown.
import sys
import time

from kit.lab import Lab
from kit.waiting import wait_until

FIRST = ["paris", "lyon", "nice"]
FOURTH, LEAVING = "brest", "nice"


class Tour:
    def __init__(self):
        self.begin = time.monotonic()
        self.broken = []

    def step(self, text):
        print(f"\n[{time.monotonic() - self.begin:6.1f} s] {text}", flush=True)

    def say(self, text):
        print(f"           {text}", flush=True)

    def claim(self, text, holds):
        """holds: a value, or a function that may wait and raise."""
        detail = ""
        try:
            good = holds() if callable(holds) else holds
        except AssertionError as error:
            good, detail = False, f": {error}"
        self.say(f"{'held    ' if good else 'NOT HELD'}  {text}{detail if not good else ''}")
        if not good:
            self.broken.append(text)
        return good


def table(tour, lab, sites):
    """Per pair: what both ends say."""
    tour.say(f"{'pair':<16} {'SA':<22} {'OSPF':<14} ping")
    for a, b in lab.pairs(sites):
        ces = lab.ce(a), lab.ce(b)
        sas = [state_of(ce, other) for ce, other in zip(ces, (b, a))]
        ospf = [adjacency(ce, lab, other) for ce, other in zip(ces, (b, a))]
        ping = lab.reaches(a, b)
        tour.say(f"{a + ' - ' + b:<16} {' / '.join(sas):<22} {' / '.join(ospf):<14} {'ok' if ping else 'FAILED'}")
        if sas != ["INSTALLED"] * 2 or ospf != ["Full"] * 2 or not ping:
            tour.broken.append(f"{a} - {b}")


def state_of(ce, peer):
    states = [child["state"] for sa in ce.sas() for child in sa["children"] if child["name"] == f"ppvpn:acme:corp:{peer}"]
    return states[0] if len(states) == 1 else f"{len(states)} SAs"


def adjacency(ce, lab, peer):
    link = ce.link_for(f"ppvpn:acme:corp:{peer}")
    for entries in ce.frr_json("ospfd", "show ip ospf vrf corp neighbor").get("corp", {}).get("neighbors", {}).values():
        for entry in entries:
            if link in str(entry.get("ifaceName", "")):
                return entry.get("nbrState", "?").split("/")[0]
    return "none"


def main():
    tour = Tour()
    tour.step("A provider edge router, the core, and the provider's server")
    lab = Lab("demo")
    core = lab.capture()
    try:
        run(tour, lab, core)
    except Exception as error:          # anything unforeseen is a claim that does not hold; the logs say why
        tour.claim(f"the tour went to its end ({type(error).__name__}: {error})", False)
        print(lab.state(), flush=True)
        for node in ("server", *lab.ces):
            for name, text in lab.nodes[node].log_text().items():
                if name in ("ppvpn-server.log", "ppvpn-agent.log"):
                    print(f"--- {node}/{name}\n{text[-2500:]}", flush=True)
    lab.save_logs()
    tour.step("Done: " + ("all of it held." if not tour.broken else "NOT held: " + "; ".join(tour.broken)))
    return 1 if tour.broken else 0


def run(tour, lab, core):
    def admin(words, quiet=False):
        said = lab.admin(words)
        tour.say(f"server# ppvpn-admin {words}")
        if not quiet:
            for line in said.rstrip().splitlines():
                tour.say(f"    {line}")
        return said

    lab.server.init()
    lab.server.start()
    tour.say("server# ppvpn-server init ... ; ppvpn-server run ...")

    tour.step("One customer, one VPN, three sites")
    admin("customer add acme")
    admin("vpn add acme/corp --topology any-to-any")
    for site in FIRST:
        join(tour, lab, admin, site)
    wait_until(lambda: lab.in_service(FIRST), 120, "the first three sites in service", 0.5)

    tour.step("In service: what both ends of each pair say")
    table(tour, lab, FIRST)

    old = [pair for a, b in lab.pairs(FIRST) for pair in ((a, b), (b, a))]
    pings = lab.pings(old)
    tour.step(f"A fourth site, {FOURTH}: the database and the new router only; pings go on between the others")
    join(tour, lab, admin, FOURTH)
    wait_until(lambda: lab.in_service([*FIRST, FOURTH]), 120, f"{FOURTH} in service", 0.5)
    results = pings.stop()
    table(tour, lab, [*FIRST, FOURTH])
    tour.claim(f"no ping between the old sites was lost ({results.sent} sent)", results.sent > 0 and results.lost == 0)

    tour.step(f"A site leaves: {LEAVING}")
    rest = [site for site in (*FIRST, FOURTH) if site != LEAVING]
    pings = lab.pings(lab.pairs(rest))
    admin(f"site remove acme/corp/{LEAVING}")
    gone = lab.ce(LEAVING)
    tour.claim("its routes have vanished at the others", lambda: wait_until(
        lambda: not any(lab.ce(site).has_route(gone.lan, "corp") for site in rest), 30, "no route to it"))
    tour.claim("its SAs are gone at its own end", lambda: wait_until(lambda: not gone.installed(), 30, "no SA of its own"))
    tour.claim("its SAs are gone at the others' ends", lambda: wait_until(
        lambda: not any(LEAVING in lab.ce(site).peer_names() for site in rest), 30, "no SA with it"))
    results = pings.stop()
    tour.claim(f"no ping between the others was lost ({results.sent} sent)", results.sent > 0 and results.lost == 0)
    table(tour, lab, rest)

    tour.step("What crossed the core, from the first packet on (the PE router's capture)")
    packets = core.stop()
    for line in packets.table().splitlines():
        tour.say(line)
    tour.claim("only ESP, IKE and TLS cross it (ARP, ICMP, IGMP are between neighbours)", not packets.strange
               or fail("; ".join(packets.strange[:5])))
    seen = packets.inside(["10.0.0.0/8"])
    tour.claim("no address of a host or a tunnel (v) was seen, and no ping in the clear",
               not seen and not packets.has_marker() and not packets.inner_headers([h.address for h in lab.hosts.values()]))
    tour.claim("ESP, IKE and TLS were seen", all(packets.counts[kind] for kind in ("ESP", "IKE", "TLS")))

    tour.step("Time to service, as the product measured it")
    for line in lab.admin("time-to-service").rstrip().splitlines():
        tour.say(line)


def fail(text):
    raise AssertionError(text)


def join(tour, lab, admin, site):
    ce = lab.add_ce(site)
    admin(f"ce add acme/{ce.router} --address {ce.address}", quiet=True)
    admin(f"site add acme/corp/{site} --ce {ce.router}", quiet=True)
    bundle = admin(f"ce bundle acme/{ce.router}", quiet=True)
    ce.configure({"acme/corp": {"vrf": "corp", "table": 1001, "lan": "eth1"}})
    ce.enroll(bundle)
    tour.say(f"{site}# ppvpn-agent enroll --bundle {site}.ppvpn")
    ce.start()


if __name__ == "__main__":
    sys.exit(main())
