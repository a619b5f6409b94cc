# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# A server gone mad: right certificate, bad documents. The router stays as it was, and says where the fault is.
import copy
import json
import re

import pytest

from kit.server import STATE
from kit.waiting import wait_until

FAKE = "/root/fake"


class Mad:
    """The fake server in the place of the real one."""

    def __init__(self, lab):
        self.lab, self.server, self.paris = lab, lab.server, lab.ce("paris")
        body = self.paris.document_text()
        self.good = json.loads(body)
        self.others = [lab.ce(name) for name in ("lyon", "nice")]
        for other in self.others:       # what is meant for paris is not for them; their tunnels stay
            other.stop_agent()
        self.server.path(FAKE).mkdir(parents=True, exist_ok=True)
        self.server.stop("ppvpn-server")
        self.put(body.encode())
        certificate, key = (self.server.out(f"ls {STATE}/server.{kind}").strip() for kind in ("crt", "key"))
        self.server.spawn("fake", ["python3", "-m", "kit.fakeserver", "--address", self.server.address, "--certificate",
                                   certificate, "--key", key, "--directory", FAKE])
        self.fetch()
        self.paris.wait_plan_empty()
        self.fingerprint = None

    def put(self, body, etag=None):
        (self.server.path(FAKE) / "body").write_bytes(body)
        tag = self.server.path(FAKE) / "etag"
        tag.unlink(missing_ok=True)
        if etag:
            tag.write_text(etag, encoding="utf-8")

    def requests(self):
        noted = self.server.path(FAKE) / "requests"
        return [json.loads(line) for line in noted.read_text().splitlines()] if noted.exists() else []

    def fetch(self):
        """Makes the agent fetch what is there now; what ppvpnctl sync said."""
        count = len([r for r in self.requests() if r["method"] == "GET"])

        def fetched():
            self.said = self.paris.sync()
            return len([r for r in self.requests() if r["method"] == "GET"]) > count
        wait_until(fetched, 60, "the agent fetches")
        return self.said

    def next(self, change):
        """The good document, one revision on, changed by a function."""
        document = copy.deepcopy(self.good)
        document["revision"] += 1000
        changed = change(document)
        return json.dumps(changed if changed is not None else document).encode()


@pytest.fixture(scope="module")
def mad(three):
    for ce in three.ces.values():
        ce.wait_plan_empty()
    return Mad(three)


def peer(document):
    return document["vpns"][0]["peers"][0]


def set_peer(name, value):
    def change(document):
        peer(document)[name] = value
    return change


BAD = {
    "not json": lambda mad: b"no json at all",
    "empty": lambda mad: b"",
    "cut short": lambda mad: mad.next(lambda d: None)[:-200],
    "trailing garbage": lambda mad: mad.next(lambda d: None) + b"{}",
    "not utf-8": lambda mad: mad.next(set_peer("peer", "lyonX")).replace(b"lyonX", b"ly\xff\xfe"),
    "a NUL": lambda mad: mad.next(set_peer("peer", "lyonX")).replace(b"lyonX", b"ly\\u0000n"),
    "deeply nested": lambda mad: b"[" * 100000 + b"]" * 100000,
    "deeply nested inside": lambda mad: mad.next(set_peer("tunnel", 0)).replace(b'"tunnel": 0', b'"tunnel": ' + b'{"a":' * 5000 + b"0" + b"}" * 5000),
    "duplicate key": lambda mad: mad.next(lambda d: None).replace(b'"state": "active"', b'"state": "active", "state": "active"'),
    "unknown member": lambda mad: mad.next(set_peer("run", "/bin/sh")),
    "missing member": lambda mad: mad.next(lambda d: peer(d).pop("identity") and None),
    "another schema": lambda mad: mad.next(lambda d: d.update(schema="ce-config/99")),
    "another router's": lambda mad: mad.next(lambda d: d.update(ce="acme/lyon-r1")),
    "name with a command": lambda mad: mad.next(set_peer("peer", "lyon;reboot")),
    "name with a path": lambda mad: mad.next(set_peer("peer", "../../etc/passwd")),
    "name with a newline": lambda mad: mad.next(set_peer("peer", "lyon\nno router ospf")),
    "name too long": lambda mad: mad.next(set_peer("peer", "l" * 64)),
    "hostile identity": lambda mad: mad.next(set_peer("identity", {"fqdn-string": "%any"})),
    "hostile proposal": lambda mad: mad.next(lambda d: next(iter(d["sa-profiles"].values())).update(proposals=["null-md5\n}"])),
    "address no address": lambda mad: mad.next(set_peer("remote-address", "lyon.example")),
    "own address as peer": lambda mad: mad.next(set_peer("remote-address", "192.0.2.5")),
    "same peer twice": lambda mad: mad.next(lambda d: d["vpns"][0]["peers"].append(copy.deepcopy(peer(d)))),
    "number too big": lambda mad: mad.next(lambda d: d["vpns"][0].update(mtu=10 ** 30)),
    "number for text": lambda mad: mad.next(set_peer("peer", 7)),
    "key too short": lambda mad: mad.next(lambda d: peer(d)["pre-shared"]["keys"][0].update(secret="00")),
    "no such profile": lambda mad: mad.next(set_peer("sa-profile", "none-such")),
    "a million objects": lambda mad: b"[" + b"{}," * 349524 + b"{}]",
}


