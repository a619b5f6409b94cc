#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# Who may do what, on a whole ppvpn-server on loopback: two customers with the same
# names of VPNs, sites and routers, and operators of one of them who ask for the
# other's in every form. Needs openssl; PPVPN_ROUTES names the program that prints
# the routes (default: the built one).

import base64
import concurrent.futures
import contextlib
import hashlib
import http.client
import json
import os
import pwd
import re
import shutil
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

from test_server import (BINARY, CE, Answer, Server, UnixConnection, free_ports,
                         read_file, sh, wait_until)

ADMIN = os.path.join(os.path.dirname(BINARY) or ".", "ppvpn-admin")
ROUTES = os.environ.get("PPVPN_ROUTES", "./testing/unit/admin-routes")
NOBODY = "ghost1"       # as long as "globex"; there is no such customer


def routes():
    return [line.split() for line in sh(ROUTES).decode().splitlines()]


@contextlib.contextmanager
def user(name):
    """Another Unix user for a while, as the kernel tells the server."""
    entry = pwd.getpwnam(name)
    os.setegid(entry.pw_gid)
    os.seteuid(entry.pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


class Operator:
    """Somebody with a certificate of the server's CA."""

    def __init__(self, server, name, role="none", unix_user="", key=None, **customers):
        self.server, self.name = server, name
        self.key = key or f"{server.dir}/op-{name}.key"
        self.crt = f"{server.dir}/op-{name}.crt"
        server.admin("POST", "/v1/operators", {
            "operator": name, "role": role, "unix-user": unix_user, "customers": [
                {"customer": c, "role": r} for c, r in customers.items()]})
        self.certify()

    def csr(self, new=True):
        if new:
            sh("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt",
               "ec_paramgen_curve:P-256", "-out", self.key)
        return sh("openssl", "req", "-new", "-key", self.key, "-subj",
                  "/CN=evil/O=root", "-outform", "DER")

    def certify(self, new=True):
        csr = base64.b64encode(self.csr(new)).decode()
        answer = self.server.admin(
            "POST", f"/v1/operators/{self.name}/certificate", {"csr": csr}).json()
        with open(self.crt, "w") as f:
            f.write(ssl.DER_cert_to_PEM_cert(
                base64.b64decode(answer["certificate"])))
        return answer

    def connect(self, port=None):
        return http.client.HTTPSConnection(
            "127.0.0.1", port or self.server.admin_port, timeout=20,
            context=self.server.context((self.crt, self.key)))

    def ask(self, method, path, body=None, headers=None, connection=None, port=None):
        c = connection or self.connect(port)
        if body is not None and not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        c.request(method, path, body, headers or {})
        answer = Answer(c.getresponse())
        if not connection:
            c.close()
        return answer


def provider():
    """A server with customers acme and globex: one like the other."""
    port, = free_ports(1)
    server = Server(**{"admin-listen": f"127.0.0.1:{port}"}).start()
    server.admin_port = port
    for number, customer in enumerate(("acme", "globex")):
        server.admin("POST", "/v1/customers", {
            "customer": customer, "description": f"of {customer} alone"})
        server.admin("POST", "/v1/vpns", {
            "customer": customer, "vpn": "corp", "topology": "any-to-any"})
        server.admin("POST", "/v1/profiles", {
            "customer": customer, "vpn": "corp", "profile": "slow"})
        for i, name in enumerate(("paris", "lyon", "nice")):
            server.admin("POST", "/v1/ces", {
                "customer": customer, "ce": name,
                "ce-address": f"198.51.100.{100 * number + i + 1}"})
            if name != "nice":
                server.admin("POST", "/v1/sites", {
                    "customer": customer, "vpn": "corp", "site": name, "ce": name})
        server.admin("PATCH", f"/v1/links/{customer}/corp/paris/lyon", {"cost": 7})
    return server


class Base(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = provider()
        for customer in ("acme", "globex"):
            cls.server.admin("POST", f"/v1/links/{customer}/corp/paris/lyon/rotate")
        make = cls.make = staticmethod(
            lambda *words, **kwargs: Operator(cls.server, *words, **kwargs))
        cls.viktor = make("viktor", acme="viewer")
        cls.alice = make("alice", acme="operator")
        cls.ada = make("ada", acme="admin")
        cls.vera = make("vera", "viewer")
        cls.otto = make("otto", "operator")
        cls.olga = make("olga", "admin")

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def root(self, method, path, body=None, **kwargs):
        return self.server.admin(method, path, body, **kwargs).json()

    def revision(self):
        return self.root("GET", "/v1/health")["revision"]

    def refused(self, answer, status, code=None):
        self.assertEqual(answer.status, status, answer.body)
        if code:
            self.assertEqual(answer.json()["error"]["code"], code)

    def same(self, asker, method, path, body=None, other=None, hidden=True):
        """The answer is as for what does not exist, but for the name."""
        def swap(text):
            return text.replace("globex", NOBODY).replace(
                "%67lobex", "%67" + NOBODY[1:]) if isinstance(text, str) else text

        body = json.dumps(body) if isinstance(body, dict) else body
        there = asker.ask(method, path, body)
        absent = asker.ask(method, swap(path), swap(body))
        self.assertEqual(there.status, absent.status, (method, path, there.body))
        self.assertEqual(swap(there.body.decode()), absent.body.decode())
        self.assertIn(there.status, (404,) if hidden else (400, 403, 404),
                      (method, path, there.body))
        self.assertNotIn("of globex", there.body.decode())
        self.assertNotIn("198.51.100.10", there.body.decode())
        return there


def bodies(customer):
    """What a request of each route has in its body."""
    vpn = {"customer": customer, "vpn": "new", "topology": "any-to-any"}
    site = {"customer": customer, "vpn": "corp", "site": "nice", "ce": "nice"}
    return {
        "POST /v1/customers": {"customer": customer + "x"},
        "PATCH /v1/customers/{customer}": {"description": "x"},
        "PUT /v1/config/{customer}": {
            "schema": "ppvpn-customer/1", "customer": customer, "ces": [],
            "vpns": []},
        "POST /v1/vpns": vpn,
        "PATCH /v1/vpns/{customer}/{vpn}": {"grade": "high"},
        "POST /v1/profiles": {"customer": customer, "vpn": "corp",
                              "profile": "new"},
        "PATCH /v1/profiles/{customer}/{vpn}/{profile}": {"rekey_time": 5000},
        "POST /v1/ces": {"customer": customer, "ce": "new",
                         "ce-address": "203.0.113.77"},
        "PATCH /v1/ces/{customer}/{ce}": {"suspended": True},
        "POST /v1/ces/{customer}/{ce}/approve": {"key": "0" * 64},
        "POST /v1/sites": site,
        "PATCH /v1/sites/{customer}/{vpn}/{site}": {"description": "x"},
        "PATCH /v1/links/{customer}/{vpn}/{site}/{peer}": {"cost": 9},
        "POST /v1/operators": {"operator": "mallory", "role": "admin"},
        "PATCH /v1/operators/{operator}": {"role": "admin"},
        "POST /v1/operators/{operator}/certificate": {"csr": "AAAA"},
    }


PARTS = {"vpn": "corp", "site": "paris", "peer": "lyon", "ce": "paris",
         "profile": "slow", "operator": "alice"}


def target(path, customer, revision=1, **parts):
    parts = {**PARTS, "customer": customer, "revision": revision, **parts}
    return re.sub(r"\{(\w+)\}", lambda m: str(parts[m.group(1)]), path)


class AnothersThings(Base):
    """One customer's operator asks for another's."""

    def setUp(self):
        self.before = self.state()
        self.addCleanup(lambda: self.assertEqual(self.state(), self.before))

    def state(self):
        return (self.revision(), self.root("GET", "/v1/config/globex"),
                self.root("GET", "/v1/ces?customer=globex"),
                self.root("GET", "/v1/operators"),
                self.root("GET", "/v1/audit?limit=10000"))

    def test_every_route_by_its_path(self):
        count = 0
        for method, path, _, _ in routes():
            if "{customer}" not in path or (method, path) == (
                    "DELETE", "/v1/customers/{customer}"):
                continue
            body = bodies("globex").get(f"{method} {path}")
            for asker in (self.viktor, self.alice, self.ada):
                with self.subTest(method=method, path=path, asker=asker.name):
                    self.same(asker, method, target(path, "globex"), body)
                    self.same(asker, method, target(path, "globex") +
                              "?customer=acme", body)
                    self.same(asker, method, target(path, "globex") +
                              "?dry-run=yes", body)
                    count += 1
        self.assertGreater(count, 50)

    def test_every_route_by_its_path_encoded(self):
        """No way of writing a name is another name."""
        forms = ("%67lobex", "g%6Cobex", "globex%00", "globex%20", "globex%2F",
                 "globex%2fx", "Globex", "GLOBEX", "globex.", "acme%2F..%2Fglobex",
                 "acme/../globex", "./globex", "acme//globex", "globex;acme",
                 "globex%3Facme", "%2567lobex", "globex%0a", "gl\u00f6bex",
                 "acme%2Fglobex", "*", "%25", "globex'--", "acme,globex")
        for method, path, _, _ in routes():
            if "{customer}" not in path:
                continue
            body = bodies("globex").get(f"{method} {path}")
            for form in forms:
                name = form.encode().decode("latin-1") if form.isascii() else \
                    form.encode().hex("%").join(("%", ""))
                with self.subTest(method=method, path=path, form=form):
                    for written in {target(path, name),
                                    "/" + target(path, name)}:
                        answer = self.ada.ask(method, written, body)
                        self.assertIn(answer.status, (400, 403, 404, 405),
                                      answer.body)
                        self.assertNotIn(b"of globex", answer.body)

    def test_every_list_by_its_query(self):
        lists = [path for method, path, _, _ in routes()
                 if method == "GET" and "{" not in path and
                 path not in ("/v1/health", "/v1/whoami", "/v1/operators")]
        self.assertEqual(len(lists), 13)
        for path in lists:
            for asker in (self.viktor, self.alice, self.ada):
                for query in ("customer=globex", "customer=%67lobex",
                              "customer=globex&vpn=corp",
                              "vpn=corp&customer=globex",
                              "customer=globex&limit=10", "customer=globex&by=change",
                              "by=ce&customer=globex", "customer=globex&cleared=yes",
                              "after=0&customer=globex&wait=0",
                              "customer=globex&vpn=corp&site=paris&wait=50"):
                    with self.subTest(path=path, query=query, asker=asker.name):
                        self.same(asker, "GET", f"{path}?{query}")
                for query in ("customer=acme&customer=globex",
                              "customer=globex&customer=acme", "customer=",
                              "customer=acme%26customer=globex",
                              "customer=acme;customer=globex", "customer=acme,globex",
                              "customer=*", "customer=%25", "customer=GLOBEX",
                              "customer=acme%00globex", "customer=globex%20"):
                    with self.subTest(path=path, query=query):
                        answer = asker.ask("GET", f"{path}?{query}")
                        self.assertIn(answer.status, (400, 404), answer.body)
                        self.assertNotIn(b"of globex", answer.body)
                # other names of the query reach nothing either
                answer = asker.ask(
                    "GET", f"{path}?Customer=globex&customers=globex&x=globex"
                    "&after=0&limit=1000&cleared=yes&by=ce")
                self.assertNotIn(b"globex", answer.body)

    def test_every_body(self):
        count = 0
        for method, path, _, _ in routes():
            body = bodies("globex").get(f"{method} {path}")
            if not body or "customer" not in body or "{" in path or \
                    path == "/v1/customers":
                continue
            for asker in (self.viktor, self.alice, self.ada):
                with self.subTest(path=path, asker=asker.name):
                    self.same(asker, method, path, body)
                    self.same(asker, method, path + "?customer=acme", body)
                    self.same(asker, method, path + "?dry-run=yes", body)
                    own = json.dumps({"customer": "acme"})[:-1]
                    text = json.dumps(body)
                    # twice, in both orders; by an escape; not a name
                    for twice in (own + ", " + text[1:],
                                  text[:-1] + ', "customer": "acme"}',
                                  text.replace('"customer"', '"c\\u0075stomer"')
                                  [:-1] + ', "customer": "acme"}',
                                  text.replace('"globex"', '["acme", "globex"]'),
                                  text.replace('"globex"', 'null'),
                                  text.replace('"globex"', '"acme\\u0000globex"'),
                                  text.replace('"globex"', '"GLOBEX"'),
                                  "[" + text + "]", text + text, text[:-1], ""):
                        answer = asker.ask(method, path, twice)
                        self.assertIn(answer.status, (400, 404), (twice, answer.body))
                    # an escaped name is the same name
                    self.refused(asker.ask(method, path, text.replace(
                        "globex", "\\u0067lobex")), 404, "not-found")
                    count += 1
        self.assertEqual(count, 4 * 3)

    def test_another_thing_by_an_own_path(self):
        """The customer is one's own, and the rest of the request the other's."""
        vpn = {"customer": "acme", "vpn": "../globex/corp", "topology": "any-to-any"}
        for method, path, body in (
                ("POST", "/v1/vpns", vpn),
                ("POST", "/v1/sites", {"customer": "acme", "vpn": "globex/corp",
                                       "site": "x", "ce": "nice"}),
                ("POST", "/v1/sites", {"customer": "acme", "vpn": "corp",
                                       "site": "x", "ce": "globex/nice"}),
                ("PATCH", "/v1/ces/acme/paris", {"customer": "globex"}),
                ("PATCH", "/v1/sites/acme/corp/paris", {"ce": "nice",
                                                        "customer": "globex"}),
                ("PUT", "/v1/config/acme", bodies("globex")[
                    "PUT /v1/config/{customer}"]),
                ("PUT", "/v1/config/acme", bodies(NOBODY)[
                    "PUT /v1/config/{customer}"]),
                ("PUT", "/v1/config/globex", bodies("acme")[
                    "PUT /v1/config/{customer}"])):
            with self.subTest(path=path, body=body):
                answer = self.ada.ask(method, path, body)
                self.assertIn(answer.status, (400, 404), answer.body)

    def test_the_others_address(self):
        """It is taken; by whom is not told."""
        for body in ({"ce-address": "198.51.100.101"},):
            answer = self.alice.ask("PATCH", "/v1/ces/acme/paris", body)
            self.refused(answer, 409, "exists")
            self.assertNotIn(b"globex", answer.body)
        answer = self.alice.ask("POST", "/v1/ces", {
            "customer": "acme", "ce": "new", "ce-address": "198.51.100.101"})
        self.refused(answer, 409, "exists")
        self.assertNotIn(b"globex", answer.body)
        answer = self.alice.ask("PATCH", "/v1/sites/acme/corp/paris", {
            "ce-address": "198.51.100.101"})
        self.refused(answer, 409, "exists")
        self.assertNotIn(b"globex", answer.body)

    def test_lists_without_a_filter(self):
        for path in ("/v1/customers", "/v1/vpns", "/v1/profiles", "/v1/ces",
                     "/v1/sites", "/v1/links", "/v1/status", "/v1/tunnels",
                     "/v1/time-to-service", "/v1/audit", "/v1/rotations"):
            everything = self.vera.ask("GET", path)
            self.assertIn(b"globex", everything.body)
            wanted = self.root("GET", path + "?customer=acme")
            if path == "/v1/customers":
                wanted = {"customers": [self.root("GET", "/v1/customers/acme")]}
            for asker in (self.viktor, self.alice, self.ada):
                with self.subTest(path=path, asker=asker.name):
                    answer = asker.ask("GET", path)
                    self.assertEqual(answer.status, 200)
                    self.assertNotIn(b"globex", answer.body)
                    got = answer.json()
                    for document in (got, wanted):
                        document.pop("now-ms", None)
                    self.assertEqual(got, wanted)
                    self.assertTrue(all(v or k == "errors" for k, v in got.items()
                                        if isinstance(v, list)), got)

    def test_revisions(self):
        records = self.root("GET", "/v1/audit?limit=10000")["audit"]
        newest = {}
        for record in records:
            if record["what"].startswith("psk rotate acme/"):
                continue            # of no object, but his: see below
            for customer in ("acme", "globex"):
                if f" {customer}/" in record["what"] or \
                        record["what"].endswith(" " + customer):
                    newest[customer] = record["revision"]
            if record["what"].startswith("operator "):
                newest["operator"] = record["revision"]
        for asker in (self.viktor, self.alice, self.ada):
            own = asker.ask("GET", f"/v1/revisions/{newest['acme']}")
            self.assertEqual(own.status, 200)
            self.assertIn(b"acme", own.body)
            for record in records:
                if record["what"].startswith("psk rotate acme/"):
                    own = asker.ask("GET", f"/v1/revisions/{record['revision']}")
                    self.assertEqual((own.status, own.json()["objects"]), (200, []))
            for method, path in (("GET", "/v1/revisions/%s"),
                                 ("POST", "/v1/revisions/%s/revert"),
                                 ("POST", "/v1/revisions/%s/revert?dry-run=yes")):
                absent = asker.ask(method, path % 999999)
                self.refused(absent, 404, "not-found")
                for whose in ("globex", "operator"):
                    for form in ("%d", "0%d", "%d?customer=acme"):
                        if "revert" in path and "?" in form:
                            continue
                        answer = asker.ask(method, path % (form % newest[whose]))
                        self.refused(answer, 404)
                        self.assertEqual(answer.body.decode(), absent.body.decode()
                                         .replace("999999", str(newest[whose])))
        self.refused(self.ada.ask("GET", "/v1/revisions/x"), 400)
        # who is an operator is told to those who may ask under /v1/operators
        path = f"/v1/revisions/{newest['operator']}"
        self.assertEqual(self.vera.ask("GET", path).json()["objects"], [])
        self.assertEqual(self.otto.ask("GET", path).json()["objects"], [])
        self.assertTrue(self.olga.ask("GET", path).json()["objects"])

    def test_what_is_of_all(self):
        for method, path, _, _ in routes():
            if not path.startswith("/v1/operators") and (method, path) not in (
                    ("POST", "/v1/customers"),
                    ("DELETE", "/v1/customers/{customer}")):
                continue
            for asker in (self.viktor, self.alice, self.ada, self.vera, self.otto):
                for customer in ("acme", "globex", NOBODY):
                    with self.subTest(path=path, asker=asker.name):
                        body = bodies(customer).get(f"{method} {path}")
                        answer = asker.ask(method, target(path, customer), body)
                        self.refused(answer, 403, "denied")
        for asker in (self.viktor, self.alice, self.ada, self.vera, self.otto):
            health = asker.ask("GET", "/v1/health").json()
            self.assertEqual(set(health), {"version", "epoch", "revision"})
        self.assertIn("parked", self.olga.ask("GET", "/v1/health").json())

    def test_forged_identities(self):
        """What a request says of itself is nothing."""
        forged = {
            "X-Forwarded-User": "root", "X-Remote-User": "root", "Remote-User":
            "root", "X-Forwarded-For": "127.0.0.1", "Forwarded":
            "for=127.0.0.1;by=root", "X-Client-Cert": "olga",
            "X-SSL-Client-Verify": "SUCCESS", "X-SSL-Client-S-DN": "CN=olga",
            "Ssl-Client-Cert": read_file(self.olga.crt).replace("\n", " "),
            "X-Ppvpn-Actor": "unix:root", "X-Operator": "olga",
            "Authorization": "Basic " + base64.b64encode(b"olga:x").decode(),
            "Cookie": "operator=olga", "X-HTTP-Method-Override": "GET",
            "X-Original-URL": "/v1/ces/globex/paris",
            "X-Rewrite-URL": "/v1/ces/globex/paris", "Host": "globex"}
        for asker in (self.viktor, self.alice, self.ada):
            for method, path, body, status in (
                    ("GET", "/v1/ces/globex/paris", None, 404),
                    ("GET", "/v1/operators", None, 403),
                    ("POST", "/v1/customers", {"customer": "x"}, 403)):
                plain = asker.ask(method, path, body)
                self.refused(plain, status)
                for name, value in forged.items():
                    answer = asker.ask(method, path, body, {name: value})
                    self.assertEqual((answer.status, answer.body),
                                     (plain.status, plain.body), name)
            me = asker.ask("GET", "/v1/whoami", headers={
                k: v for k, v in forged.items() if k != "Host"}).json()
            self.assertEqual(me["operator"], asker.name)
            self.assertEqual(me["role"], "none")


class Router(CE):
    """The router of that customer that is there already."""

    def __init__(self, server, customer, name):
        self.server, self.name, self.place = server, name, f"{customer}/{name}"
        self.key = f"{server.dir}/{customer}-{name}.key"
        self.crt = f"{server.dir}/{customer}-{name}.crt"
        self.seq = 0
        self.enroll()

    def says(self, *codes):
        self.seq += 1
        answer = self.report(self.ask().json(), seq=self.seq, alarms=[
            {"code": code, "resource": "x", "severity": "major", "count": 1, "age": 0,
             "text": f"of {self.place.split('/')[0]} alone"} for code in codes])
        assert answer.status == 204, answer.body

    def send(self, ident):
        c = self.connect()
        c.request("POST", f"/v1/diag?id={ident}", json.dumps(
            {"schema": "ce-diag/1", "ce": self.place, "of": self.place}))
        answer = Answer(c.getresponse())
        c.close()
        return answer.status


class WhatHappens(Base):
    """Alarms, events, bundles and times of routers that are at work."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.routers = {c: Router(cls.server, c, "paris") for c in ("acme", "globex")}
        for router in cls.routers.values():
            router.says("frr", "charon")
            router.says("charon")
        cls.pool = concurrent.futures.ThreadPoolExecutor(4)
        cls.addClassCleanup(cls.pool.shutdown)
        cls.both = cls.make("both", acme="viewer", globex="viewer")

    @staticmethod
    def known(answer):
        """All of an answer but the clock and the newest number."""
        return {k: v for k, v in answer.items() if k not in ("now-ms", "last")}

    def test_lists(self):
        for path in ("/v1/alarms", "/v1/alarms?cleared=yes", "/v1/alarms?cleared=no",
                     "/v1/watch?after=0", "/v1/watch?after=0&wait=50&limit=10000",
                     "/v1/time-to-service?by=change", "/v1/time-to-service?by=ce"):
            more = path + ("&" if "?" in path else "?")
            key = {"/v1/a": "alarms", "/v1/w": "events", "/v1/t": "groups"}[path[:5]]
            everything = self.vera.ask("GET", path)
            self.assertIn(b"globex", everything.body)
            self.assertEqual(everything.json()[key], self.root("GET", path)[key])
            wanted = self.known(self.root("GET", more + "customer=acme"))
            self.assertTrue(wanted[key])
            for asker in (self.viktor, self.alice, self.ada):
                with self.subTest(path=path, asker=asker.name):
                    for where in (path, more + "customer=acme"):
                        answer = asker.ask("GET", where)
                        self.assertNotIn(b"globex", answer.body)
                        self.assertEqual(self.known(answer.json()), wanted)
                    for query in ("customer=globex", "customer=globex&vpn=corp",
                                  "vpn=corp&customer=globex&site=paris",
                                  "customer=%67lobex"):
                        self.same(asker, "GET", more + query)
                    for query in ("vpn=corp", "site=paris", "ce=paris",
                                  "customer=acme&customer=globex", "customer="):
                        answer = asker.ask("GET", more + query)
                        self.assertIn(answer.status, (400, 404), (query, answer.body))
            # of several customers: theirs together, in the same order
            whole = self.both.ask("GET", path).json()[key]
            if key != "groups":
                self.assertEqual(whole, [x for x in everything.json()[key]
                                         if x.get("customer") in ("acme", "globex")])
            self.assertEqual(len(whole), sum(len(self.root(
                "GET", f"{more}customer={c}")[key]) for c in ("acme", "globex")))

    def test_what_a_watch_may_ask(self):
        """No number reaches another's events, in steps neither."""
        newest = self.viktor.ask("GET", "/v1/watch").json()
        self.assertEqual(newest["events"], [])
        at, seen = 0, []
        while at < newest["last"]:
            answer = self.viktor.ask("GET", f"/v1/watch?after={at}&limit=1")
            self.assertNotIn(b"globex", answer.body)
            seen += answer.json()["events"]
            self.assertGreater(answer.json()["last"], at)
            at = answer.json()["last"]
        self.assertEqual(seen, self.root("GET", "/v1/watch?after=0&customer=acme")
                         ["events"])
        for after in ("-1", "x", "", "9007199254740992", "1e3", "0x1", "%00"):
            self.refused(self.viktor.ask("GET", f"/v1/watch?after={after}"), 400)

    def parked(self, asker, path):
        waiting = self.pool.submit(asker.ask, "GET", path)
        time.sleep(0.5)
        self.assertFalse(waiting.done())
        return waiting

    def test_parked_and_then_no_longer_let_in(self):
        """What wakes a question asks for the role anew."""
        path = "/v1/operators/guest"
        for what, change in (
                ("role", ("PATCH", path, {"customers": [
                    {"customer": "globex", "role": "viewer"}]})),
                ("all roles", ("PATCH", path, {"customers": []})),
                ("certificate", ("DELETE", path + "/certificate", None)),
                ("operator", ("DELETE", path, None))):
            with self.subTest(taken=what):
                guest = self.make("guest", acme="viewer")
                last = guest.ask("GET", "/v1/watch").json()["last"]
                plain = self.parked(guest, f"/v1/watch?after={last}&wait=50")
                named = self.parked(guest, f"/v1/watch?after={last}&wait=50&customer=acme")
                # of the other customer, and of nobody: it waits on
                self.root("PATCH", "/v1/ces/globex/nice", {"description": what})
                self.root("POST", "/v1/operators", {"operator": "x"})
                self.root("DELETE", "/v1/operators/x")
                with self.assertRaises(concurrent.futures.TimeoutError):
                    plain.result(1)
                self.assertFalse(named.done())
                self.root(*change)
                if what == "role":      # the one that he has now is another's
                    self.root("PATCH", "/v1/ces/acme/nice", {"description": what})
                    self.refused(named.result(10), 404)
                    answer = plain.result(10)
                    self.assertEqual(answer.status, 200)
                    self.assertEqual({e["customer"] for e in answer.json()["events"]},
                                     {"globex"})
                else:
                    self.refused(plain.result(10), 403, "denied")
                    self.refused(named.result(10), 403, "denied")
                    self.assertNotIn(b"acme", plain.result().body)
                if what != "operator":
                    self.root("DELETE", path)

    def test_bundles(self):
        ours, theirs = self.routers["acme"], self.routers["globex"]
        diag = {r: f"/v1/ces/{r.place}/diag" for r in (ours, theirs)}
        ids = {r: self.root("POST", diag[r])["id"] for r in (ours, theirs)}
        self.assertEqual(theirs.send(ids[theirs]), 204)
        for asker in (self.viktor, self.alice, self.ada):
            for query in ("", f"?id={ids[theirs]}", "?wait=50", "?customer=acme",
                          f"?id={ids[theirs]}&wait=50", "?seconds=0"):
                self.same(asker, "GET", diag[theirs] + query)
                self.same(asker, "POST", diag[theirs] + query)
        # nobody's asking changed which one is kept
        self.assertEqual(self.root("GET", diag[theirs])["bundle"]["of"], "globex/paris")
        self.refused(self.alice.ask("GET", f"{diag[ours]}?id={ids[theirs]}"), 404)
        for asker in (self.viktor, self.vera):
            for method in ("GET", "POST"):
                self.refused(asker.ask(method, diag[ours]), 403, "denied")
        # who may no longer when it comes
        guest = self.make("guest", acme="operator")
        self.addCleanup(lambda: self.root("DELETE", "/v1/operators/guest"))
        waiting = self.parked(guest, f"{diag[ours]}?id={ids[ours]}&wait=50")
        other = self.parked(self.alice, f"{diag[ours]}?id={ids[ours]}&wait=50")
        self.root("PATCH", "/v1/operators/guest", {
            "customers": [{"customer": "acme", "role": "viewer"}]})
        self.assertEqual(theirs.send(ids[ours]), 404)
        self.assertEqual(ours.send(ids[ours]), 204)
        self.refused(waiting.result(10), 403, "denied")
        self.assertEqual(other.result(10).json()["bundle"]["of"], "acme/paris")

    def test_a_customer_of_the_same_name(self):
        """It sees nothing of the one before."""
        def begin(description):
            self.root("POST", "/v1/customers", {
                "customer": "hooli", "description": description})
            self.root("POST", "/v1/ces", {"customer": "hooli", "ce": "paris",
                                          "ce-address": "203.0.113.88"})

        begin("first")
        router = Router(self.server, "hooli", "paris")
        router.says("charon")
        self.assertEqual(router.send(self.root(
            "POST", "/v1/ces/hooli/paris/diag")["id"]), 204)
        hanna = self.make("hanna", hooli="admin")
        self.assertEqual(len(hanna.ask("GET", "/v1/alarms").json()["alarms"]), 1)
        self.assertTrue(hanna.ask("GET", "/v1/watch?after=0").json()["events"])
        self.root("DELETE", "/v1/operators/hanna")
        self.root("DELETE", "/v1/ces/hooli/paris")
        self.root("DELETE", "/v1/customers/hooli")
        begin("second")
        hugo = self.make("hugo", hooli="admin")
        self.assertEqual(hugo.ask("GET", "/v1/alarms?cleared=yes").json()["alarms"], [])
        events = hugo.ask("GET", "/v1/watch?after=0").json()["events"]
        self.assertEqual([e["text"] for e in events],
                         ["customer add hooli", "ce add hooli/paris"])
        self.refused(hugo.ask("GET", "/v1/ces/hooli/paris/diag"), 404)
        self.assertEqual(len(hugo.ask("GET", "/v1/audit").json()["audit"]), 2)
        # those who see all may still read what was, as of no customer
        old = [e for e in self.vera.ask("GET", "/v1/watch?after=0").json()["events"]
               if "of hooli alone" in e["text"]]
        self.assertEqual([e["event"] for e in old], ["alarm-raised", "alarm-cleared"])
        self.assertTrue(all("customer" not in e and "ce" not in e for e in old))
        for where in ("operators/hugo", "ces/hooli/paris", "customers/hooli"):
            self.root("DELETE", "/v1/" + where)


class Roles(Base):
    def test_viewers_change_nothing(self):
        before = self.revision()
        newest = self.root("GET", "/v1/audit?limit=1")
        config = self.root("GET", "/v1/config/acme")
        count = 0
        for method, path, least, _ in routes():
            if method == "GET":
                continue
            body = bodies("acme").get(f"{method} {path}")
            for asker in (self.viktor, self.vera):
                for query in ("", "?dry-run=yes", "?effects=yes"):
                    with self.subTest(method=method, path=path, asker=asker.name):
                        where = target(path, "acme", revision=3)
                        answer = asker.ask(method, where + query, body)
                        self.refused(answer, 403, "denied")
                        count += 1
        self.assertGreater(count, 100)
        self.assertEqual(self.revision(), before)
        self.assertEqual(self.root("GET", "/v1/config/acme"), config)
        self.assertEqual(self.root("GET", "/v1/audit?limit=1"), newest)

    def test_operators_change_routers_and_sites(self):
        address = "203.0.113.1"
        for asker in (self.alice, self.otto):
            for method, path, body in (
                    ("POST", "/v1/ces", {"customer": "acme", "ce": "rome",
                                         "ce-address": address}),
                    ("POST", "/v1/sites", {"customer": "acme", "vpn": "corp",
                                           "site": "rome", "ce": "rome"}),
                    ("PATCH", "/v1/links/acme/corp/rome/paris", {"cost": 5}),
                    ("POST", "/v1/links/acme/corp/rome/paris/rotate", None),
                    ("POST", "/v1/sites/acme/corp/rome/rotate", None),
                    ("PATCH", "/v1/ces/acme/rome", {"suspended": True}),
                    ("POST", "/v1/ces/acme/rome/bundle", None),
                    ("POST", "/v1/ces/acme/rome/replace", None),
                    ("DELETE", "/v1/links/acme/corp/rome/paris", None),
                    ("DELETE", "/v1/sites/acme/corp/rome", None),
                    ("DELETE", "/v1/ces/acme/rome", None)):
                answer = asker.ask(method, path, body)
                self.assertEqual(answer.status, 200, (path, answer.body))
                self.assertNotIn(b"globex", answer.body)
            for method, path, body in (
                    ("PATCH", "/v1/vpns/acme/corp", {"grade": "basic"}),
                    ("PATCH", "/v1/customers/acme", {"description": "x"}),
                    ("POST", "/v1/vpns", bodies("acme")["POST /v1/vpns"]),
                    ("DELETE", "/v1/vpns/acme/corp", None),
                    ("POST", "/v1/profiles", bodies("acme")["POST /v1/profiles"]),
                    ("PATCH", "/v1/profiles/acme/corp/slow", {"rekey_time": 4000}),
                    ("DELETE", "/v1/profiles/acme/corp/slow", None)):
                self.refused(asker.ask(method, path, body), 403, "denied")
        records = self.root("GET", "/v1/audit")["audit"]
        actors = {r["actor"] for r in records if "rome" in r["what"]}
        self.assertEqual(actors, {"alice (tls:127.0.0.1)", "otto (tls:127.0.0.1)"})

    def test_admins_change_vpns(self):
        for asker in (self.ada, self.olga):
            for grade in ("basic", "standard"):
                answer = asker.ask("PATCH", "/v1/vpns/acme/corp", {"grade": grade})
                self.assertEqual(answer.status, 200, answer.body)
            answer = asker.ask("PATCH", "/v1/customers/acme", {
                "description": f"of acme alone, says {asker.name}"})
            self.assertEqual(answer.status, 200, answer.body)
        answer = self.olga.ask("POST", "/v1/customers", {"customer": "hooli"})
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(self.olga.ask("DELETE", "/v1/customers/hooli").status, 200)

    def test_a_file_changes_what_its_parts_may(self):
        """PUT config by an operator: sites yes, VPNs no, and nothing by half."""
        config = self.root("GET", "/v1/config/acme")
        before = self.revision()

        def put(asker, change, query=""):
            new = json.loads(json.dumps(config))
            change(new)
            return asker.ask("PUT", "/v1/config/acme" + query, new)

        def grade(new):
            new["vpns"][0]["grade"] = "basic"

        def site(new):
            new["vpns"][0]["sites"][0]["description"] = "by file"

        def both(new):
            grade(new)
            site(new)

        def profile(new):
            del new["vpns"][0]["profiles"]

        def customer(new):
            new["description"] = "another"

        for change in (grade, both, profile, customer):
            for query in ("", "?dry-run=yes"):
                answer = put(self.alice, change, query)
                self.refused(answer, 403, "denied")
        self.assertEqual(self.root("GET", "/v1/config/acme"), config)
        self.assertEqual(self.revision(), before)
        self.assertEqual(put(self.alice, site).status, 200)
        changed = self.revision()
        # and back: what a revision changed decides who may take it back
        self.refused(self.viktor.ask("POST", f"/v1/revisions/{changed}/revert"), 403)
        answer = self.alice.ask("POST", f"/v1/revisions/{changed}/revert")
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(put(self.ada, both).status, 200)
        changed = self.revision()
        for query in ("", "?dry-run=yes"):
            self.refused(self.alice.ask(
                "POST", f"/v1/revisions/{changed}/revert{query}"), 403, "denied")
        self.assertEqual(self.revision(), changed)
        answer = self.ada.ask("POST", f"/v1/revisions/{changed}/revert")
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(self.root("GET", "/v1/config/acme"), config)

    def test_a_file_makes_no_customer(self):
        new = bodies("newcomer")["PUT /v1/config/{customer}"]
        for asker, status in ((self.viktor, 404), (self.ada, 404), (self.vera, 403),
                              (self.otto, 403)):
            self.refused(asker.ask("PUT", "/v1/config/newcomer", new), status)
        self.assertEqual(self.olga.ask("PUT", "/v1/config/newcomer", new).status, 200)
        self.root("DELETE", "/v1/customers/newcomer")

    def test_several_customers(self):
        both = self.make("both", acme="viewer", globex="operator")
        self.addCleanup(lambda: self.root("DELETE", "/v1/operators/both"))
        for path in ("/v1/customers", "/v1/vpns", "/v1/profiles", "/v1/ces",
                     "/v1/sites", "/v1/links", "/v1/tunnels", "/v1/time-to-service",
                     "/v1/rotations"):
            wanted = self.root("GET", path)
            got = both.ask("GET", path).json()
            for document in (got, wanted):
                document.pop("now-ms", None)
            self.assertEqual(got, wanted, path)
        status = both.ask("GET", "/v1/status").json()
        wanted = self.root("GET", "/v1/status")
        self.assertEqual((status["ces"], status["down"]),
                         (wanted["ces"], wanted["down"]))
        self.assertEqual(len(both.ask("GET", "/v1/audit?limit=5").json()["audit"]), 5)
        records = both.ask("GET", "/v1/audit?limit=10000").json()["audit"]
        self.assertEqual(records, [
            r for r in self.root("GET", "/v1/audit?limit=10000")["audit"]
            if not r["what"].startswith("operator ") and "hooli" not in r["what"] and
            "newcomer" not in r["what"] and r["actor"] != "server"])
        parts = [self.root("GET", f"/v1/audit?limit=10000&customer={c}")["audit"]
                 for c in ("acme", "globex")]
        self.assertEqual(len(records), sum(map(len, parts)))
        self.assertTrue(all(parts))
        self.refused(both.ask("PATCH", "/v1/ces/acme/paris", {
            "description": "x"}), 403, "denied")
        self.assertEqual(both.ask("PATCH", "/v1/ces/globex/paris", {
            "description": "x"}).status, 200)
        # customers come and go from the list with the role
        self.root("PATCH", "/v1/operators/both", {
            "customers": [{"customer": "globex", "role": "viewer"}]})
        self.refused(both.ask("GET", "/v1/ces/acme/paris"), 404)
        self.assertNotIn(b"acme", both.ask("GET", "/v1/ces").body)
        self.refused(both.ask("PATCH", "/v1/ces/globex/paris", {
            "description": "y"}), 403)

    def test_operators_are_checked(self):
        for body in ({"operator": "Bad"}, {"operator": "x", "role": "root"},
                     {"operator": "x", "customers": {"acme": "viewer"}},
                     {"operator": "x", "customers": [{"customer": "acme"}]},
                     {"operator": "x", "unix-user": "a b"}, {},
                     {"operator": "x", "customers": [
                         {"customer": "acme", "role": "none"}]},
                     {"operator": "x", "key": "0" * 64}):
            self.refused(self.olga.ask("POST", "/v1/operators", body), 400)
        self.refused(self.olga.ask("POST", "/v1/operators", {
            "operator": "x", "customers": [
                {"customer": "nosuch", "role": "viewer"}]}), 404)
        self.refused(self.olga.ask("POST", "/v1/operators", {
            "operator": "alice"}), 409, "exists")
        self.refused(self.olga.ask("DELETE", "/v1/operators/nosuch"), 404)
        self.refused(self.olga.ask("GET", "/v1/operators/nosuch"), 404)
        self.refused(self.olga.ask("DELETE", "/v1/customers/acme"), 409, "in-use")
        before = self.revision()
        paris = self.root("GET", "/v1/ces/acme/paris")["revision"]
        self.root("POST", "/v1/operators", {"operator": "x", "description": "y"})
        self.root("DELETE", "/v1/operators/x")
        self.assertEqual(self.revision(), before + 2)
        self.assertEqual(self.root("GET", "/v1/ces/acme/paris")["revision"], paris)
        self.refused(self.olga.ask("POST", f"/v1/revisions/{before + 2}/revert"),
                     409, "conflict")


class Certificates(Base):
    def keep(self, c):
        """It stays open, whatever is answered."""
        sock = c.sock
        self.assertIsNotNone(sock)
        return sock

    def test_removed_with_an_open_connection(self):
        eve = self.make("eve", "admin")
        c = eve.connect()
        self.assertEqual(eve.ask("GET", "/v1/operators", connection=c).status, 200)
        sock = self.keep(c)
        self.root("DELETE", "/v1/operators/eve")
        for method, path, body in (("GET", "/v1/customers", None),
                                   ("GET", "/v1/health", None),
                                   ("GET", "/v1/whoami", None),
                                   ("POST", "/v1/customers", {"customer": "x"})):
            answer = eve.ask(method, path, body, connection=c)
            self.refused(answer, 403, "denied")
            self.assertNotIn(b"acme", answer.body)
            self.assertIs(c.sock, sock)
        c.close()
        self.refused(eve.ask("GET", "/v1/customers"), 403)
        # a new one of that name is another person
        self.make("eve", "viewer", key=self.server.dir + "/eve2.key")
        with open(eve.crt) as f:
            new = f.read()
        self.root("DELETE", "/v1/operators/eve")
        self.assertTrue(new)

    def test_a_role_that_is_taken_away(self):
        eve = self.make("eva", "admin")
        c = eve.connect()
        self.assertEqual(eve.ask("GET", "/v1/operators", connection=c).status, 200)
        sock = self.keep(c)
        self.root("PATCH", "/v1/operators/eva", {"role": "none"})
        self.refused(eve.ask("GET", "/v1/operators", connection=c), 403)
        self.refused(eve.ask("GET", "/v1/customers", connection=c), 403)
        self.assertIs(c.sock, sock)
        c.close()

    def test_a_new_certificate_ends_the_old(self):
        eve = self.make("evi", "viewer")
        old = self.server.dir + "/old.crt"
        for new_key in (False, True):
            shutil.copy(eve.crt, old)
            shutil.copy(eve.key, self.server.dir + "/old.key")
            c = eve.connect()
            self.assertEqual(eve.ask("GET", "/v1/ces", connection=c).status, 200)
            sock = self.keep(c)
            eve.certify(new=new_key)
            # over the connection that was open, and over a new one
            self.refused(eve.ask("GET", "/v1/ces", connection=c), 403, "denied")
            self.assertIs(c.sock, sock)
            c.close()
            self.assertEqual(eve.ask("GET", "/v1/ces").status, 200)
            crt, key = eve.crt, eve.key
            eve.crt, eve.key = old, self.server.dir + "/old.key"
            self.refused(eve.ask("GET", "/v1/ces"), 403, "denied")
            eve.crt, eve.key = crt, key
        self.root("DELETE", "/v1/operators/evi/certificate")
        self.refused(eve.ask("GET", "/v1/ces"), 403)
        self.assertNotIn("certificate", self.root("GET", "/v1/operators/evi"))
        self.root("DELETE", "/v1/operators/evi")

    def test_a_dry_run_gives_no_certificate(self):
        eve = self.make("evo", "viewer")
        csr = base64.b64encode(eve.csr()).decode()
        before = self.root("GET", "/v1/operators/evo")
        answer = self.root("POST", "/v1/operators/evo/certificate?dry-run=yes",
                           {"csr": csr})
        self.assertTrue(answer["changed"])
        self.assertNotIn("certificate", answer)
        self.assertEqual(self.root("GET", "/v1/operators/evo"), before)
        self.root("DELETE", "/v1/operators/evo")

    def test_requests_are_checked_like_enrolments(self):
        def post(csr):
            return self.olga.ask("POST", "/v1/operators/alice/certificate",
                                 {"csr": csr})

        before = self.root("GET", "/v1/operators/alice")
        with tempfile.NamedTemporaryFile() as f:
            for algorithm in (("RSA", "rsa_keygen_bits:1024"),
                              ("EC", "ec_paramgen_curve:P-224")):
                sh("openssl", "genpkey", "-algorithm", algorithm[0], "-pkeyopt",
                   algorithm[1], "-out", f.name)
                csr = sh("openssl", "req", "-new", "-key", f.name, "-subj", "/CN=x",
                         "-outform", "DER")
                self.refused(post(base64.b64encode(csr).decode()), 400)
            for algorithm in (("ED25519",), ("RSA", "rsa_keygen_bits:2048"),
                              ("EC", "ec_paramgen_curve:P-384")):
                sh("openssl", "genpkey", "-algorithm", algorithm[0], *(
                    ("-pkeyopt", algorithm[1]) if algorithm[1:] else ()),
                   "-out", f.name)
                csr = sh("openssl", "req", "-new", "-key", f.name, "-subj", "/CN=x",
                         "-outform", "DER")
                answer = self.olga.ask(
                    "POST", "/v1/operators/alice/certificate?dry-run=yes",
                    {"csr": base64.b64encode(csr).decode()})
                self.assertEqual(answer.status, 200, answer.body)
            # a signature that does not fit
            broken = bytearray(csr)
            broken[-1] ^= 1
            self.refused(post(base64.b64encode(broken).decode()), 400)
        for csr in ("", "!", "AAAA", "A" * 40000, 7, None):
            self.refused(post(csr), 400)
        self.assertEqual(self.root("GET", "/v1/operators/alice"), before)

    def test_routers_and_operators_are_apart(self):
        ce = CE(self.server, "berlin")
        self.addCleanup(lambda: self.root("DELETE", "/v1/ces/acme/berlin"))
        self.assertEqual(ce.ask().status, 200)
        # a router's certificate at the operators' listener
        c = http.client.HTTPSConnection(
            "127.0.0.1", self.server.admin_port, timeout=20,
            context=self.server.context((ce.crt, ce.key)))
        for method, path, _, _ in routes():
            c.request(method, target(path, "acme"))
            answer = Answer(c.getresponse())
            self.refused(answer, 403, "denied")
            self.assertNotIn(b"paris", answer.body)
        c.close()
        # an operator's at the routers'
        for path in ("/v1/config", "/v1/status", "/v1/leave", "/v1/customers"):
            for method in ("GET", "POST"):
                for asker in (self.alice, self.olga):
                    answer = asker.ask(method, path, port=self.server.port)
                    self.assertIn(answer.status, (404, 405), answer.body)
                    self.assertNotIn(b"vpns", answer.body)
        # nor is one key both
        csr = base64.b64encode(sh("openssl", "req", "-new", "-key", ce.key, "-subj",
                                  "/CN=x", "-outform", "DER")).decode()
        answer = self.olga.ask("POST", "/v1/operators/alice/certificate",
                               {"csr": csr})
        self.refused(answer, 409, "exists")
        bundle = ce.bundle()
        answer = self.server.enroll(ce.place, bundle["token"],
                                    self.alice.csr(new=False))
        self.assertEqual(answer.status, 400, answer.body)

    def test_a_key_in_the_wrong_place(self):
        """Even where a database has one key for both, the certificate tells."""
        def swap(table, where, spki):
            db = sqlite3.connect(self.server.state + "/ppvpn.db", timeout=20)
            old, = db.execute(f"SELECT spki FROM {table} WHERE {where}").fetchone()
            db.execute(f"UPDATE {table} SET spki = ? WHERE {where}", (spki,))
            db.commit()
            db.close()
            return old

        def spki(crt):
            der = sh("openssl", "pkey", "-pubin", "-outform", "DER", input=sh(
                "openssl", "x509", "-in", crt, "-pubkey", "-noout"))
            return hashlib.sha256(der).hexdigest()

        ce = CE(self.server, "madrid")
        self.assertEqual(ce.ask().status, 200)
        current = "ce_id = (SELECT id FROM ce WHERE name = 'madrid') " \
            "AND superseded = 0"
        old = swap("ce_key", current, spki(self.olga.crt))
        self.assertEqual(old, spki(ce.crt))
        self.refused(self.olga.ask("GET", "/v1/config", port=self.server.port), 404)
        swap("ce_key", current, old)
        self.assertEqual(ce.ask().status, 200)
        old = swap("operator", "name = 'olga'", spki(ce.crt))
        c = http.client.HTTPSConnection(
            "127.0.0.1", self.server.admin_port, timeout=20,
            context=self.server.context((ce.crt, ce.key)))
        c.request("GET", "/v1/customers")
        self.refused(Answer(c.getresponse()), 403, "denied")
        c.close()
        swap("operator", "name = 'olga'", old)
        self.assertEqual(self.olga.ask("GET", "/v1/customers").status, 200)

    def test_a_certificate_that_ended(self):
        """Also in the middle of a connection: what counts is the database's day."""
        eve = self.make("edo", "viewer")
        c = eve.connect()
        self.assertEqual(eve.ask("GET", "/v1/ces", connection=c).status, 200)
        db = sqlite3.connect(self.server.state + "/ppvpn.db", timeout=20)
        db.execute("UPDATE operator SET expires_ms = ? WHERE name = 'edo'",
                   (int(time.time() * 1000) - 1,))
        db.commit()
        db.close()
        self.refused(eve.ask("GET", "/v1/ces", connection=c), 403, "denied")
        c.close()

    def test_who_has_no_certificate_of_ours(self):
        with self.assertRaises((ssl.SSLError, ConnectionError,
                                http.client.HTTPException)):
            c = http.client.HTTPSConnection(
                "127.0.0.1", self.server.admin_port, timeout=20,
                context=self.server.context())
            c.request("GET", "/v1/health")
            c.getresponse()
        # a CA of one's own that has the same names in it
        d = self.server.dir
        sh("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
           "ec_paramgen_curve:P-256", "-nodes", "-keyout", d + "/own.key", "-out",
           d + "/own.crt", "-subj", "/CN=olga", "-addext",
           "subjectAltName=URI:ppvpn:operator/olga/6", "-addext",
           "extendedKeyUsage=clientAuth")
        with self.assertRaises((ssl.SSLError, ConnectionError,
                                http.client.HTTPException)):
            c = http.client.HTTPSConnection(
                "127.0.0.1", self.server.admin_port, timeout=20,
                context=self.server.context((d + "/own.crt", d + "/own.key")))
            c.request("GET", "/v1/health")
            c.getresponse()
        # the server's own certificate is no client's
        with self.assertRaises((ssl.SSLError, ConnectionError,
                                http.client.HTTPException)):
            c = http.client.HTTPSConnection(
                "127.0.0.1", self.server.admin_port, timeout=20,
                context=self.server.context((self.server.state + "/server.crt",
                                             self.server.state + "/server.key")))
            c.request("GET", "/v1/health")
            c.getresponse()
        context = self.server.context((self.olga.crt, self.olga.key),
                                      maximum_version=ssl.TLSVersion.TLSv1_2)
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            http.client.HTTPSConnection("127.0.0.1", self.server.admin_port,
                                        timeout=20, context=context).connect()

    def test_the_serial_is_what_the_database_says(self):
        """A certificate of our CA for the right key that is not the newest's."""
        eve = self.make("eli", "admin")
        self.assertEqual(eve.ask("GET", "/v1/operators").status, 200)
        text = sh("openssl", "x509", "-in", eve.crt, "-noout", "-text").decode()
        serial = self.root("GET", "/v1/operators/eli")["certificate"]["serial"]
        self.assertIn(f"URI:ppvpn:operator/eli/{serial}", text)
        self.assertIn("Subject: CN = eli\n", text)
        self.assertNotIn("evil", text)
        # another's key with his own name: signed by our CA, not in the database
        d = self.server.dir
        sh("openssl", "req", "-new", "-key", eve.key, "-subj", "/CN=eli", "-out",
           d + "/eli.csr")
        for number, uri in (
                (901, f"ppvpn:operator/eli/{serial + 1}"),
                (902, f"ppvpn:operator/olga/{serial}"), (903, None),
                (904, f"ppvpn:operator/eli/{serial}, URI:ppvpn:operator/olga/1")):
            with open(d + "/ext", "w") as f:
                f.write("extendedKeyUsage=clientAuth\nbasicConstraints=CA:FALSE\n")
                if uri:
                    f.write(f"subjectAltName=URI:{uri}\n")
            sh("openssl", "x509", "-req", "-in", d + "/eli.csr", "-CA",
               self.server.state + "/ca.crt", "-CAkey", self.server.state + "/ca.key",
               "-set_serial", str(number), "-days", "1", "-extfile", d + "/ext",
               "-out", eve.crt)
            self.refused(eve.ask("GET", "/v1/operators"), 403, "denied")
        self.root("DELETE", "/v1/operators/eli")

    def test_secrets_and_logs(self):
        log = self.server.log()
        self.refused(self.viktor.ask("POST", "/v1/customers", {"customer": "x"}), 403)
        new = self.server.log()[len(log):]
        self.assertIn("viktor (tls:127.0.0.1): POST /v1/customers refused", new)
        self.assertNotIn("PRIVATE KEY", self.server.log())


class UnixUsers(unittest.TestCase):
    """Over the Unix socket, by the user that the kernel names."""

    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("not root")
        self.server = provider()
        self.addCleanup(self.server.close)
        os.chmod(self.server.dir, 0o711)
        self.restart()

    def restart(self, **settings):
        self.server.stop()
        self.server.start(**{"admin-group": "nogroup", **settings})

    def ask(self, name, method, path, body=None):
        c = UnixConnection(self.server.settings["admin-socket"])
        with user(name):
            c.connect()
        c.request(method, path, json.dumps(body) if body else None)
        answer = Answer(c.getresponse())
        c.close()
        return answer

    def me(self, name):
        return self.ask(name, "GET", "/v1/whoami").json()

    def test_members_of_the_group(self):
        """As server.conf says; by default all of it, as ever."""
        self.assertEqual(self.me("nobody"), {
            "actor": "unix:nobody", "role": "admin", "customers": []})
        answer = self.ask("nobody", "POST", "/v1/customers", {"customer": "hooli"})
        self.assertEqual(answer.status, 200)
        for role, read, change, own in (("viewer", 200, 403, 403),
                                        ("operator", 200, 200, 403),
                                        ("none", 403, 403, 403)):
            self.restart(**{"admin-socket-role": role})
            self.assertEqual(self.ask("nobody", "GET", "/v1/ces").status, read)
            self.assertEqual(self.ask("nobody", "PATCH", "/v1/ces/acme/paris", {
                "description": role}).status, change)
            self.assertEqual(self.ask("nobody", "DELETE",
                                      "/v1/customers/hooli").status, own)
            # root is not locked out
            self.assertEqual(self.me("root")["role"], "admin")
        self.server.admin("DELETE", "/v1/customers/hooli")

    def test_operators(self):
        self.restart(**{"admin-socket-role": "admin"})
        self.server.admin("POST", "/v1/operators", {
            "operator": "alice", "unix-user": "nobody", "customers": [
                {"customer": "acme", "role": "operator"}]})
        # exactly what he was given, though others of the group have more
        self.assertEqual(self.me("nobody"), {
            "actor": "alice (unix:nobody)", "operator": "alice", "role": "none",
            "customers": [{"customer": "acme", "role": "operator"}]})
        self.assertEqual(self.ask("nobody", "GET", "/v1/ces/globex/paris").status,
                         404)
        self.assertEqual(self.ask("nobody", "GET", "/v1/operators").status, 403)
        answer = self.ask("nobody", "PATCH", "/v1/ces/acme/paris",
                          {"description": "seen"})
        self.assertEqual(answer.status, 200, answer.body)
        record = self.server.admin("GET", "/v1/audit?limit=1").json()["audit"][0]
        self.assertEqual(record["actor"], "alice (unix:nobody)")
        self.assertEqual(record["what"], "ce set acme/paris")
        # bundles, too, have his name
        self.assertEqual(self.ask("nobody", "POST",
                                  "/v1/ces/acme/paris/bundle").status, 200)
        record = self.server.admin("GET", "/v1/audit?limit=1").json()["audit"][0]
        self.assertEqual((record["actor"], record["what"]),
                         ("alice (unix:nobody)", "ce bundle acme/paris"))
        # removed with an open connection
        c = UnixConnection(self.server.settings["admin-socket"])
        with user("nobody"):
            c.connect()
        self.server.admin("PATCH", "/v1/operators/alice", {"customers": []})
        c.request("GET", "/v1/ces")
        self.assertEqual(Answer(c.getresponse()).status, 403)
        c.close()
        # root is root, whatever is said of it
        self.server.admin("POST", "/v1/operators", {
            "operator": "boss", "unix-user": "root", "role": "none"})
        self.assertEqual(self.me("root")["role"], "admin")
        self.assertEqual(self.me("root")["actor"], "unix:root")

    def test_the_servers_own_user(self):
        """nobody runs the server: then nobody is an admin."""
        self.server.stop()
        for where, dirs, files in os.walk(self.server.dir):
            for name in [where] + [os.path.join(where, f) for f in files]:
                os.chown(name, 65534, 65534)
        config = self.server.configure()
        text = read_file(config).replace(
            self.server.settings["admin-socket"], self.server.dir + "/nobody.sock")
        with open(config, "w") as f:
            f.write(text.replace("[server]", "[server]\nadmin-socket-role = none"))
        with open(self.server.dir + "/log2", "w") as log:
            other = subprocess.Popen([BINARY, "run", "--config", config], stderr=log,
                                     stdout=log, user="nobody", group="nogroup",
                                     extra_groups=[])
        try:
            wait_until("it listens", lambda: os.path.exists(
                self.server.dir + "/nobody.sock"))
            self.server.settings["admin-socket"] = self.server.dir + "/nobody.sock"
            wait_until("it answers", lambda: self.answers())
            self.assertEqual(self.me("nobody")["role"], "admin")
            self.assertEqual(self.me("root")["role"], "admin")
        finally:
            other.terminate()
            self.assertEqual(other.wait(20), 0)
            self.server.start()

    def answers(self):
        try:
            self.me("root")
            return True
        except OSError:
            return False


class Command(Base):
    """ppvpn-admin, over mutual TLS."""

    def run_admin(self, asker, *words, **kwargs):
        where = ["--server", f"https://127.0.0.1:{self.server.admin_port}", "--cert",
                 asker.crt, "--key", asker.key, "--ca", self.server.state + "/ca.crt"]
        return subprocess.run([ADMIN, *words, *where], capture_output=True, text=True,
                              timeout=60, **kwargs)

    def admin(self, asker, *words, **kwargs):
        done = self.run_admin(asker, *words, **kwargs)
        self.assertEqual(done.returncode, 0, (words, done.stdout, done.stderr))
        return done.stdout

    def test_every_command(self):
        """Each does over TLS what it does over the socket."""
        d = self.server.dir
        done = set()

        def do(*words, noun=2, **kwargs):
            done.add(" ".join(words[:noun]))
            return self.admin(self.olga, *words, **kwargs)

        do("customer", "add", "tyrell")
        do("customer", "list")
        do("customer", "show", "tyrell")
        do("vpn", "add", "tyrell/net", "--topology", "hub-spoke")
        do("vpn", "list")
        do("vpn", "show", "tyrell/net")
        for i, name in enumerate(("a", "b", "c")):
            do("ce", "add", f"tyrell/{name}", "--address", f"203.0.113.{20 + i}")
            do("site", "add", f"tyrell/net/{name}", "--ce", name, "--role",
               "spoke-role" if i else "hub-role")
        for words in (("ce", "list"), ("ce", "show", "tyrell/a"), ("site", "list"),
                      ("site", "show", "tyrell/net/a"),
                      ("ce", "set", "tyrell/a", "--dynamic", "203.0.113.0/24"),
                      ("ce", "suspend", "tyrell/a"), ("ce", "resume", "tyrell/a"),
                      ("ce", "replace", "tyrell/a"), ("ce", "bundle", "tyrell/a"),
                      ("ce", "allow-removal", "tyrell/a"), ("ce", "pending", "tyrell"),
                      ("ce", "revoke", "tyrell/a"), ("ce", "resume", "tyrell/a"),
                      ("site", "set", "tyrell/net/a", "--description", "x"),
                      ("link", "add", "tyrell/net", "b", "c"),
                      ("link", "remove", "tyrell/net", "b", "c"),
                      ("tunnel", "show", "tyrell/net", "a", "b"),
                      ("psk", "rotate", "tyrell/net"), ("psk", "status", "tyrell"), ("rotation", "status", "tyrell"),
                      ("ce", "revoke", "tyrell/c"),
                      ("vpn", "set", "tyrell/net", "--topology", "any-to-any")):
            do(*words)
        self.server.want_authority("tyrell", "net")
        self.assertIn("current", do("vpn", "authority", "show", "tyrell/net", noun=3))
        do("vpn", "authority", "roll", "tyrell/net", noun=3)
        do("status", noun=1)
        self.assertEqual(do("alarms", "tyrell", "--all", noun=1), "alarms raised: none\n")
        self.assertIn("customer add tyrell", do(
            "watch", "tyrell", "--after", "0", "--count", "1", noun=1))
        CE(self.server, "oslo")
        done.update(("ce diag", "ce approve"))
        failed = self.run_admin(self.olga, "ce", "approve", "acme/oslo", "0" * 64)
        self.assertEqual(failed.returncode, 1)
        self.assertIn("no request of this router with that key waits", failed.stderr)
        failed = self.run_admin(self.olga, "ce", "diag", "acme/oslo", "--seconds", "1")
        self.assertEqual((failed.returncode, failed.stdout), (1, ""))
        self.assertIn("did not send the bundle within 1 s", failed.stderr)
        self.root("DELETE", "/v1/ces/acme/oslo")
        do("time-to-service", noun=1)
        self.assertIn("tyrell/a", do("time-to-service", "tyrell", "--by", "ce", noun=1))
        do("audit", noun=1)
        self.assertIn("olga (tls:127.0.0.1), all: admin", do("whoami", noun=1))
        do("revert", str(self.revision()), noun=1)
        text = do("export", "tyrell", noun=1)
        with open(d + "/tyrell.yaml", "w") as f:
            f.write(text.replace("customer: tyrell\n",
                                 "customer: tyrell\ndescription: by file\n"))
        do("apply", "-f", d + "/tyrell.yaml", "--yes", noun=1)
        do("operator", "add", "zoe", "--unix-user", "games", "--customer",
           "acme=viewer,tyrell=admin", "--description", "night shift")
        sh("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt",
           "ec_paramgen_curve:P-256", "-nodes", "-keyout", d + "/zoe.key", "-subj",
           "/CN=zoe", "-out", d + "/zoe.csr")
        pem = do("operator", "certificate", "zoe", "--csr", d + "/zoe.csr")
        with open(d + "/zoe.crt", "w") as f:
            f.write(pem)
        sh("openssl", "verify", "-CAfile", self.server.state + "/ca.crt",
           d + "/zoe.crt")
        self.assertRegex(do("operator", "list"),
                         r"zoe +games +until \d{4}-\d\d-\d\d +acme: viewer, "
                         r"tyrell: admin +night shift")
        do("operator", "set", "zoe", "--role", "viewer")
        self.assertIn("all: viewer, acme: viewer", do("operator", "show", "zoe"))

        class Zoe:
            crt, key = d + "/zoe.crt", d + "/zoe.key"

        self.assertEqual(self.admin(Zoe, "whoami"), "zoe (tls:127.0.0.1), all: "
                         "viewer, acme: viewer, tyrell: admin\n")
        do("operator", "set", "zoe", "--customer", "")
        self.assertEqual(self.admin(Zoe, "whoami"),
                         "zoe (tls:127.0.0.1), all: viewer\n")
        do("operator", "revoke", "zoe")
        failed = self.run_admin(Zoe, "whoami")
        self.assertEqual(failed.returncode, 1)
        self.assertIn("no role", failed.stderr)
        do("operator", "remove", "zoe")
        for name in ("a", "b", "c"):
            do("site", "remove", f"tyrell/net/{name}")
            do("ce", "remove", f"tyrell/{name}")
        do("vpn", "remove", "tyrell/net")
        do("customer", "remove", "tyrell")
        known = re.findall(r"^  ([a-z-]+(?: [a-z-]+){0,2})(?= |$)", sh(
            ADMIN, "--help").decode().split("Options of")[0], re.M)
        self.assertEqual(set(known), done, "commands and those tried over TLS")

    def test_environment(self):
        variables = {
            "PPVPN_ADMIN_SERVER": f"https://127.0.0.1:{self.server.admin_port}",
            "PPVPN_ADMIN_CERT": self.alice.crt, "PPVPN_ADMIN_KEY": self.alice.key,
            "PPVPN_ADMIN_CA": self.server.state + "/ca.crt"}

        def run(*words, **changes):
            return subprocess.run([ADMIN, *words], capture_output=True, text=True,
                                  env={**os.environ, **variables, **changes})

        self.assertIn("alice (tls:127.0.0.1), acme: operator", run("whoami").stdout)
        done = run("whoami", "--cert", self.vera.crt, "--key", self.vera.key)
        self.assertIn("vera", done.stdout)
        done = run("whoami", "--socket", self.server.settings["admin-socket"])
        self.assertIn("unix:", done.stdout)
        done = run("whoami", "--socket", "/x", "--server", "https://x")
        self.assertIn("either", done.stderr)
        for name, option in (("CERT", "--cert"), ("KEY", "--key"), ("CA", "--ca")):
            done = run("whoami", **{"PPVPN_ADMIN_" + name: ""})
            self.assertEqual(done.returncode, 1)
            self.assertIn(option, done.stderr)
            done = run("whoami", **{"PPVPN_ADMIN_" + name: "/no/such"})
            self.assertIn("/no/such", done.stderr)
        for url in ("http://127.0.0.1", "https://", "https://h/p", "127.0.0.1:1",
                    "https://u@h"):
            self.assertIn("https://HOST", run("whoami", "--server", url).stderr)

    def test_only_the_right_server(self):
        d = self.server.dir
        sh("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
           "ec_paramgen_curve:P-256", "-nodes", "-keyout", d + "/ca2.key", "-out",
           d + "/ca2.crt", "-subj", "/CN=another")
        where = [ADMIN, "whoami", "--cert", self.alice.crt, "--key", self.alice.key]
        for words in (["--server", f"https://127.0.0.1:{self.server.admin_port}",
                       "--ca", d + "/ca2.crt"],
                      ["--server", f"https://localhost:{self.server.admin_port}",
                       "--ca", self.server.state + "/ca.crt"]):
            done = subprocess.run(where + words, capture_output=True, text=True)
            self.assertEqual(done.returncode, 1, done.stdout)
            self.assertIn("secure channel" if "tls" in done.stderr else "", done.stderr)
            self.assertNotIn("alice (", done.stdout)
        done = subprocess.run(
            where + ["--server", "https://127.0.0.1:1", "--ca",
                     self.server.state + "/ca.crt"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)

    def test_errors_say_what_is_missing(self):
        done = self.run_admin(self.viktor, "ce", "suspend", "acme/paris")
        self.assertEqual(done.returncode, 1)
        self.assertIn("this needs the role operator, and yours is viewer", done.stderr)
        done = self.run_admin(self.viktor, "ce", "show", "globex/paris")
        self.assertIn("no such customer", done.stderr)


if __name__ == "__main__":
    if not shutil.which("openssl"):
        print("1..0 # SKIP no openssl")
        sys.exit(77)
    for program in (BINARY, ADMIN, ROUTES):
        if not os.access(program, os.X_OK):
            print(f"no {program}", file=sys.stderr)
            sys.exit(99)
    unittest.main(verbosity=1, warnings=False)
