#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# Hundreds of random changes through the admin API of a whole ppvpn-server, and after each: every CE's document, asked
# for over its own mutual TLS, is what the reference model (vpn_model.py) says; both ends of each tunnel agree; exactly
# those CEs have a new revision whose content is another; what was refused changed nothing; what is taken back is as it
# was, byte by byte. Now and then: export, apply is a fixed point, and the server's own check of its database. Routers say
# keys for IKE, and VPNs change their minds about certificates: whatever documents two routers may have that have yet to
# report, each takes what the other sends.
#
#   test_random.py [SEED [STEPS]]        prints the seed; the same seed gives the same changes
#
# Needs openssl; skipped without.
import base64
import http.client
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time

import vpn_model
from test_server import BINARY, CE, Answer, Server
from vpn_model import ESP, IKE, ROLES, Model, Refused

CUSTOMERS = ["acme", "globex", "hooli"]         # with the same names below them
VPNS = ["corp", "lab", "pay", "voice"]
SITES = ["brest", "dijon", "lyon", "metz", "nice", "paris"]
ROUTERS = ["r1", "r2", "r3", "r4", "r5", "r6"]
ADDRESSES = [f"192.0.2.{i}" for i in range(1, 121)]
PREFIXES = ["10.1.0.0/16", "10.1.2.0/24", "10.2.0.0/16", "10.3.0.0/24", "172.16.0.0/12", "2001:db8:1::/48",
            "2001:db8::/32", "fd00:1::/64"]
IDS = [f"10.255.0.{i}" for i in range(1, 12)] + [f"10.9.0.{i}" for i in range(1, 6)]
PROPOSALS = [[list(IKE)[i] for i in c] for c in ((0,), (1,), (2,), (2, 1), (1, 0))]
ESPS = [[list(ESP)[i] for i in c] for c in ((0,), (1,), (2,), (2, 1))]
CHECK_EVERY, FIXED_EVERY = 50, 20


class Router(CE):
    """A CE with a connection that stays, and what it was told last."""

    count = 0

    def __init__(self, server, customer, name):
        Router.count += 1
        self.server, self.name, self.place = server, name, f"{customer}/{name}"
        self.key, self.crt = (f"{server.dir}/router{Router.count}.{kind}" for kind in ("key", "crt"))
        self.connection, self.body = None, b""
        self.ike = None             # its request for IKE, made when it is needed
        # (vpn, peer) -> [(revision, what it sends, what it takes)] of the documents that it may have in force
        self.held = {}
        self.enroll()

    def get(self):
        """Status and body; a connection that was closed meanwhile is made anew."""
        for last in (False, True):
            try:
                self.connection = self.connection or self.connect()
                answer = self.ask(connection=self.connection)
                return answer.status, answer.body
            except (http.client.HTTPException, OSError):
                self.close()
                if last:
                    raise

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def say_ike_key(self):
        self.ike = self.ike or base64.b64encode(self.csr(self.key + ".ike"))
        c = self.connect()
        c.request("POST", "/v1/ike-key", self.ike, {"Content-Type": "application/pkcs10"})
        answer = Answer(c.getresponse())
        c.close()
        assert answer.status == 204, (answer.status, answer.body)

    def hold(self, document):
        """One more that it may have in force."""
        for vpn in document["vpns"]:
            for peer in vpn["peers"]:
                said = [(key["secret"], key["use"]) for key in peer.get("pre-shared", {"keys": []})["keys"]]
                said += [("certificate", peer["certificate"]["use"])] if "certificate" in peer else []
                sent = [what for what, use in said if use == "send-and-accept"]
                assert len(sent) == 1, f"{self.place} sends {len(sent)} to {peer['peer']}"
                held = self.held.setdefault((vpn["vpn"], peer["peer"]), [])
                has = (sent[0], {what for what, _ in said})
                if not held or held[-1][1:] != has:
                    held.append((document["revision"], *has))

    def has_in_force(self, document):
        self.held = {}
        self.hold(document)


def content(body):
    """Bytes of a document without its revision."""
    return re.sub(rb'"revision":\d+', b"", body, count=1)


def standing(body):
    """The same without what explains the past: which peers went, and when."""
    return re.sub(rb'"removed":\[[^]]*\]|,"bulk-removal":\d+', b"", content(body))


def without_certificates(*bodies):
    """The VPNs of documents that have none in any of them, without what explains the past."""
    vpns = [{vpn["vpn"]: {**vpn, "removed": []} for vpn in json.loads(body)["vpns"]} for body in bodies]
    certified = {name for document in vpns for name, vpn in document.items() if "certificate" in vpn}
    return [{name: vpn for name, vpn in document.items() if name not in certified} for document in vpns]


