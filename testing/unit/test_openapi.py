#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# doc/admin-api.openapi.yaml against the server: the same routes with the same least
# roles, and what a running server answers to each of them, by one who may do all, by
# others, and to mistakes. A member that is not in the file is a failure, and so is
# one that a body may have by the file and that the server does not take. Needs
# python3-yaml, python3-jsonschema and openssl; skipped without them.

import base64
import copy
import json
import os
import re
import shutil
import sys
import unittest

try:
    import jsonschema
    import yaml
except ImportError as missing:
    print(f"1..0 # SKIP {missing}")
    sys.exit(77)

from test_access import PARTS, ROUTES, Operator, provider, routes, target
from test_server import BINARY, CE, Answer, sh

FILE = os.path.join(os.environ.get("srcdir", os.path.join(os.path.dirname(
    os.path.abspath(__file__)), "..", "..")), "doc", "admin-api.openapi.yaml")
DIAG = "/v1/ces/{customer}/{ce}/diag"
METHODS = ("get", "post", "put", "patch", "delete")


# questions that are answered with something else
MORE = {
    "/v1/time-to-service": ("?by=change", "?by=ce", "?by=ce&customer=acme&vpn=corp"),
    "/v1/alarms": ("?cleared=yes", "?customer=acme&vpn=corp&site=paris"),
    "/v1/watch": ("?after=0", "?after=0&customer=acme&vpn=corp&site=paris",
                  "?after=3&limit=2", "?after=999999"),
}


def load():
    with open(FILE) as f:
        return yaml.safe_load(f)


def strict(node):
    """The same where no member is allowed that is not named."""
    if isinstance(node, list):
        return [strict(n) for n in node]
    if not isinstance(node, dict):
        return node
    node = {k: strict(v) for k, v in node.items()}
    if isinstance(node.get("properties"), dict) and "type" in node:
        node.setdefault("additionalProperties", False)
    return node


class Document:
    def __init__(self):
        self.all = load()
        self.strict = strict(self.all)
        self.operations = {
            (method.upper(), path): {
                **operation, "parameters": item.get("parameters", []) +
                operation.get("parameters", [])}
            for path, item in self.all["paths"].items()
            for method, operation in item.items() if method in METHODS}

    def at(self, ref):
        node = self.all
        for part in ref[2:].split("/"):
            node = node[part]
        return node

    def check(self, schema, value):
        whole = {"components": self.strict["components"], **strict(schema)}
        jsonschema.Draft202012Validator(whole).validate(value)

    def schema(self, ref):
        return self.at(ref)["content"]["application/json"]["schema"]

    def answer(self, method, path, answer):
        responses = self.operations[method, path]["responses"]
        ref = responses.get(str(answer.status), responses["default"])["$ref"]
        assert answer.headers["Content-Type"] == "application/json", path
        self.check(self.schema(ref), answer.json())

    def body(self, method, path):
        body = self.operations[method, path].get("requestBody")
        return body and self.schema(body["$ref"])


