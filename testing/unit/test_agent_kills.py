#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# The agent killed at each system call that has an effect while it takes a document
# into force: its files, and every step that kernel, charon and ospfd are asked
# for (testing/unit/boxed_agent.c). A kill comes before the call; after it is before the
# next one, or the end. One run is recorded, and repeated for each call and each of its
# occurrences; the kill must have hit. Then a new process starts from what is there:
#   without the server it comes to the old state or the new one, never between;
#   with it, to the new one.
# What the change is not about is never touched, and every file can be read.
# Needs strace, and fails without it.

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

from test_kills import killed_at, points, run

AGENT = os.environ.get("PPVPN_BOXED_AGENT", "testing/unit/boxed-agent")
SHORT = 10      # seconds of a clock that does not wait
CONFIRM = 10
PAIR = "ppvpn:acme:corp:%s"

CONF = """\
[agent]
state-dir = {top}/state
run-dir = {top}/run
control-socket = {top}/run/agent.sock
set-clock = no
log-level = warn

[vpn acme/corp]
vrf = corp
table = 1001
lan = eth1

[vpn acme/lab]
vrf = lab
table = 1002
max-peers = 1
"""

PROVIDER = {"schema": "ppvpn-provider/1", "ce": "acme/paris-r1",
            "ce-address": "192.0.2.5", "servers": ["https://192.0.2.1:8443"]}


def peer(name, last, vpn="corp", **more):
    return {"peer": name, "remote-address": f"192.0.2.{last}",
            "identity": {"fqdn-string": f"{name}.{vpn}.acme.vpn.sp.example"},
            "pre-shared": {"keys": [{"key-id": "g1", "use": "send-and-accept",
                                     "secret": f"{last:02x}" * 32}]},
            "sa-profile": "default", "initiator": "local",
            "tunnel": {"establishment": "permanent", "ipsec-mode": "tunnel",
                       "routing": "dynamic"}, **more}


def vpn(name, address, peers, mtu=1400, removed=()):
    return {"customer": "acme", "vpn": name, "site": "paris",
            "ce-address": address,
            "identity": {"fqdn-string": f"paris.{name}.acme.vpn.sp.example"},
            "topology": {"type": "any-to-any", "role": "any-to-any-role"},
            "authentication": {"auth-method": "pre-shared"},
            "router-id": "10.255.0.1", "mtu": mtu,
            "routing": {"ospf": {"area": "0.0.0.0", "hello-interval": 10,
                                 "dead-interval": 40, "cost": 10}},
            "retry": {"minimum-wait": 5, "t1": 10, "factor": 2, "maximum": 600,
                      "alarm-after": 8},
            "peers": sorted(peers, key=lambda p: p["peer"]),
            "removed": [{"peer": p, "at-revision": r, "reason": "site-removed"}
                        for p, r in removed]}


def document(revision, vpns, state="active"):
    return {"schema": "ce-config/1", "ce": "acme/paris-r1", "epoch": 1,
            "revision": revision, "bulk-removal": revision, "state": state,
            "management": {"servers": PROVIDER["servers"], "poll-interval": 300,
                           "long-poll-timeout": 50, "report-interval": 300,
                           "confirm-timeout": CONFIRM},
            "sa-profiles": {"default": {
                "proposals": ["aes256gcm16-prfsha384-ecp384"],
                "esp_proposals": ["aes256gcm16-ecp384"], "rekey_time": 14400,
                "child_rekey_time": 3600, "dpd_delay": 30}},
            "vpns": vpns}


LYON, NICE, METZ = peer("lyon", 9), peer("nice", 13), peer("metz", 17)
CORP = vpn("corp", "192.0.2.5", [LYON, NICE, METZ])
# one leaves, one comes, one has moved; lyon is not concerned
CORP2 = vpn("corp", "192.0.2.5", [LYON, peer("metz", 21), peer("caen", 25)],
            removed=[("nice", 11)])
LAB = vpn("lab", "192.0.2.6", [peer("brest", 33, "lab")])
# more than agent.conf allows; and another that it does
LAB_TOO_MUCH = vpn("lab", "192.0.2.6", [peer("brest", 33, "lab"),
                                        peer("tours", 37, "lab")], mtu=1300)
