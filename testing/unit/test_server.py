#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# The whole ppvpn-server on loopback, with a state directory of its own, real
# TLS and certificates that it issued itself. Needs openssl and curl; skipped
# where they are missing. PPVPN_SERVER names the binary (default: the built one).

import base64
import concurrent.futures
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
import warnings

BINARY = os.environ.get("PPVPN_SERVER", "./ppvpn-server")
ENROLL = "/.well-known/est/simpleenroll"


def sh(*argv, **kwargs):
    return subprocess.run(argv, check=True, capture_output=True, **kwargs).stdout


def read_file(path):
    with open(path) as f:
        return f.read()


def free_ports(count):
    socks = [socket.socket() for _ in range(count)]
    for sock in socks:
        sock.bind(("127.0.0.1", 0))
    ports = [sock.getsockname()[1] for sock in socks]
    for sock in socks:
        sock.close()
    return ports


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def json(self):
        return json.loads(self.body)

    @property
    def etag(self):
        return self.headers["ETag"]


class Server:
    """A provider of its own below a temporary directory."""

    def __init__(self, **settings):
        self.dir = tempfile.mkdtemp(prefix="test_server.")
        self.state = self.dir + "/state"
        self.port, self.enroll_port = free_ports(2)
        self.settings = {
            "state-dir": self.state, "listen": f"127.0.0.1:{self.port}",
            "enroll-listen": f"127.0.0.1:{self.enroll_port}",
            "admin-socket": self.dir + "/admin.sock", "per-ip-limit": 1000,
            "log-level": "debug", **settings}
        self.secrets = set()
        self.process = None
        self.init = subprocess.run(
            [BINARY, "init", "--state-dir", self.state,
             "--url", f"https://127.0.0.1:{self.port}",
             "--enroll-url", f"https://127.0.0.1:{self.enroll_port}",
             "--domain", "vpn.sp.example"], capture_output=True, text=True)

    def configure(self):
        with open(self.dir + "/server.conf", "w") as f:
            f.write("[server]\n")
            f.writelines(f"{k} = {v}\n" for k, v in self.settings.items())
        return self.dir + "/server.conf"

    def start(self, **settings):
        self.settings.update(settings)
        config = self.configure()
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.bind(self.dir + "/notify")
        notify.settimeout(20)
        with open(self.dir + "/log", "a") as log:
            self.process = subprocess.Popen(
                [BINARY, "run", "--config", config], stderr=log, stdout=log,
                env={**os.environ, "NOTIFY_SOCKET": self.dir + "/notify"})
        try:
            self.ready = notify.recv(100)
        except socket.timeout:
            raise AssertionError("not ready: " + self.log()) from None
        finally:
            notify.close()
            os.unlink(self.dir + "/notify")
        return self

    def stop(self, sig=signal.SIGTERM):
        """Seconds that it took, exit status."""
        begun = time.monotonic()
        self.process.send_signal(sig)
        status = self.process.wait(20)
        self.process = None
        return time.monotonic() - begun, status

    def close(self):
        try:
            if self.process:
                _, status = self.stop()
                assert status == 0, (status, self.log()[-20000:])
        finally:
            shutil.rmtree(self.dir)

    def log(self):
        return read_file(self.dir + "/log")

    def admin_any(self, method, path, body=None):
        """The answer, whatever it is."""
        c = UnixConnection(self.settings["admin-socket"])
        c.request(method, path, json.dumps(body) if body is not None else None)
        answer = Answer(c.getresponse())
        c.close()
        return answer

    def admin(self, method, path, body=None, status=None):
        answer = self.admin_any(method, path, body)
        if status is None:
            assert 200 <= answer.status < 300, (path, answer.status, answer.body)
        else:
            assert answer.status == status, (path, answer.status, answer.body)
        return answer

    def want_authority(self, customer, vpn):
        """The VPN has an authority from now on, as of a change by another process."""
        return int(sh(os.environ.get("PPVPN_STORE_CHANGE", "testing/unit/store_change"), "want", self.state,
                      customer, vpn))

    def context(self, ce=None, **versions):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.state + "/ca.crt")
        for name, value in versions.items():
            setattr(context, name, value)
        if ce:
            context.load_cert_chain(*ce)
        return context

    def enroll(self, place, token, csr, source="127.0.0.1", **kwargs):
        c = http.client.HTTPSConnection(
            "127.0.0.1", self.enroll_port, timeout=20,
            context=self.context(**kwargs), source_address=(source, 0))
        credentials = base64.b64encode(f"{place}:{token}".encode()).decode()
        c.request("POST", ENROLL, base64.encodebytes(csr), {
            "Authorization": "Basic " + credentials,
            "Content-Type": "application/pkcs10"})
        answer = Answer(c.getresponse())
        c.close()
        return answer


