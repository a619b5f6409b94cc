#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# What ppvpnctl is answered while charon is not there: at once, and what would have
# to wait is not begun. On the whole agent in a box (testing/unit/boxed_agent.c).

import unittest

from test_agent_kills import Boxed, document, peer, vpn

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


if __name__ == "__main__":
    unittest.main(verbosity=1)