LAB2 = vpn("lab", "192.0.2.6", [peer("brest", 33, "lab")], mtu=1380)

FIRST = document(10, [CORP, LAB])
CHANGED = document(11, [CORP2, LAB])
BEYOND = document(12, [CORP, LAB_TOO_MUCH])
WITHIN = document(13, [CORP, LAB2])
WITHOUT = document(14, [CORP])
GONE = document(15, [], "deprovisioned")


def openssl(*words, data=None):
    return subprocess.run(("openssl",) + words, check=True, input=data,
                          capture_output=True).stdout


def certificate(key):
    """One of that key's, in a document's form; whose name it is nobody asks."""
    return base64.b64encode(openssl(
        "req", "-x509", "-new", "-key", key, "-subj", "/CN=x", "-days", "9",
        "-outform", "DER")).decode()


def certified(base, own, **more):
    """The VPN with an authority; own: this site's certificate, None: there is none."""
    data = {"ca-data": [base], "crl-data": [], "revocation": "strict"}
    return {**CORP2, "certificate": {**data, **({"cert-data": own} if own else {})},
            **more}


def by_certificate(one):
    """As the peer is, with a certificate that is sent."""
    keys = [{**key, "use": "accept-only"} for key in one["pre-shared"]["keys"]]
    return {**one, "pre-shared": {"keys": keys},
            "certificate": {"use": "send-and-accept"}}


# files of the state
ENROLLED = ["ca.crt", "management.crt", "management.key", "provider"]
KEPT_ONE = ["config", "seal.key"]
KEPT = KEPT_ONE + ["config.previous"]
HELD = ["held/acme.lab/config", "held/acme.lab/seal.key"]


class Box:
    """A router in a directory of its own."""

    def __init__(self, top):
        self.top = top
        self.conf, self.world = top + "/agent.conf", top + "/world"

    def make(self):
        for name in ("state", "world", "run"):
            os.makedirs(f"{self.top}/{name}")
        with open(self.conf, "w") as f:
            f.write(CONF.format(top=self.top))
        for name in ("management.key", "management.crt", "ca.crt"):
            with open(f"{self.top}/state/{name}", "w") as f:
                f.write("its owner does not look into it\n")
        with open(f"{self.top}/state/provider", "w") as f:
            json.dump(PROVIDER, f)

    def copy(self, other):
        """As the other is."""
        shutil.rmtree(self.top, ignore_errors=True)
        shutil.copytree(other.top, self.top)
        with open(self.conf, "w") as f:
            f.write(CONF.format(top=self.top))

    def put(self, name, text):
        """A file of the world; None: it is not there."""
        path = f"{self.world}/{name}"
        if text is not None:
            with open(path, "w") as f:
                f.write(text)
        elif os.path.exists(path):
            os.unlink(path)

    def offer(self, doc):
        if doc is None:
            self.put("offer", None)
            return
        body = json.dumps(doc)
        digest = hashlib.sha256(body.encode()).hexdigest()[:16]
        self.put("offer", '%u "%u.%u-%s"\n%s' % (
            410 if doc["state"] == "deprovisioned" else 200, doc["epoch"],
            doc["revision"], digest, body))

    def files(self):
        """Of the state, without directories that have any."""
        return sorted(os.path.relpath(f"{top}/{name}", self.top + "/state")
                      for top, dirs, names in os.walk(self.top + "/state")
                      for name in names + [d for d in dirs if not
                                           os.listdir(f"{top}/{d}")])

    def journal(self):
        with open(self.world + "/journal") as f:
            return f.read().splitlines()

    def make_key(self):
        path = f"{self.top}/state/ike.key"
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-out", path)
        os.chmod(path, 0o600)
        return path

    def key(self):
        """The public key for IKE that is on disk; None: there is none."""
        path = f"{self.top}/state/ike.key"
        return openssl("pkey", "-in", path, "-pubout") if os.path.exists(path) else None

    def told(self):
        """The public keys for IKE that the server was told, one after the other."""
        path = self.world + "/told"
        if not os.path.exists(path):
            return []
        with open(path) as f:
            return [openssl("req", "-inform", "DER", "-pubkey", "-noout",
                            data=base64.b64decode(line)) for line in f]

    def charon_dies(self):
        with open(self.world + "/journal", "a") as f:
            f.write("charon\tsecond\n")

    def argv(self, seconds=SHORT, *op):
        return (AGENT, self.conf, self.world, str(seconds), *op)

    def go(self, seconds=SHORT, *op):
        return Said(run(*self.argv(seconds, *op), check=False))


