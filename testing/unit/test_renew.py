#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# The life of a router's management certificate, against a whole ppvpn-server over real TLS: renewed with what it has, lost on
# the way, used, ended, revoked, and back by an operator's word. What the agent does of it: test_identity.c, test_lifetime.c, and
# testing/scenarios/test_credentials.py. Needs openssl.

import base64
import concurrent.futures
import datetime
import hashlib
import http.client
import re
import shutil
import signal
import ssl
import subprocess
import time
import unittest

from test_attacks import ADMIN, GET, Member
from test_server import BINARY, Answer, Server, sh, wait_until

RENEW = "/.well-known/est/simplereenroll"
PKCS10 = {"Content-Type": "application/pkcs10"}


class Router(Member):
    """A router that renews; more than one key and certificate of it may be good."""

    def using(self, name):
        """The same router with the key and certificate of that name."""
        other = Router.__new__(Router)
        other.server, other.name, other.place = self.server, self.name, self.place
        other.key, other.crt = (f"{self.server.dir}/{self.name}-{name}.{kind}" for kind in ("key", "crt"))
        return other

    def renew(self, csr, port=None, headers=PKCS10, method="POST", **versions):
        c = http.client.HTTPSConnection("127.0.0.1", port or self.server.port, timeout=20,
                                        context=self.server.context((self.crt, self.key), **versions))
        try:
            c.request(method, RENEW, base64.encodebytes(csr) if isinstance(csr, bytes) else csr, headers)
            return Answer(c.getresponse())
        finally:
            c.close()

    def renewed(self, name, key=None, port=None, **versions):
        """Asks for a certificate of a new key (or of that one), and gets it."""
        new = self.using(name)
        if key:
            shutil.copy(key, new.key)
            csr = sh("openssl", "req", "-new", "-key", new.key, "-subj", "/CN=x", "-outform", "DER")
        else:
            csr = self.csr(new.key)
        answer = self.renew(csr, port, **versions)
        while answer.status == 429:                                     # one a moment ago
            time.sleep(0.2)
            answer = self.renew(csr, port, **versions)
        assert answer.status == 200, (answer.status, answer.body)
        assert answer.headers["Content-Type"] == "application/pkcs7-mime; smime-type=certs-only"
        new.keep(answer)
        return new

    def serial(self):
        return int(sh("openssl", "x509", "-in", self.crt, "-noout", "-serial").decode().split("=")[1], 16)

    def until(self):
        text = sh("openssl", "x509", "-in", self.crt, "-noout", "-enddate").decode().split("=")[1].strip()
        return datetime.datetime.strptime(text, "%b %d %H:%M:%S %Y %Z").replace(tzinfo=datetime.timezone.utc).timestamp()

    def is_known(self):
        answer = self.ask()
        assert answer.status in (200, 404), answer.status
        assert answer.status == 200 or not answer.body
        return answer.status == 200


