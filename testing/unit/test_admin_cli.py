#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# Changes by ppvpn-admin, as they reach routers of a whole ppvpn-server on
# loopback: topologies, single tunnels, suspension, replacement, leaving, the
# customer's file, dry runs, taking back. Needs openssl; skipped without.

import json
import os
import shutil
import subprocess
import sys
import unittest

from test_server import BINARY, CE, Answer, Server

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
