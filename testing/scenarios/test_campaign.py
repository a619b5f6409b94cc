# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# The fault campaign: five sites whose hosts ping each other all the time, and everything that may happen to their routers
# and their server, one after the other. No ping is lost where the data plane was not hit, everything heals, what is to be
# said is said and cleared, and no other alarm is raised. The table is printed at the end of the run.
#
#   testing/lab run testing/scenarios/test_campaign.py            as in testing/check
#   testing/lab run --full testing/scenarios/test_campaign.py     cuts of a minute, a hundred kills
import json
import random
import time

import pytest

from kit.campaign import EVERYBODY, Campaign, Fault
from kit.server import STATE

SITES = ["paris", "lyon", "nice", "brest", "metz"]
AGENT, FAKE = "/var/lib/ppvpn", "/root/fake"
LYON = "ppvpn:acme:corp:lyon"
OWN_RULES = "ip rule | sed -n 's/^\\([0-9]*\\):.*\\(fwmark\\|lookup local\\).*/\\1/p'"


@pytest.fixture(scope="module")
def campaign(lab, request):
    """Four sites; the database as it is then is put aside; the fifth; all in service."""
    paris = lab.add_ce("paris")
    paris.run(f"mkdir -m 700 {AGENT} && mount -t tmpfs -o size=1m,mode=700 tmpfs {AGENT}")       # a disk that may be full
    lab.provision(SITES[:4], start=False, timers="--hello-interval 2 --dead-interval 12")
    lab.server.patch("vpns/acme/corp", **{"minimum-wait": 1, "t1": 2, "maximum": 8})
    lab.server.stop("ppvpn-server")
    lab.server.run(f"cp -a {STATE} {STATE}.older")
    lab.server.start()
    lab.join(SITES[4], start=False)
    for ce in lab.ces.values():
        ce.start()
    lab.wait_in_service(timeout=150)
    for ce in lab.ces.values():         # what charon puts in order by itself is none of the faults
        ce.wait_until(lambda ce=ce: len(set(ce.established())) == len(ce.established()), 60, "one IKE_SA with each")
    one = Campaign(lab, SITES, request.config.getoption("--full"))
    yield one
    for fault in FAULTS:
        if fault.left_out:
            one.leave_out(fault)
    one.close()


def paris(what):
    """A fault that a command in paris is."""
    return lambda c: c.ce("paris").run(what) and None


def paris_does(name):
    return lambda c: getattr(c.ce("paris"), name)()


# ---- the server


def older_database(c):
    """As it was before the fifth site joined, under the same epoch."""
    c.server.kill("ppvpn-server")
    c.server.run(f"mv {STATE} {STATE}.newer; cp -a {STATE}.older {STATE}")
    c.server.start()


def newer_database(c):
    c.server.kill("ppvpn-server")
    c.server.run(f"rm -rf {STATE}; mv {STATE}.newer {STATE}")
    c.server.start()


def answers(mode):
    """A server that answers so, to everybody, in the place of the real one."""
    def inject(c):
        directory = c.server.path(FAKE)
        if not directory.exists():
            directory.mkdir(parents=True)
            for ce in c.ces():
                body = ce.document_text()
                (directory / f"body.{ce.address}").write_text(body, encoding="utf-8")
            c.server.stop("ppvpn-server")
            certificate, key = (c.server.out(f"ls {STATE}/server.{kind}").strip() for kind in ("crt", "key"))
            (directory / "mode").write_text(mode, encoding="utf-8")
            c.server.spawn("fake", ["python3", "-m", "kit.fakeserver", "--address", c.server.address, "--certificate",
                                    certificate, "--key", key, "--directory", FAKE])
        (directory / "requests").unlink(missing_ok=True)
        (directory / "mode").write_text(mode, encoding="utf-8")
    return inject


def everybody_asked(c):
    """Every router was answered so at least once."""
    requests = c.server.path(f"{FAKE}/requests")
    lines = [json.loads(line) for line in requests.read_text(encoding="utf-8").splitlines()] if requests.exists() else []
    return {line["client"] for line in lines if "mode" in line} >= {ce.address for ce in c.ces()}


def good_again(c):
    c.server.path(f"{FAKE}/mode").unlink()


# ---- the daemons


def kill_agents(c):
    """At random moments, also while they start and while they apply a document."""
    chance = random.Random(c.full)
    for number in range(100 if c.full else 12):
        ce = chance.choice(c.ces())
        if number % 3 == 0:
            c.server.patch("vpns/acme/corp", maximum=8 + number % 2)
        time.sleep(chance.uniform(0, 0.7))
        ce.kill_agent()
        ce.begin_agent()


# ---- the router's kernel and FRR


def rules(c):
    return sorted(c.ce("paris").out("ip rule").splitlines())


def delete_rules(which):
    """Those whose preferences a command prints, two at least; what there was is remembered. They may be back at once."""
    def inject(c):
        c.rules = rules(c)
        c.ce("paris").run(f"set -e; set -- $({which}); [ $# -ge 2 ]; for pref; do ip rule del pref $pref; done")
    return inject


def rules_are_back(c):
    return rules(c) == c.rules


def delete_ospf_route(c):
    c.ce("paris").run(f"ip route del {c.ce('lyon').lan} vrf corp")


def route_is_back(c):
    return c.ce("paris").has_route(c.ce("lyon").lan, "corp")