class Renewal(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(**{"report-interval": 5}).start()
        for customer in ("acme", "globex"):
            cls.server.admin("POST", "/v1/customers", {"customer": customer})
            cls.server.admin("POST", "/v1/vpns", {"customer": customer, "vpn": "corp", "topology": "any-to-any"})
        cls.pool = concurrent.futures.ThreadPoolExecutor(8)

    @classmethod
    def tearDownClass(cls):
        cls.pool.shutdown()
        cls.server.close()

    def router(self, customer="acme"):
        return Router(self.server, customer, re.sub("[^a-z0-9]+", "-", self.id().split(".test_")[1])[:40] + f"-{Member.count}")

    def audit(self, ce):
        return [record["what"] for record in self.server.admin("GET", "/v1/audit?customer=acme&limit=1000").json()["audit"]
                if record["what"].startswith("ce renew") and f" {ce.place} " in record["what"]]

    def show(self, ce):
        return self.server.admin("GET", f"/v1/ces/{ce.place}").json()

    # ---- renewed

    def test_both_are_good_until_the_new_one_is_seen(self):
        old = self.router()
        new = old.renewed("new")
        self.assertTrue(old.is_known())
        self.assertEqual(len(self.audit(old)), 1)
        self.assertEqual(new.report(old.ask().json()).status, 204)      # any request with it counts
        self.assertFalse(old.is_known())
        self.assertTrue(new.is_known())
        self.assertEqual(len(self.audit(old)), 2)
        events = [e for e in self.server.admin("GET", "/v1/watch?after=0&limit=10000").json()["events"] if e.get("ce") == old.name]
        self.assertEqual([e["event"] for e in events if e["event"] in ("enrolled", "renewed")], ["enrolled", "renewed"])
        self.assertEqual(old.renew(old.csr(old.key + ".x")).status, 404)
        self.assertAlmostEqual(self.show(old)["certificate-ends-ms"] / 1000, new.until(), delta=1)

    def test_a_lost_answer_comes_again(self):
        old = self.router()
        new = old.using("new")
        csr = old.csr(new.key)
        first = old.renew(csr)
        self.assertEqual((first.status, old.renew(csr).body), (200, first.body))
        self.server.stop(signal.SIGKILL)
        self.server.start()
        self.assertEqual(old.renew(csr).body, first.body)
        self.assertTrue(old.is_known())                                 # back to its older files
        new.keep(first)
        self.assertTrue(new.is_known())
        self.assertFalse(old.is_known())

    def test_a_killed_router_asks_with_another_key(self):
        old = self.router()
        lost = old.renewed("lost")
        answer = old.renew(old.csr(old.key + ".again"))
        self.assertEqual((answer.status, answer.headers["Retry-After"]), (429, "5"))
        self.assertTrue(old.is_known())
        wait_until("another one", lambda: old.renew(old.csr(old.key + ".again")).status == 200, 20)
        self.assertFalse(lost.is_known())                               # it never used it
        self.assertTrue(old.is_known())

    def test_the_same_key(self):
        old = self.router()
        first = old.serial()
        new = old.renewed("new", old.key)
        self.assertGreater(new.serial(), first)
        for ce, records in ((old, 1), (new, 2), (old, 2), (new, 2)):    # the key says who it is, and is the same
            self.assertTrue(ce.is_known())
            self.assertEqual(len(self.audit(old)), records)
        self.assertEqual(len(self.audit(old)), 2)

    def test_at_the_enrolment_port(self):
        """For those that cannot do TLS 1.3: with what they have, and only so."""
        old, port = self.router(), self.server.enroll_port
        for name, version in (("a", ssl.TLSVersion.TLSv1_2), ("b", ssl.TLSVersion.TLSv1_3)):
            new = old.renewed(name, port=port, minimum_version=version, maximum_version=version)
            self.assertTrue(new.is_known())
            self.assertFalse(old.is_known())
            old = new
        # nobody without a certificate, nor with one that is nobody's
        c = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=self.server.context())
        c.request("POST", RENEW, base64.encodebytes(old.csr(old.key + ".y")), PKCS10)
        self.assertEqual(Answer(c.getresponse()).status, 404)
        c.close()
        # a certificate that is not good is refused there, too, whatever is asked
        d = self.server.dir
        sh("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", d + "/self.key",
           "-out", d + "/self.crt", "-subj", "/CN=acme\\/one", "-days", "2")
        for pair in ((d + "/self.crt", d + "/self.key"), (self.server.state + "/server.crt", self.server.state + "/server.key")):
            c = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=self.server.context(pair))
            with self.assertRaises(OSError):
                c.request("GET", "/.well-known/est/cacerts")
                c.getresponse()
            c.close()

    def test_what_is_no_request(self):
        ce, other = self.router(), self.router("globex")
        good = ce.csr(ce.key + ".x")
        for port in (self.server.port, self.server.enroll_port):
            for csr, headers, status in ((b"nonsense", PKCS10, 400), (good, {}, 400), (good, {"Content-Type": "text/plain"}, 400),
                                         ("!", PKCS10, 400), (good[:-3], PKCS10, 400), (b"x" * 20000, PKCS10, 413)):
                self.assertEqual(ce.renew(csr, port, headers).status, status, (csr[:20], headers))
            self.assertEqual(ce.renew(None, port, {}, "GET").status, 405)
            self.assertIn(ce.renew(b"x", port, PKCS10, "PUT").status, (400, 405))
            # a key of another router's: of one that is, and of one that waits
            answer = ce.renew(sh("openssl", "req", "-new", "-key", other.key, "-subj", "/CN=x", "-outform", "DER"), port)
            self.assertEqual((answer.status, answer.json()["error"]["code"]), (400, "exists"))
        self.assertTrue(ce.is_known() and other.is_known())
        self.assertEqual(self.audit(ce), [])

    def test_of_two_at_once_one_counts(self):
        old = self.router()
        keys = [f"{old.key}.{n}" for n in range(6)]
        csrs = [old.csr(key) for key in keys]
        answers = list(self.pool.map(old.renew, csrs))
        self.assertEqual(sorted(a.status for a in answers), [200] + [429] * 5)
        won = [n for n in range(6) if answers[n].status == 200][0]
        new = old.using("won")
        shutil.copy(keys[won], new.key)
        new.keep(answers[won])
        list(self.pool.map(lambda _: new.ask(), range(6)))
        self.assertFalse(old.is_known())
        self.assertTrue(new.is_known())
        self.assertEqual(len(self.audit(old)), 2)

    def test_an_operators_certificate_renews_nothing(self):
        d, port = self.server.dir, self.server.port
        ce = self.router()
        csr = base64.b64encode(ce.csr(d + "/op.key")).decode()
        self.server.admin("POST", "/v1/operators", {"operator": "olga", "role": "admin"})
        der = self.server.admin("POST", "/v1/operators/olga/certificate", {"csr": csr}).json()["certificate"]
        with open(d + "/op.crt", "wb") as f:
            f.write(sh("openssl", "x509", "-inform", "DER", input=base64.b64decode(der)))
        asker = ce.using("op")
        asker.key, asker.crt = d + "/op.key", d + "/op.crt"
        for at in (port, self.server.enroll_port):
            self.assertEqual(asker.renew(ce.csr(ce.key + ".x"), at).status, 404)
        # nor does it get what a router has, or waits for
        new = ce.renewed("new")
        csr = base64.b64encode(sh("openssl", "req", "-new", "-key", new.key, "-subj", "/CN=x", "-outform", "DER")).decode()
        self.server.admin("POST", "/v1/operators/olga/certificate", {"csr": csr}, 409)

    # ---- members no more

    def test_revoked(self):
        """Over the poll that waits, the connection that is open, a new one, and with the key that was never used."""
        ce, peer = self.router(), self.router()
        waiting = ce.renewed("waiting")
        void = self.server.admin("POST", f"/v1/ces/{ce.place}/bundle").json()["token"]
        names = [p["peer"] for p in peer.ask().json()["vpns"][0]["peers"]]
        self.assertIn(ce.name, names)
        with ce.tls() as tls:
            self.assertEqual(ce.exchange(tls, GET).status, 200)
            etag = ce.ask().etag
            parked = self.server.admin("GET", "/v1/health").json()["parked"]
            poll = self.pool.submit(ce.ask, etag, 50)
            wait_until("parked", lambda: self.server.admin("GET", "/v1/health").json()["parked"] > parked)
            begun = time.monotonic()
            self.server.admin("POST", f"/v1/ces/{ce.place}/revoke")
            answer = poll.result(10)
            self.assertLess(time.monotonic() - begun, 3)
            answers = [answer] + [ce.exchange(tls, request) for request in (
                GET, b"POST /v1/status HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", GET)]
        answers += [ce.ask(), waiting.ask(), ce.renew(ce.csr(ce.key + ".x")), waiting.renew(ce.csr(ce.key + ".x"))]
        for answer in answers:
            self.assertEqual(answer.status, 410)
            document = answer.json()
            self.assertEqual((document["state"], document["vpns"], document["sa-profiles"]), ("deprovisioned", [], {}))
        self.assertEqual(ce.renew(ce.csr(ce.key + ".x"), self.server.enroll_port).status, 404)
        self.assertEqual(self.server.enroll(ce.place, void, ce.csr(ce.key + ".x"), "127.0.0.9").status, 401)
        shown = self.show(ce)
        self.assertEqual((shown["suspended"], shown["revoked"], shown["enrolled"]), (True, True, False))
        self.assertNotIn("certificate-ends-ms", shown)
        document = peer.ask().json()["vpns"][0]
        self.assertEqual([p["peer"] for p in document["peers"]], [n for n in names if n != ce.name])
        self.assertIn((ce.name, "ce-suspended"), [(r["peer"], r["reason"]) for r in document["removed"]])
        # back by an operator's word, with all of its sites; what it had stays dead
        again = ce.using("again")
        answer = self.server.enroll(ce.place, self.server.admin("POST", f"/v1/ces/{ce.place}/bundle").json()["token"],
                                    ce.csr(again.key))
        self.assertEqual(answer.status, 200)
        again.keep(answer)
        self.assertEqual(len(again.ask().json()["vpns"]), 1)
        wait_until("its peers have it again", lambda: ce.name in [p["peer"] for p in peer.ask().json()["vpns"][0]["peers"]])
        self.assertEqual((ce.ask().status, waiting.ask().status), (410, 410))
        shown = self.show(ce)
        self.assertEqual((shown["suspended"], shown["revoked"], shown["enrolled"]), (False, False, True))

    def test_taken_back_it_has_no_key(self):
        ce = self.router()
        revision = self.server.admin("POST", f"/v1/ces/{ce.place}/revoke").json()["revision"]
        self.server.admin("POST", f"/v1/revisions/{revision}/revert")
        shown = self.show(ce)
        self.assertEqual((shown["suspended"], shown["revoked"], shown["enrolled"]), (False, False, False))
        self.assertEqual(ce.ask().status, 410)

    # ---- how long they last

    def test_lives(self):
        for text, seconds in (("2", 2 * 86400), ("90d", 90 * 86400), ("12h", 12 * 3600), ("90m", 5400), ("45s", 45)):
            server = Server(**{"certificate-life": text}).start()
            try:
                server.admin("POST", "/v1/customers", {"customer": "acme"})
                server.admin("POST", "/v1/vpns", {"customer": "acme", "vpn": "corp", "topology": "any-to-any"})
                ce = Router(server, "acme", "one")
                self.assertAlmostEqual(ce.until() - time.time(), seconds, delta=10)
                sh("openssl", "verify", "-purpose", "sslclient", "-CAfile", server.state + "/ca.crt", ce.crt)
            finally:
                server.close()
        config = self.server.dir + "/life.conf"
        for text in ("", "0", "29s", "3651", "1y", "d", "-1", "1.5d", "0x10", "99999999999999999999", "12 h", "12hh"):
            with open(config, "w") as f:
                f.write(f"[server]\ncertificate-life = {text}\n")
            done = subprocess.run([BINARY, "run", "--check", "--config", config],
                                  capture_output=True, text=True)
            self.assertNotEqual(done.returncode, 0, text)
            self.assertIn("certificate-life", done.stderr, text)