class Said:
    """How a run ended."""

    def __init__(self, done):
        assert done.returncode in (0, 78), (done.returncode, done.stderr)
        self.exit, self.log = done.returncode, done.stderr
        lines = done.stdout.splitlines()
        self.router = [line for line in lines if line.startswith("router ")]
        self.answers = {line.split()[0]: line.split(" ", 2)[1:]
                        for line in lines if not line.startswith("router ")}
        self.plan, self.status = [], {}     # of a router that has left
        if "plan" in self.answers:
            self.plan = json.loads(self.answers["plan"][1])["steps"]
            self.status = json.loads(self.answers["status"][1])

    def conns(self):
        return {line.split()[2] for line in self.router if
                line.startswith("router conn ")}

    def warnings(self):
        """Of files: that no server is reached, say, is no wonder, nor that a
        router that leaves has no CA to know the time from."""
        return [line for line in self.log.splitlines() if "clock:" not in line and
                any(w in line for w in ("state/", "run/", "held", "sealed",
                                        "cut short", "not what"))]


class Boxed(unittest.TestCase):
    """A base that is brought to some state, and a box that is a copy of it."""

    def setUp(self):
        self.top = tempfile.mkdtemp(prefix="test_agent_kills.")
        self.addCleanup(shutil.rmtree, self.top)
        self.base, self.box = Box(self.top + "/base"), Box(self.top + "/box")
        self.base.make()

    def brought(self, *docs):
        """The base with these in force, one after the other, each confirmed."""
        for doc in docs:
            self.base.offer(doc)
            said = self.base.go()
            self.whole(said)
            self.assertEqual(said.status["revision"], doc["revision"])
            self.assertTrue(said.status["confirmed"])
        self.base.offer(None)
        return said

    def whole(self, said):
        """It converged, or has left; and every file could be read."""
        self.assertEqual(said.plan, [])
        self.assertEqual(said.warnings(), [])

    def again(self, doc, cut=None, start=None):
        self.box.copy(start or self.base)
        self.box.offer(doc)
        self.box.put("cut", cut)