class CE:
    """A router of customer acme, in VPN acme/<vpn> as a site of its name."""

    count = 0

    def __init__(self, server, name, vpn=None, enroll=True):
        CE.count += 1
        self.server, self.name, self.vpn = server, name, vpn
        self.place = "acme/" + name
        self.key = f"{server.dir}/{name}.key"
        self.crt = f"{server.dir}/{name}.crt"
        number = CE.count
        server.admin("POST", "/v1/ces", {
            "customer": "acme", "ce": name,
            "ce-address": f"192.0.{2 + number // 200}.{1 + number % 200}"})
        if vpn:
            self.join(vpn)
        if enroll:
            self.enroll()

    def join(self, vpn):
        self.server.admin("POST", "/v1/sites", {
            "customer": "acme", "vpn": vpn, "site": self.name, "ce": self.name})

    def bundle(self):
        bundle = self.server.admin(
            "POST", f"/v1/ces/{self.place}/bundle").json()
        self.server.secrets.add(bundle["token"])
        return bundle

    def csr(self, key=None):
        return sh("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt",
                  "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                  key or self.key, "-subj", "/CN=anything", "-outform", "DER")

    def enroll(self):
        answer = self.server.enroll(self.place, self.bundle()["token"],
                                    self.csr())
        assert answer.status == 200, (answer.status, answer.body)
        self.keep(answer)

    def keep(self, answer):
        der = base64.b64decode(answer.body)
        pem = sh("openssl", "pkcs7", "-inform", "DER", "-print_certs", input=der)
        with open(self.crt, "wb") as f:
            f.write(pem)

    def connect(self, timeout=20, **versions):
        return http.client.HTTPSConnection(
            "127.0.0.1", self.server.port, timeout=timeout,
            context=self.server.context((self.crt, self.key), **versions))

    def ask(self, etag=None, wait=None, connection=None, schema=None):
        c = connection or self.connect(timeout=(wait or 0) + 20)
        headers = {}
        if schema is not None:
            headers["Ppvpn-Schema"] = schema
        if etag:
            headers["If-None-Match"] = etag
        if wait is not None:
            headers["Prefer"] = f"wait={wait}"
        c.request("GET", "/v1/config", headers=headers)
        answer = Answer(c.getresponse())
        if not connection:
            c.close()
        if answer.status == 200:
            self.server.secrets.update(
                re.findall(r'"secret": ?"([0-9a-f]+)"', answer.body.decode()))
        return answer

    def say_ike_key(self, csr=None, body=None, **headers):
        """Its key for IKE: a new one, or that of the request."""
        c = self.connect()
        c.request("POST", "/v1/ike-key",
                  body if body is not None else base64.encodebytes(csr or self.csr(self.key + ".ike")),
                  {"Content-Type": "application/pkcs10", **headers})
        answer = Answer(c.getresponse())
        c.close()
        return answer

    def report(self, document, **changes):
        report = {
            "schema": "ce-status/1", "ce": self.place, "boot-id": "0" * 32,
            "seq": 1, "agent-version": "0.1.0", "uptime": 5,
            "epoch": document["epoch"], "revision": document["revision"],
            "result": "applied", "errors": [], "peers": [], "alarms": [], **changes}
        c = self.connect()
        c.request("POST", "/v1/status", json.dumps(report))
        answer = Answer(c.getresponse())
        c.close()
        return answer


def wait_until(what, condition, seconds=10):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "not within %d s: %s" % (seconds, what)
        time.sleep(0.02)


class Whole(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server().start()
        cls.server.admin("POST", "/v1/customers", {"customer": "acme"})
        for vpn in ("corp", "lab", "big"):
            cls.add_vpn(vpn)
        cls.pool = concurrent.futures.ThreadPoolExecutor(250)

    @classmethod
    def tearDownClass(cls):
        cls.pool.shutdown()
        cls.server.close()

    @classmethod
    def add_vpn(cls, vpn, server=None):
        (server or cls.server).admin("POST", "/v1/vpns", {
            "customer": "acme", "vpn": vpn, "topology": "any-to-any"})

    def parked(self, ce, etag, wait=50):
        """A poll under way, once it is parked."""
        future = self.pool.submit(ce.ask, etag, wait)
        time.sleep(0.3)
        self.assertFalse(future.done())
        return future

    # ---- init --------------------------------------------------------------

    def test_init(self):
        state = self.server.state
        self.assertEqual(self.server.init.returncode, 0, self.server.init.stderr)
        self.assertIn("Then:", self.server.init.stdout)
        self.assertEqual(os.stat(state).st_mode & 0o777, 0o700)
        for name in ("ppvpn.db", "kek.key", "ca.crt", "ca.key", "server.crt",
                     "server.key", "instance.conf"):
            self.assertEqual(os.stat(f"{state}/{name}").st_mode & 0o777, 0o600)
        sh("openssl", "verify", "-x509_strict", "-purpose", "sslserver",
           "-verify_ip", "127.0.0.1", "-CAfile", state + "/ca.crt",
           state + "/server.crt")
        before = read_file(state + "/ca.crt")
        again = subprocess.run([BINARY, "init", "--state-dir", state, "--url",
                                "https://127.0.0.1"], capture_output=True)
        self.assertEqual(again.returncode, 1)
        self.assertIn(b"made here before", again.stderr)
        self.assertEqual(read_file(state + "/ca.crt"), before)

    def test_init_leaves_nothing_behind(self):
        with tempfile.TemporaryDirectory() as place:
            for argv in ([], ["--url", "http://x"], ["--url", "https://x:8444"],
                         ["--url", "https://x", "--domain", "-"]):
                result = subprocess.run(
                    [BINARY, "init", "--state-dir", place + "/state"] + argv,
                    capture_output=True)
                self.assertIn(result.returncode, (1, 2), argv)
                self.assertFalse(os.path.exists(place + "/state"))

    def test_init_as_owner_of_the_directory(self):
        if os.geteuid() != 0:
            self.skipTest("not root")
        with tempfile.TemporaryDirectory() as place:
            os.chmod(place, 0o755)
            os.mkdir(place + "/state", 0o700)
            os.chown(place + "/state", 65534, 65534)
            sh(BINARY, "init", "--state-dir", place + "/state", "--url",
               "https://vpn1.sp.example:8443")
            for name in os.listdir(place + "/state"):
                self.assertEqual(os.stat(f"{place}/state/{name}").st_uid, 65534)

    def test_check_of_configuration(self):
        config = self.server.configure()
        self.assertEqual(sh(BINARY, "run", "--config", config, "--check"),
                         b"OK\n")
        with open(config + ".bad", "w") as f:
            f.write("[server]\nlisten = 1.2.3.4:5\nworkers = many\n")
        bad = subprocess.run([BINARY, "run", "--check", "--config",
                              config + ".bad"], capture_output=True, text=True)
        self.assertEqual(bad.returncode, 1)
        self.assertIn("server.conf.bad:3", bad.stderr)

    def test_ready_was_told(self):
        self.assertEqual(self.server.ready, b"READY=1")

    # ---- enrolment -----------------------------------------------------------

    def test_enrolment_with_curl(self):
        ce = CE(self.server, "curl", enroll=False)
        bundle = ce.bundle()
        self.assertEqual(bundle["servers"],
                         [f"https://127.0.0.1:{self.server.port}"])
        with open(self.server.dir + "/pin.crt", "w") as f:
            f.write(bundle["ca-data"])
        cacerts = sh("curl", "-sSf", "--cacert", self.server.dir + "/pin.crt",
                     bundle["enroll"] + "/.well-known/est/cacerts")
        sh("openssl", "pkcs7", "-inform", "DER", "-print_certs", "-noout",
           input=base64.b64decode(cacerts))
        with open(self.server.dir + "/csr.b64", "wb") as f:
            f.write(base64.encodebytes(ce.csr()))
        out = sh("curl", "-sSf", "--tlsv1.2", "--tls-max", "1.2", "--cacert",
                 self.server.dir + "/pin.crt", "-u",
                 f"{ce.place}:{bundle['token']}", "-H",
                 "Content-Type: application/pkcs10", "--data-binary",
                 f"@{self.server.dir}/csr.b64", bundle["enroll"] + ENROLL)
        pem = sh("openssl", "pkcs7", "-inform", "DER", "-print_certs",
                 input=base64.b64decode(out))
        with open(ce.crt, "wb") as f:
            f.write(pem)
        sh("openssl", "verify", "-x509_strict", "-purpose", "sslclient",
           "-CAfile", self.server.state + "/ca.crt", ce.crt)
        self.assertIn(b"CN = acme/curl\n",
                      sh("openssl", "x509", "-in", ce.crt, "-noout", "-subject"))
        document = json.loads(sh(
            "curl", "-sSf", "--cacert", self.server.dir + "/pin.crt", "--cert",
            ce.crt, "--key", ce.key, bundle["servers"][0] + "/v1/config"))
        self.assertEqual(document["ce"], ce.place)
        self.assertEqual(document["state"], "active")

    def test_token_is_for_one_use(self):
        ce = CE(self.server, "once", enroll=False)
        other = CE(self.server, "other", enroll=False)
        token, csr = ce.bundle()["token"], ce.csr()
        other_csr = other.csr()
        enroll = self.server.enroll
        # from other addresses, for failures are counted by address
        self.assertEqual(enroll(other.place, token, other_csr, "127.0.0.3").status, 401)
        self.assertEqual(enroll(ce.place, token[:-1] + "x", csr, "127.0.0.3").status, 401)
        self.assertEqual(enroll("acme/nobody", token, csr, "127.0.0.3").status, 401)
        self.assertEqual(enroll("acme", token, csr, "127.0.0.3").status, 401)
        self.assertEqual(enroll(ce.place, token, b"nonsense").status, 400)
        first = enroll(ce.place, token, csr)
        self.assertEqual(first.status, 200)
        self.assertEqual(enroll(ce.place, token, csr).body, first.body)
        refused = enroll(ce.place, token, other_csr, "127.0.0.3")
        self.assertEqual(refused.status, 401)
        self.assertEqual(refused.json()["error"]["code"], "token")
        # a newer bundle replaces the token; a key belongs to one CE
        self.assertEqual(enroll(other.place, other.bundle()["token"], csr).status, 400)

    def test_two_uses_at_once_have_one_winner(self):
        ce = CE(self.server, "race", enroll=False)
        token = ce.bundle()["token"]
        csrs = [ce.csr(f"{self.server.dir}/race{i}.key") for i in range(6)]
        statuses = list(self.pool.map(
            lambda csr: self.server.enroll(ce.place, token, csr, "127.0.0.4").status, csrs))
        self.assertEqual(sorted(statuses), [200] + 5 * [401])

    def test_failures_are_limited_by_address(self):
        ce = CE(self.server, "limited", enroll=False)
        token, csr = ce.bundle()["token"], ce.csr()
        statuses = [self.server.enroll(ce.place, "0" * 32, csr, "127.0.0.9").status
                    for _ in range(12)]
        self.assertEqual(statuses, 10 * [401] + 2 * [429])
        self.assertEqual(self.server.enroll(ce.place, token, csr, "127.0.0.9").status, 429)
        self.assertEqual(self.server.enroll(ce.place, token, csr).status, 200)

    def test_without_credentials_it_asks(self):
        c = http.client.HTTPSConnection("127.0.0.1", self.server.enroll_port,
                                        context=self.server.context(), timeout=20)
        c.request("POST", ENROLL, b"x", {"Content-Type": "application/pkcs10"})
        answer = Answer(c.getresponse())
        c.close()
        self.assertEqual(answer.status, 401)
        self.assertIn("Basic", answer.headers["WWW-Authenticate"])

    # ---- who may ---------------------------------------------------------------

    def refused(self, context):
        """Neither an answer nor a word."""
        c = http.client.HTTPSConnection("127.0.0.1", self.server.port,
                                        timeout=10, context=context)
        with self.assertRaises((ssl.SSLError, ConnectionError, OSError,
                                http.client.RemoteDisconnected)):
            c.request("GET", "/v1/config")
            c.getresponse()
        c.close()

    def test_who_is_refused(self):
        ce = CE(self.server, "identity", "corp")
        pair = (ce.crt, ce.key)
        context = self.server.context
        self.assertEqual(ce.ask().status, 200)
        self.refused(context())
        self.refused(context(pair, maximum_version=ssl.TLSVersion.TLSv1_2))
        self.refused(context(pair, minimum_version=ssl.TLSVersion.TLSv1,
                             maximum_version=ssl.TLSVersion.TLSv1_1))
        self.refused(context((self.server.state + "/server.crt",
                              self.server.state + "/server.key")))
        self.assertEqual(ce.ask().status, 200)

    def test_another_ca_with_our_name(self):
        d = self.server.dir
        name = sh("openssl", "x509", "-in", self.server.state + "/ca.crt",
                  "-noout", "-subject", "-nameopt", "RFC2253").decode()
        name = "/CN=" + name.split("CN=")[1].strip()
        sh("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
           "ec_paramgen_curve:P-256", "-nodes", "-keyout", d + "/evil-ca.key",
           "-out", d + "/evil-ca.crt", "-subj", name, "-days", "2")
        sh("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt",
           "ec_paramgen_curve:P-256", "-nodes", "-keyout", d + "/evil.key",
           "-out", d + "/evil.csr", "-subj", "/CN=acme\\/identity")
        sh("openssl", "x509", "-req", "-in", d + "/evil.csr", "-CA",
           d + "/evil-ca.crt", "-CAkey", d + "/evil-ca.key", "-CAcreateserial",
           "-out", d + "/evil.crt", "-days", "1")
        self.refused(self.server.context((d + "/evil.crt", d + "/evil.key")))

    def test_a_certificate_of_ours_that_the_database_does_not_know(self):
        # the CA is right, the key is no CE's: 404 and no word more
        d = self.server.dir
        sh("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt",
           "ec_paramgen_curve:P-256", "-nodes", "-keyout", d + "/ghost.key",
           "-out", d + "/ghost.csr", "-subj", "/CN=acme\\/identity")
        sh("openssl", "x509", "-req", "-in", d + "/ghost.csr", "-CA",
           self.server.state + "/ca.crt", "-CAkey",
           self.server.state + "/ca.key", "-CAserial", d + "/ghost.srl",
           "-CAcreateserial", "-out", d + "/ghost.crt", "-days", "1")
        c = http.client.HTTPSConnection(
            "127.0.0.1", self.server.port, timeout=20,
            context=self.server.context((d + "/ghost.crt", d + "/ghost.key")))
        c.request("GET", "/v1/config")
        answer = Answer(c.getresponse())
        c.close()
        self.assertEqual((answer.status, answer.body), (404, b""))

    def test_a_ce_cannot_be_another(self):
        one = CE(self.server, "one", "corp")
        two = CE(self.server, "two", "corp")
        document = one.ask().json()
        self.assertEqual(document["ce"], "acme/one")
        self.assertEqual(one.report(document).status, 204)
        answer = one.report(document, ce=two.place)
        self.assertEqual(answer.status, 400)
        self.assertEqual(answer.json()["error"]["where"], "/ce")
        for path in ("/v1/config/", "/v1/ces", "/v1/ce/acme/two/config",
                     "/v1/status", "/.well-known/est/cacerts", "/v1/health"):
            c = one.connect()
            c.request("GET", path)
            self.assertIn(c.getresponse().status, (400, 404, 405), path)
            c.close()

    def test_an_older_key_opens_nothing(self):
        ce = CE(self.server, "replaced", "corp")
        old = (ce.crt + ".old", ce.key + ".old")
        shutil.copy(ce.crt, old[0])
        shutil.copy(ce.key, old[1])
        ce.enroll()
        self.assertEqual(ce.ask().status, 200)
        c = http.client.HTTPSConnection("127.0.0.1", self.server.port,
                                        context=self.server.context(old), timeout=20)
        c.request("GET", "/v1/config")
        self.assertEqual(c.getresponse().status, 404)
        c.close()

    # ---- documents -----------------------------------------------------------------

    def test_etag(self):
        ce = CE(self.server, "etag", "corp")
        answer = ce.ask()
        document = answer.json()
        digest = sh("openssl", "dgst", "-sha256", "-r", input=answer.body)[:16]
        self.assertEqual(answer.etag, '"%d.%d-%s"' % (
            document["epoch"], document["revision"], digest.decode()))
        self.assertEqual(answer.headers["Cache-Control"], "no-store")
        self.assertNotIn("Ppvpn-Notify-Ms", answer.headers)
        same = ce.ask(answer.etag)
        self.assertEqual((same.status, same.etag, same.body),
                         (304, answer.etag, b""))
        self.assertEqual(ce.ask('"1.1-0000000000000000"', 50).status, 200)

    def test_versions(self):
        """The newest version of the document that both have; none: 406."""
        ce = CE(self.server, "versions", "corp")
        plain = ce.ask()
        self.assertEqual(plain.json()["schema"], "ce-config/1")
        for theirs in ("ce-config/1", "ce-config/2, ce-config/1",
                       "ce-config/1,ce-config/2", "\t,x, ce-config/1"):
            answer = ce.ask(schema=theirs)
            self.assertEqual((answer.status, answer.body, answer.etag),
                             (200, plain.body, plain.etag), theirs)
        for theirs in ("ce-config/2", "ce-config/3, ce-config/2", "", "*",
                       "ce-config/1" * 2, "ce-config/2," * 200,
                       "x" * 2000 + ", ce-config/1"):
            # nothing waits, what it says it has or not
            for etag in (None, plain.etag):
                begun = time.monotonic()
                answer = ce.ask(etag, 30, schema=theirs)
                self.assertLess(time.monotonic() - begun, 5)
                self.assertEqual(answer.status, 406, theirs[:50])
                self.assertIsNone(answer.etag)
                error = answer.json()["error"]
                self.assertEqual(error["code"], "schema")
                self.assertIn("ce-config/1", error["text"])
                self.assertNotIn("ce-config/2", error["text"])
        self.assertEqual(ce.ask(schema="ce-config/1," * 10000).status, 431)
        self.assertNotIn("ce-config/2", self.server.log())
        # and with every answer, which reports it takes
        for answer in (plain, answer, ce.ask(plain.etag), ce.report(plain.json())):
            self.assertEqual(answer.headers["Ppvpn-Schema"], "ce-status/1",
                             answer.status)

    def test_versions_of_a_parked_request(self):
        ce = CE(self.server, "parkedversion", "lab")
        newer = "ce-config/2, ce-config/1"
        poll = self.pool.submit(ce.ask, ce.ask(schema=newer).etag, 50, None, newer)
        time.sleep(0.3)
        self.assertFalse(poll.done())
        CE(self.server, "wakesversion", "lab", enroll=False)
        answer = poll.result(10)
        self.assertEqual((answer.status, answer.json()["schema"]),
                         (200, "ce-config/1"))

    def test_versions_said_twice(self):
        ce = CE(self.server, "twoversions", "corp")
        c = ce.connect()
        c.putrequest("GET", "/v1/config")
        c.putheader("Ppvpn-Schema", "ce-config/2")
        c.putheader("Ppvpn-Schema", "ce-config/1")
        c.endheaders()
        self.assertEqual(c.getresponse().status, 400)
        c.close()

    def test_versions_of_a_tombstone(self):
        ce = CE(self.server, "goneversion", "corp")
        document = ce.ask().json()
        self.server.admin("DELETE", "/v1/sites/acme/corp/goneversion")
        self.server.admin("DELETE", "/v1/ces/acme/goneversion")
        self.assertEqual(ce.ask().status, 410)
        self.assertEqual(ce.ask(schema="ce-config/1").status, 410)
        self.assertEqual(ce.ask(schema="ce-config/2").status, 406)
        self.assertEqual(ce.report(document).status, 410)

    def test_long_poll_ends_at_its_time(self):
        ce = CE(self.server, "patient", "corp")
        etag = ce.ask().etag
        begun = time.monotonic()
        answer = ce.ask(etag, 2)
        took = time.monotonic() - begun
        self.assertEqual((answer.status, answer.etag), (304, etag))
        self.assertTrue(1.9 < took < 3, took)

    def test_long_poll_ends_with_a_change(self):
        ce = CE(self.server, "waiting", "lab")
        etag = ce.ask().etag
        poll = self.parked(ce, etag)
        begun = time.monotonic()
        CE(self.server, "newcomer", "lab", enroll=False)
        answer = poll.result(10)
        took = time.monotonic() - begun
        self.assertEqual(answer.status, 200)
        self.assertLess(took, 1)
        self.assertLess(int(answer.headers["Ppvpn-Notify-Ms"]), 1000)
        peers = [peer["peer"] for peer in answer.json()["vpns"][0]["peers"]]
        self.assertIn("newcomer", peers)
        self.assertGreater(answer.json()["revision"],
                           int(etag.split(".")[1].split("-")[0]))

    def test_polls_and_changes_in_a_row(self):
        """No change is lost between one poll and the next."""
        ce = CE(self.server, "row", "lab")
        c = ce.connect(timeout=60)
        etag = ce.ask(connection=c).etag
        for i in range(8):
            poll = self.pool.submit(ce.ask, etag, 30, c)
            self.server.admin("POST", "/v1/ces", {
                "customer": "acme", "ce": f"row{i}",
                "ce-address": f"198.51.100.{i + 1}"})
            self.server.admin("POST", "/v1/sites", {
                "customer": "acme", "vpn": "lab", "site": f"row{i}",
                "ce": f"row{i}"})
            answer = poll.result(5)
            self.assertEqual(answer.status, 200)
            etag = answer.etag
        c.close()

    def test_tombstone(self):
        ce = CE(self.server, "leaving", "corp")
        etag = ce.ask().etag
        self.server.admin("DELETE", "/v1/sites/acme/corp/leaving")
        answer = ce.ask(etag)
        self.assertEqual((answer.status, answer.json()["vpns"]), (200, []))
        poll = self.parked(ce, answer.etag)
        self.server.admin("DELETE", "/v1/ces/acme/leaving")
        gone = poll.result(5)
        self.assertEqual(gone.status, 410)
        self.assertEqual(gone.json()["state"], "deprovisioned")
        self.assertEqual(gone.json()["ce"], "acme/leaving")
        # and from now on, at once
        self.assertEqual(ce.ask(gone.etag, 50).status, 410)
        self.assertEqual(ce.report(answer.json()).status, 410)

    def test_reports(self):
        ce = CE(self.server, "reporter", "corp")
        document = ce.ask().json()
        self.assertEqual(ce.report(document).status, 204)
        for changes in ({"schema": "ce-status/2"}, {"nonsense": 1},
                        {"seq": -1}, {"uptime": "x"}):
            answer = ce.report(document, **changes)
            self.assertEqual(answer.status, 400, changes)
            self.assertTrue(answer.json()["error"]["code"].startswith("json-"))
        c = ce.connect()
        c.request("POST", "/v1/status", b"{" * (8 * 1024 * 1024))
        self.assertEqual(c.getresponse().status, 400)
        c.close()
        c = ce.connect()
        c.putrequest("POST", "/v1/status")
        c.putheader("Content-Length", str(8 * 1024 * 1024 + 1))
        c.endheaders()
        self.assertEqual(c.getresponse().status, 413)
        c.close()
        self.assertEqual(ce.ask().status, 200)

    # ---- many --------------------------------------------------------------------------

    def test_many_parked_and_only_the_concerned_woken(self):
        for vpn in ("east", "west"):
            self.add_vpn(vpn)
        east = [CE(self.server, f"east{i}", "east") for i in range(5)]
        west = [CE(self.server, f"west{i}", "west") for i in range(35)]
        etags = {ce: ce.ask().etag for ce in east + west}
        polls = {ce: [self.pool.submit(ce.ask, etags[ce], 40) for _ in range(5)]
                 for ce in east + west}
        time.sleep(3)
        every = [p for ce in polls for p in polls[ce]]
        self.assertEqual(len(every), 200)
        self.assertFalse([p for p in every if p.done()])
        begun = time.monotonic()
        CE(self.server, "east-new", "east", enroll=False)
        for ce in east:
            for poll in polls[ce]:
                self.assertEqual(poll.result(5).status, 200)
        self.assertLess(time.monotonic() - begun, 2)
        time.sleep(0.5)
        self.assertFalse([p for ce in west for p in polls[ce] if p.done()])
        begun = time.monotonic()
        CE(self.server, "west-new", "west", enroll=False)
        for ce in west:
            for poll in polls[ce]:
                self.assertEqual(poll.result(10).status, 200)
        took = time.monotonic() - begun
        print(f"# 175 parked released in {took:.2f} s", file=sys.stderr)
        self.assertLess(took, 5)

    def test_load(self):
        ce = CE(self.server, "load", "corp")
        etag = ce.ask().etag

        def some(_):
            c = ce.connect()
            statuses = {ce.ask(etag, connection=c).status for _ in range(250)}
            c.close()
            return statuses
        begun = time.monotonic()
        for statuses in self.pool.map(some, range(4)):
            self.assertEqual(statuses, {304})
        took = time.monotonic() - begun
        print(f"# 1000 conditional requests in {took:.2f} s", file=sys.stderr)
        self.assertLess(took, 20)

    def test_zz_no_secret_in_the_log(self):
        """Last by its name: after all the others wrote their part."""
        log = self.server.log()
        self.assertIn(" enroll: ", log)
        self.assertGreater(len(self.server.secrets), 10)
        for secret in self.server.secrets:
            self.assertNotIn(secret, log)
            self.assertNotIn(base64.b64encode(secret.encode()).decode(), log)
        self.assertNotIn("Authorization", log)


class Addresses(unittest.TestCase):
    """Where alarms are looked for every second or so."""

    def setUp(self):
        self.server = Server().start(**{"report-interval": 5})
        self.server.admin("POST", "/v1/customers", {"customer": "acme"})
        self.server.admin("POST", "/v1/vpns", {"customer": "acme", "vpn": "corp", "topology": "any-to-any"})

    def tearDown(self):
        self.server.close()

    def test_another_address(self):
        """Requests that are refused, each with its reason; nothing changes. (What is followed: test_dynamic.py in the lab.)"""
        ce = CE(self.server, "roamer", "corp")
        document = ce.ask().json()
        known = document["vpns"][0]["ce-address"]
        url = "/v1/alarms?customer=acme"

        def alarm():
            found = [a for a in self.server.admin("GET", url).json()["alarms"]
                     if a["code"] == "address-refused" and a.get("ce") == "roamer"]
            return found[0]["text"] if found else None

        def told(address, text):
            self.assertEqual(ce.report(document, address=address).status, 204)
            wait_until(f"{text}, not {alarm()}", lambda: alarm() and text in alarm())

        told({"missing": known, "present": "192.0.2.250"}, "192.0.2.250: its address is static")
        self.server.admin("PATCH", "/v1/ces/acme/roamer", {"dynamic": ["127.0.0.0/24"]}, status=400)
        self.server.admin("PATCH", "/v1/ces/acme/roamer", {"dynamic": ["192.0.2.0/24"]})
        wait_until("another policy, another question", lambda: alarm() is None)
        told({"missing": known, "present": "192.0.2.250"}, "came from another address (127.0.0.1)")
        told({"missing": known, "present": "127.0.0.1"}, "not an address that a router can have")
        told({"missing": known}, "and no other")
        # of another document than the one that is now: nothing to say
        self.assertEqual(ce.report(document, address={"missing": "192.0.2.251", "present": "127.0.0.1"}).status, 204)
        wait_until("over", lambda: alarm() is None)
        for bad in ({}, {"present": known}, {"missing": "x"}, {"missing": known, "more": 1}, known, None, []):
            self.assertEqual(ce.report(document, address=bad).status, 400, bad)
        # behind NAT the connection counts
        self.server.admin("PATCH", "/v1/ces/acme/roamer", {"behind-nat": True})
        behind = ce.ask().json()
        self.assertIs(behind["vpns"][0]["behind-nat"], True)
        self.assertEqual(ce.report(document).status, 204)
        wait_until("127.0.0.1 is not followed", lambda: alarm() and "127.0.0.1: not an address" in alarm())
        self.assertEqual(ce.ask().json(), behind)


class Restarts(unittest.TestCase):
    def setUp(self):
        self.server = Server().start()
        self.pool = concurrent.futures.ThreadPoolExecutor(100)
        self.server.admin("POST", "/v1/customers", {"customer": "acme"})
        self.server.admin("POST", "/v1/vpns", {
            "customer": "acme", "vpn": "corp", "topology": "any-to-any"})
        self.ce = CE(self.server, "paris", "corp")

    def tearDown(self):
        self.pool.shutdown()
        self.server.close()

    def test_stop_with_parked(self):
        etag = self.ce.ask().etag
        polls = [self.pool.submit(self.ce.ask, etag, 50) for _ in range(60)]
        time.sleep(1.5)
        took, status = self.server.stop()
        self.assertLess(took, 5)
        self.assertEqual(status, 0)
        for poll in polls:
            answer = poll.result(5)
            self.assertEqual(answer.status, 503)
            self.assertGreater(int(answer.headers["Retry-After"]), 0)
        self.assertFalse(os.path.exists(self.server.settings["admin-socket"]))

    def test_restart_keeps_all(self):
        etag = self.ce.ask().etag
        for sig in (signal.SIGTERM, signal.SIGKILL):
            self.server.stop(sig)
            self.server.start()
            answer = self.ce.ask(etag)
            self.assertEqual((answer.status, answer.etag), (304, etag))
        # what every document carries has changed: another revision
        self.server.stop()
        self.server.start(**{"poll-interval": 77})
        answer = self.ce.ask(etag)
        self.assertEqual(answer.status, 200)
        self.assertNotEqual(answer.etag.split("-")[0], etag.split("-")[0])
        self.assertEqual(answer.json()["management"]["poll-interval"], 77)

    def test_changes_of_another_process(self):
        """Two servers on one database: the other's commit is seen by polling."""
        config = self.server.configure()
        ports = free_ports(2)
        text = read_file(config)
        for old, new in ((self.server.port, ports[0]),
                         (self.server.enroll_port, ports[1])):
            text = text.replace(f"127.0.0.1:{old}", f"127.0.0.1:{new}")
        text = text.replace("admin.sock", "admin2.sock")
        with open(config + "2", "w") as f:
            f.write(text)
        with open(self.server.dir + "/log2", "w") as log:
            other = subprocess.Popen([BINARY, "run", "--config", config + "2"],
                                     stderr=log)
        try:
            wait_until("the other is ready", lambda: os.path.exists(
                self.server.dir + "/admin2.sock"))
            etag = self.ce.ask().etag
            poll = self.pool.submit(self.ce.ask, etag, 50)
            time.sleep(0.5)
            self.server.settings["admin-socket"] = self.server.dir + "/admin2.sock"
            begun = time.monotonic()
            CE(self.server, "lyon", "corp", enroll=False)
            self.assertEqual(poll.result(10).status, 200)
            self.assertLess(time.monotonic() - begun, 4)
        finally:
            other.terminate()
            self.assertEqual(other.wait(10), 0)

    def test_hangup_reads_the_log_level(self):
        self.server.settings["log-level"] = "error"
        self.server.configure()
        self.server.process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        before = len(self.server.log())
        self.assertEqual(self.ce.ask().status, 200)
        self.assertEqual(len(self.server.log()), before)

    def test_refuses_a_foreign_key(self):
        self.server.stop()
        with open(self.server.state + "/kek.key", "w") as f:
            f.write("0" * 64 + "\n")
        check = subprocess.run([BINARY, "run", "--check", "--config",
                                self.server.dir + "/server.conf"],
                               capture_output=True, text=True)
        self.assertEqual(check.returncode, 1)
        self.assertNotIn("OK", check.stdout)


if __name__ == "__main__":
    for tool in ("openssl", "curl"):
        if not shutil.which(tool):
            print(f"1..0 # SKIP no {tool}")
            sys.exit(77)
    if not os.access(BINARY, os.X_OK):
        print(f"no {BINARY}", file=sys.stderr)
        sys.exit(99)
    # old versions of TLS are what is tried here
    warnings.simplefilter("ignore", DeprecationWarning)
    unittest.main(verbosity=1, warnings=False)
