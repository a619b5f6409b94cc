#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# /metrics of a whole ppvpn-server on loopback: what it says of routers that
# report, that it says nothing where the database fails, and nothing secret.
# Needs openssl; skipped without.

import concurrent.futures
import http.client
import os
import re
import shutil
import sqlite3
import sys
import time
import unittest

from test_server import (
    BINARY, CE, Answer, Server, free_ports, read_file, wait_until)

SAMPLE = re.compile(r'([a-z_]+)(?:\{(.*)\})? (-?[0-9.]+)')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"(?:,|$)')


def scrape(port, method="GET", path="/metrics", body=None):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    c.request(method, path, body)
    answer = Answer(c.getresponse())
    c.close()
    return answer


def parse(text):
    """{(name, frozenset of labels): value} of an answer that is well formed."""
    samples = {}
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("# "):
            continue
        name, labels, value = SAMPLE.fullmatch(line).groups()
        key = name, frozenset(LABEL.findall(labels or ""))
        assert key not in samples, line
        samples[key] = float(value)
    return samples


def families(text):
    return set(re.findall(r"^# TYPE (\S+) ", text, re.MULTILINE))


class Monitored(Server):
    """acme/corp with lyon, nice and paris; lyon-nice is down."""

    def __init__(self):
        super().__init__()
        self.metrics_port, nobody = free_ports(2)
        self.settings["alarm-webhook"] = f"http://127.0.0.1:{nobody}/"
        self.settings["metrics-listen"] = f"127.0.0.1:{self.metrics_port}"
        self.start()
        self.admin("POST", "/v1/customers", {"customer": "acme"})
        self.admin("POST", "/v1/vpns", {
            "customer": "acme", "vpn": "corp", "topology": "any-to-any"})
        self.ces = {name: CE(self, name, "corp")
                    for name in ("lyon", "nice", "paris")}
        self.seq = 0
        for name in self.ces:
            self.report(name)

    def report(self, name, **changes):
        document = self.ces[name].ask().json()
        down = {"lyon": "nice", "nice": "lyon"}
        self.seq += 1
        peers = [{
            "customer": "acme", "vpn": "corp", "peer": peer,
            "state": "waiting" if down.get(name) == peer else "up",
            "ike": "ESTABLISHED", "child": "INSTALLED", "proposal": "",
            "ospf": "Full", "route": True, "since": 7, "attempts": 0,
            "in-bytes": 1, "out-bytes": 1, "last-error": "none",
            "service": {"revision": document["revision"], "fetch-ms": 1,
                        "apply-ms": 20, "ike-ms": 300, "ospf-ms": 4000,
                        "route-ms": 5}}
            for peer in self.ces if peer != name]
        answer = self.ces[name].report(document, **{
            "seq": self.seq, "peers": peers, **changes})
        assert answer.status == 204, (answer.status, answer.body)

    def metrics(self):
        answer = scrape(self.metrics_port)
        assert answer.status == 200, answer.status
        return answer.body.decode()

    def value(self, name, **labels):
        return parse(self.metrics()).get((name, frozenset(labels.items())))


