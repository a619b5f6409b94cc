#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# What promtool says of the alerts, of their tests, of the dashboard's queries,
# and of what a real server answers. Skipped where there is no promtool (Debian's
# package prometheus has it; PROMTOOL names another one).

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from test_metrics import Monitored, families
from test_server import BINARY, read_file

PROMTOOL = os.environ.get("PROMTOOL") or shutil.which("promtool")
TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
ALERTS = TOP + "/conf/prometheus/ppvpn-alerts.yml"
ALERTS_TEST = TOP + "/conf/prometheus/ppvpn-alerts-test.yml"
DASHBOARD = TOP + "/conf/grafana/ppvpn.json"


def promtool(*argv, **kwargs):
    return subprocess.run([PROMTOOL, *argv], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, **kwargs)


def queries():
    """Of the dashboard, with something in the place of its variables."""
    for panel in json.loads(read_file(DASHBOARD))["panels"]:
        for target in panel.get("targets", []):
            yield target["expr"].replace("$customer", "acme").replace("$vpn", "corp")


class Promtool(unittest.TestCase):
    def good(self, done):
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout

    def test_the_alerts_are_rules(self):
        said = self.good(promtool("check", "rules", ALERTS))
        count = len(re.findall(r"^ +- alert: ", read_file(ALERTS), re.MULTILINE))
        self.assertIn(f"{count} rules found", said)

    def test_the_alerts_fire(self):
        self.good(promtool("test", "rules", ALERTS_TEST))

    def test_a_test_of_them_can_fail(self):
        with tempfile.TemporaryDirectory() as place:
            shutil.copy(ALERTS_TEST, place)
            with open(place + "/ppvpn-alerts.yml", "w") as f:
                f.write(read_file(ALERTS).replace(
                    "ppvpn_tunnel_down == 1", "ppvpn_tunnel_down == 2"))
            done = promtool("test", "rules", place + "/ppvpn-alerts-test.yml")
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("PpvpnTunnelDown", done.stdout)

    def test_the_dashboard_asks_what_can_be_asked(self):
        with tempfile.TemporaryDirectory() as place:
            rules = [{"record": f"panel:{i}", "expr": expr}
                     for i, expr in enumerate(queries())]
            with open(place + "/rules.yml", "w") as f:
                json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, f)
            self.assertIn(f"{len(rules)} rules found", self.good(
                promtool("check", "rules", "--lint=none", place + "/rules.yml")))

    def test_the_server_speaks_well(self):
        server = Monitored()
        try:
            text = server.metrics()
        finally:
            server.close()
        self.assertGreater(len(families(text)), 25)
        self.assertEqual(
            self.good(promtool("check", "metrics", input=text)), "")
        bad = promtool("check", "metrics", input=text.replace(
            "ppvpn_commits_total", "ppvpn_commits"))
        self.assertNotEqual(bad.returncode, 0)


if __name__ == "__main__":
    if not PROMTOOL:
        print("1..0 # SKIP no promtool (Debian: package prometheus)")
        sys.exit(77)
    if not shutil.which("openssl"):
        print("1..0 # SKIP no openssl")
        sys.exit(77)
    if not os.access(PROMTOOL, os.X_OK):
        print(f"no {PROMTOOL}", file=sys.stderr)
        sys.exit(99)
    if not os.access(BINARY, os.X_OK):
        print(f"no {BINARY}", file=sys.stderr)
        sys.exit(99)
    unittest.main(verbosity=1)
