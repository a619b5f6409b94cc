#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# What ppvpnctl is answered while charon is not there: at once, and what would have
# to wait is not begun. On the whole agent in a box (testing/unit/boxed_agent.c).

import json
import unittest

from test_agent_kills import Boxed, by_certificate, certificate, document, peer, vpn

MANY = document(10, [vpn("corp", "192.0.2.5", [
    peer(f"site{n}", 100 + n) for n in range(6)])])
# without a word
NONE = document(11, [vpn("corp", "192.0.2.5", [peer("site0", 100)])])
del NONE["bulk-removal"]


class AgentServe(Boxed):
    def test_words_while_charon_is_away(self):
        self.brought(MANY)
        self.box.copy(self.base)
        self.box.offer(NONE)
        said = self.box.go()
        self.assertEqual(said.status["revision"], 10)
        self.assertIn("bulk-removal", [e["code"] for e in said.status["errors"]])
        self.box.put("no-charon", "")
        for op in ("accept-removal", "retry", "sync"):
            with self.subTest(op=op):
                said = self.box.go(60, op)
                self.assertEqual(said.answers[op][0], "charon", said.answers[op])
                self.assertEqual(said.status["revision"], 10)
        self.box.put("no-charon", None)
        self.assertEqual(self.box.go(60, "retry").answers["retry"][0], "not-found")
        said = self.box.go(60, "accept-removal")
        self.assertEqual(said.answers["accept-removal"][0], "ok")
        self.assertEqual(said.status["revision"], 11)
        self.assertEqual(said.conns(), {"ppvpn:acme:corp:site0"})


    def test_how_peers_are_authenticated(self):
        """Asked of charon when somebody asks here; while it is away nobody knows."""
        key = self.base.make_key()
        corp = vpn("corp", "192.0.2.5", [peer("lyon", 9), by_certificate(peer("metz", 17))])
        corp["certificate"] = {"ca-data": [certificate(key)], "cert-data": certificate(key), "crl-data": [], "revocation": "strict"}
        self.brought(document(10, [corp]))
        self.box.copy(self.base)
        for op in ("peers", "diag"):
            with self.subTest(op=op):
                said = self.box.go(60, op).answers[op]
                self.assertEqual(said[0], "ok")
                found = {p["peer"]: p["authentication"] for p in json.loads(said[1])["peers"]}
                self.assertEqual(found, {"lyon": "pre-shared-key", "metz": "certificate"})
        status = self.box.go(60, "status").status
        self.assertRegex(status["ike-key"], "^[0-9a-f]{64}$")
        self.assertEqual([v["certificate"] for v in status["vpns"]], ["own"])
        self.assertGreater(status["vpns"][0]["certificate-ends"], 1)
        self.box.put("no-charon", "")
        said = self.box.go(60, "peers").answers["peers"]
        self.assertEqual({p["authentication"] for p in json.loads(said[1])["peers"]}, {""})


if __name__ == "__main__":
    unittest.main(verbosity=1)