class AgentKills(Boxed):
    told = []

    def untouched(self, names, since):
        for name in names:
            for line in self.box.journal()[since:]:
                self.assertNotIn(f"\t{PAIR % name}\t", line)
            made = [line for line in self.box.journal() if
                    line.split("\t")[2:3] == [PAIR % name]]
            self.assertGreater(len(made), 3, "the journal tells of it at all")

    def killed_everywhere(self, doc, untouched=(), seconds=SHORT, op=(),
                          cut=None, conns=None, files=None,
                          enrolled=ENROLLED):
        """Doc is offered (or OP asked for) to what the base is.

        conns: the tunnels that it comes to; files: of the state then.
        @return how often it was old and new
        """
        self.again(None)
        old = self.box.go(seconds).router
        since = len(self.box.journal())
        self.again(doc, cut)
        said = self.box.go(seconds, *op)
        self.whole(said)
        new = said.router
        if conns is not None:
            self.assertEqual(said.conns(), {"ppvpn:acme:" + c for c in conns})
        self.again(doc, cut)
        found = points(self.box.argv(seconds, *op), self.top + "/strace")
        found = [p for p in found if p[0] != "exit_group"]
        self.assertGreater(len(found), 10, "strace recorded next to nothing")
        crashed = Box(self.top + "/crashed")
        seen = {"old": 0, "new": 0}
        for call, n in found:
            with self.subTest(call=call, n=n):
                self.again(doc, cut)
                killed_at(call, n, self.box.argv(seconds, *op))
                crashed.copy(self.box)
                self.again(None, None, crashed)
                said = self.box.go(seconds)
                self.whole(said)
                seen[self.which(said.router, old=old, new=new)] += 1
                self.untouched(untouched, since)
                self.again(doc, cut, crashed)
                said = self.box.go(seconds, *op)
                self.whole(said)
                self.which(said.router, new=new)
                self.untouched(untouched, since)
                self.one_key()
                if files is not None:
                    self.assertEqual(self.box.files(),
                                     sorted(enrolled + files))
        print(f"\n# {self.id().split('.')[-1]}: {len(found)} kills, {seen}")
        return seen

    def one_key(self):
        """What the server was told is what is here."""
        told = self.box.told()
        self.told.append(len(told))
        if told:
            self.assertEqual(set(told), {self.box.key()})

    def which(self, router, **states):
        for name, state in states.items():
            if router == state:
                return name
        return self.fail("between: " + ";  ".join(
            f"not {name}: has {sorted(set(router) - set(state))}, lacks "
            f"{sorted(set(state) - set(router))}" for name, state in states.items()))

    def all_of(self, seen):
        self.assertGreater(min(seen.values()), 2, seen)

    def test_first(self):
        """The first document of all: it is kept before anything is done."""
        self.all_of(self.killed_everywhere(FIRST, files=KEPT_ONE))

    def test_change(self):
        """One peer leaves, one comes, one moves; lyon and the other VPN stay."""
        self.brought(FIRST)
        self.all_of(self.killed_everywhere(CHANGED, ("lyon",), conns=(
            "corp:lyon", "corp:metz", "corp:caen", "lab:brest"), files=KEPT))

    def test_change_and_start(self):
        """Killed while changing, and once more after that, here and there. An
        end in the middle of a trial is no verdict: it is tried again."""
        self.brought(FIRST)
        self.again(None)
        since = len(self.box.journal())
        self.again(CHANGED)
        new = self.box.go().router
        self.again(CHANGED)
        argv = self.box.argv()
        found = points(argv, self.top + "/strace")[1:-1:7]
        seen, kills, crashed = {"new": 0}, 0, Box(self.top + "/crashed")
        for first in found:
            self.again(CHANGED)
            killed_at(*first, argv)
            crashed.copy(self.box)
            second = points(argv, self.top + "/strace")
            for call, n in second[kills % 5:-1:5]:
                with self.subTest(first=first, call=call, n=n):
                    self.again(CHANGED, None, crashed)
                    killed_at(call, n, argv)
                    said = self.box.go()
                    self.whole(said)
                    seen[self.which(said.router, new=new)] += 1
                    self.untouched(("lyon",), since)
                    kills += 1
        print(f"\n# {self.id().split('.')[-1]}: {kills} kills of the second start,"
              f" {seen}")
        self.all_of(seen)

    def test_beyond_the_owners_bounds(self):
        """A VPN that is asked too much of stays as it was, and the other goes on."""
        self.brought(FIRST)
        doc = document(12, [CORP2, LAB_TOO_MUCH])
        self.all_of(self.killed_everywhere(doc, ("lyon",), conns=(
            "corp:lyon", "corp:metz", "corp:caen", "lab:brest"),
            files=KEPT + HELD))
        self.mtu_of_brest(1400)

    def mtu_of_brest(self, mtu):
        """Without the server."""
        self.box.offer(None)
        self.assertTrue([line for line in self.box.go().router if
                         line.startswith("router link ppvpn:acme:lab:brest ") and
                         f" mtu={mtu} " in line])

    def test_within_the_bounds_again(self):
        """What it was before may be forgotten only when what it is now is kept."""
        self.brought(FIRST, BEYOND)
        self.all_of(self.killed_everywhere(WITHIN, ("lyon",), conns=(
            "corp:lyon", "corp:metz", "corp:nice", "lab:brest"), files=KEPT))
        self.mtu_of_brest(1380)

    def test_a_held_vpn_goes(self):
        """Not before the document that says so is kept."""
        self.brought(FIRST, BEYOND)
        self.all_of(self.killed_everywhere(WITHOUT, ("lyon",), conns=(
            "corp:lyon", "corp:metz", "corp:nice"), files=KEPT))

    def test_taken_back(self):
        """A document that cuts the way to the server: back, and never again; so is
        a VPN that it let go of its owner's bounds."""
        self.brought(FIRST, BEYOND)
        seen = self.killed_everywhere(
            document(13, [CORP2, LAB2]), ("lyon",), seconds=8 * CONFIRM,
            cut=PAIR % "caen", files=KEPT + HELD + ["trial"],
            conns=("corp:lyon", "corp:metz", "corp:nice", "lab:brest"))
        self.assertEqual(seen["new"], 0)
        self.mtu_of_brest(1400)

    def test_tombstone(self):
        self.brought(FIRST, BEYOND)
        self.all_of(self.killed_everywhere(GONE, conns=(), files=KEPT_ONE))

    def test_leave_by_hand(self):
        """From the moment that it was decided: nothing is left, server or not."""
        self.brought(FIRST, BEYOND)
        self.all_of(self.killed_everywhere(BEYOND, conns=(), enrolled=[],
                                           files=[], op=("leave-local",),
                                           seconds=3 * SHORT))
        self.assertEqual(os.listdir(self.box.top + "/run"), [])

    def test_a_key_for_ike(self):
        """A VPN has an authority: the server is told of no key that is not on disk,
        and of no other one after it."""
        authority = certificate(self.base.make_key())
        os.unlink(self.base.top + "/state/ike.key")
        self.brought(FIRST)
        doc = document(11, [certified(authority, None), LAB])
        self.told = []
        self.all_of(self.killed_everywhere(doc, ("lyon",), conns=(
            "corp:lyon", "corp:metz", "corp:caen", "lab:brest"),
            files=KEPT + ["ike.key"]))
        self.assertGreater(max(self.told), 1, "killed after it was told")

    def test_a_certificate(self):
        """It comes, and is sent: charon has it before the connections that want it,
        and nothing of it is touched by a start, nor are connections by the next."""
        key = self.base.make_key()
        authority, first, second = (certificate(key) for _ in range(3))
        self.brought(FIRST)
        corp = certified(authority, first, peers=[by_certificate(one) if one["peer"] ==
                                                  "metz" else one for one in CORP2["peers"]])
        doc = document(11, [corp, LAB])
        self.all_of(self.killed_everywhere(doc, ("lyon",), files=KEPT + ["ike.key"], conns=(
            "corp:lyon", "corp:metz", "corp:caen", "lab:brest")))
        metz = [line for line in self.box.go().router if line.startswith(f"router conn {PAIR % 'metz'} ")]
        self.assertTrue(metz[0].endswith(" certificate=acme/corp use=0"), metz)
        before = self.box.journal()
        self.whole(self.box.go())
        self.assertEqual(self.box.journal(), before)
        # renewed
        self.base.copy(self.box)
        corp = {**corp, "certificate": {**corp["certificate"], "cert-data": second}}
        self.all_of(self.killed_everywhere(
            document(12, [corp, LAB]), ("lyon", "metz", "caen"), files=KEPT + ["ike.key"]))
        self.assertEqual(self.box.told(), [])
        # and of another key: as if there were none
        self.base.make_key()
        said = self.base.go()
        self.assertFalse([line for line in said.router if "certificate" in line or "credentials" in line])

    def test_the_key_for_ike_goes(self):
        """With the tombstone, when that is kept; or by hand."""
        key = self.base.make_key()
        doc = document(11, [certified(certificate(key), certificate(key)), LAB])
        self.brought(FIRST, doc)
        self.all_of(self.killed_everywhere(GONE, conns=(), files=KEPT_ONE))
        self.all_of(self.killed_everywhere(doc, conns=(), enrolled=[], files=[],
                                           op=("leave-local",), seconds=3 * SHORT))

    def test_another_charon(self):
        """What the one before left in the kernel goes, and nothing else."""
        self.brought(FIRST)
        self.base.charon_dies()
        self.killed_everywhere(FIRST, files=KEPT_ONE, conns=(
            "corp:lyon", "corp:metz", "corp:nice", "lab:brest"))
        self.assertEqual(self.box.journal().count("flush"), 1)


if __name__ == "__main__":
    if subprocess.run(["strace", "-o", "/dev/null", "true"],
                      capture_output=True).returncode:
        print("strace is missing, or may not trace here: nothing is tested",
              file=sys.stderr)
        sys.exit(1)
    unittest.main(verbosity=1)
