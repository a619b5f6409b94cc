# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# What goes wrong is an alarm at the provider, leaves it by webhook, and is cleared; what happens is seen as it
# happens; a router far away tells of itself without its keys.
import base64
import json
import re

import pytest

from kit.waiting import wait_until

INTERVAL = 5
SECRET = "of the receiver, and not in any log"
KEYS = f"""
report-interval = {INTERVAL}
alarm-webhook = http://127.0.0.1:9000/hook
alarm-webhook-secret-file = /etc/ppvpn/webhook.secret
"""
TUNNEL = "acme/corp/lyon/paris"


class Watched:
    """Three sites in service, their server with a receiver of its alarms."""

    def __init__(self, lab):
        self.lab, self.server = lab, lab.server
        self.server.stop("ppvpn-server")
        self.server.write("/etc/ppvpn/webhook.secret", SECRET + "\n")
        self.server.run("chown ppvpn-server /etc/ppvpn/webhook.secret")
        self.server.write("/etc/ppvpn/server.conf", self.server.read("/etc/ppvpn/server.conf") + KEYS)
        self.server.spawn("receiver", ["python3", "-m", "kit.receiver", "--port", "9000", "--secret-file",
                                       "/etc/ppvpn/webhook.secret", "--file", "/root/events"])
        self.server.start()
        for ce in lab.ces.values():
            ce.wait_until(ce.synced, 60, "it knows the shorter report interval")

    def alarms(self, words=""):
        return self.server.admin_json(f"alarms {words}")["alarms"]

    def is_raised(self, code, resource):
        return any((alarm["code"], alarm["resource"]) == (code, resource) for alarm in self.alarms())

    def left(self, code, resource):
        """What left of an alarm, in its order."""
        if not self.server.path("/root/events").exists():
            return []
        events = [json.loads(line) for line in self.server.read("/root/events").splitlines()]
        ids = [event["id"] for event in events]
        assert ids == sorted(set(ids))
        return [event["event"] for event in events if (event["code"], event["resource"]) == (code, resource)]


@pytest.fixture(scope="module")
def watched(three):
    return Watched(three)


def test_nothing_is_wrong(watched):
    wait_until(lambda: watched.server.admin_json("status")["down"] == [], 60, "all tunnels are up")
    wait_until(lambda: watched.alarms() == [], 60, "no alarm")
    status = watched.server.admin("status")
    assert "3: 3 fine" in status and "alarms    none" in status
    assert max(map(len, status.splitlines())) <= 80, status


def test_a_cut_tunnel_is_raised_and_cleared(watched):
    paris, lyon = watched.lab.ce("paris"), watched.lab.ce("lyon")
    watched.lab.partition("paris", "lyon")
    # both have lost it: the peer's delete does not come through
    for ce, peer in ((paris, "lyon"), (lyon, "paris")):
        ce.run(f"swanctl --terminate --ike ppvpn:acme:corp:{peer} --force --timeout 5", check=False)
    wait_until(lambda: watched.is_raised("tunnel-down", TUNNEL), 120, "the server raises it")
    assert watched.is_raised("tunnel-down", TUNNEL)
    assert not watched.is_raised("tunnel-down", "acme/corp/lyon/nice")
    wait_until(lambda: watched.left("tunnel-down", TUNNEL) == ["raised"], 30, "it leaves by webhook")
    shown = watched.server.admin("alarms acme/corp/lyon")
    assert TUNNEL in shown and "tunnel show" in shown
    assert TUNNEL not in watched.server.admin("alarms acme/corp/nice")
    status = watched.server.admin("status acme/corp/paris")
    assert re.search(r"acme/corp +lyon .* paris ", status), status
    watched.lab.heal()
    watched.lab.wait_in_service(timeout=240)
    wait_until(lambda: watched.left("tunnel-down", TUNNEL) == ["raised", "cleared"], 60, "and is cleared")
    assert not watched.is_raised("tunnel-down", TUNNEL)
    assert TUNNEL in watched.server.admin("alarms --all")


