#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# Changes by ppvpn-admin, as they reach routers of a whole ppvpn-server on
# loopback: topologies, single tunnels, suspension, replacement, leaving, the
# customer's file, dry runs, taking back. Needs openssl; skipped without.

import base64
import json
import os
import shutil
import subprocess
import sys
import unittest

from test_server import BINARY, CE, Answer, Server, wait_until

ADMIN = os.path.join(os.path.dirname(BINARY) or ".", "ppvpn-admin")


class Changes(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.server.start()
        self.admin("customer", "add", "acme")
        self.admin("vpn", "add", "acme/corp", "--topology", "hub-spoke")
        self.ces = {name: CE(self.server, name) for name in ("paris", "lyon", "nice")}
        self.admin("site", "add", "acme/corp/paris", "--ce", "paris",
                   "--role", "hub-role")
        for name in ("lyon", "nice"):
            self.admin("site", "add", f"acme/corp/{name}", "--ce", name)

    def tearDown(self):
        self.server.stop()
        self.server.close()

    def run_admin(self, *words, **kwargs):
        return subprocess.run(
            [ADMIN, *words, "--socket", self.server.settings["admin-socket"]],
            capture_output=True, text=True, timeout=60, **kwargs)

    def admin(self, *words, **kwargs):
        done = self.run_admin(*words, **kwargs)
        self.assertEqual(done.returncode, 0, (words, done.stdout, done.stderr))
        return done.stdout

    def refused(self, *words):
        done = self.run_admin(*words)
        self.assertNotEqual(done.returncode, 0, (words, done.stdout))
        return done.stderr

    def document(self, name):
        answer = self.ces[name].ask()
        self.assertEqual(answer.status, 200)
        return answer.json()

    def peers(self, name):
        vpns = self.document(name)["vpns"]
        return {p["peer"]: p for v in vpns for p in v["peers"]}

    def content(self, name):
        document = self.document(name)
        del document["revision"]
        for vpn in document["vpns"]:
            vpn.pop("removed", None)
        return document

    def test_topologies(self):
        self.assertEqual(set(self.peers("lyon")), {"paris"})
        self.assertEqual(set(self.peers("paris")), {"lyon", "nice"})
        # the spoke begins: it may be behind a NAT
        self.assertEqual(self.peers("lyon")["paris"]["initiator"], "local")
        before = {name: self.content(name) for name in self.ces}
        dry = self.admin("vpn", "set", "acme/corp", "--topology", "any-to-any",
                         "--dry-run")
        self.assertRegex(dry, r"added +acme/corp +lyon nice")
        self.assertEqual({n: self.content(n) for n in self.ces}, before)
        self.admin("vpn", "set", "acme/corp", "--topology", "any-to-any")
        self.assertEqual(set(self.peers("lyon")), {"paris", "nice"})
        key = before["lyon"]["vpns"][0]["peers"][0]["pre-shared"]
        self.assertEqual(self.peers("lyon")["paris"]["pre-shared"], key)
        error = self.refused("vpn", "set", "acme/corp", "--topology", "hub-spoke")
        self.assertIn("hub", error)
        revision = json.loads(self.admin("vpn", "list", "--json")) and \
            self.document("lyon")["revision"]
        self.admin("revert", str(revision))
        self.assertEqual({n: self.content(n) for n in self.ces}, before)

    def test_disjoint_hub_knows_its_spokes(self):
        self.admin("vpn", "set", "acme/corp", "--topology", "hub-spoke-disjoint")
        document = self.document("paris")["vpns"][0]
        self.assertEqual(document["topology"],
                         {"type": "hub-spoke-disjoint", "role": "hub-role"})
        self.assertEqual({p["role"] for p in document["peers"]}, {"spoke-role"})
        before = self.document("paris")["revision"]
        self.admin("site", "set", "acme/corp/lyon", "--role", "hub-role")
        roles = {p["peer"]: p["role"] for p in
                 self.document("paris")["vpns"][0]["peers"]}
        self.assertEqual(roles, {"lyon": "hub-role", "nice": "spoke-role"})
        self.assertGreater(self.document("paris")["revision"], before)
        error = self.refused("link", "add", "acme/corp", "nice", "nice")
        self.assertIn("itself", error)

    def test_single_tunnels(self):
        nice = self.document("nice")["revision"]
        paris = self.document("paris")["revision"]
        self.admin("link", "add", "acme/corp", "lyon", "nice")
        self.assertIn("nice", self.peers("lyon"))
        self.assertGreater(self.document("nice")["revision"], nice)
        self.assertEqual(self.document("paris")["revision"], paris)
        self.admin("link", "remove", "acme/corp", "nice", "lyon")
        self.assertNotIn("nice", self.peers("lyon"))
        gone = self.document("lyon")["vpns"][0]["removed"]
        self.assertEqual([g["peer"] for g in gone], ["nice"])
        self.assertIn("topology", self.refused("link", "remove", "acme/corp",
                                               "paris", "lyon"))

    def test_suspended(self):
        before = {name: self.content(name) for name in self.ces}
        self.admin("ce", "suspend", "acme/lyon")
        document = self.document("lyon")
        self.assertEqual(document["state"], "suspended")
        self.assertEqual(document["vpns"][0]["peers"], [])
        self.assertNotIn("lyon", self.peers("paris"))
        gone = self.document("paris")["vpns"][0]["removed"]
        self.assertEqual([(g["peer"], g["reason"]) for g in gone],
                         [("lyon", "ce-suspended")])
        self.assertEqual(self.content("nice"), before["nice"])
        self.admin("ce", "resume", "acme/lyon")
        self.assertEqual({n: self.content(n) for n in self.ces}, before)

    def test_allow_removal(self):
        before = self.document("paris")
        self.assertNotIn("bulk-removal", before)
        self.admin("ce", "allow-removal", "acme/paris", "--dry-run")
        self.assertNotIn("bulk-removal", self.document("paris"))
        self.admin("ce", "allow-removal", "acme/paris")
        after = self.document("paris")
        self.assertGreater(after["revision"], before["revision"])
        self.assertEqual(after["bulk-removal"], after["revision"])
        self.assertNotIn("bulk-removal", self.document("nice"))
        self.assertIn("oslo", self.refused("ce", "allow-removal", "acme/oslo"))

    def test_replaced(self):
        before = self.content("paris")
        old = self.ces["lyon"]
        self.admin("ce", "replace", "acme/lyon")
        answer = old.ask()
        self.assertEqual(answer.status, 410)
        self.assertEqual(answer.json()["vpns"], [])
        self.assertEqual(self.content("paris"), before)
        old.key += ".new"
        old.crt += ".new"
        old.enroll()
        self.assertEqual(set(self.peers("lyon")), {"paris"})

    def test_leave(self):
        c = self.ces["nice"].connect()
        c.request("POST", "/v1/leave", "{}")
        self.assertEqual(Answer(c.getresponse()).status, 204)
        c.close()
        self.assertEqual(self.ces["nice"].ask().status, 410)
        self.assertNotIn("nice", self.peers("paris"))
        gone = self.document("paris")["vpns"][0]["removed"]
        self.assertEqual([(g["peer"], g["reason"]) for g in gone],
                         [("nice", "site-left")])
        self.assertIn("ce:acme/nice", self.admin("audit"))

    def test_customer_file(self):
        first = self.admin("export", "acme")
        path = self.server.dir + "/acme.yaml"
        with open(path, "w") as f:
            f.write(first)
        self.assertIn("nothing changes", self.admin("apply", "-f", path, "--yes"))
        self.assertEqual(self.admin("export", "acme"), first)
        with open(path, "w") as f:
            f.write(first.replace("hub-spoke", "any-to-any")
                    .replace(", role: hub-role", ""))
        self.admin("apply", "-f", path, "--yes")
        self.assertEqual(set(self.peers("lyon")), {"paris", "nice"})
        with open(path, "w") as f:
            f.write(first.replace("ce: lyon", "ce: nosuch", 1))
        before = self.admin("export", "acme")
        self.refused("apply", "-f", path, "--yes")
        self.assertEqual(self.admin("export", "acme"), before)

    def test_prefixes(self):
        before = {name: self.document(name) for name in self.ces}
        self.admin("site", "set", "acme/corp/paris", "--prefix",
                   "10.1.0.0/16,2001:db8:1::/48")
        self.admin("site", "set", "acme/corp/lyon", "--prefix", "10.1.2.0/24")
        self.assertIn("10.1.0.0/16,2001:db8:1::/48", self.admin("site", "list"))
        self.assertIn("10.1.2.0/24", self.admin("site", "show", "acme/corp/lyon"))
        for more in ([], ["--dry-run"]):
            error = self.refused("vpn", "set", "acme/corp", "--internet-access",
                                 "yes", *more)
            self.assertIn("paris 10.1.0.0/16 and lyon 10.1.2.0/24", error)
            self.assertIn("apart", error)
        self.assertRegex(self.admin("vpn", "show", "acme/corp"),
                         r"internet-access +no\n")
        self.admin("site", "set", "acme/corp/lyon", "--prefix", "none")
        self.admin("vpn", "set", "acme/corp", "--internet-access", "yes")
        CE(self.server, "nantes")
        error = self.refused("site", "add", "acme/corp/nantes", "--ce", "nantes",
                             "--prefix", "10.1.3.0/24")
        self.assertIn("nantes 10.1.3.0/24", error)
        self.admin("site", "add", "acme/corp/nantes", "--ce", "nantes",
                   "--prefix", "10.3.0.0/16")
        for bad in ("10.1.0.1/16", "10.1.0.0", "", "none,10.1.0.0/16", "\x1b[2J"):
            self.refused("site", "set", "acme/corp/lyon", "--prefix", bad)
        self.assertIn("internet-access: true", self.admin("export", "acme"))
        self.assertIn("10.3.0.0/16", self.admin("export", "acme"))
        # another VPN is not asked
        self.admin("vpn", "add", "acme/lab", "--internet-access", "yes")
        self.admin("site", "add", "acme/lab/paris", "--ce", "paris",
                   "--prefix", "10.1.0.0/16", "--ce-address", "198.51.100.1")
        # and nice, whom none of it concerns, was never told of it
        self.assertEqual(self.document("nice"), before["nice"])

    def keys(self, name, peer):
        return [(k["key-id"], k["use"]) for k in self.peers(name)[peer]["pre-shared"]["keys"]]

    def applied(self, *names):
        for name in names:
            document = self.document(name)
            self.assertEqual(self.ces[name].report(
                document, **{"boot-id": "%032x" % document["revision"]}).status, 204)

    def test_changing_keys(self):
        self.assertEqual(self.admin("psk", "status"), "No keys are being changed.\n")
        self.assertRegex(self.admin("tunnel", "show", "acme/corp", "lyon", "paris"), r"key +generation 1, made \d+ s ago\n")
        before = {name: self.document(name) for name in self.ces}
        dry = self.admin("psk", "rotate", "acme/corp", "--dry-run")
        self.assertIn("routers told: 3; tunnels: 2 rotating", dry)
        self.assertRegex(dry, r"rotating +acme/corp +lyon paris")
        self.assertRegex(dry, r"acme/nice\n")
        self.assertEqual({name: self.document(name) for name in self.ces}, before)
        # one tunnel, a site with those that are left, and what there is not
        self.assertIn("1 rotating", self.admin("psk", "rotate", "acme/corp/lyon/paris"))
        self.assertEqual(self.document("nice"), before["nice"])
        self.assertEqual(self.keys("paris", "lyon"), [("g2", "accept-only"), ("g1", "send-and-accept")])
        self.assertEqual(self.peers("paris")["lyon"]["pre-shared"], self.peers("lyon")["paris"]["pre-shared"])
        self.assertIn("its key is being changed already", self.refused("psk", "rotate", "acme/corp/paris/lyon"))
        self.assertIn("being changed already: 1", self.admin("psk", "rotate", "acme/corp/paris"))
        self.assertIn("the keys of all its tunnels", self.refused("psk", "rotate", "acme/corp"))
        for bad in ("acme/corp/lyon/nice", "acme/corp/rome", "acme/lab", "acme", "acme/corp/a/b/c", "acme/corp/paris/paris"):
            self.refused("psk", "rotate", bad)
        self.refused("psk", "status", "acme/corp/paris")
        self.refused("psk", "status", "hooli")
        # whom it waits for
        self.assertIn("under way: accept", self.admin("tunnel", "show", "acme/corp", "lyon", "paris"))
        self.applied("paris", "lyon")
        wait_until("the step of those that are there", lambda: "send" in self.admin("psk", "status", "acme"))
        rows = {tuple(r["sites"]): r for r in json.loads(self.admin("psk", "status", "acme/corp", "--json"))["rotations"]}
        self.assertEqual(rows["lyon", "paris"]["step"], "send")
        self.assertEqual([w["ce"] for w in rows["nice", "paris"]["waits-for"]][0], "nice")
        self.assertRegex(self.admin("psk", "status"), r"nice paris +accept .*nice: it has never reported")
        self.assertEqual(self.keys("lyon", "paris"), [("g2", "send-and-accept"), ("g1", "accept-only")])
        # it is no configuration: not taken back, and no file has it
        revision = json.loads(self.admin("status", "--json"))["revision"]
        self.assertIn("not taken back", self.refused("revert", str(revision)))
        for _ in range(3):
            self.applied("paris", "lyon", "nice")
            wait_until("a step", lambda: json.loads(self.admin("status", "--json"))["revision"] > revision or
                       "No keys" in self.admin("psk", "status"))
            revision = json.loads(self.admin("status", "--json"))["revision"]
        self.applied("paris", "lyon", "nice")
        wait_until("the end", lambda: "No keys" in self.admin("psk", "status"))
        for peer in ("lyon", "nice"):
            self.assertEqual(self.keys("paris", peer), [("g2", "send-and-accept")])
        audit = self.admin("audit")
        self.assertIn("psk rotate acme/corp/lyon/paris", audit)
        self.assertIn("psk rotation acme/corp", audit)
        events = [e["event"] for e in json.loads(self.server.admin("GET", "/v1/watch?after=0&customer=acme&vpn=corp").body)["events"]]
        self.assertEqual((events.count("rotation-begun"), events.count("rotation-done")), (2, 2))

    def test_changing_keys_by_schedule(self):
        before = {name: self.document(name) for name in self.ces}
        self.assertRegex(self.admin("vpn", "show", "acme/corp"), r"key rotation +by command only\n")
        self.admin("vpn", "set", "acme/corp", "--psk-rotation-days", "30")
        self.assertRegex(self.admin("vpn", "show", "acme/corp"), r"key rotation +every 30 days\n")
        self.assertIn("psk-rotation-days: 30", self.admin("export", "acme"))
        for bad in ("3651", "-1", "soon", ""):
            self.refused("vpn", "set", "acme/corp", "--psk-rotation-days", bad)
        path = self.server.dir + "/acme.yaml"
        with open(path, "w") as f:
            f.write(self.admin("export", "acme").replace("psk-rotation-days: 30", "psk-rotation-days: 7"))
        self.admin("apply", "-f", path, "--yes")
        self.assertRegex(self.admin("vpn", "show", "acme/corp"), r"key rotation +every 7 days\n")
        self.admin("vpn", "add", "acme/lab", "--psk-rotation-days", "90")
        self.assertRegex(self.admin("vpn", "show", "acme/lab"), r"key rotation +every 90 days\n")
        # routers are not told, and no key is that old
        self.assertEqual({name: self.document(name) for name in self.ces}, before)

    def say_ike_key(self, *names):
        for name in names:
            ce = self.ces[name]
            c = ce.connect()
            c.request("POST", "/v1/ike-key", base64.b64encode(ce.csr(ce.key + ".ike")), {"Content-Type": "application/pkcs10"})
            self.assertEqual(Answer(c.getresponse()).status, 204)
            c.close()

    def test_moving_to_certificates(self):
        self.assertIn("no tunnel is to move", self.admin("rotation", "status"))
        self.assertRegex(self.admin("vpn", "show", "acme/corp"), r"authentication +pre-shared\nrevocation +strict\n")
        dry = self.admin("vpn", "set", "acme/corp", "--authentication", "certificate", "--dry-run")
        self.assertIn("routers told: 3", dry)
        for bad in ("key", "", "Certificate"):
            self.refused("vpn", "set", "acme/corp", "--authentication", bad)
            self.refused("vpn", "set", "acme/corp", "--revocation", bad)
        self.admin("vpn", "set", "acme/corp", "--authentication", "certificate", "--revocation", "relaxed")
        said = json.loads(self.admin("status", "--json"))["revision"]
        self.assertRegex(self.admin("vpn", "show", "acme/corp"), r"authentication +certificate\nrevocation +relaxed\n")
        self.assertRegex(self.admin("export", "acme"), r"authentication: certificate\n *revocation: relaxed\n")
        # who holds what back: nice, who never comes, and those who have no certificate yet
        self.applied("paris", "lyon")
        self.assertRegex(self.admin("rotation", "status", "acme/corp"), r"lyon paris +waiting +certificate .*lyon: it has no certificate yet")
        self.say_ike_key("paris", "lyon")
        self.assertRegex(self.admin("rotation", "status"), r"lyon paris +waiting .*paris: it has an older document")
        self.assertEqual(self.keys("lyon", "paris"), [("g1", "send-and-accept")])
        rows = lambda: {tuple(r["sites"]): r for r in json.loads(self.admin("rotation", "status", "acme", "--json"))["rotations"]}
        for step, sent, key in (("accept", "pre-shared", True), ("send", "certificate", True), ("forget", "certificate", False)):
            self.applied("paris", "lyon")
            wait_until(step, lambda s=step: rows()["lyon", "paris"]["step"] == s)
            self.assertEqual(rows()["lyon", "paris"]["to"], "certificate")
            peer = self.peers("paris")["lyon"]
            self.assertEqual(("pre-shared" in peer, peer["certificate"]["use"] == "send-and-accept"), (key, sent == "certificate"))
            shown = self.admin("tunnel", "show", "acme/corp", "lyon", "paris")
            self.assertIn(f"its move to a certificate is under way: {step}", shown)
            self.assertRegex(shown, r"key +generation 1" if sent == "pre-shared" else "key +none: certificates")
            revision = json.loads(self.admin("status", "--json"))["revision"]
            self.assertIn("not taken back", self.refused("revert", str(revision)))
            self.assertIn("on its way", self.refused("psk", "rotate", "acme/corp/lyon/paris"))
        self.applied("paris", "lyon")
        wait_until("the end", lambda: ("lyon", "paris") not in rows())
        self.assertIn("no key to be changed", self.refused("psk", "rotate", "acme/corp/lyon/paris"))
        self.assertEqual(rows()["nice", "paris"]["step"], "waiting")
        self.assertRegex(self.admin("psk", "status", "acme/corp"), r"nice paris +waiting .*nice: it has never reported")
        # a file that says nothing of it, or what was said taken back: a move back, like any other
        self.admin("revert", str(said))
        wait_until("back", lambda: rows().get(("lyon", "paris"), {}).get("to") == "key")
        self.assertNotIn(("nice", "paris"), rows())
        self.assertEqual(self.keys("lyon", "paris"), [("g3", "accept-only")])
        for _ in range(2):
            step = rows()["lyon", "paris"]["step"]
            self.applied("paris", "lyon")
            wait_until("a step", lambda s=step: rows()["lyon", "paris"]["step"] != s)
        self.assertEqual(self.keys("lyon", "paris"), [("g3", "send-and-accept")])
        self.assertNotIn("certificate", self.peers("paris")["lyon"])
        self.applied("paris", "lyon")
        wait_until("the end", lambda: "no tunnel is to move" in self.admin("rotation", "status"))
        # from the beginning, in a VPN that is made so
        self.admin("vpn", "add", "acme/lab", "--authentication", "certificate")
        self.assertIn("current", self.admin("vpn", "authority", "show", "acme/lab"))

    def test_addresses_that_change(self):
        before = {name: self.content(name) for name in self.ces}
        shown = self.admin("ce", "show", "acme/lyon")
        address = before["lyon"]["vpns"][0]["ce-address"]
        self.assertRegex(shown, rf"address +{address}, static\n")
        self.admin("ce", "set", "acme/lyon", "--dynamic", "203.0.113.0/24,198.51.100.0/24", "--external-id", "R-9")
        self.assertRegex(self.admin("ce", "show", "acme/lyon"),
                         rf"address +{address}, dynamic within 198.51.100.0/24, 203.0.113.0/24\n")
        self.assertEqual({n: self.content(n) for n in self.ces}, before)    # no document has it
        for bad in ("10.0.0.1/8", "10.0.0.0", "", "fd00::/8", "none,10.0.0.0/8", "127.0.0.0/8"):
            self.refused("ce", "set", "acme/lyon", "--dynamic", bad)
        self.refused("ce", "set", "acme/lyon")
        self.refused("ce", "set", "acme/lyon", "--behind-nat", "perhaps")
        dry = self.admin("ce", "set", "acme/lyon", "--behind-nat", "yes", "--dry-run")
        self.assertIn("acme/lyon", dry)
        self.assertEqual({n: self.content(n) for n in self.ces}, before)
        self.admin("ce", "set", "acme/lyon", "--behind-nat", "yes")
        self.assertRegex(self.admin("ce", "show", "acme/lyon"), "a NAT's, dynamic within")
        self.assertIs(self.content("lyon")["vpns"][0]["behind-nat"], True)
        self.assertEqual(self.peers("lyon")["paris"]["initiator"], "local")
        self.assertIs(self.peers("paris")["lyon"]["behind-nat"], True)
        self.assertEqual(self.content("nice"), before["nice"])
        error = self.refused("ce", "set", "acme/paris", "--behind-nat", "yes")
        self.assertIn("both are behind NAT", error)
        self.assertIn("hub-spoke", error)       # what to do
        # the file says it, and is the same again
        file = self.admin("export", "acme")
        self.assertIn("behind-nat: true", file)
        self.assertRegex(file, r"dynamic:\s+(\[|-) ?198.51.100.0/24")
        path = self.server.dir + "/dynamic.yaml"
        with open(path, "w") as f:
            f.write(file)
        self.assertIn("nothing", self.admin("apply", "-f", path, "--yes").lower())
        revision = self.document("lyon")["revision"]
        self.admin("ce", "set", "acme/lyon", "--address", "203.0.113.44")
        self.assertEqual(self.peers("paris")["lyon"]["remote-address"], "203.0.113.44")
        # the router may be where it is
        self.assertIn("nothing", self.admin("apply", "-f", path, "--yes").lower())
        self.admin("revert", str(self.document("lyon")["revision"]))
        self.admin("revert", str(revision))
        self.admin("ce", "set", "acme/lyon", "--dynamic", "none", "--external-id", "")
        self.assertEqual({n: self.content(n) for n in self.ces}, before)

    def test_what_changes_hands(self):
        """A file in which two routers and two sites change places; and back."""
        self.admin("vpn", "set", "acme/corp", "--topology", "any-to-any")
        before = {name: self.content(name) for name in self.ces}
        file = json.loads(self.admin("export", "acme", "--json"))
        ces = {ce["ce"]: ce for ce in file["ces"]}
        sites = {site["site"]: site for site in file["vpns"][0]["sites"]}
        for things, member in ((ces, "address"), (sites, "router-id")):
            lyon, paris = things["lyon"][member], things["paris"][member]
            things["lyon"][member], things["paris"][member] = paris, lyon
        path = self.server.dir + "/swapped.json"
        with open(path, "w") as f:
            json.dump(file, f)
        self.admin("apply", "-f", path, "--yes")
        self.assertEqual(self.document("lyon")["vpns"][0]["ce-address"],
                         before["paris"]["vpns"][0]["ce-address"])
        self.assertEqual(self.peers("nice")["paris"]["remote-address"],
                         before["lyon"]["vpns"][0]["ce-address"])
        self.assertEqual(self.document("paris")["vpns"][0]["router-id"],
                         before["lyon"]["vpns"][0]["router-id"])
        self.admin("revert", str(self.document("lyon")["revision"]))
        self.assertEqual({n: self.content(n) for n in self.ces}, before)

    def test_router_ids_of_a_file_come_first(self):
        """A site of which none is said does not get the one that a later one is to have."""
        for name in ("arles", "metz"):
            CE(self.server, name)
        file = json.loads(self.admin("export", "acme", "--json"))
        sites = file["vpns"][0]["sites"]
        free = "10.255.0.%d" % (1 + len(sites))
        sites += [{"site": "arles", "ce": "arles"},
                  {"site": "metz", "ce": "metz", "router-id": free}]
        path = self.server.dir + "/more.json"
        with open(path, "w") as f:
            json.dump(file, f)
        self.admin("apply", "-f", path, "--yes")
        self.assertRegex(self.admin("site", "list"), rf"corp/metz .* {free} ")

    def test_grade(self):
        self.assertIn("aes128gcm16", self.refused(
            "vpn", "set", "acme/corp", "--grade", "high"))
        self.admin("vpn", "add", "acme/secret", "--grade", "high")
        shown = self.admin("vpn", "show", "acme/secret")
        self.assertIn("ecp384", shown)
        self.assertNotIn("aes128gcm16", shown)


if __name__ == "__main__":
    if not shutil.which("openssl"):
        print("openssl is missing")
        sys.exit(77)
    unittest.main(verbosity=2)