class Approval(unittest.TestCase):
    """A token alone is not enough."""

    def test_an_operator_approves(self):
        server = Server(**{"enrolment-approval": "yes"}).start()
        self.addCleanup(server.close)
        server.admin("POST", "/v1/customers", {"customer": "acme"})
        server.admin("POST", "/v1/ces", {"customer": "acme", "ce": "one", "ce-address": "203.0.113.1"})
        ce = Router.__new__(Router)
        ce.server, ce.name, ce.place = server, "one", "acme/one"
        ce.key, ce.crt = server.dir + "/one.key", server.dir + "/one.crt"
        token = ce.bundle()["token"]

        def admin(*words, status=0):
            done = subprocess.run([ADMIN, *words, "--socket", server.settings["admin-socket"]], capture_output=True, text=True)
            self.assertEqual(done.returncode, status, done)
            return done.stdout + done.stderr

        def digest(key):
            return hashlib.sha256(sh("openssl", "pkey", "-in", key, "-pubout", "-outform", "DER")).hexdigest()

        def waiting():
            return re.findall("^acme/one .* ([0-9a-f]{64})$", admin("ce", "pending"), re.M)
        self.assertEqual(waiting(), [])
        mine, others = ce.csr(), ce.csr(ce.key + ".other")
        self.assertEqual(server.enroll("acme/one", "0" * 32, mine).status, 401)
        self.assertEqual(waiting(), [])
        for _ in range(3):
            answer = server.enroll("acme/one", token, mine)
            self.assertEqual((answer.status, answer.body, answer.headers["Retry-After"]), (202, b"", "5"))
        self.assertEqual(waiting(), [digest(ce.key)])
        # somebody else has the token, too: what was compared is what counts
        self.assertEqual(server.enroll("acme/one", token, others, "127.0.0.3").status, 202)
        self.assertEqual(waiting(), [digest(ce.key + ".other")])
        self.assertIn("waits", admin("ce", "approve", "acme/one", digest(ce.key), status=1))
        for bad in ("", "x", "0" * 63, "g" * 64, digest(ce.key).upper()):
            admin("ce", "approve", "acme/one", bad, status=1)
        self.assertEqual(server.enroll("acme/one", token, mine).status, 202)
        admin("ce", "approve", "acme/one", digest(ce.key))
        self.assertEqual(server.enroll("acme/one", token, others, "127.0.0.3").status, 202)
        answer = server.enroll("acme/one", token, mine)
        self.assertEqual(answer.status, 200)
        ce.keep(answer)
        self.assertEqual(ce.ask().status, 200)
        self.assertEqual(server.enroll("acme/one", token, mine).body, answer.body)
        self.assertEqual(server.enroll("acme/one", token, others, "127.0.0.3").status, 401)
        self.assertEqual(waiting(), [])
        self.assertIn(f"ce approve acme/one key {digest(ce.key)}", admin("audit"))
        # what it has needs nobody's word
        self.assertEqual(ce.renewed("new").ask().status, 200)