class Metrics(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Monitored()

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def value(self, name, **labels):
        return self.server.value(name, **labels)

    def wait(self, wanted, name, **labels):
        wait_until(f"{name} {labels} is {wanted}",
                   lambda: self.value(name, **labels) == wanted)

    def test_answer(self):
        answer = scrape(self.server.metrics_port)
        self.assertEqual(answer.headers["Content-Type"],
                         "text/plain; version=0.0.4; charset=utf-8")
        text = answer.body.decode()
        for name, _ in parse(text):
            self.assertIn(name, families(text))

    def test_every_series_is_documented(self):
        top = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
        told = families(self.server.metrics())
        server = read_file(top + "/doc/metrics.md")
        self.assertNotIn("`ppvpn_agent_", server)
        written = set(re.findall(r"`((?:ppvpn|process)_[a-z_]+)`", server))
        self.assertEqual(told ^ written, set())

    def test_alerts_and_dashboard_ask_for_what_there_is(self):
        top = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
        told = families(self.server.metrics()) | {"ppvpn"}   # the job
        rules = read_file(top + "/conf/prometheus/ppvpn-alerts.yml")
        tests = read_file(top + "/conf/prometheus/ppvpn-alerts-test.yml")
        board = read_file(top + "/conf/grafana/ppvpn.json")
        series = r"\b(?:ppvpn(?:_[a-z_]+)?|process_[a-z_]+)\b"
        # words of the file's own, and the service's name
        used = {name for text in (rules, tests, board)
                for name in re.findall(series, text)}
        self.assertGreater(len(used), 20)
        self.assertEqual(used - told, set())
        # and every alert has a test in which it fires, words and a remedy
        alerts = re.findall(r"- alert: (\S+)\n((?: {8}.*\n)+)", rules)
        self.assertEqual(len(alerts), rules.count("- alert:"))
        for name, body in alerts:
            for part in ("severity: ", "summary: ", "description: ", "for: "):
                self.assertIn(part, body, name)
            self.assertIn(f'alertname="{name}"', tests)

    def test_nothing_else(self):
        port = self.server.metrics_port
        for method, path, status in (
                ("POST", "/metrics", 405), ("DELETE", "/metrics", 405),
                ("GET", "/", 404), ("GET", "/v1/status", 404),
                ("GET", "/v1/config", 404), ("GET", "/metrics/../v1/ces", 400),
                ("GET", "/v1/ces/acme/lyon", 404)):
            answer = scrape(port, method, path)
            self.assertEqual(answer.status, status, (method, path))
        self.assertEqual(scrape(port, body="x" * 10).status, 400)

    def test_sites_and_tunnels(self):
        self.wait(1, "ppvpn_tunnel_down", customer="acme", vpn="corp",
                  site="lyon", peer="nice")
        samples = parse(self.server.metrics())
        self.assertEqual(
            [key for key in samples if key[0] == "ppvpn_tunnel_down"],
            [("ppvpn_tunnel_down", frozenset({
                ("customer", "acme"), ("vpn", "corp"), ("site", "lyon"),
                ("peer", "nice")}))])
        for site, up in (("lyon", 1), ("nice", 1), ("paris", 2)):
            place = {"customer": "acme", "vpn": "corp", "site": site}
            self.assertEqual(self.value("ppvpn_site_tunnels", **place), 2)
            self.assertEqual(self.value("ppvpn_site_tunnels_up", **place), up)
            self.assertEqual(self.value("ppvpn_site_active", **place), 1)
            self.assertEqual(self.value("ppvpn_site_info", **place, ce=site), 1)
        self.assertEqual(self.value("ppvpn_tunnels_down_omitted"), 0)
        total = self.value("ppvpn_time_to_service_seconds", phase="total",
                           rank="worst")
        self.assertGreaterEqual(total, 4.3)

    def test_routers(self):
        lyon = {"customer": "acme", "ce": "lyon"}
        self.assertEqual(self.value("ppvpn_ce_enrolled", **lyon), 1)
        self.wait(1, "ppvpn_ce_result", **lyon, result="applied")
        self.assertEqual(self.value("ppvpn_ce_revision_lag", **lyon), 0)
        reported = self.value("ppvpn_ce_last_report_timestamp_seconds", **lyon)
        self.assertLess(abs(time.time() - reported), 300)
        self.server.report("lyon", result="rejected", alarms=[
            {"code": "auth-failed", "resource": "acme/corp/nice",
             "severity": "critical", "count": 1, "age": 1, "text": "x"}])
        self.wait(1, "ppvpn_ce_result", **lyon, result="rejected")
        self.assertIsNone(
            self.value("ppvpn_ce_result", **lyon, result="applied"))
        self.assertEqual(
            self.value("ppvpn_ce_alarms", **lyon, severity="critical"), 1)
        self.assertEqual(self.value("ppvpn_alarms", severity="critical"), 1)
        self.server.report("lyon")
        self.wait(0, "ppvpn_alarms", severity="critical")

    def test_alarms_that_do_not_leave(self):
        """Nobody listens there; an alarm is raised, and attempts are counted."""
        self.server.report("paris", alarms=[
            {"code": "frr", "resource": "ospfd", "severity": "warning",
             "count": 1, "age": 1, "text": "x"}])
        way = {"way": "webhook", "outcome": "failed"}
        wait_until("attempts fail", lambda: self.value(
            "ppvpn_alarm_deliveries_total", **way) > 0, 20)
        self.assertEqual(self.value("ppvpn_alarm_deliveries_total",
                                    way="webhook", outcome="delivered"), 0)
        self.server.report("paris")

    def test_what_the_server_does(self):
        self.assertGreaterEqual(self.value("ppvpn_commits_total"), 8)
        self.assertEqual(
            self.value("ppvpn_enrolments_total", outcome="issued"), 3)
        self.assertGreaterEqual(self.value("ppvpn_documents_built_total"), 3)
        ends = self.value("ppvpn_certificate_expiry_timestamp_seconds",
                          certificate="server")
        self.assertGreater(ends, time.time() + 3000 * 86400)
        before = self.value("ppvpn_http_requests_total", listener="admin",
                            code="4xx")
        self.server.admin("GET", "/v1/nothing", status=404)
        self.assertEqual(self.value("ppvpn_http_requests_total",
                                    listener="admin", code="4xx"), before + 1)
        ce = self.server.ces["paris"]
        etag = ce.ask().etag
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            poll = pool.submit(ce.ask, etag, 50)
            self.wait(1, "ppvpn_http_parked_requests", listener="ce")
            revision = self.value("ppvpn_revision")
            CE(self.server, "metz", "corp", enroll=False)
            self.assertEqual(poll.result(20).status, 200)
            self.wait(0, "ppvpn_http_parked_requests", listener="ce")
            wait_until("the revision rises",
                       lambda: self.value("ppvpn_revision") > revision)
        self.assertEqual(self.value("ppvpn_ce_enrolled", customer="acme",
                                    ce="metz"), 0)
        self.server.admin("DELETE", "/v1/sites/acme/corp/metz")
        for name in self.server.ces:
            self.server.report(name)

    def test_nothing_secret(self):
        text = self.server.metrics()
        self.assertGreater(len(self.server.secrets), 3)
        for secret in self.server.secrets:
            self.assertNotIn(secret, text)

    def sql(self, text):
        db = sqlite3.connect(self.server.state + "/ppvpn.db", timeout=20)
        db.execute(text)
        db.commit()
        db.close()

    def test_a_fault_of_the_database(self):
        good = self.server.metrics()
        up = "ppvpn_up", frozenset({("component", "database")})
        self.sql("ALTER TABLE tunnel_status RENAME TO away")
        try:
            self.wait(0, "ppvpn_up", component="database")
            bad = self.server.metrics()
        finally:
            self.sql("ALTER TABLE away RENAME TO tunnel_status")
        # absent, and not 0
        for name in ("ppvpn_site_tunnels", "ppvpn_tunnel_down", "ppvpn_alarms",
                     "ppvpn_tunnels_down_omitted", "ppvpn_ce_enrolled",
                     "ppvpn_revision", "ppvpn_notification_lag_seconds"):
            self.assertIn(name, families(good))
            self.assertNotIn(name, bad)
        self.assertEqual(parse(bad)[up], 0)
        self.assertGreater(
            parse(bad)["ppvpn_database_errors_total", frozenset()], 0)
        self.wait(1, "ppvpn_up", component="database")
        self.assertEqual(families(self.server.metrics()), families(good))
        self.assertEqual(
            self.server.log().count("metrics: reading the database works"), 1)


class Off(unittest.TestCase):
    def test_nothing_listens_unless_asked_for(self):
        server = Server()
        try:
            server.start()
            self.assertNotIn("metrics", server.log())
        finally:
            server.close()


if __name__ == "__main__":
    if not shutil.which("openssl"):
        print("1..0 # SKIP no openssl")
        sys.exit(77)
    if not os.access(BINARY, os.X_OK):
        print(f"no {BINARY}", file=sys.stderr)
        sys.exit(99)
    unittest.main(verbosity=1)