def refused(said):
    return bool(said["errors"]) and said["result"] != "applied"


def memory(node, pid):
    return int(re.search(r"VmHWM:\s+(\d+) kB", node.read(f"/proc/{pid}/status")).group(1))


@pytest.mark.parametrize("kind", BAD)
def test_leaves_the_router_as_it_was(mad, kind):
    paris, agent = mad.paris, mad.paris.daemons["ppvpn-agent"]
    before = mad.fingerprint or paris.fingerprint()     # since the first of them nothing has changed
    peak = memory(paris, agent.pid)
    log = len(agent.log.read_text())
    mad.put(BAD[kind](mad))
    said = mad.fetch()
    assert refused(said), said
    assert all(error["text"] for error in said["errors"])
    assert re.search("error|refused|rejected", agent.log.read_text()[log:], re.IGNORECASE)
    assert agent.running()
    mad.fingerprint = after = paris.fingerprint()
    for what, value in before.items():
        assert after[what] == value, f"{what} changed"
    assert paris.plan() == []
    if kind == "a million objects":
        assert memory(paris, agent.pid) - peak < 10 * 1024


def test_the_error_says_where(mad):
    mad.put(BAD["hostile identity"](mad))
    said = mad.fetch()
    assert "/vpns/0/peers/0/identity" in str(said["errors"]), said


PLANTED = "5ec2e7ab" * 4
KEYS = {
    "no hex": PLANTED + "xx",
    "an odd number of digits": PLANTED + "5",
    "too long": PLANTED * 64,
    "no text": [PLANTED],
    "a control character": PLANTED + "\n",
}


@pytest.mark.parametrize("kind", [*KEYS, "elsewhere", "twice"])
def test_no_error_shows_a_key(mad, kind):
    """A key that is wrong in form, or in the wrong place, is told by its place alone."""
    def change(document):
        key = peer(document)["pre-shared"]["keys"][0]
        key["secret"] = KEYS.get(kind, PLANTED)
        if kind == "elsewhere":
            key["password"] = PLANTED
    paris, log = mad.paris, mad.paris.daemons["ppvpn-agent"].log
    at = len(log.read_text())
    body = mad.next(change)
    if kind == "twice":
        body = body.replace(b'"secret"', b'"secret": "%s", "secret"' % PLANTED.encode(), 1)
    mad.put(body)
    said = mad.fetch()
    assert refused(said), said
    shown = json.dumps(said) + log.read_text()[at:] + paris.ctl("status").stdout + paris.ctl("alarms --json").stdout + json.dumps(mad.requests())
    assert PLANTED[:16] not in shown


def test_oversized_is_cut_off(mad):
    """64 MiB that never end well: neither kept in memory nor waited for."""
    paris, agent = mad.paris, mad.paris.daemons["ppvpn-agent"]
    before, peak = paris.fingerprint(), memory(paris, agent.pid)
    mad.put(b'{"schema":"' + b"x" * (64 << 20) + b'"}')
    assert refused(mad.fetch())
    assert memory(paris, agent.pid) - peak < 40 * 1024
    assert paris.fingerprint() == before
    mad.put(b"{}")


def test_older_and_contradicting_revisions_are_refused(mad):
    before = mad.paris.fingerprint()
    for revision in (mad.good["revision"] - 1, mad.good["revision"]):
        document = copy.deepcopy(mad.good)
        document["revision"] = revision
        document["vpns"][0]["peers"].pop()
        mad.put(json.dumps(document).encode())
        assert refused(mad.fetch())
    assert mad.paris.fingerprint() == before


def test_error_answers_remove_nothing(mad):
    """Neither an empty set without a word nor a missing VPN is a removal."""
    before = mad.paris.fingerprint()
    mad.server.stop("fake")
    assert not mad.paris.synced()
    assert mad.paris.fingerprint() == before


def test_the_good_server_is_believed_again(mad):
    mad.server.start()
    for other in mad.others:
        other.start_agent()
    mad.paris.wait_until(mad.paris.synced, 60, "a good sync")
    mad.lab.wait_in_service(["paris", "lyon", "nice"], timeout=60)