class End(unittest.TestCase):
    """Certificates that last half a minute."""

    def test_an_ended_certificate_is_refused_until_an_operator_helps(self):
        server = Server(**{"report-interval": 5, "certificate-life": "30s"}).start()
        self.addCleanup(server.close)
        server.admin("POST", "/v1/customers", {"customer": "acme"})
        server.admin("POST", "/v1/vpns", {"customer": "acme", "vpn": "corp", "topology": "any-to-any"})
        ce = Router(server, "acme", "one")
        document = ce.ask().json()
        self.assertEqual(ce.report(document).status, 204)

        def alarm():
            return [a["severity"] for a in server.admin("GET", "/v1/alarms").json()["alarms"] if a["code"] == "ce-certificate"]

        def is_refused():
            try:
                return ce.ask().status != 200
            except OSError:
                return True
        self.assertEqual(alarm(), [])
        wait_until("refused", is_refused, 60)
        self.assertGreaterEqual(time.time(), ce.until() - 1)
        for port in (server.port, server.enroll_port):
            with self.assertRaises(OSError):
                ce.renew(ce.csr(ce.key + ".x"), port)
        wait_until("told", lambda: alarm() == ["critical"], 60)
        ce.enroll()
        self.assertEqual(ce.ask().status, 200)
        wait_until("all is well", lambda: alarm() == [], 25)


if __name__ == "__main__":
    unittest.main(verbosity=1)
