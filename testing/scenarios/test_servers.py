# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# Two servers over one database: routers go on to the other within seconds, hear of changes made at either, report to
# either, and come back to the first when it has been well for a while.
import time

import pytest

NAMES = ["paris", "lyon"]
FIRST, SECOND = "https://192.0.2.1:8443", "https://192.0.2.1:9443"
OVER = 10       # seconds to be with the other server
WAKE = 8        # seconds from a commit at either server to the router; they look at the database every two


@pytest.fixture(scope="module")
def two(lab):
    lab.server.urls = [FIRST, SECOND]
    lab.provision(NAMES)
    lab.server.start("second")
    lab.wait_in_service()
    for ce in lab.ces.values():
        ce.wait_plan_empty()
    return lab


def server_of(ce):
    status = ce.ctl_json("status")
    return status["server"] if status["connected"] else None


def with_server(lab, url, timeout, what):
    begin = time.monotonic()
    for name in NAMES:
        ce = lab.ce(name)
        ce.wait_until(lambda ce=ce: server_of(ce) == url, timeout, what)
    print(f"{what}: {time.monotonic() - begin:.1f} s")


def committed(lab, process):
    """A change of both routers' documents (and of nothing else) at one of the servers, until they have it."""
    socket = lab.server.socket(process)
    before = {name: lab.ce(name).ctl_json("status")["revision"] for name in NAMES}
    begin = time.monotonic()
    for name in NAMES:
        lab.server.run(f"ppvpn-admin ce allow-removal acme/{name}-r1 --socket {socket}")
    for name in NAMES:
        ce = lab.ce(name)
        ce.wait_until(lambda ce=ce: ce.ctl_json("status")["revision"] > before[ce.name], WAKE, f"the change of {process}")
    print(f"a change at {process} with both routers: {time.monotonic() - begin:.1f} s")


def test_changes_at_either_are_heard_through_the_first(two):
    with_server(two, FIRST, 20, "both with the first")
    committed(two, "ppvpn-server")
    committed(two, "second")


def test_goes_on_to_the_second_and_comes_back(two):
    paris = two.ce("paris")
    pings = two.pings([("paris", "lyon")])
    before = paris.fingerprint()
    two.server.kill("ppvpn-server")
    with_server(two, SECOND, OVER, "killed: with the second")
    # the second is a server like the first: changes, reports
    committed(two, "second")
    reported = f"ppvpn-admin ce show acme/paris-r1 --json --socket {two.server.socket('second')}"
    seen = two.server.out(reported)
    paris.stop_agent()
    paris.start_agent()         # asks the first, which is not there
    with_server(two, SECOND, OVER, "a restarted agent with the second")
    two.server.wait_until(lambda: two.server.out(reported) != seen, 20, "a report to the second")
    assert f"provisioned by {SECOND}" in paris.ctl("status").stdout
    two.server.start()
    returned = time.monotonic()
    with_server(two, FIRST, 120, "the first is there again")
    assert time.monotonic() - returned > 40, "back before it was well for a while"
    assert "going back" in paris.daemons["ppvpn-agent"].log.read_text()
    committed(two, "ppvpn-server")
    results = pings.stop()
    assert results.lost == 0, results
    after = paris.fingerprint()
    assert after["sas"] == before["sas"] and after["neighbors"] == before["neighbors"]


def test_a_vanished_server_is_noticed(two):
    """No answer at all, not even a refusal: its packets are lost."""
    with_server(two, FIRST, 20, "with the first")
    two.pe.ip(f"rule add pref {two.CUT} to {two.server.address} ipproto 6 dport 8443 blackhole",
              f"rule add pref {two.CUT} from {two.server.address} ipproto 6 sport 8443 blackhole")
    with_server(two, SECOND, 60, "vanished: with the second")
    two.heal()
