#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# Certificates between routers, against a whole ppvpn-server over real TLS: the key that a router says, what its documents have
# then, hostile requests, revocation, what time makes due, and an authority that takes over. What a certificate is: test_ca_ike.c.
# Needs openssl.

import base64
import hashlib
import json
import os
import re
import subprocess
import time
import unittest

from test_attacks import ADMIN, Member
from test_server import BINARY, Server, sh, wait_until


class Router(Member):
    def part(self):
        """Its certificate part of its one VPN; {} for none."""
        return self.ask().json()["vpns"][0].get("certificate", {})

    def ike_csr(self, name="ike", *algorithm):
        return sh("openssl", "req", "-new", "-newkey", *(algorithm or ("ec", "-pkeyopt", "ec_paramgen_curve:P-256")), "-nodes",
                  "-keyout", f"{self.key}.{name}", "-subj", "/CN=evil/O=other", "-addext",
                  "subjectAltName=DNS:lyon.corp.acme.vpn.sp.example", "-addext", "basicConstraints=CA:TRUE", "-outform", "DER")

    def same_csr(self, name="ike"):
        return sh("openssl", "req", "-new", "-key", f"{self.key}.{name}", "-subj", "/CN=x", "-outform", "DER")

    def fingerprint(self, name="ike"):
        return hashlib.sha256(sh("openssl", "pkey", "-in", f"{self.key}.{name}", "-pubout", "-outform", "DER")).hexdigest()