class File(unittest.TestCase):
    """The file by itself, and against the table of routes."""

    def setUp(self):
        self.document = Document()

    def test_routes(self):
        table = {(method, path): role for method, path, role, _ in routes()}
        self.assertEqual(set(self.document.operations), set(table))
        for key, operation in self.document.operations.items():
            self.assertEqual(operation["x-role"], table[key], key)
            self.assertTrue(operation["summary"])
            self.assertIn("default", operation["responses"])
            self.assertIn("200", operation["responses"])

    def test_bodies(self):
        for method, path, _, length in routes():
            body = self.document.body(method, path)
            self.assertEqual(body is not None, int(length) > 0, (method, path))

    def test_parameters(self):
        for (method, path), operation in self.document.operations.items():
            parameters = [self.document.at(p["$ref"]) for p in
                          operation["parameters"]]
            names = {p["name"] for p in parameters if p["in"] == "path"}
            self.assertEqual(names, set(re.findall(r"\{(\w+)\}", path)), path)
            names = {p["name"] for p in parameters if p["in"] == "query"}
            if method != "GET" and not path.endswith(("/bundle", "/diag")):
                self.assertEqual(names, {"dry-run", "effects"}, path)
            if operation["x-about"] == "query" and path != "/v1/customers":
                self.assertIn("customer", names, path)

    def test_references(self):
        used = set()

        def walk(node):
            if isinstance(node, dict):
                if "$ref" in node:
                    self.document.at(node["$ref"])
                    used.add(node["$ref"])
                for value in node.values():
                    walk(value)
            elif isinstance(node, list):
                for value in node:
                    walk(value)

        walk(self.document.all)
        for kind, things in self.document.all["components"].items():
            if kind == "securitySchemes":
                continue
            for name in things:
                self.assertIn(f"#/components/{kind}/{name}", used)
        for name, schema in self.document.all["components"]["schemas"].items():
            jsonschema.Draft202012Validator.check_schema(schema)
            self.assertLessEqual(set(schema.get("required", [])),
                                 set(schema.get("properties", [])), name)

    def test_that_it_can_fail(self):
        error = self.document.all["components"]["schemas"]["Error"]
        good = {"error": {"code": "x", "where": "", "text": ""}}
        self.document.check(error, good)
        for bad in ({"error": {"code": "x", "where": ""}}, {**good, "more": 1},
                    {"error": {**good["error"], "more": 1}}, {}):
            with self.assertRaises(jsonschema.ValidationError):
                self.document.check(error, bad)


def full_bodies(csr):
    """Every member that a body can have."""
    profile = {"proposals": ["aes256gcm16-prfsha384-ecp384"],
               "esp_proposals": ["aes256gcm16-ecp384"], "rekey_time": 14000,
               "child_rekey_time": 3500, "dpd_delay": 20}
    words = {"description": "d", "external-id": "e"}
    ospf = {"area": "0.0.0.1", "hello-interval": 5, "dead-interval": 20, "cost": 12}
    retry = {"minimum-wait": 4, "t1": 9, "factor": 3, "maximum": 500,
             "alarm-after": 6}
    vpn = {**words, **ospf, **retry, **profile, "grade": "standard", "domain": "a.b",
           "router-ids": "10.77.0.0/16", "mtu": 1390, "internet-access": True, "psk-rotation-days": 30,
           "authentication": "certificate", "revocation": "relaxed"}
    person = {"description": "d", "unix-user": "games", "role": "viewer",
              "customers": [{"customer": "acme", "role": "operator"}]}
    return {
        "POST /v1/operators": {"operator": "olive", **person},
        "PATCH /v1/operators/{operator}": {**person, "unix-user": "man"},
        "POST /v1/operators/{operator}/certificate": {"csr": csr},
        "POST /v1/customers": {"customer": "hooli", **words},
        "PATCH /v1/customers/{customer}": words,
        "PUT /v1/config/{customer}": {
            "schema": "ppvpn-customer/1", "customer": "acme", **words,
            "ces": [{"ce": name, "address": f"198.51.100.{i + 1}", **words,
                     "behind-nat": False, "dynamic": ["198.51.100.0/24"], "suspended": False}
                    for i, name in enumerate(("paris", "lyon", "nice"))],
            "vpns": [{
                "vpn": "corp", "topology": "hub-spoke", "grade": "standard", **words,
                "domain": "a.b", "router-ids": "10.77.0.0/16", "mtu": 1390,
                "internet-access": True, "psk-rotation-days": 90, "authentication": "certificate", "revocation": "relaxed",
                "ospf": ospf, "retry": retry, "sa-profile": profile,
                "profiles": [{"profile": "slow", **profile}],
                "sites": [{"site": name, "ce": name, "role": role, **words,
                           "router-id": f"10.77.1.{i + 1}",
                           "ce-address": f"198.51.100.{i + 1}",
                           "prefixes": [f"10.3.{i}.0/24"]}
                          for i, (name, role) in enumerate(
                              (("paris", "hub-role"), ("lyon", "spoke-role")))],
                "links": [{"sites": ["paris", "lyon"], "explicit": True, "cost": 3,
                           "profile": "slow", "initiator": "lyon"}]}]},
        "POST /v1/vpns": {"customer": "acme", "vpn": "new", "topology": "custom",
                          **vpn},
        "PATCH /v1/vpns/{customer}/{vpn}": {
            **vpn, "topology": "hub-spoke", "hubs": ["paris"],
            "router-ids": "10.255.0.0/16"},
        "POST /v1/profiles": {"customer": "acme", "vpn": "corp", "profile": "new",
                              **profile},
        "PATCH /v1/profiles/{customer}/{vpn}/{profile}": profile,
        "POST /v1/ces": {"customer": "acme", "ce": "new", "ce-address": "203.0.113.9",
                         "behind-nat": True, "dynamic": ["203.0.113.0/24"], **words},
        "PATCH /v1/ces/{customer}/{ce}": {
            "ce-address": "203.0.113.10", "behind-nat": True,
            "dynamic": ["203.0.113.0/25", "203.0.113.128/25"], **words, "suspended": True},
        "POST /v1/ces/{customer}/{ce}/approve": {"key": "0" * 64},
        "POST /v1/sites": {
            "customer": "acme", "vpn": "corp", "site": "nice", "ce": "nice",
            "role": "any-to-any-role", "router-id": "10.255.0.77",
            "ce-address": "203.0.113.11", "prefixes": ["10.1.0.0/24", "fd00::/16"], **words},
        "PATCH /v1/sites/{customer}/{vpn}/{site}": {
            "role": "any-to-any-role", "router-id": "10.255.0.78",
            "ce-address": "203.0.113.12", "prefixes": ["10.2.0.0/24", "2001:db8:2::/48"],
            **words},
        "PATCH /v1/links/{customer}/{vpn}/{site}/{peer}": {
            "explicit": True, "profile": "slow", "cost": 5, "initiator": "lyon"},
    }


