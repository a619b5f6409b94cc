# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# Every reason for which a real charon at the other end does not let a tunnel come up: the cause has a name, a remedy
# and an alarm, the retries follow section 3.4 of the draft, and the other tunnels do not notice.
import json
import re
from datetime import datetime

import pytest

from kit.waiting import wait_until

RETRY = {"minimum-wait": 1, "t1": 2, "factor": 2, "maximum": 4, "alarm-after": 3}
IKE, ESP = "aes256gcm16-prfsha384-ecp384,aes128gcm16-prfsha256-x25519", "aes256gcm16-ecp384,aes128gcm16-x25519"

# what lyon is instead of a site: a router with charon as an operator might configure it
CONF = """
connections {{
    other {{
        version = 2
        local_addrs = {local}
        remote_addrs = {remote}
        proposals = {ike}
        local {{ auth = psk
                id = {me} }}
        remote {{ auth = psk
                 id = {peer} }}
        children {{
            other {{
                local_ts = {ts}
                remote_ts = {ts}
                esp_proposals = {esp}
                mark_in = 7
                mark_out = 7
            }}
        }}
    }}
}}
secrets {{
    ike-other {{
        id-1 = {me}
        id-2 = {peer}
        secret = 0x{secret}
    }}
}}
"""

# The fault, and the code that names it. charon gives one and the same answer to a stranger and to proposals that it
# does not like; and it proposes 0.0.0.0/0, of which any other IPv4 selector would be a part.
FAULTS = {
    "wrong key": ({"secret": "66" * 32}, "auth-failed"),
    "other identity": ({"me": "somebody.example"}, "auth-failed"),
    "other IKE proposals": ({"ike": "aes128-sha256-modp2048"}, "proposal-mismatch"),
    "no configuration": (None, "proposal-mismatch"),
    "other ESP proposals": ({"esp": "aes128-sha256"}, "esp-proposal-mismatch"),
    "other traffic selectors": ({"ts": "fd00:1::/64"}, "traffic-selectors"),
    "no charon": (False, "peer-unreachable"),
}


def peer(ce, name):
    return next(p for p in ce.ctl_json("peers")["peers"] if p["peer"] == name)


def alarms(ce, name):
    return {alarm["code"]: alarm for alarm in ce.ctl_json("alarms")["alarms"]
            if alarm["resource"] == f"acme/corp/{name}" and alarm["severity"] != "cleared"}


class Other:
    """lyon's router without the product, with the right configuration but for what is changed."""

    def __init__(self, lab):
        self.ce, self.paris = lab.ce("lyon"), lab.ce("paris")
        vpn = self.ce.document()["vpns"][0]
        entry = next(p for p in vpn["peers"] if p["peer"] == "paris")
        self.right = {"local": self.ce.address, "remote": self.paris.address, "ike": IKE, "esp": ESP, "ts": "0.0.0.0/0",
                      "me": vpn["identity"]["fqdn-string"], "peer": entry["identity"]["fqdn-string"],
                      "secret": entry["pre-shared"]["keys"][0]["secret"]}
        self.paris_initiates = entry["initiator"] == "remote"
        self.ce.stop_agent()
        self.ce.write("/etc/strongswan.d/charon/ppvpn.conf", "ppvpn {\n    load = no\n}\n")

    def be(self, change):
        """change: of the configuration; None: none at all; False: not even charon."""
        if self.ce.daemons["charon-systemd"].running():
            self.ce.stop_charon()
        if change is not False:
            self.ce.write("/etc/swanctl/conf.d/other.conf", CONF.format(**{**self.right, **change}) if change is not None else "")
            self.ce.start_charon()


@pytest.fixture(scope="module")
def site(lab):
    """Three sites in service, then lyon is something else; pings between the other two all the time."""
    lab.provision(["paris", "lyon", "nice"], start=False)
    lab.server.patch("vpns/acme/corp", **RETRY)
    for ce in lab.ces.values():         # charon gives up sooner, so that the test need not wait for minutes
        ce.write("/etc/strongswan.d/zz-retransmit.conf", "charon {\n    retransmit_tries = 1\n    retransmit_timeout = 1.0\n}\n")
        ce.start()
    lab.wait_in_service(timeout=120)
    lab.others = lab.pings([("paris", "nice")])
    lab.other = Other(lab)
    return lab


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_has_its_name(site, fault):
    paris = site.ce("paris")
    change, code = FAULTS[fault]
    site.other.be(change)
    before = peer(paris, "lyon")["attempts"]

    def failed_anew():
        """With that cause, twice since then (the first may have begun before), and often enough for an alarm."""
        found = peer(paris, "lyon")
        return found["last-error"] == code and found["attempts"] >= max(before + 2, RETRY["alarm-after"])
    wait_until(failed_anew, 60, f"the cause {code}")
    alarm = wait_until(lambda: alarms(paris, "lyon").get(code), 10, f"the alarm {code}")
    assert alarm["severity"] == "major"
    assert set(alarms(paris, "lyon")) == {code}, alarms(paris, "lyon")
    remedy = json.loads(paris.ctl(f"explain {code} --json", check=True).stdout)["remedy"]
    assert remedy in paris.ctl("alarms", check=True).stdout
    assert code in paris.ctl("status", check=True).stdout
    print(f"{fault}: {peer(paris, 'lyon')['attempts']} attempts, {alarm['text']}")


def stamps(ce, pattern):
    """Times of the lines of the agent's log that fit, in seconds."""
    return [datetime.fromisoformat(line.split("Z ", 1)[0]).timestamp() for line in
            (ce.logs / "ppvpn-agent.log").read_text(errors="replace").splitlines() if re.search(pattern, line)]


def test_retries_follow_the_draft(site):
    """Minimum wait, t1, t1 * 2, ... the limit: to the second, with a fifth of jitter."""
    paris = site.ce("paris")
    site.other.be({})                   # nothing is left of the faults before
    wait_until(lambda: peer(paris, "lyon")["state"] == "up", 40, "the tunnel with the right configuration")
    wait_until(lambda: not alarms(paris, "lyon"), 5, "its alarms have gone")
    site.other.be({"secret": "66" * 32})
    wait_until(lambda: peer(paris, "lyon")["attempts"] >= 6, 90, "six attempts")
    begin = stamps(paris, r"code=tunnel-down where=acme/corp/lyon ")[-1]
    failed = [t for t in stamps(paris, r"code=tunnel-failed where=acme/corp/lyon ") if t > begin]
    begun = [t for t in stamps(paris, r"code=tunnel-trying where=acme/corp/lyon ") if t > begin]
    more = 0 if site.other.paris_initiates else 2 * RETRY["t1"]
    waits = [next(b for b in begun if b > f) - f for f in failed[:5]]
    assert len(waits) == 5
    print("waits", [round(w, 2) for w in waits], "the other end's turn" if more else "")
    for wait, seconds in zip(waits, (1, 2, 4, 4, 4)):
        assert seconds + more - 0.1 <= wait <= (seconds + more) * 1.2 + 1, waits


def test_it_heals_by_itself(site):
    paris = site.ce("paris")
    site.other.be({})
    wait_until(lambda: peer(paris, "lyon")["state"] == "up", 40, "the tunnel")
    assert peer(paris, "lyon")["last-error"] == "none"
    wait_until(lambda: not alarms(paris, "lyon"), 5, "no alarm")


def test_the_other_tunnels_did_not_notice(site):
    results = site.others.stop()
    print(results)
    assert results.lost == 0, results
    assert {sa["name"] for sa in site.ce("nice").sas() if sa["state"] == "ESTABLISHED"} >= {"ppvpn:acme:corp:paris"}