def fill_disk(c):
    """And a new document, which cannot be kept then."""
    with open(c.ce("paris").path(f"{AGENT}/filler"), "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    c.server.patch("vpns/acme/corp", maximum=10)


def make_room(c):
    c.ce("paris").path(f"{AGENT}/filler").unlink()
    c.ce("paris").sync()


# ---- the core and the clock


def jump(years):
    def inject(_):
        right = time.time() - time.monotonic()
        time.clock_settime(time.CLOCK_REALTIME, time.time() + years * 365 * 86400)
        return right
    return inject


def set_clock(_, right):
    time.clock_settime(time.CLOCK_REALTIME, right + time.monotonic())


def netem(words):
    def change(c):
        c.lab.pe.run(f"tc qdisc {words.split()[0]} dev to-paris root {words.partition(' ')[2]}")
        c.ce("paris").run(f"tc qdisc {words.split()[0]} dev eth0 root {words.partition(' ')[2]}")
    return change


LOST = ("server-lost", "server-connected")
FAULTS = [
    Fault("server killed", lambda c: c.server.kill("ppvpn-server"), lambda c: c.server.start(), events=LOST,
          alarm=lambda c: "unreachable" if c.full else "", lasts=lambda c: 60 if c.full else 0, within=90),
    Fault("server partitioned", lambda c: c.lab.partition("server"), lambda c: c.lab.heal(), lasts=5, within=60),
    Fault("server serves an older database", older_database, newer_database, alarm="document-stale", within=90),
    Fault("agents killed at random moments", kill_agents, within=40),
    Fault("charon stopped", paris_does("stop_charon"), paris_does("start_charon"), hit=("paris",),
          events=("charon-lost", "charon-connected"), within=40),
    Fault("charon killed (-9)", paris_does("kill_charon"), paris_does("start_charon"), hit=("paris",),
          events=("charon-lost", "charon-connected"), alarm="charon", within=40),
    Fault("FRR killed", paris_does("kill_frr"), paris_does("start_frr"), hit=("paris",), events=("frr-lost", "frr-connected"),
          alarm="frr", within=40),
    Fault("link deleted by hand", lambda c: c.ce("paris").ip(f"link del {c.ce('paris').link_for(LYON)}"), hit=("paris", "lyon"),
          healed=lambda c: c.ce("paris").link_for(LYON)),
    Fault("VRF deleted by hand", paris("ip link del corp"), hit=("paris",), within=40),
    Fault("rules deleted by hand", delete_rules(OWN_RULES), hit=("paris",), healed=rules_are_back),
    # those that are not the kernel's own, when ManageForeignRoutingPolicyRules is not "no"
    Fault("rules deleted as systemd-networkd does", delete_rules("ip rule | sed -n 's/^\\([0-9]*\\):.* proto .*/\\1/p'"),
          hit=("paris",), healed=rules_are_back),
    Fault("last resort of the VRF's routes deleted", paris("ip route del unreachable default metric 4278198272 vrf corp"),
          healed=lambda c: "unreachable default" in c.ce("paris").out("ip route show vrf corp")),
    Fault("OSPF's route deleted by hand", delete_ospf_route, hit=("paris", "lyon"), healed=route_is_back),
    Fault("nft table deleted by hand", left_out="the product has no nft table"),
    Fault("nft flush ruleset", paris("nft flush ruleset"), note="nothing of the product is in there"),
    Fault("frr-reload of the operator's file", paris("/usr/lib/frr/frr-reload.py --reload /etc/frr/frr.conf"), hit=("paris",), within=40),
    Fault("write memory, reboot, removal of the site", left_out="shown in test_host.py::test_write_memory_then_reboot, "
          "::test_removed_after_write_memory"),
    Fault("disk full at a new document", fill_disk, make_room, alarm="io", within=60),
    Fault("clock a year ahead", jump(1), set_clock, lasts=4, within=60),
    Fault("clock a year behind", jump(-1), set_clock, lasts=4, within=60),
    Fault("core cut", lambda c: c.lab.pe.run("ip rule add pref 10 blackhole") and None, lambda c: c.lab.heal(), hit=EVERYBODY,
          alarm="no-traffic", lasts=lambda c: 60 if c.full else 0, within=60),
    Fault("30 % loss", netem("add netem loss 30%"), netem("del"), hit=("paris",), lasts=lambda c: 60 if c.full else 8),
    Fault("server answers 404", answers("404"), good_again, seen=everybody_asked, within=60),
    Fault("server answers 410 without a tombstone", answers("410"), good_again, seen=everybody_asked, alarm="json-syntax", within=60),
    Fault("server answers 500", answers("500"), good_again, seen=everybody_asked, within=60),
    Fault("server answers garbage", answers("garbage"), good_again, seen=everybody_asked, alarm="json-syntax", within=60),
    Fault("server answers nothing", answers("empty"), good_again, seen=everybody_asked, alarm="json-syntax", within=60),
    Fault("server answers a byte a second", answers("slow"), good_again, seen=everybody_asked, lasts=3, within=60),
]


RUN = [fault for fault in FAULTS if not fault.left_out]


@pytest.mark.parametrize("fault", RUN, ids=[fault.name for fault in RUN])
def test_fault(campaign, fault):
    campaign.run(fault)