class Answers(unittest.TestCase):
    """The file against what a server answers."""

    @classmethod
    def setUpClass(cls):
        cls.document = Document()
        cls.server = provider()
        cls.addClassCleanup(cls.server.close)
        cls.alice = Operator(cls.server, "alice", unix_user="alice", acme="operator")
        cls.vera = Operator(cls.server, "vera", "viewer")
        key = cls.server.dir + "/x.key"
        csr = sh("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-subj", "/CN=x",
                 "-outform", "DER")
        cls.bodies = full_bodies(base64.b64encode(csr).decode())
        cls.report()

    @classmethod
    def report(cls):
        """One end says all that an end can say."""
        ce = CE(cls.server, "rome", "corp")
        document = ce.ask().json()
        # what it then says no more is cleared
        answer = ce.report(document, seq=1, alarms=[
            {"code": "frr", "resource": "ospfd", "severity": "minor", "count": 1,
             "age": 1, "text": "not there"}])
        assert answer.status == 204, answer.body
        answer = ce.report(document, seq=2, peers=[{
            "customer": "acme", "vpn": "corp", "peer": "paris", "state": "up",
            "ike": "ESTABLISHED", "child": "INSTALLED", "proposal": "x",
            "ospf": "Full", "route": True, "since": 7, "attempts": 0, "in-bytes": 1,
            "out-bytes": 1, "last-error": "none", "service": {
                "revision": document["revision"], "fetch-ms": 1, "apply-ms": 20,
                "ike-ms": 300, "ospf-ms": 4000, "route-ms": 5}}],
            errors=[{"code": "frr", "where": "ospfd", "text": "not there"}],
            alarms=[{"code": "auth-failed", "resource": "acme/corp/lyon",
                     "severity": "major", "count": 2, "age": 3, "text": "refused"}])
        assert answer.status == 204, answer.body
        # a key of its is being changed
        path = "/v1/links/{customer}/{vpn}/{site}/{peer}/rotate"
        answer = cls.server.admin("POST", "/v1/links/acme/corp/rome/paris/rotate")
        cls.document.answer("POST", path, answer)
        # certificates
        cls.server.want_authority("acme", "corp")
        answer = ce.say_ike_key()
        assert answer.status == 204, answer.body
        # and sends the bundle that it is asked for; another was asked, too
        for name in ("rome", "bern"):
            if name == "bern":
                CE(cls.server, name)
            answer = cls.server.admin("POST", f"/v1/ces/acme/{name}/diag")
            cls.document.answer("POST", DIAG, answer)
            if name == "rome":
                c = ce.connect()
                c.request("POST", f"/v1/diag?id={answer.json()['id']}", json.dumps(
                    {"schema": "ce-diag/1", "ce": "acme/rome", "x": {"y": [1]}}))
                answer = Answer(c.getresponse())
                c.close()
                assert answer.status == 204, answer.body

    def ask(self, method, path, body=None, **kwargs):
        return self.server.admin(method, path, body, status=kwargs.pop("status", None))

    def members(self, value, found):
        """Which members were seen, for what was asked in vain."""
        if isinstance(value, dict):
            for key, inner in value.items():
                found.add(key)
                self.members(inner, found)
        elif isinstance(value, list):
            for inner in value:
                self.members(inner, found)

    def test_questions(self):
        found = set()
        for (method, path), operation in self.document.operations.items():
            if method != "GET":
                continue
            wheres = [target(path, "acme", revision=4)]
            if operation["x-about"] == "query":
                wheres += [wheres[0] + "?customer=acme"]
            if path == "/v1/tunnels":
                wheres += [wheres[0] + "?customer=acme&vpn=corp&site=paris&peer=lyon"]
            wheres += [path + query for query in MORE.get(path, ())]
            if path == DIAG:
                wheres = ["/v1/ces/acme/rome/diag", "/v1/ces/acme/bern/diag"]
            if path.startswith("/v1/revisions"):
                wheres = [f"/v1/revisions/{n}" for n in range(
                    1, self.ask("GET", "/v1/health").json()["revision"] + 1)]
            for where in wheres:
                with self.subTest(where=where):
                    answer = self.ask("GET", where)
                    self.document.answer(method, path, answer)
                    self.members(answer.json(), found)
                    for asker in (self.alice, self.vera):
                        answer = asker.ask("GET", where)
                        self.assertIn(answer.status, (200, 403, 404))
                        self.document.answer(method, path, answer)
        # those that only some things have were among them
        for member in ("certificate", "parked", "last-seen-ms", "reported-ms",
                       "applied-revision", "agent-version", "fetch-ms", "p95-ms",
                       "stale", "before", "after", "cost", "profiles", "severity",
                       "operator", "actor", "links", "prefixes", "internet-access",
                       "groups", "what", "raised", "title", "remedy", "cleared-ms",
                       "lost", "result", "bundle", "until-ms", "taken-ms", "waits-for", "step", "ike-key", "ca-data", "entries"):
            self.assertIn(member, found)

    def test_changes(self):
        """Each is tried; its body with every member that the file knows."""
        for (method, path), operation in self.document.operations.items():
            if method == "GET" or path.endswith(("/bundle", "/revert", "/diag")):
                continue
            body = copy.deepcopy(self.bodies.get(f"{method} {path}"))
            schema = self.document.body(method, path)
            where = target(path, "acme")
            self.assertEqual(schema is None, body is None, path)
            with self.subTest(method=method, path=path):
                if schema:
                    self.document.check(schema, body)
                    self.check_whole(schema, body)
                status = None
                if method == "DELETE" and path in (
                        "/v1/customers/{customer}", "/v1/vpns/{customer}/{vpn}",
                        "/v1/ces/{customer}/{ce}"):
                    status = 409
                elif path.endswith("/approve"):
                    status = 404            # of that key: test_renew.py has one that waits
                answer = self.ask(method, where + "?dry-run=yes", body, status=status)
                self.document.answer(method, path, answer)
                if schema:
                    self.mistakes(method, path, where, schema, body)

    def check_whole(self, schema, body):
        """The body has all of what the file says that it can have."""
        while "$ref" in schema:
            schema = self.document.at(schema["$ref"])
        if "properties" in schema:
            self.assertEqual(set(body), set(schema["properties"]))
            for name, inner in schema["properties"].items():
                self.check_whole(inner, body[name])
        elif "items" in schema:
            for element in body:
                self.check_whole(schema["items"], element)

    def mistakes(self, method, path, where, schema, body):
        """What the file does not know, the server refuses; and says so as written."""
        schema = self.document.at(schema["$ref"])
        bad = [{**body, "nonsense": 1}]
        bad += [{k: v for k, v in body.items() if k != name}
                for name in schema.get("required", [])]
        bad += [{**body, name: {"no": "such"}} for name in body]
        for wrong in bad:
            with self.assertRaises(jsonschema.ValidationError):
                self.document.check(schema, wrong)
            answer = self.ask(method, where + "?dry-run=yes", wrong, status=400)
            self.document.answer(method, path, answer)

    def test_changes_that_stay(self):
        """Not dry: what effects=yes adds, a certificate, a bundle, a revert."""
        def change(method, path, where, body=None):
            answer = self.ask(method, where, body)
            self.document.answer(method, path, answer)
            return answer.json()

        sites = "/v1/sites/{customer}/{vpn}/{site}"
        made = change("PATCH", sites, "/v1/sites/acme/corp/lyon?effects=yes",
                      {"description": "seen"})
        self.assertTrue(made["objects"])
        answer = self.ask("POST", f"/v1/revisions/{made['revision']}/revert")
        self.document.answer("POST", "/v1/revisions/{revision}/revert", answer)
        made = change("DELETE", sites, "/v1/sites/acme/corp/lyon?dry-run=yes")
        self.assertTrue(made["tunnels"] and made["ces"])
        path = "/v1/operators/{operator}/certificate"
        made = change("POST", path, "/v1/operators/vera/certificate",
                      {"csr": base64.b64encode(self.vera.csr()).decode()})
        self.assertTrue(base64.b64decode(made["certificate"], validate=True))
        self.vera.certify()
        change("POST", "/v1/ces/{customer}/{ce}/bundle", "/v1/ces/acme/paris/bundle")
        changed = change("POST", "/v1/ces/{customer}/{ce}/replace",
                         "/v1/ces/acme/nice/replace")
        self.assertIn("ces-told", changed)

    def test_errors(self):
        for method, where, body, status in (
                ("GET", "/v1/nothing", None, 404), ("GET", "/v1/ces/acme/x", None, 404),
                ("DELETE", "/v1/health", None, 405), ("GET", "/v1//ces", None, 400),
                ("GET", "/v1/ces?customer=A", None, 400),
                ("GET", "/v1/revisions/99999", None, 404),
                ("GET", "/v1/audit?limit=0", None, 400),
                ("GET", "/v1/time-to-service?by=vpn", None, 400),
                ("GET", "/v1/alarms?cleared=1", None, 400),
                ("GET", "/v1/watch?after=0&wait=51", None, 400),
                ("GET", "/v1/watch?limit=10001", None, 400),
                ("GET", "/v1/ces/acme/bern/diag?id=999", None, 404),
                ("GET", "/v1/ces/acme/paris/diag", None, 404),
                ("POST", "/v1/ces/acme/paris/diag", None, 409),
                ("POST", "/v1/ces/acme/bern/diag?seconds=601", None, 400),
                ("POST", "/v1/customers", {"customer": "acme"}, 409)):
            answer = self.ask(method, where, body, status=status)
            self.document.check(self.document.schema("#/components/responses/Error"),
                                answer.json())


if __name__ == "__main__":
    if not shutil.which("openssl"):
        print("1..0 # SKIP no openssl")
        sys.exit(77)
    for program in (BINARY, ROUTES):
        if not os.access(program, os.X_OK):
            print(f"no {program}", file=sys.stderr)
            sys.exit(99)
    assert PARTS
    unittest.main(verbosity=1, warnings=False)
