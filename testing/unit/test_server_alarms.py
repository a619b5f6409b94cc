#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# Alarms of a whole ppvpn-server on loopback: how they leave to a real receiver
# and over restarts, what operators watch, bundles of routers over their own
# polls, with one server and with two on one database; and what ppvpn-admin
# prints of it. Needs openssl; skipped without.

import concurrent.futures
import hashlib
import hmac
import http.server
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import unittest

from test_server import BINARY, CE, Answer, Server, free_ports, read_file, wait_until

ADMIN = os.path.join(os.path.dirname(BINARY) or ".", "ppvpn-admin")
SECRET = b"of receiver and server only"


class Receiver:
    """Takes what is signed as it should be; down until it is started."""

    def __init__(self):
        self.port, = free_ports(1)
        self.events, self.refused, self.http = [], 0, None

    def start(self):
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                wanted = "sha256=" + hmac.new(SECRET, body, hashlib.sha256).hexdigest()
                good = self.headers.get("Ppvpn-Signature") == wanted
                if good:
                    receiver.events.append(json.loads(body))
                else:
                    receiver.refused += 1
                self.send_response(204 if good else 403)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def stop(self):
        if self.http:
            self.http.shutdown()
            self.http.server_close()
            self.http = None

    def of(self, code):
        return [event["event"] for event in list(self.events) if event["code"] == code]


def alarm(code="auth-failed", resource="acme/corp/lyon", severity="major"):
    return {"code": code, "resource": resource, "severity": severity,
            "count": 1, "age": 0, "text": "so it is"}