def differences(expected, given, path=""):
    """Where two documents differ."""
    if isinstance(expected, dict) and isinstance(given, dict):
        for name in sorted({**expected, **given}):
            yield from differences(expected.get(name), given.get(name), f"{path}/{name}")
    elif isinstance(expected, list) and isinstance(given, list) and len(expected) == len(given):
        for number, (one, other) in enumerate(zip(expected, given)):
            yield from differences(one, other, f"{path}/{number}")
    elif expected != given:
        yield f"{path} should be {json.dumps(expected)}, is {json.dumps(given)}"


class Run:
    def __init__(self, seed, steps):
        self.random, self.steps = random.Random(seed), steps
        self.server = Server().start()
        self.model, self.routers = Model(), {}
        self.revision = self.now()
        self.counts = {}
        self.held = 0               # pairs of documents that were compared: does one take what the other sends?
        self.reverting = 0
        self.before_last = {}       # documents before the last revision

    def close(self):
        for router in self.routers.values():
            router.close()
        self.server.close()

    def now(self):
        return self.server.admin("GET", "/v1/health").json()["revision"]

    def request(self, method, path, body=None):
        """Status, answer as JSON."""
        answer = self.server.admin_any(method, path, body)
        return answer.status, json.loads(answer.body) if answer.body else {}

    # ---- what may be changed; each returns (method, path, body, what it does to a draft)

    def pick(self, draft, kind):
        """A thing that is there, mostly."""
        keys = draft.of(kind)
        if keys and self.random.random() < 0.95:
            return self.random.choice(keys)[1:]
        lists = {"customer": (CUSTOMERS,), "vpn": (CUSTOMERS, VPNS), "profile": (CUSTOMERS, VPNS, ["fast", "slow"]),
                 "ce": (CUSTOMERS, ROUTERS), "site": (CUSTOMERS, VPNS, SITES)}
        return tuple(self.random.choice(names) for names in lists[kind])

    def words(self):
        choice = self.random.choice
        return {name: choice(["", "x y", 'a "b" \\ <c>', "'; DROP TABLE ce; --", "$(reboot) `id` %s%n"])
                for name in ("description", "external-id") if self.random.random() < 0.3}

    def some(self, values):
        """Some of these members, each with one of its values."""
        names = self.random.sample(sorted(values), self.random.randint(1, min(3, len(values))))
        return {name: self.random.choice(values[name]) for name in names}

    def op_customer_add(self, draft):
        name, words = self.random.choice(CUSTOMERS), self.words()
        return "POST", "/v1/customers", {"customer": name, **words}, lambda d: d.customer_add(name, **words)

    def op_customer_set(self, draft):
        place, words = self.pick(draft, "customer"), self.words()
        return "PATCH", "/v1/customers/%s" % place, words, lambda d: d.customer_set(*place, **words)

    def op_customer_remove(self, draft):
        place = self.pick(draft, "customer")
        return "DELETE", "/v1/customers/%s" % place, None, lambda d: d.customer_remove(*place)

    def profile_values(self):
        return self.some({"proposals": PROPOSALS, "esp_proposals": ESPS, "rekey_time": [3600, 14400],
                          "child_rekey_time": [900, 3600], "dpd_delay": [0, 10, 30]})

    def vpn_values(self):
        values = {}
        if self.random.random() < 0.5:
            values.update(self.some({"mtu": [1280, 1400], "area": ["0.0.0.0", "0.0.0.1"], "hello-interval": [5, 10],
                                     "dead-interval": [8, 20, 40], "cost": [5, 10], "minimum-wait": [1, 5], "t1": [10, 700],
                                     "maximum": [300, 600], "factor": [2, 3], "alarm-after": [8, 9],
                                     "domain": ["vpn.sp.example", "other.example"]}))
        if self.random.random() < 0.3:
            values.update(self.some({"grade": vpn_model.GRADES, "internet-access": [True, False],
                                     "psk-rotation-days": [0, 30, 3650], "revocation": ["strict", "relaxed"]}))
        if self.random.random() < 0.15:
            values["authentication"] = self.random.choice(["certificate", "pre-shared"])
        if self.random.random() < 0.15:
            values.update(self.profile_values())
        return {**values, **self.words()}

    def op_vpn_add(self, draft):
        customer = self.pick(draft, "customer")[0]
        vpn = self.random.choice(VPNS)
        values = {"topology": self.random.choice(list(ROLES)), **self.vpn_values()}
        return "POST", "/v1/vpns", {"customer": customer, "vpn": vpn, **values}, \
            lambda d: d.vpn_add(customer, vpn, **values)

    def op_vpn_set(self, draft):
        place, values = self.pick(draft, "vpn"), self.vpn_values()
        return "PATCH", "/v1/vpns/%s/%s" % place, values, lambda d: d.vpn_set(*place, **values)

    def op_authentication(self, draft):
        place, values = self.pick(draft, "vpn"), {"authentication": self.random.choice(["certificate", "certificate", "pre-shared"])}
        moving = sorted({place[:2] for place, (to, _) in self.model.under_way().items() if to != "next-key"})
        if moving and self.random.random() < 0.5:       # in the middle of it
            place = self.random.choice(moving)
            values["authentication"] = "pre-shared" if self.model.wants_certificate(place) else "certificate"
        return "PATCH", "/v1/vpns/%s/%s" % place, values, lambda d: d.vpn_set(*place, **values)

    def op_topology(self, draft):
        place = self.pick(draft, "vpn")
        values = {"topology": self.random.choice(list(ROLES))}
        sites = [key[3] for key in draft.of("site", *place)]
        hubs = []
        if self.random.random() < (0.8 if "hub" in values["topology"] else 0.05):
            hubs = self.random.sample(sites, min(len(sites), self.random.randint(1, 2)))
            hubs += ["nowhere"] if self.random.random() < 0.03 else []
        return "PATCH", "/v1/vpns/%s/%s" % place, {**values, **({"hubs": hubs} if hubs else {})}, \
            lambda d: d.vpn_set(*place, hubs=hubs, **values)

    def op_vpn_remove(self, draft):
        place = self.pick(draft, "vpn")
        return "DELETE", "/v1/vpns/%s/%s" % place, None, lambda d: d.vpn_remove(*place)

    def op_profile_add(self, draft):
        place, values = self.pick(draft, "vpn"), self.profile_values()
        name = self.random.choice(["fast", "slow"])
        return "POST", "/v1/profiles", {"customer": place[0], "vpn": place[1], "profile": name, **values}, \
            lambda d: d.profile_add(*place, name, **values)

    def op_profile_set(self, draft):
        place, values = self.pick(draft, "profile"), self.profile_values()
        return "PATCH", "/v1/profiles/%s/%s/%s" % place, values, lambda d: d.profile_set(*place, **values)

    def op_profile_remove(self, draft):
        place = self.pick(draft, "profile")
        return "DELETE", "/v1/profiles/%s/%s/%s" % place, None, lambda d: d.profile_remove(*place)

    def policy(self):
        """Of a router's address; no address of this test is within these prefixes, so a file's counts."""
        found = {}
        if self.random.random() < 0.3:
            found["behind-nat"] = self.random.random() < 0.4
        if self.random.random() < 0.2:
            found["dynamic"] = sorted(self.random.sample(["100.64.0.0/24", "100.64.1.0/24"], self.random.randint(0, 2)))
        return found

    def op_ce_add(self, draft):
        customer, words = self.pick(draft, "customer")[0], {**self.words(), **self.policy()}
        name, address = self.random.choice(ROUTERS), self.random.choice([self.free_address(draft), self.random.choice(ADDRESSES)])
        return "POST", "/v1/ces", {"customer": customer, "ce": name, "ce-address": address, **words}, \
            lambda d: d.ce_add(customer, name, address, **words)

    def op_ce_set(self, draft):
        place, words = self.pick(draft, "ce"), {**self.words(), **self.policy()}
        body, values = dict(words), dict(words)
        if self.random.random() < 0.6:
            body["ce-address"] = values["address"] = self.random.choice(ADDRESSES)
        return "PATCH", "/v1/ces/%s/%s" % place, body, lambda d: d.ce_set(*place, **values)

    def op_ce_suspend(self, draft):
        place, suspended = self.pick(draft, "ce"), self.random.random() < 0.4
        return "PATCH", "/v1/ces/%s/%s" % place, {"suspended": suspended}, lambda d: d.ce_set(*place, suspended=suspended)

    def op_ce_remove(self, draft):
        place = self.pick(draft, "ce")
        return "DELETE", "/v1/ces/%s/%s" % place, None, lambda d: d.ce_remove(*place)

    def site_values(self, draft, customer, vpn):
        values = self.words()
        topology = draft.objects.get(("vpn", customer, vpn), {}).get("topology", "custom")
        if self.random.random() < 0.4:
            values["role"] = self.random.choice(ROLES[topology] * 4 + ["hub-role", "any-to-any-role"])
        if self.random.random() < 0.2:
            values["router-id"] = self.random.choice(IDS)
        if self.random.random() < 0.25:
            values["ce-address"] = self.random.choice(ADDRESSES)
        if self.random.random() < 0.3:
            values["prefixes"] = self.random.sample(PREFIXES, self.random.randint(0, 2))
        return values

    @staticmethod
    def in_order(values):
        """Prefixes as the server shows them."""
        if "prefixes" in values:
            networks = [vpn_model.ipaddress.ip_network(p) for p in values["prefixes"]]
            values = {**values, "prefixes": [str(n) for n in sorted(networks, key=lambda n: (n.version, n.network_address, n.prefixlen))]}
        return values

    def op_site_add(self, draft):
        customer, vpn = self.pick(draft, "vpn")
        in_vpn = [draft.objects[key] for key in draft.of("site", customer, vpn)]
        ces = [key[2] for key in draft.of("ce", customer) if key[2] not in {site["ce"] for site in in_vpn}]
        names = [name for name in SITES if not draft.has("site", customer, vpn, name)]
        if self.random.random() < 0.1:
            ces, names = ROUTERS, SITES
        name, ce, values = self.random.choice(names or SITES), self.random.choice(ces or ROUTERS), \
            self.site_values(draft, customer, vpn)
        if self.random.random() < 0.5:      # or another VPN has its tunnels between the same addresses
            values["ce-address"] = self.free_address(draft)
        return "POST", "/v1/sites", {"customer": customer, "vpn": vpn, "site": name, "ce": ce, **values}, \
            lambda d: d.site_add(customer, vpn, name, ce, **self.in_order(values))

    def free_address(self, draft):
        return self.random.choice([address for address in ADDRESSES if address not in draft.addresses()])

    def op_site_set(self, draft):
        place = self.pick(draft, "site")
        values = self.site_values(draft, *place[:2])
        return "PATCH", "/v1/sites/%s/%s/%s" % place, values, lambda d: d.site_set(*place, **self.in_order(values))

    def op_site_remove(self, draft):
        place = self.pick(draft, "site")
        return "DELETE", "/v1/sites/%s/%s/%s" % place, None, lambda d: d.site_remove(*place)

    def two_sites(self, draft):
        customer, vpn, site = self.pick(draft, "site")
        others = [key[3] for key in draft.of("site", customer, vpn)] or SITES
        return customer, vpn, site, self.random.choice(others)

    def op_link_set(self, draft):
        place = self.two_sites(draft)
        profiles = [key[3] for key in draft.of("profile", *place[:2])] * 4 + ["", "slow"]
        values = self.some({"explicit": [True, True, False], "profile": profiles, "cost": [0, 7, 90],
                            "initiator": ["", place[2], place[3]]})
        had = (*place[:2], *sorted(place[2:])) in draft.tunnels()
        return "PATCH", "/v1/links/%s/%s/%s/%s" % place, values, lambda d: d.link_set(*place, had, **values)

    def op_link_remove(self, draft):
        keys = draft.of("link")
        place = self.random.choice(keys)[1:] if keys else self.two_sites(draft)
        return "DELETE", "/v1/links/%s/%s/%s/%s" % place, None, lambda d: d.link_remove(*place)

    def op_revert(self, draft):
        known = sorted(self.model.history)
        if not known:
            return self.op_customer_add(draft)
        revision = known[-1] if self.random.random() < 0.6 else self.random.choice(known[-40:])
        changes = self.model.history[revision]
        self.reverting = revision
        return "POST", f"/v1/revisions/{revision}/revert", None, lambda d: d.revert(changes)

    def op_apply(self, draft):
        """A whole customer: several changes that are made on paper first."""
        customer = self.pick(draft, "customer")[0]
        paper = Model()
        paper.objects, paper.uids = {key: dict(value) for key, value in draft.objects.items()}, draft.uids
        for _ in range(self.random.randint(1, 5)):
            trial = paper.draft()
            try:
                for _ in range(20):
                    method, path, body, change = self.random.choice(self.PAPER)(self, trial)
                    if customer in path.split("/") or (body or {}).get("customer") == customer:
                        break
                else:
                    continue
                change(trial)
                paper.objects = trial.objects
            except Refused:
                continue
        if ("customer", customer) not in paper.objects:
            paper.draft()
            paper.objects["customer", customer] = {"description": "", "external-id": "", "uid": 0}
        wanted = {key: {n: v for n, v in value.items() if n != "uid"}
                  for key, value in paper.objects.items() if key[1] == customer}
        body = paper.file(customer)
        return "PUT", f"/v1/config/{customer}", body, lambda d: d.apply(customer, wanted)

    def op_swap(self, draft):
        """A file in which two things change places: what either had must be free in time."""
        customer, sites = self.pick(draft, "customer")[0], []
        wanted = {key: {n: v for n, v in value.items() if n != "uid"}
                  for key, value in draft.objects.items() if key[1] == customer}
        wanted.setdefault(("customer", customer), {"description": "", "external-id": ""})
        keys = {kind: [key for key in wanted if key[0] == kind] for kind in ("ce", "site")}
        two = self.random.sample(keys["ce"], 2) if len(keys["ce"]) > 1 else []
        how = self.random.choice(["address", "router-id", "ce-address", "ce"])
        if how == "address" and two:
            a, b = (wanted[key]["address"] for key in two)
            for key in two + keys["site"]:
                name = "address" if key[0] == "ce" else "ce-address"
                if key[0] == "ce" or wanted[key]["ce"] in (two[0][2], two[1][2]):
                    wanted[key][name] = {a: b, b: a}.get(wanted[key][name], wanted[key][name])
        elif how != "address" and keys["site"]:
            first = self.random.choice(keys["site"])
            sites = [key for key in keys["site"] if key != first and (
                wanted[key]["ce"] == wanted[first]["ce"] if how == "ce-address" else key[2] == first[2])]
        if sites:
            other = self.random.choice(sites)
            for name in {"ce": ["ce", "ce-address"]}.get(how, [how]):
                wanted[first][name], wanted[other][name] = wanted[other][name], wanted[first][name]
            for key in [key for key in wanted if how == "ce" and key[0] == "link" and key[1:3] == first[1:3]]:
                if {first[3], other[3]} & set(key[3:]):
                    del wanted[key]         # what was said of the old ones
        return "PUT", f"/v1/config/{customer}", self.model.file(customer, wanted), lambda d: d.apply(customer, wanted)

    PAPER = [op_vpn_add, op_vpn_set, op_topology, op_vpn_remove, op_profile_add, op_profile_set, op_profile_remove, op_ce_add,
             op_ce_set, op_ce_suspend, op_ce_remove, op_site_add, op_site_add, op_site_set, op_site_set, op_site_remove,
             op_link_set, op_link_set, op_link_remove, op_customer_set]
    WEIGHTED = {op_customer_add: 2, op_customer_set: 1, op_customer_remove: 1, op_vpn_add: 4, op_vpn_set: 5, op_authentication: 8, op_topology: 6,
                op_vpn_remove: 2, op_profile_add: 3, op_profile_set: 6, op_profile_remove: 2, op_ce_add: 6, op_ce_set: 4,
                op_ce_suspend: 6, op_ce_remove: 1, op_site_add: 16, op_site_set: 10, op_site_remove: 4, op_link_set: 10,
                op_link_remove: 2, op_revert: 10, op_apply: 6, op_swap: 4}

    # ---- one step

    def begin(self):
        """Two customers with the same names, a VPN of every topology each."""
        for number, customer in enumerate(CUSTOMERS[:2]):
            self.do("begin", "POST", "/v1/customers", {"customer": customer}, lambda d, c=customer: d.customer_add(c))
            for i, ce in enumerate(ROUTERS[:5]):
                address = ADDRESSES[10 * number + i]
                self.do("begin", "POST", "/v1/ces", {"customer": customer, "ce": ce, "ce-address": address},
                        lambda d, c=customer, ce=ce, a=address: d.ce_add(c, ce, a))
            for v, (vpn, topology) in enumerate(zip(VPNS, ROLES)):
                self.do("begin", "POST", "/v1/vpns", {"customer": customer, "vpn": vpn, "topology": topology},
                        lambda d, c=customer, v=vpn, t=topology: d.vpn_add(c, v, topology=t))
                for i, (site, ce) in enumerate(zip(SITES, ROUTERS[:4])):
                    values = {"ce-address": ADDRESSES[20 + 40 * number + 10 * v + i], "prefixes": [f"10.{i}.0.0/16"]}
                    if topology in vpn_model.WITH_HUBS and i < 2:
                        values["role"] = "hub-role"
                    self.do("begin", "POST", "/v1/sites", {"customer": customer, "vpn": vpn, "site": site, "ce": ce, **values},
                            lambda d, c=customer, v=vpn, s=site, ce=ce, values=values: d.site_add(c, v, s, ce, **values))
                self.do("begin", "POST", "/v1/profiles", {"customer": customer, "vpn": vpn, "profile": "fast", "dpd_delay": 10},
                        lambda d, c=customer, v=vpn: d.profile_add(c, v, "fast", dpd_delay=10))
                values = {"profile": "fast", **({"explicit": True} if topology == "custom" else {})}
                self.do("begin", "PATCH", f"/v1/links/{customer}/{vpn}/brest/dijon", values,
                        lambda d, c=customer, v=vpn, values=values: d.link_set(c, v, "brest", "dijon", True, **values))
        assert self.counts == {("begin", "done"): 2 * (1 + 5 + 4 * (1 + 4 + 2))}, self.counts
        for _ in range(8):
            self.say_ike_key()

    def step(self):
        draft = self.model.draft()
        kind = self.random.random()
        if kind < 0.02 and self.routers:
            return self.replace(self.random.choice(sorted(self.routers)))
        if kind < 0.03 and self.routers:
            return self.leave(self.random.choice(sorted(self.routers)))
        if kind < 0.06:
            return self.rotate()
        if kind < 0.09 and self.routers:
            return self.say_ike_key()
        if kind < (0.4 if self.model.rotating or self.model.waiting() else 0.09):
            return self.confirm()
        op = self.random.choices(list(self.WEIGHTED), list(self.WEIGHTED.values()))[0]
        self.reverting = 0
        return self.do(op.__name__[3:], *op(self, draft))

    def do(self, name, method, path, body, change):
        """One request, and all that must hold after it."""
        draft = self.model.draft()
        self.doing = f"{name}: {method} {path} {json.dumps(body)}"
        try:
            change(draft)
            draft.check()
            why = None
        except Refused as refusal:
            why = str(refusal)
        dry = None
        if self.random.random() < 0.3:
            dry = self.request(method, path + "?dry-run=yes", body)
            assert self.now() == self.revision, "a dry run made a revision"
        status, answer = self.request(method, path + "?effects=yes", body)
        assert dry is None or dry[0] == status, (dry, status, answer)
        if why:
            assert 400 <= status < 500, f"{status} for what cannot be: {why}"
            return self.unchanged(name, "refused")
        assert status == 200, f"{status} {answer} for what can be"
        if not self.model.is_change(draft):
            assert not answer["changed"], "changed, though nothing differs"
            return self.unchanged(name, "same")
        assert answer["changed"] and answer["revision"] > self.revision, answer
        assert dry is None or [dry[1][m] for m in ("ces", "tunnels", "objects")] == \
            [answer[m] for m in ("ces", "tunnels", "objects")], (dry, answer)
        return self.changed(name, draft, answer)

    def unchanged(self, name, how):
        assert self.now() == self.revision, "a revision for nothing"
        for place, router in sorted(self.routers.items()):
            status, body = router.get()
            assert (status, body) == (200, router.body), f"{place} has another document after nothing"
        self.counts[name, how] = self.counts.get((name, how), 0) + 1

    def changed(self, name, draft, answer, also=()):
        """A commit: what it must have done, and nothing else."""
        model, revision = self.model, answer["revision"]
        assert revision == self.revision + 1, "more than one revision"
        self.adopt_router_ids(draft)
        there = {key[1:] for key in draft.of("ce")}
        alive = {value["uid"] for key, value in draft.objects.items() if key[0] == "ce"}
        for uid in set(model.reported) - alive:
            del model.reported[uid]
        old_uids = {key[1:]: value["uid"] for key, value in model.objects.items() if key[0] == "ce"}
        model.commit(draft, revision, self.reverting)
        self.revision = revision
        moved = self.follow()
        assert self.now() == self.revision, "something happened by itself"
        new_uids = {key[1:]: value["uid"] for key, value in model.objects.items() if key[0] == "ce"}
        before = {place: router.body for place, router in self.routers.items()}
        gone = {place for place in self.routers if old_uids.get(place) != new_uids.get(place)}
        told = {tuple(ce.values()) for ce in answer["ces"]}
        must = set(also) | gone
        for place in sorted(gone):
            self.buried(place)
        for place in sorted(there - set(self.routers)):
            self.routers[place] = self.come(place)
            must.add(place)
        for place, router in sorted(self.routers.items()):
            status, router.body = router.get()
            assert status == 200, (place, status)
            document = json.loads(router.body)
            self.compare(place, document)
            router.hold(document)
            if place in before and place not in gone:
                if content(before[place]) != content(router.body):
                    must.add(place)
                    assert revision <= document["revision"] <= self.revision, \
                        f"{place}: other content, revision {document['revision']}"
                elif place not in also and not moved:
                    assert router.body == before[place], f"{place} has a new revision for nothing"
        assert moved or told == must, f"told {sorted(told)}, concerned {sorted(must)}"
        self.nobody_is_refused()
        if self.reverting and self.reverting == revision - 1 and not moved:
            self.as_before()
        self.before_last = before
        self.counts[name, "done"] = self.counts.get((name, "done"), 0) + 1

    def as_before(self):
        """The newest revision was taken back: everybody who was there then has the same bytes."""
        for place, body in self.before_last.items():
            if place in self.routers:
                old, new = standing(body), standing(self.routers[place].body)
                if b'"ca-data"' in old + new:       # certificates and lists do not come back, nor moves to them
                    old, new = without_certificates(body, self.routers[place].body)
                assert old == new, f"{place} is not as it was"
                self.counts["revert", "bytes"] = self.counts.get(("revert", "bytes"), 0) + 1

    def follow(self):
        """What follows by itself: pairs take their steps, and begin. Those of a VPN together, or some earlier than others:
        the server looks while the reports come in. How many revisions that takes is its affair."""
        if not self.model.settling():
            return False
        self.model.settle()
        expected, listed = self.model.under_way(), {}

        def there():
            listed.clear()
            listed.update({(row["customer"], row["vpn"], *row["sites"]): row
                           for row in self.request("GET", "/v1/rotations")[1]["rotations"]})
            return {place: (row["to"], row["step"]) for place, row in listed.items()} == expected
        self.until(there, lambda: f"{sorted(expected.items())} are to move, is "
                   f"{sorted((place, row['to'], row['step']) for place, row in listed.items())}")
        now = self.now()
        for place, tunnel in self.model.tunnels().items():
            row = self.model.rotating.get(tunnel["uids"])
            if row and row.revision is None:
                assert self.revision < listed[place]["revision"] <= now, (place, listed[place], self.revision, now)
                self.model.rotating[tunnel["uids"]] = row._replace(revision=listed[place]["revision"])
                self.counts[f"{row.step} of {row.target}", "moved"] = self.counts.get(
                    (f"{row.step} of {row.target}", "moved"), 0) + 1
        self.revision = now
        return True

    def nobody_is_refused(self):
        """Of two routers, each with any of the documents that it may have, each takes what the other sends."""
        for (customer, vpn, a, b), tunnel in self.model.tunnels().items():
            ends = []
            for site, peer in ((a, b), (b, a)):
                router = self.routers[customer, self.model.objects["site", customer, vpn, site]["ce"]]
                ends.append([has for has in router.held.get((vpn, peer), [])
                             if has[0] >= self.model.since.get(tunnel["uids"], 0)])
            for _, sent, taken in ends[0]:
                for _, other_sent, other_taken in ends[1]:
                    assert sent in other_taken and other_sent in taken, f"{customer}/{vpn}: {a} and {b} refuse each other"
                    self.held += 1

    def adopt_router_ids(self, draft):
        for key in draft.of("site"):
            site = draft.objects[key]
            if site["router-id"] is None:
                status, answer = self.request("GET", "/v1/sites/%s/%s/%s" % key[1:])
                assert status == 200
                site["router-id"] = answer["router-id"]
                pool = draft.objects["vpn", key[1], key[2]]["router-ids"]
                assert vpn_model.ipaddress.ip_address(answer["router-id"]) in vpn_model.ipaddress.ip_network(pool)
                draft.check()

    def come(self, place):
        """A router that is new, or back with the key it had."""
        return Router(self.server, *place)

    def buried(self, place):
        router = self.routers.pop(place)
        status, body = router.get()
        document = json.loads(body)
        assert (status, document["state"], document["vpns"]) == (410, "deprovisioned", []), (place, status, document)
        router.close()

    def compare(self, place, document):
        expected = self.model.document(*place, document)
        if expected != document:
            raise AssertionError(f"{place}: " + "; ".join(differences(expected, document)))

    # ---- what is no plain change

    def replace(self, place):
        """Other hardware: the old key gets a tombstone, nobody else hears of it."""
        self.doing, self.reverting = f"replace {place}", 0
        router = self.routers[place]
        status, answer = self.request("POST", "/v1/ces/%s/%s/replace?effects=yes" % place)
        assert status == 200 and answer["changed"]
        status, body = router.get()
        assert status == 410 and json.loads(body)["vpns"] == [], "the old key still opens something"
        uid = self.model.objects["ce", *place]["uid"]
        self.model.reported.pop(uid, None)
        self.model.replaced(uid, answer["revision"])
        router.close()
        self.routers[place] = Router(self.server, *place)
        self.routers[place].body = router.body
        self.changed("replace", self.model.draft(), answer, also=[place])

    def leave(self, place):
        self.doing, self.reverting = f"leave {place}", 0
        draft = self.model.draft()
        draft.ce_leave(*place)
        before = self.documents_revision()
        connection = self.routers[place].connect()
        connection.request("POST", "/v1/leave", "{}")
        assert Answer(connection.getresponse()).status == 204
        connection.close()
        told = [place for place, revision in self.documents_revision().items() if revision != before[place]]
        self.changed("leave", draft, {"revision": self.revision + 1, "ces": [dict(zip("ab", place)) for place in told]})

    # ---- keys that are changed

    def rotate(self):
        """The keys of a VPN, a site, two sites begin to be changed."""
        draft, self.reverting = self.model.draft(), 0
        place = self.two_sites(draft)[:self.random.randint(2, 4)]
        path = "/v1/" + {2: "vpns", 3: "sites", 4: "links"}[len(place)] + "/%s" * len(place) % place + "/rotate"
        self.doing = f"rotate: POST {path}"
        pairs = self.model.pairs_of(*place) if len(set(place[2:])) == len(place[2:]) else []
        already = [uids for uids in pairs if uids in self.model.rotating]
        begin = [uids for uids in pairs if uids not in self.model.rotating and uids not in self.model.uses]
        known = draft.has("vpn", *place[:2]) and all(draft.has("site", *place[:2], site) for site in place[2:])
        dry = self.request("POST", path + "?dry-run=yes")
        status, answer = self.request("POST", path + "?effects=yes")
        assert dry[0] == status, (dry, status, answer)
        if not known or not begin:
            assert status == (409 if known and already else 404), (status, answer)
            return self.unchanged("rotate", "refused")
        assert status == 200 and answer["changed"], (status, answer)
        assert answer["tunnels-rotating"] == len(begin) and answer["rotating-already"] == len(already), answer
        assert [dry[1][m] for m in ("ces", "tunnels", "objects")] == [answer[m] for m in ("ces", "tunnels", "objects")]
        self.model.rotate(begin, answer["revision"])
        self.changed("rotate", draft, answer)

    def report(self, router):
        """It has its document in force."""
        document = json.loads(router.get()[1])
        router.seq = getattr(router, "seq", 0) + 1
        # as of another start each: a router may be another one's successor
        answer = router.report(document, **{"seq": router.seq, "boot-id": "%032x" % (Router.count * 100000 + router.seq)})
        assert answer.status == 204, answer.body
        self.model.reported[self.model.objects["ce", *router.place.split("/")]["uid"]] = document["revision"]
        router.has_in_force(document)

    def say_ike_key(self):
        """A router says its key for IKE, mostly one that has not yet: it has certificates at once, and nobody else hears."""
        model, self.reverting = self.model, 0
        uids = {place: model.objects["ce", *place]["uid"] for place in sorted(self.routers)}
        place = self.random.choice([place for place in uids if uids[place] not in model.ike] or list(uids))
        self.doing = f"say the key for IKE: {place}"
        concerned = uids[place] not in model.ike and any(
            model.objects["vpn", key[1], key[2]]["uid"] in model.authorities for key in model.draft().sites_of(*place))
        self.routers[place].say_ike_key()
        model.ike.add(uids[place])
        if not concerned:
            return self.unchanged("ike-key", "same")
        self.changed("ike-key", model.draft(), {"revision": self.revision + 1, "ces": [dict(zip("ab", place))]}, also=[place])

    def confirm(self):
        """Some routers report; pairs of which both ends have take a step, and no others."""
        model, self.reverting = self.model, 0
        there = sorted(self.routers)
        chosen = there if self.random.random() < 0.6 else self.random.sample(there, self.random.randint(0, len(there)))
        self.doing = f"confirm: {chosen}"
        for place in chosen:
            self.report(self.routers[place])
        before = self.revision
        self.follow()
        for place, router in sorted(self.routers.items()):
            old, (status, router.body) = router.body, router.get()
            assert status == 200
            self.compare(place, json.loads(router.body))
            router.hold(json.loads(router.body))
            if content(old) == content(router.body):
                assert old == router.body, f"{place} has a new revision for nothing"
            else:
                assert json.loads(router.body)["revision"] > before
        self.nobody_is_refused()
        listed = self.request("GET", "/v1/rotations")[1]
        assert {(row["customer"], row["vpn"], *row["sites"]): (row["to"], row["step"]) for row in listed["rotations"]} == \
            model.under_way()
        self.counts["confirm", "done" if self.revision != before else "same"] = self.counts.get(
            ("confirm", "done" if self.revision != before else "same"), 0) + 1

    @staticmethod
    def until(condition, why=lambda: "no step within 15 s"):
        end = time.monotonic() + 15
        while not condition():
            assert time.monotonic() < end, why()
            time.sleep(0.02)

    def documents_revision(self):
        return {place: json.loads(router.get()[1])["revision"] for place, router in self.routers.items()}

    def fixed_point(self):
        """export, apply is a fixed point; and what the server has is all that the model has."""
        for key in self.model.draft().of("customer"):
            path = f"/v1/config/{key[1]}"
            exported = self.server.admin("GET", path).body
            for body in (json.loads(exported), self.model.file(key[1])):
                status, answer = self.request("PUT", path + "?effects=yes", body)
                assert status == 200 and not answer["changed"], (status, answer, body)
                assert answer["ces"] == answer["tunnels"] == answer["objects"] == [], answer
            assert self.server.admin("GET", path).body == exported
        self.unchanged("fixed point", "same")

    def verify(self):
        done = subprocess.run([BINARY, "check", "--config", self.server.dir + "/server.conf"], capture_output=True,
                              text=True, check=False)
        assert done.returncode == 0 and "\nOK: " in done.stdout, done.stdout + done.stderr

    def run(self):
        self.begin()
        for number in range(1, self.steps + 1):
            self.doing = ""
            try:
                self.step()
                if number % FIXED_EVERY == 0:
                    self.doing = "fixed point"
                    self.fixed_point()
                if number % CHECK_EVERY == 0 or number == self.steps:
                    self.doing = "check"
                    self.verify()
            except BaseException:
                print(f"step {number}, revision {self.revision}: {self.doing}", file=sys.stderr)
                raise


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else int(os.environ.get("PPVPN_SEED", random.randrange(1 << 32)))
    steps = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    print(f"# seed {seed}, {steps} steps", flush=True)
    begun = time.monotonic()
    run = Run(seed, steps)
    try:
        run.run()
    finally:
        run.close()
    by = {}
    for (name, how), count in sorted(run.counts.items()):
        by.setdefault(how, []).append(f"{name} {count}")
    for how, names in by.items():
        print(f"# {how}: {', '.join(names)}")
    print(f"# revision {run.revision}, {len(run.model.seen)} keys, {run.held} pairs of documents, {time.monotonic() - begun:.1f} s")
    assert sum(count for (_, how), count in run.counts.items() if how == "done") > steps // 4, "too little was done"


if __name__ == "__main__":
    if not shutil.which("openssl"):
        print("openssl is missing")
        sys.exit(77)
    main()
