# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# A router without a clock. The lab has one kernel and so one clock for all its nodes: what is shown is the boot in 1970,
# up to the server's being reached again with every certificate checked; that a server's time corrects the router's is
# shown in test_daytime.
import time

import pytest


@pytest.fixture(scope="module")
def right_time():
    """The clock afterwards, whatever the test did to it."""
    wall, begin = time.time(), time.monotonic()
    yield lambda: wall + time.monotonic() - begin
    time.clock_settime(time.CLOCK_REALTIME, wall + time.monotonic() - begin)


def begin_in_1970():
    """As after a boot without a clock: the kernel takes no time that is before its own beginning."""
    time.clock_settime(time.CLOCK_REALTIME, time.monotonic() + 7)


def known(ce):
    return int(ce.read("/var/lib/ppvpn/clock"))


def test_boots_in_1970(three, right_time):
    paris = three.ce("paris")
    paris.wait_until(lambda: abs(known(paris) - right_time()) < 4000, 30, "the server's time is kept")
    pings = three.pings([("paris", "lyon"), ("nice", "paris")])
    before = paris.fingerprint()
    paris.stop_agent()
    begin_in_1970()
    log = paris.daemons["ppvpn-agent"].log
    at = len(log.read_text())
    # nobody can check a certificate now, the server neither
    done = paris.run("curl -sS -m 10 --cacert /var/lib/ppvpn/ca.crt https://192.0.2.1:8444/.well-known/est/cacerts", check=False)
    assert done.returncode and "certificate" in done.stderr, done
    paris.start_agent()
    paris.wait_until(paris.synced, 30, "a sync")
    assert abs(time.time() - right_time()) < 4000
    assert "set from 1970-01-01" in log.read_text()[at:]
    assert not [a for a in paris.ctl_json("alarms")["alarms"] if a["code"] == "clock" and a["severity"] != "cleared"]
    paris.wait_plan_empty()
    assert paris.fingerprint()["sas"] == before["sas"]
    results = pings.stop()
    assert results.lost == 0, results


def test_may_not_set_it(three, right_time):
    """Its owner forbids it: tunnels come up all the same, the alarm says what is wrong."""
    paris = three.ce("paris")
    paris.stop_agent()
    paris.stop_charon()
    paris.configure({"acme/corp": {"vrf": "corp", "table": 1001, "lan": "eth1"}}, set_clock="no")
    begin_in_1970()
    paris.start_charon()
    paris.start_agent()
    three.wait_in_service(timeout=90)
    alarm = paris.wait_until(lambda: [a for a in paris.ctl_json("alarms")["alarms"] if a["code"] == "clock"], 20, "the alarm")
    assert alarm[0]["severity"] != "cleared" and "1970-01-01" in alarm[0]["text"]
    assert not paris.ctl_json("status")["connected"]
    assert time.time() < 86400
    # somebody sets it
    time.clock_settime(time.CLOCK_REALTIME, right_time())
    paris.wait_until(paris.synced, 90, "a sync with the right time")
    assert [a["severity"] for a in paris.ctl_json("alarms")["alarms"] if a["code"] == "clock"] == ["cleared"]


def test_enrols_in_1970(three, right_time):
    brest = three.add_ce("brest")
    three.admin(f"ce add acme/{brest.router} --address {brest.address}")
    three.admin(f"site add acme/corp/brest --ce {brest.router}")
    brest.configure({"acme/corp": {"vrf": "corp", "table": 1001, "lan": "eth1"}})
    bundle = three.admin(f"ce bundle acme/{brest.router}")
    begin_in_1970()
    brest.enroll(bundle)
    assert right_time() - 3 * 86400 < time.time() < right_time() + 5
    brest.start()
    three.wait_in_service(timeout=90)
    time.clock_settime(time.CLOCK_REALTIME, right_time())


def test_jumps_of_a_year(three, right_time):
    """Timers do not notice; the server, whose clock it is too, stays reached or is reached again."""
    pings = three.pings([("paris", "lyon"), ("nice", "paris")])
    lyon = three.ce("lyon")
    before, ages, begin = lyon.fingerprint(), lyon.ages(), time.monotonic()
    for years in (1, -1):
        time.clock_settime(time.CLOCK_REALTIME, right_time() + years * 365 * 86400)
        lyon.run("ppvpnctl sync", check=False, timeout=150)
        assert three.in_service()
    time.clock_settime(time.CLOCK_REALTIME, right_time())
    lyon.wait_until(lyon.synced, 60, "a sync afterwards")
    after = lyon.fingerprint()
    assert after["sas"] == before["sas"]
    passed = time.monotonic() - begin
    for what, age in lyon.ages().items():
        assert age >= ages[what] + passed - 3, f"{what} flapped"
    results = pings.stop()
    assert results.lost == 0, results