class Alarms(unittest.TestCase):
    def setUp(self):
        self.receiver = Receiver()
        self.server = Server()
        with open(self.server.dir + "/secret", "wb") as f:
            f.write(SECRET + b"\n")
        self.server.start(**{
            "report-interval": 5,
            "alarm-webhook": f"http://127.0.0.1:{self.receiver.port}/token=T0KEN",
            "alarm-webhook-secret-file": self.server.dir + "/secret"})
        self.server.admin("POST", "/v1/customers", {"customer": "acme"})
        self.server.admin("POST", "/v1/vpns", {
            "customer": "acme", "vpn": "corp", "topology": "any-to-any"})
        self.ces = {name: CE(self.server, name, "corp") for name in ("paris", "lyon")}
        self.seq = 0
        self.pool = concurrent.futures.ThreadPoolExecutor(16)
        self.second = None

    def tearDown(self):
        self.receiver.stop()
        self.pool.shutdown()
        if self.second:
            self.second.terminate()
            self.assertEqual(self.second.wait(10), 0)
        self.server.close()

    def report(self, name, *alarms, **changes):
        document = self.ces[name].ask().json()
        self.seq += 1
        answer = self.ces[name].report(document, seq=self.seq, alarms=list(alarms), **changes)
        self.assertEqual(answer.status, 204)

    def alarms(self, query=""):
        return self.server.admin("GET", "/v1/alarms" + query).json()["alarms"]

    def raised(self, code):
        return [a for a in self.alarms() if a["code"] == code]

    def another_server(self):
        """A second process on the same database; its admin socket."""
        config = self.server.configure()
        ports = free_ports(2)
        text = read_file(config)
        for old, new in ((self.server.port, ports[0]), (self.server.enroll_port, ports[1])):
            text = text.replace(f"127.0.0.1:{old}", f"127.0.0.1:{new}")
        text = text.replace("admin.sock", "admin2.sock")
        with open(config + "2", "w") as f:
            f.write(text)
        with open(self.server.dir + "/log2", "w") as log:
            self.second = subprocess.Popen([BINARY, "run", "--config", config + "2"], stderr=log)
        path = self.server.dir + "/admin2.sock"
        wait_until("the other is ready", lambda: os.path.exists(path))
        return path

    # ---- out of the server -----------------------------------------------------

    def test_leaves_by_webhook(self):
        self.receiver.start()
        self.report("paris", alarm(), alarm("frr", "ospfd", "warning"))
        wait_until("both leave", lambda: len(self.receiver.events) == 2)
        first, second = self.receiver.events
        self.assertEqual({key: first[key] for key in first if key not in ("id", "time")}, {
            "schema": "ppvpn-alarm/1", "event": "raised", "severity": "major",
            "source": "acme/paris", "resource": "acme/corp/paris/lyon",
            "code": "auth-failed", "text": "so it is"})
        self.assertRegex(first["time"], r"^20\d\d-\d\d-\d\dT[0-9:]+\.\d{3}Z$")
        self.assertEqual(second["resource"], "acme/paris:ospfd")
        self.assertGreater(second["id"], first["id"])
        self.report("paris", alarm(severity="critical"))
        wait_until("it is worse, and the other is cleared", lambda: len(self.receiver.events) == 4)
        self.assertEqual(self.receiver.of("auth-failed"), ["raised", "changed"])
        self.assertEqual(self.receiver.of("frr"), ["raised", "cleared"])
        self.assertEqual(self.receiver.refused, 0)
        self.assertNotIn("T0KEN", self.server.log())
        self.assertNotIn(SECRET.decode(), self.server.log())

    def delivered(self):
        database = sqlite3.connect(f"file:{self.server.state}/ppvpn.db?mode=ro", uri=True)
        try:
            return database.execute("SELECT position FROM outlet WHERE way = 'webhook'").fetchone()[0]
        finally:
            database.close()

    def test_a_restart_loses_none(self):
        """Nobody receives; the server is killed between raising and clearing."""
        self.report("paris", alarm())
        self.server.stop(signal.SIGKILL)
        self.server.start()
        self.report("paris")
        self.receiver.start()
        wait_until("both come", lambda: self.receiver.of("auth-failed") == ["raised", "cleared"], 60)
        # what was delivered, and noted so, does not come again
        wait_until("it is noted", lambda: self.delivered() >= self.receiver.events[-1]["id"])
        self.server.stop()
        self.server.start()
        self.report("paris", alarm("frr", "ospfd"))
        wait_until("a new one comes", lambda: self.receiver.of("frr") == ["raised"])
        self.assertEqual(self.receiver.of("auth-failed"), ["raised", "cleared"])

    def test_of_two_servers_one_delivers(self):
        self.receiver.start()
        self.another_server()
        for i in range(10):
            self.report("paris", *[alarm("frr", f"x{k}") for k in range(i + 1)])
        wait_until("all come", lambda: len(self.receiver.events) >= 10)
        # it was told, and the other had time to look: nothing comes twice
        self.report("lyon", alarm("kernel", "y"))
        wait_until("the last comes", lambda: self.receiver.of("kernel"))
        self.assertEqual(len(self.receiver.events), 11)
        self.assertEqual(len({e["id"] for e in self.receiver.events}), 11)

    # ---- what the server finds -------------------------------------------------

    def test_a_router_that_falls_silent(self):
        self.receiver.start()
        self.report("paris")
        self.report("lyon")
        begun = time.monotonic()

        def silent():
            self.report("lyon")
            return self.raised("ce-silent")
        wait_until("paris is silent", silent, 40)
        self.assertGreater(time.monotonic() - begun, 14)
        self.assertEqual([a["resource"] for a in self.raised("ce-silent")], ["acme/paris"])
        self.assertIn("remedy", self.raised("ce-silent")[0])
        self.assertIn("1 silent", self.admin("status"))
        self.report("paris")
        wait_until("it is back", lambda: not self.raised("ce-silent"))
        wait_until("that left", lambda: self.receiver.of("ce-silent") == ["raised", "cleared"])

    def test_a_refused_document(self):
        self.report("paris", result="rejected", errors=[
            {"code": "frr", "where": "ospfd", "text": "not there"}])
        wait_until("it is raised", lambda: self.raised("not-applied"))
        found, = self.raised("not-applied")
        self.assertEqual((found["severity"], found["text"], found["source"]),
                         ("major", "rejected: frr: not there", "server"))
        self.server.admin("DELETE", "/v1/sites/acme/corp/paris")
        self.server.admin("DELETE", "/v1/ces/acme/paris")
        self.assertFalse(self.raised("not-applied"))

    # ---- watching ----------------------------------------------------------------

    def last(self):
        return self.server.admin("GET", "/v1/watch").json()["last"]

    def watch(self, after, query=""):
        return self.pool.submit(lambda: self.server.admin(
            "GET", f"/v1/watch?after={after}&wait=15{query}").json())

    def test_watching(self):
        at = self.last()
        waiting = self.watch(at)
        time.sleep(0.5)
        self.assertFalse(waiting.done())
        begun = time.monotonic()
        self.server.admin("POST", "/v1/customers", {"customer": "other"})
        answer = waiting.result(10)
        self.assertLess(time.monotonic() - begun, 2)
        self.assertEqual([(e["event"], e["customer"]) for e in answer["events"]],
                         [("commit", "other")])
        # of another customer, nothing comes
        waiting = self.watch(answer["last"], "&customer=other")
        self.report("paris", alarm())
        with self.assertRaises(concurrent.futures.TimeoutError):
            waiting.result(2)
        seen = self.watch(answer["last"], "&customer=acme&vpn=corp&site=lyon").result(5)
        self.assertEqual([e["event"] for e in seen["events"]], ["alarm-raised"])
        self.assertEqual(waiting.result(30)["events"], [])

    def test_watching_what_another_process_does(self):
        at = self.last()
        socket = self.another_server()
        waiting = self.watch(at)
        time.sleep(0.5)
        self.server.settings["admin-socket"], ours = socket, self.server.settings["admin-socket"]
        self.server.admin("POST", "/v1/customers", {"customer": "other"})
        self.server.settings["admin-socket"] = ours
        self.assertIn("other", [e["customer"] for e in waiting.result(5)["events"]])

    def test_a_stop_ends_the_watch(self):
        waiting = self.pool.submit(self.server.admin, "GET",
                                   f"/v1/watch?after={self.last()}&wait=50", None, 503)
        time.sleep(0.5)
        took, status = self.server.stop()
        self.assertLess(took, 5)
        self.assertEqual(status, 0)
        waiting.result(5)
        self.server.start()

    # ---- bundles -------------------------------------------------------------------

    def send(self, name, ident, bundle, length=None):
        c = self.ces[name].connect()
        body = bundle if isinstance(bundle, (str, bytes)) else json.dumps(bundle)
        c.request("POST", f"/v1/diag?id={ident}", body)
        answer = Answer(c.getresponse())
        c.close()
        return answer.status

    def ask(self, name, status=200, seconds=60):
        answer = self.server.admin("POST", f"/v1/ces/acme/{name}/diag?seconds={seconds}", None, status)
        return answer.json().get("id")

    @staticmethod
    def bundle(name, **more):
        return {"schema": "ce-diag/1", "ce": f"acme/{name}", "peers": [{"x": "\u001b[31m"}], **more}

    def bundle_over_its_poll(self, ask):
        paris = self.ces["paris"]
        etag = paris.ask().etag
        poll = self.pool.submit(paris.ask, etag, 40)
        other = self.pool.submit(self.ces["lyon"].ask, self.ces["lyon"].ask().etag, 8)
        time.sleep(1)
        self.assertFalse(poll.done())
        begun = time.monotonic()
        ident = ask()
        answer = poll.result(10)
        self.assertLess(time.monotonic() - begun, 4)
        self.assertEqual((answer.status, answer.headers["Ppvpn-Diag"]), (304, str(ident)))
        self.assertFalse(other.done())
        # asked once, it is not kept asking all the time
        begun = time.monotonic()
        poll = paris.ask(etag, 2)
        self.assertGreater(time.monotonic() - begun, 1.5)
        self.assertEqual((poll.status, poll.headers["Ppvpn-Diag"]), (304, str(ident)))
        waiting = self.pool.submit(self.server.admin, "GET",
                                   f"/v1/ces/acme/paris/diag?id={ident}&wait=20")
        time.sleep(0.3)
        self.assertFalse(waiting.done())
        self.assertEqual(self.send("paris", ident, self.bundle("paris")), 204)
        got = waiting.result(5).json()
        self.assertEqual((got["state"], got["bundle"]), ("there", self.bundle("paris")))
        self.assertNotIn("Ppvpn-Diag", paris.ask(etag).headers)
        self.assertNotIn("Ppvpn-Diag", paris.ask().headers)
        self.assertEqual(self.send("paris", ident, self.bundle("paris")), 404)
        self.assertNotIn("Ppvpn-Diag", other.result(20).headers)

    def test_a_bundle(self):
        self.bundle_over_its_poll(lambda: self.ask("paris"))

    def test_a_bundle_that_another_server_was_asked_for(self):
        """The long poll is held by the first process; the second one is asked."""
        socket = self.another_server()

        def ask():
            ours = self.server.settings["admin-socket"]
            self.server.settings["admin-socket"] = socket
            ident = self.ask("paris")
            self.server.settings["admin-socket"] = ours
            return ident
        self.bundle_over_its_poll(ask)

    def test_bundles_that_are_refused(self):
        ident = self.ask("paris")
        for bad in (b"", b"{", b"[]", b'{"a":1,"a":2}', b"\xff", b"{}" + b"\0", b"{" * 40,
                    self.bundle("lyon"), self.bundle("paris", schema="ce-diag/2"),
                    {"x": {"schema": "ce-diag/1", "ce": "acme/paris"}},
                    {"schema": "ce-diag/1", "x": {"ce": "acme/paris"}}):
            self.assertEqual(self.send("paris", ident, bad), 400, bad)
        self.assertEqual(self.send("paris", ident, b" " * (256 * 1024 + 1)), 413)
        self.assertEqual(self.send("lyon", ident, self.bundle("lyon")), 404)
        self.assertEqual(self.send("paris", ident + 1, self.bundle("paris")), 404)
        self.assertEqual(self.send("paris", "9" * 19, self.bundle("paris")), 404)
        for bad in ("", "x", "-1", "0", "9" * 20):
            self.assertEqual(self.send("paris", bad, self.bundle("paris")), 400, bad)
        self.assertEqual(self.server.admin("GET", "/v1/ces/acme/paris/diag").json()["state"], "waiting")
        big = self.bundle("paris", peers=["x" * 8000 for _ in range(32)])
        self.assertEqual(self.send("paris", ident, big), 204)
        got = self.server.admin("GET", "/v1/ces/acme/paris/diag").json()
        self.assertEqual(got["bundle"], big)
        self.server.admin("DELETE", "/v1/sites/acme/corp/paris")
        self.server.admin("DELETE", "/v1/ces/acme/paris")
        self.assertEqual(self.send("paris", ident, big), 410)

    # ---- ppvpn-admin ---------------------------------------------------------------

    def admin(self, *words, code=0, **env):
        done = subprocess.run([ADMIN, *words, "--socket", self.server.settings["admin-socket"]],
                              capture_output=True, text=True, timeout=60, env={**os.environ, **env})
        self.assertEqual(done.returncode, code, (words, done.stdout, done.stderr))
        return done.stdout if code == 0 else done.stderr

    def test_what_people_see(self):
        self.report("paris", alarm(), alarm("frr", "ospfd", "warning"))
        shown = self.admin("alarms")
        self.assertRegex(shown, r"major +acme/corp/paris/lyon +auth-failed, 0 s ago\n +so it is")
        self.assertIn("auth-failed: IKE authentication failed", shown)
        self.assertIn("alarms raised: 1 major, 1 warning", shown)
        self.assertNotIn("ospfd", self.admin("alarms", "acme/corp/lyon"))
        self.assertIn("no such", self.admin("alarms", "acme/corp/nosuch", code=1))
        self.assertEqual(len(json.loads(self.admin("alarms", "acme", "--json"))["alarms"]), 2)
        self.report("paris")
        self.assertIn("alarms raised: none", self.admin("alarms"))
        self.assertIn("cleared 0 s ago", self.admin("alarms", "--all"))
        status = self.admin("status", "acme/corp/lyon")
        self.assertIn("acme/lyon", status)
        self.assertNotIn("acme/paris ", status)
        self.assertIn("no such", self.admin("status", "acme/corp/nosuch", code=1))
        self.assertIn("REVISION", self.admin("time-to-service", "--by", "change"))
        by_ce = json.loads(self.admin("time-to-service", "acme", "--by", "ce", "--json"))["groups"]
        self.assertEqual([(g["ce"], g["ends"]) for g in by_ce], [("lyon", 1), ("paris", 1)])
        self.assertIn("neither", self.admin("time-to-service", "--by", "x", code=1))
        self.assertIn("NOT UP", self.admin("tunnel", "show", "acme/corp", "lyon", "paris"))

    def test_watch_prints_a_line_each(self):
        at = self.last()
        watch = subprocess.Popen([ADMIN, "watch", "acme", "--after", str(at), "--count", "3", "--socket",
                                  self.server.settings["admin-socket"]], stdout=subprocess.PIPE, text=True)
        self.report("paris", alarm())
        CE(self.server, "nice", "corp", enroll=False)
        out, _ = watch.communicate(timeout=30)
        self.assertEqual(watch.returncode, 0)
        lines = out.splitlines()
        self.assertGreaterEqual(len(lines), 3)
        self.assertRegex(lines[0], r"^20\S+Z  applied +acme/paris applied revision \d+$")
        self.assertRegex(lines[1], r"alarm-raised +acme/corp/paris/lyon major auth-failed: so it is")
        self.assertRegex(lines[2], r"commit +revision \d+ by unix:\S+: ce add acme/nice")

    def test_ce_diag(self):
        paris = self.ces["paris"]
        etag = paris.ask().etag

        def agent():
            ident = paris.ask(etag, 30).headers["Ppvpn-Diag"]
            return self.send("paris", ident, self.bundle("paris"))
        sent = self.pool.submit(agent)
        text = self.admin("ce", "diag", "acme/paris", "--seconds", "20")
        self.assertEqual(sent.result(5), 204)
        self.assertEqual(json.loads(text), self.bundle("paris"))
        self.assertGreater(len(text.splitlines()), 5)
        self.assertNotIn("\x1b", text)
        error = self.admin("ce", "diag", "acme/lyon", "--seconds", "1", code=1)
        self.assertIn("did not send the bundle within 1 s", error)
        nice = CE(self.server, "nice", "corp", enroll=False)
        self.assertIn("not enrolled", self.admin("ce", "diag", nice.place, code=1))

    def test_status_of_many_fits_a_terminal(self):
        config = self.server.admin("GET", "/v1/config/acme").json()
        config["ces"] += [{"ce": f"branch-{i:04}-router", "address": f"10.{i // 250}.{i % 250}.1"}
                          for i in range(1000)]
        config["vpns"][0]["sites"] += [{"site": f"branch-{i:04}", "ce": f"branch-{i:04}-router"}
                                       for i in range(30)]
        self.server.admin("PUT", "/v1/config/acme", config)
        self.report("paris", *[alarm("frr", f"x{i}") for i in range(40)], errors=[
            {"code": "frr", "where": "ospfd", "text": "e" * 200}])
        status = self.admin("status", COLUMNS="80")
        tables = [line for line in status.splitlines() if "error frr" not in line]
        self.assertLessEqual(max(map(len, tables)), 80, status)
        self.assertLess(len(tables), 110)
        self.assertIn("1002: ", status)
        self.assertIn("1000 not enrolled", status)
        self.assertRegex(status, r"\.\.\. and \d+ more")
        self.assertEqual(len(json.loads(self.admin("status", "--json"))["ces"]), 1002)
        # nothing is cut where nobody's terminal is
        self.assertNotIn("~", self.admin("status"))
        self.assertIn("~", self.admin("status", COLUMNS="40"))


if __name__ == "__main__":
    if not shutil.which("openssl"):
        print("openssl is missing")
        sys.exit(77)
    unittest.main(verbosity=2)