def test_a_router_that_is_switched_off(watched):
    nice = watched.lab.ce("nice")
    nice.kill_agent()
    nice.kill_charon()
    wait_until(lambda: watched.is_raised("ce-silent", "acme/nice-r1"), 60, "its silence is an alarm")
    wait_until(lambda: watched.left("ce-silent", "acme/nice-r1") == ["raised"], 30, "that leaves")
    status, alarms = watched.server.admin("status"), watched.alarms()
    nice.start_charon()
    nice.start_agent()
    assert "1 silent" in status
    # one alarm for it, and none for each of its tunnels
    assert not [a for a in alarms if a["code"] == "tunnel-down"]
    watched.lab.wait_in_service(timeout=240)
    wait_until(lambda: watched.left("ce-silent", "acme/nice-r1") == ["raised", "cleared"], 60, "it is back")


def secrets_of(ce):
    """What the router must not tell: its private key, the keys that its charon holds."""
    private = "".join(line for line in ce.read("/var/lib/ppvpn/management.key").splitlines() if "---" not in line)
    body = ce.document()
    keys = [key["secret"] for vpn in body["vpns"] for peer in vpn["peers"] for key in peer["pre-shared"]["keys"]]
    assert len(keys) == 2 and len(private) > 60
    return [*keys, *(base64.b64encode(bytes.fromhex(key)).decode() for key in keys), private[:40], private[-40:]]


def test_a_bundle_over_the_routers_own_poll(watched):
    paris = watched.lab.ce("paris")
    text = watched.server.admin("ce diag acme/paris-r1 --seconds 30")
    bundle = json.loads(text)
    assert bundle["schema"] == "ce-diag/1" and bundle["ce"] == "acme/paris-r1"
    assert {peer["peer"] for peer in bundle["peers"]} == {"lyon", "nice"}
    for secret in secrets_of(paris):
        assert secret.lower() not in text.lower()
    answer = watched.server.admin_json("ce diag acme/paris-r1")
    assert answer["state"] == "there" and answer["actor"] == "unix:root"
    assert answer["taken-ms"] - answer["asked-ms"] < 10000
    assert "ce diag acme/paris-r1" in watched.server.admin("audit")
    paris.wait_plan_empty()


def test_a_bundle_of_one_that_is_not_there(watched):
    nice = watched.lab.ce("nice")
    nice.stop_agent()
    done = watched.server.run("ppvpn-admin ce diag acme/nice-r1 --seconds 2", check=False)
    assert done.returncode == 1 and "did not send the bundle within 2 s" in done.stderr, done
    nice.start_agent()
    watched.lab.wait_in_service(timeout=120)


def test_watch_shows_a_join(watched):
    log = watched.server.logs / "watch.log"
    watched.lab.add_ce("metz")
    watched.server.spawn("watch", ["ppvpn-admin", "watch", "acme/corp"])
    watched.lab.join("metz")
    watched.lab.wait_in_service(timeout=120)
    wait_until(lambda: "acme/metz-r1 applied" in log.read_text(), 60, "it is seen")
    text = log.read_text()
    assert re.search(r"commit +revision \d+ by unix:root: site add acme/corp/metz", text), text
    for ce in ("paris", "lyon", "nice"):
        assert re.search(rf"applied +acme/{ce}-r1 applied revision", text), text
    watched.server.stop("watch")


def test_a_server_that_restarts_loses_none(watched):
    nice = watched.lab.ce("nice")
    before = len(watched.left("ce-silent", "acme/nice-r1"))
    watched.server.stop("receiver")
    nice.stop_agent()
    wait_until(lambda: watched.is_raised("ce-silent", "acme/nice-r1"), 60, "raised while nobody receives")
    watched.server.kill("ppvpn-server")
    watched.server.start()
    assert watched.is_raised("ce-silent", "acme/nice-r1")
    watched.server.spawn("receiver", watched.server.daemons["receiver"].process.args[len(watched.server.enter()):])
    wait_until(lambda: len(watched.left("ce-silent", "acme/nice-r1")) == before + 1, 120, "it comes after all")
    nice.start_agent()
    watched.lab.wait_in_service(timeout=120)
    wait_until(lambda: len(watched.left("ce-silent", "acme/nice-r1")) == before + 2, 60, "and is cleared")
    log = watched.server.log_text()["ppvpn-server.log"]
    assert SECRET not in log and "9000/hook" not in log