class Authorities(unittest.TestCase):
    settings = {"report-interval": 5}

    @classmethod
    def setUpClass(cls):
        cls.server = Server(**cls.settings).start()
        for customer in ("acme", "globex"):
            cls.server.admin("POST", "/v1/customers", {"customer": customer})
            cls.server.admin("POST", "/v1/vpns", {"customer": customer, "vpn": "corp", "topology": "any-to-any"})

    @classmethod
    def tearDownClass(cls):
        done = subprocess.run([BINARY, "check", "--config", cls.server.dir + "/server.conf"], capture_output=True, text=True,
                              check=False)
        cls.server.close()
        assert done.returncode == 0 and "\nOK: " in done.stdout, done.stdout + done.stderr

    def router(self, customer="acme"):
        return Router(self.server, customer, re.sub("[^a-z0-9]+", "-", self.id().split(".test_")[1])[:40] + f"-{Member.count}")

    def file(self, name, base64_text, kind):
        """PEM of what a document has."""
        path = f"{self.server.dir}/{name}"
        with open(path, "wb") as f:
            f.write(sh("openssl", kind, "-inform", "DER", input=base64.b64decode(base64_text)))
        return path

    def judge(self, router, by):
        """What openssl says of the one's certificate with what the other was told: "OK", "revoked", or its words."""
        cert, told = router if isinstance(router, str) else router.part().get("cert-data"), by.part()
        if not cert:
            return "none"
        for name, kind, texts in (("ca.pem", "x509", told["ca-data"]), ("crl.pem", "crl", told["crl-data"])):
            with open(f"{self.server.dir}/{name}", "wb") as f:
                for text in texts:
                    f.write(sh("openssl", kind, "-inform", "DER", input=base64.b64decode(text)))
        done = subprocess.run(["openssl", "verify", "-x509_strict", "-crl_check", "-CAfile", self.server.dir + "/ca.pem",
                               "-CRLfile", self.server.dir + "/crl.pem", self.file("cert.pem", cert, "x509")],
                              capture_output=True, text=True, check=False)
        text = done.stdout + done.stderr
        return "OK" if done.returncode == 0 else "revoked" if "certificate revoked" in text else text

    def admin(self, *words, status=0):
        done = subprocess.run([ADMIN, *words, "--socket", self.server.settings["admin-socket"]], capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual(done.returncode, status, (words, done.stdout, done.stderr))
        return done.stderr if status else done.stdout

    def revision(self):
        return self.server.admin("GET", "/v1/health").json()["revision"]


class Keys(Authorities):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.want_authority("acme", "corp")

    def test_a_key_and_its_certificate(self):
        paris, lyon = self.router(), self.router()
        self.assertEqual((len(paris.part()["ca-data"]), len(paris.part()["crl-data"])), (1, 1))
        self.assertNotIn("cert-data", paris.part())
        self.assertEqual(paris.part()["revocation"], "strict")
        before = lyon.ask()
        answer = paris.say_ike_key(paris.ike_csr())
        self.assertEqual((answer.status, answer.body), (204, b""))
        # its next document has it, and nobody else's changed
        self.assertEqual(self.judge(paris, lyon), "OK")
        self.assertEqual(lyon.ask().etag, before.etag)
        text = sh("openssl", "x509", "-in", self.file("x.pem", paris.part()["cert-data"], "x509"), "-noout", "-text").decode()
        self.assertIn(f"DNS:{paris.name}.corp.acme.vpn.sp.example\n", text)
        for wrong in ("lyon.corp", "CA:TRUE", "evil", "TLS Web"):
            self.assertNotIn(wrong, text)
        public = sh("openssl", "x509", "-in", self.server.dir + "/x.pem", "-noout", "-pubkey")
        self.assertEqual(public, sh("openssl", "pkey", "-in", paris.key + ".ike", "-pubout"))
        # said again: no revision; shown to people
        revision = self.revision()
        self.assertEqual(paris.say_ike_key(paris.same_csr()).status, 204)
        self.assertEqual(self.revision(), revision)
        shown = self.server.admin("GET", f"/v1/ces/{paris.place}").json()
        self.assertEqual(shown["ike-key"], paris.fingerprint())
        site = self.server.admin("GET", f"/v1/sites/acme/corp/{paris.name}").json()["certificate"]
        self.assertEqual(site["revision"], revision)
        self.assertAlmostEqual(site["ends-ms"] / 1000 - time.time(), 365 * 86400, delta=20)
        self.assertIn(paris.fingerprint(), self.admin("ce", "show", paris.place))
        self.assertIn(site["serial"], self.admin("site", "show", f"acme/corp/{paris.name}"))
        audit = self.server.admin("GET", "/v1/audit?customer=acme&limit=5").json()["audit"][-1]
        self.assertEqual((audit["actor"], audit["what"]), (
            f"ce:{paris.place}", f"ce ike-key {paris.place} key {paris.fingerprint()[:16]}"))

    def test_a_poll_ends_with_it(self):
        paris = self.router()
        etag = paris.ask().etag
        c = paris.connect(60)
        c.request("GET", "/v1/config", headers={"If-None-Match": etag, "Prefer": "wait=50"})
        time.sleep(0.3)
        begun = time.monotonic()
        self.assertEqual(paris.say_ike_key(paris.ike_csr()).status, 204)
        document = json.loads(c.getresponse().read())
        self.assertLess(time.monotonic() - begun, 5)
        self.assertIn("cert-data", document["vpns"][0]["certificate"])
        c.close()

    def test_what_is_not_taken(self):
        paris, lyon = self.router(), self.router()
        before = self.revision()
        good = base64.encodebytes(paris.ike_csr())
        flipped = bytearray(paris.same_csr())
        flipped[-1] ^= 1
        management = sh("openssl", "req", "-new", "-key", paris.key, "-subj", "/CN=x", "-outform", "DER")
        others = sh("openssl", "req", "-new", "-key", lyon.key, "-subj", "/CN=x", "-outform", "DER")
        for body, headers in (
                (b"", {}), (b"nonsense", {}), (base64.encodebytes(b"\x30\x03\x02\x01\x00"), {}),
                (good, {"Content-Type": "application/json"}), (base64.encodebytes(bytes(flipped)), {}),
                (base64.encodebytes(management), {}), (base64.encodebytes(others), {}),
                (base64.encodebytes(paris.ike_csr("weak", "rsa:1024")), {}),
                (base64.encodebytes(paris.ike_csr("dsa", "ec", "-pkeyopt", "ec_paramgen_curve:secp256k1")), {})):
            answer = paris.say_ike_key(body=body, **headers)
            self.assertEqual(answer.status, 400, (body, answer.body))
            self.assertEqual(set(answer.json()["error"]), {"code", "where", "text"})
        self.assertEqual(paris.say_ike_key(body=b"A" * 17000).status, 413)
        self.assertEqual(paris.request("GET", "/v1/ike-key").status, 405)
        self.assertEqual(self.revision(), before)
        # another's, and too soon
        self.assertEqual(paris.say_ike_key(paris.same_csr()).status, 204)
        stolen = sh("openssl", "req", "-new", "-key", paris.key + ".ike", "-subj", "/CN=x", "-outform", "DER")
        self.assertEqual(lyon.say_ike_key(stolen).status, 400)
        answer = paris.say_ike_key(paris.ike_csr("second"))
        self.assertEqual((answer.status, answer.headers["Retry-After"]), (429, "5"))
        # nor does it open the management channel, or enrol anybody
        answer = self.server.enroll(lyon.place, lyon.bundle()["token"], stolen)
        self.assertEqual(answer.status, 400)

    def test_other_customers_and_other_listeners(self):
        paris, rome = self.router(), self.router("globex")
        # a VPN without an authority: taken, and no document changes
        before, revision = rome.ask(), self.revision()
        self.assertEqual(rome.say_ike_key(rome.ike_csr()).status, 204)
        self.assertEqual((rome.ask().etag, self.revision()), (before.etag, revision))
        self.assertNotIn("certificate", before.json()["vpns"][0])
        self.assertEqual(paris.say_ike_key(sh("openssl", "req", "-new", "-key", rome.key + ".ike", "-subj", "/CN=x", "-outform",
                                              "DER")).status, 400)
        self.assertEqual(self.server.admin_any("GET", "/v1/vpns/globex/corp/authority").json()["authorities"], [])
        self.assertEqual(self.server.admin_any("POST", "/v1/vpns/globex/corp/authority/roll").status, 404)
        self.assertEqual(self.server.admin_any("GET", "/v1/ike-key").status, 404)

    def test_revoked(self):
        paris, lyon = self.router(), self.router()
        for router in (paris, lyon):
            self.assertEqual(router.say_ike_key(router.ike_csr()).status, 204)
        certificate = paris.part()["cert-data"]
        self.assertEqual(self.judge(certificate, lyon), "OK")
        etag = lyon.ask().etag
        self.server.admin("POST", f"/v1/ces/{paris.place}/revoke")
        self.assertNotEqual(lyon.ask().etag, etag)
        self.assertEqual(self.judge(certificate, lyon), "revoked")
        self.assertEqual(self.judge(lyon, lyon), "OK")
        self.assertEqual(paris.say_ike_key(paris.same_csr()).status, 410)
        # enrolled anew: another key is needed, and certified
        os.rename(paris.key + ".ike", paris.key + ".old")
        paris.enroll()
        self.assertNotIn("cert-data", paris.part())
        self.assertEqual(paris.say_ike_key(paris.same_csr("old")).status, 400)
        self.assertEqual(paris.say_ike_key(paris.ike_csr()).status, 204)
        self.assertEqual(self.judge(paris, lyon), "OK")
        self.assertEqual(self.judge(certificate, lyon), "revoked")

    def test_no_secret_of_an_authority_leaves(self):
        """Not in answers, logs, nor in the database in clear."""
        self.router()
        everything = self.server.log() + json.dumps(self.server.admin("GET", "/v1/vpns/acme/corp/authority").json())
        for word in ("PRIVATE", "MIGHAgEA", "MIGTAgEA"):                      # PKCS#8 of P-256
            self.assertNotIn(word, everything)
        for name in os.listdir(self.server.state):
            if name.startswith("ppvpn.db"):
                with open(f"{self.server.state}/{name}", "rb") as f:
                    self.assertNotIn(bytes.fromhex("301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420"), f.read())


class Takeover(Authorities):
    def test_one_takes_over(self):
        self.server.want_authority("acme", "corp")
        routers = [self.router() for _ in range(3)]
        for router in routers:
            self.assertEqual(router.say_ike_key(router.ike_csr()).status, 204)
        seq = [0]

        def applied(*which):
            seq[0] += 1
            for router in which:
                self.assertEqual(router.report(router.ask().json(), seq=seq[0]).status, 204)

        def everyone_believes():
            for one in routers:
                for other in routers:
                    self.assertEqual(self.judge(one, other), "OK")

        def states():
            return [a["state"] for a in self.server.admin("GET", "/v1/vpns/acme/corp/authority").json()["authorities"]]

        applied(*routers)
        first = routers[0].part()
        dry = self.admin("vpn", "authority", "roll", "acme/corp", "--dry-run")
        self.assertIn("routers told: 3", dry)
        self.assertEqual(states(), ["current"])
        self.admin("vpn", "authority", "roll", "acme/corp")
        self.assertIn("taking over already", self.admin("vpn", "authority", "roll", "acme/corp", status=1))
        self.assertEqual(states(), ["current", "next"])
        self.assertEqual(routers[0].part()["cert-data"], first["cert-data"])
        everyone_believes()
        applied(*routers[:2])
        shown = self.admin("vpn", "authority", "show", "acme/corp")
        self.assertIn(routers[2].name, shown)
        self.assertIn("it has an older document", shown)
        self.assertNotIn(routers[0].name, shown)
        applied(routers[2])
        wait_until("the new one signs", lambda: states() == ["current", "old"])
        self.assertNotEqual(routers[0].part()["cert-data"], first["cert-data"])
        everyone_believes()
        applied(*routers)
        wait_until("the old one is gone", lambda: states() == ["current"])
        self.assertNotIn(first["ca-data"][0], routers[0].part()["ca-data"])
        everyone_believes()
        # a change like a rotation: not taken back
        for line in self.server.admin("GET", "/v1/audit?limit=4").json()["audit"]:
            if line["what"].startswith("authority"):
                self.assertGreaterEqual(self.server.admin_any("POST", f"/v1/revisions/{line['revision']}/revert").status, 400)


class Short(Authorities):
    """Lives of a minute, so that everything is due."""
    settings = {"report-interval": 5, "ike-certificate-life": "30s", "revocation-list-life": "30s"}

    def test_made_anew_in_time(self):
        self.server.want_authority("acme", "corp")      # by another process: with the usual lives
        paris, lyon = self.router(), self.router()
        self.assertEqual(paris.say_ike_key(paris.ike_csr()).status, 204)
        first = paris.part()["cert-data"]
        wait_until("another certificate", lambda: paris.part()["cert-data"] != first, 30)
        self.assertEqual(self.judge(paris, lyon), "OK")
        self.assertEqual(self.server.admin("GET", f"/v1/ces/{paris.place}").json()["ike-key"], paris.fingerprint())
        # a list that was signed here is good for 30 s
        self.server.admin("POST", f"/v1/ces/{lyon.place}/replace")
        self.assertEqual(self.server.admin("DELETE", f"/v1/sites/acme/corp/{lyon.name}").status, 200)
        nice = self.router()
        self.assertEqual(nice.say_ike_key(nice.ike_csr()).status, 204)
        self.server.admin("DELETE", f"/v1/sites/acme/corp/{nice.name}")
        listed = paris.part()["crl-data"]
        wait_until("another list", lambda: paris.part()["crl-data"] != listed, 30)
        self.assertEqual(self.judge(paris, paris), "OK")
        log = self.server.log()
        self.assertRegex(log, r"\d+ certificates for IKE, \d+ revocation lists")


if __name__ == "__main__":
    unittest.main()
