# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
"""Schemas against decoders: the same documents to both, verdicts compared.

Thousands of mutations of good documents go to the JSON Schema validator and,
through decode-documents, to the C decoders. What one refuses the other must
refuse, except for what ONLY_C lists: checks that a schema cannot express.

Usage: test_schema.py DECODE-DOCUMENTS [SEED [COUNT]]
"""
import collections
import copy
import json
import os
import random
import subprocess
import sys

import jsonschema

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")

# Refusals that only the C side makes, by the error's code and the end of its
# place, each with its reason. contradictions() makes one of each at least.
ONLY_C = [
    ("document", "/sa-profile", "names a profile that is not there"),
    ("document", "/peer", "two sites of one name"),
    ("document", "/vpn", "two sites of one VPN"),
    ("document", "/fqdn-string", "two sites of one identity"),
    ("document", "/remote-address", "the CE's own address"),
    ("document", "/keys", "not exactly one credential to send"),
    ("document", "/certificate/use", "a certificate alone that is not sent"),
    ("document", "/peers/0/certificate", "certificates, and this site has none"),
    ("document", "/auth-method", "certificates without an authority"),
    ("document", "/key-id", "two keys of one name"),
    ("tunnel-pair", "/remote-address", "two tunnels of one address pair"),
    ("json-value", "/dead-interval", "not longer than hello-interval"),
    ("json-value", "/maximum", "less than t1"),
    ("document", "/topology/role", "does not fit the topology"),
    ("document", "/role", "a peer's role that does not fit, two spokes"),
    ("document", "/behind-nat", "NAT at both ends of a tunnel"),
    ("document", "/initiator", "not the end behind NAT"),
]

WORDS = [
    "", "a", "-", "a-", "-a", "A", "a.b", "a.b.", "a..b", "a_b", "a b", "a\n",
    "\n", "a\x00", "a" * 63, "a" * 64, "a." + "b" * 63, "a." + "b" * 64, "x" * 128,
    "x" * 129, "x" * 32, "x" * 33, "x" * 255, "x" * 256, "x" * 4097, "\u00e9", "\u0661", "\U0001f600",
    ".".join(["a" * 63] * 3 + ["b" * 61]), ".".join(["a" * 63] * 3 + ["b" * 62]),
    "a/b", "a/b/c", "/a", "a/", "a/b\n", "0.0.0.0", "192.0.2.9", "1.2.3", "1.2.3.4.5",
    "01.2.3.4", "256.1.1.1", "127.0.0.1", "126.0.0.1", "223.255.255.255", "224.0.0.1",
    "0.1.2.3", "255.255.255.255", "1.2.3.4\n", "1.2.3.4/24", "::1", "active",
    "deprovisioned", "local", "remote", "tunnel", "transport", "dynamic", "permanent",
    "send-and-accept", "accept-only", "pre-shared", "any-to-any", "hub-spoke",
    "hub-spoke-disjoint", "custom", "any-to-any-role", "hub-role", "spoke-role", "custom-role",
    "suspended", "a.b.c", "a" * 63 + "." + "b" * 63, "ce-config/1",
    "ce-status/1", "ce-config/1\n", "applied", "rejected", "major", "cleared",
    "https://a", "https://a.b:1", "https://a:65535", "https://a:65536", "https://a:0",
    "https://a:08", "https://a:", "https://a/", "https://a.", "https://A", "https://",
    "http://a", "https://a:1\n", "https://1.2.3.4:8443", "https://a@b", "https://[::1]",
    "https://" + "a" * 64, "https://" + ".".join(["a" * 63] * 4), "https://a:8443443",
    "https://" + ".".join(["a" * 63] * 3 + ["b" * 55]),
    "https://" + ".".join(["a" * 63] * 3 + ["b" * 56]),
    "AAAA", "AAA=", "AA==", "A===", "====", "AAA", "AA=A", "AAAA=", "AA==AAAA", "+/+/", "AAA=\n", "A" * 8192, "A" * 8196, "A" * 65536,
    "A" * 65540, "strict", "relaxed", "certificate",
    "0" * 32, "0" * 31, "0" * 33, "0" * 34, "0" * 128, "0" * 130, "f" * 32, "F" * 32,
    "g" * 32, "0" * 31 + "\n", "0" * 32 + "\n", "~ !", "\x7f", "\x1b[2J", "%s%n",
    "default", "paris", "lyon", "nice",
]
NUMBERS = [
    0, 1, -1, 2, 4, 5, 9, 10, 11, 40, 50, 51, 299, 300, 301, 575, 576, 1000, 1001, 3600, 3601,
    9216, 9217, 65535, 65536, 86400, 86401, 2**31, 2**32 - 1, 2**32, 2**53 - 1, 2**53,
    2**63 - 1, 2**63, 2**64, 10**30, -10**30, 0.5, 1.5, 1e300,
]
OTHERS = [None, True, False, [], {}, [[]], [{}], {"a": 1}, [1], ["a"], "", 0]
KEYS = ["x", "peer", "schema", "Peer", "peer ", "", "a-b", "A", "a" * 64, "a" * 63,
        "fetch-ms", "route-ms", "secret", "\u00e9", "a\n"]


def load(name):
    with open(os.path.join(TOP, name), encoding="utf-8") as file:
        return json.load(file)


def good_configs():
    example = load("doc/document-example.json")
    yield example
    big = copy.deepcopy(example)
    big["sa-profiles"]["other"] = dict(example["sa-profiles"]["default"], dpd_delay=0)
    vpn = copy.deepcopy(example["vpns"][0])
    vpn.update(vpn="lab", identity={"fqdn-string": "paris.lab.x"}, removed=[])
    vpn["peers"][0].update(identity={"fqdn-string": "lyon.lab.x"})
    vpn["peers"][0]["remote-address"] = "192.0.2.10"
    vpn["peers"][0]["pre-shared"]["keys"].append(
        {"key-id": "g0", "use": "accept-only", "secret": "Ab" * 64})
    big["vpns"].append(vpn)
    peer = copy.deepcopy(example["vpns"][0]["peers"][0])
    peer.update({"peer": "nice", "remote-address": "192.0.2.11", "sa-profile": "other",
                 "identity": {"fqdn-string": "nice.corp.x"}, "initiator": "remote"})
    big["vpns"][0]["peers"].append(peer)
    del big["bulk-removal"], big["management"]["confirm-timeout"]
    yield big
    hub = copy.deepcopy(big)
    hub["vpns"][0]["topology"] = {"type": "hub-spoke-disjoint", "role": "hub-role"}
    hub["vpns"][0]["peers"][0]["role"] = "spoke-role"
    hub["vpns"][0]["peers"][1]["role"] = "hub-role"
    hub["vpns"][1]["topology"] = {"type": "hub-spoke", "role": "spoke-role"}
    hub["vpns"][1]["peers"][0]["tunnel"]["cost"] = 7
    hub["vpns"][1]["peers"][0]["sa-profile"] = "corp.fast"
    hub["sa-profiles"]["corp.fast"] = copy.deepcopy(example["sa-profiles"]["default"])
    yield hub
    behind = copy.deepcopy(big)
    behind["vpns"][0]["peers"][1]["behind-nat"] = True
    behind["vpns"][1]["behind-nat"] = True
    behind["vpns"][1]["peers"][0]["behind-nat"] = False
    yield behind
    certified = copy.deepcopy(big)
    certified["vpns"][0]["authentication"]["auth-method"] = "certificate"
    certified["vpns"][0]["certificate"] = {"cert-data": "MIIB", "ca-data": ["MIIBAA==", "MIICAAA="], "crl-data": ["MIIC"],
                                           "revocation": "strict"}
    certified["vpns"][0]["peers"][0]["certificate"] = {"use": "accept-only"}
    certified["vpns"][0]["peers"][1]["certificate"] = {"use": "send-and-accept"}
    del certified["vpns"][0]["peers"][1]["pre-shared"]
    certified["vpns"][1]["certificate"] = {"ca-data": ["MIIB"], "crl-data": [], "revocation": "relaxed"}
    yield certified
    idle = dict(copy.deepcopy(example), state="suspended")
    idle["vpns"][0]["peers"] = []
    idle["vpns"][0]["topology"] = {"type": "custom", "role": "custom-role"}
    yield idle
    yield dict(example, state="deprovisioned", vpns=[])
    yield dict(example, vpns=[])


def good_statuses():
    peer = {
        "customer": "acme", "vpn": "corp", "peer": "lyon", "state": "up",
        "ike": "ESTABLISHED", "child": "INSTALLED", "proposal": "AES_GCM_16-256",
        "ospf": "Full/-", "route": True, "since": 1, "attempts": 0, "in-bytes": 5,
        "out-bytes": 6, "last-error": "none",
        "service": {"revision": 7, "fetch-ms": 1, "apply-ms": 2, "ike-ms": 3,
                    "ospf-ms": 4, "route-ms": 5},
    }
    full = {
        "schema": "ce-status/1", "ce": "acme/paris-r1", "boot-id": "0" * 32, "seq": 1,
        "agent-version": "0.1.0", "uptime": 9, "epoch": 3, "revision": 4711,
        "result": "partial",
        "errors": [{"code": "kernel", "where": "ppv3", "text": "no module"}],
        "peers": [peer, {k: v for k, v in peer.items() if k != "service"}],
        "alarms": [{"code": "timeout", "resource": "acme/corp/lyon", "severity": "major",
                    "count": 1, "age": 2, "text": "late"}],
    }
    yield full
    yield dict(full, errors=[], peers=[], alarms=[], address={"missing": "192.0.2.5"})
    yield dict(full, address={"missing": "192.0.2.5", "present": "192.0.2.9"})


def places(value, at=()):
    """Every place in a document, as a tuple of keys and indices."""
    yield at
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], at + (key,))
    elif isinstance(value, list):
        for index, element in enumerate(value):
            yield from places(element, at + (index,))


def get(value, at):
    for step in at:
        value = value[step]
    return value


def mutate_once(rng, document):
    """One change at one place; returns the document (a new one at the top)."""
    at = rng.choice(list(places(document)))
    value = get(document, at)
    if not at:
        return rng.choice(OTHERS) if rng.random() < 0.02 else add(rng, document)
    parent, last = get(document, at[:-1]), at[-1]
    kind = rng.random()
    if kind < 0.12:
        del parent[last]
    elif kind < 0.22 and isinstance(value, dict):
        add(rng, value)
    elif kind < 0.30 and isinstance(value, list):
        mutate_list(rng, value)
    elif kind < 0.36:
        parent[last] = copy.deepcopy(rng.choice(OTHERS))
    elif kind < 0.42:
        parent[last] = copy.deepcopy(get(document, rng.choice(list(places(document)))))
    elif isinstance(value, str) and kind < 0.60 and value:
        index = rng.randrange(len(value))
        parent[last] = value[:index] + rng.choice("aA0-._/:\n \u00e9~%") + value[index + 1:]
    elif isinstance(value, str):
        parent[last] = rng.choice(WORDS + [value + "\n", value + "x", value[:-1], value.upper()])
    elif isinstance(value, int) and not isinstance(value, bool):
        parent[last] = rng.choice(NUMBERS + [value + 1, value - 1, str(value), float(value)])
    else:
        parent[last] = copy.deepcopy(rng.choice(OTHERS))
    return document


def add(rng, value):
    if isinstance(value, dict):
        old = copy.deepcopy(rng.choice(list(value.values()))) if value else 1
        value[rng.choice(KEYS)] = rng.choice([old, 1, "x"])
    return value


def mutate_list(rng, value):
    if value and rng.random() < 0.7:
        times = rng.choice([1, 1, 1, 2, 4, 8, 16, 32, 64, 65, 256])
        element = rng.choice(value)
        value.extend(copy.deepcopy(element) for _ in range(times))
    else:
        value.append(copy.deepcopy(rng.choice(OTHERS + WORDS)))


def targeted(document):
    """Every word and number once at every place of its kind."""
    for at in list(places(document)):
        value = get(document, at)
        if isinstance(value, str):
            values = WORDS + [value + "\n", value + "\u0000"]
        elif isinstance(value, int) and not isinstance(value, bool):
            values = NUMBERS
        else:
            continue
        for new in values:
            changed = copy.deepcopy(document)
            get(changed, at[:-1])[at[-1]] = new
            yield changed


def contradictions(good):
    """Documents of which only the decoder can know that they are wrong."""
    def change(function):
        document = copy.deepcopy(good)
        vpn = document["vpns"][0]
        function(document, vpn, vpn["peers"][0])
        return document

    def second_peer(vpn, **members):
        peer = copy.deepcopy(vpn["peers"][0])
        peer.update({"peer": "new", "remote-address": "198.51.100.1",
                     "identity": {"fqdn-string": "new.x"}}, **members)
        vpn["peers"].append(peer)

    def key(peer, **members):
        peer["pre-shared"]["keys"].append(
            {"key-id": "new", "use": "accept-only", "secret": "0" * 32, **members})

    def certified(vpn):
        vpn["certificate"] = {"cert-data": "MIIB", "ca-data": ["MIIB"], "crl-data": [], "revocation": "strict"}

    yield change(lambda doc, vpn, peer: peer.update({"sa-profile": "none"}))
    yield change(lambda doc, vpn, peer: second_peer(vpn, peer=peer["peer"]))
    yield change(lambda doc, vpn, peer: second_peer(vpn, peer=vpn["site"]))
    yield change(lambda doc, vpn, peer: second_peer(vpn, identity=peer["identity"]))
    yield change(lambda doc, vpn, peer: second_peer(vpn, identity=vpn["identity"]))
    yield change(lambda doc, vpn, peer: second_peer(
        vpn, **{"remote-address": peer["remote-address"]}))
    yield change(lambda doc, vpn, peer: second_peer(vpn, **{"remote-address": vpn["ce-address"]}))
    yield change(lambda doc, vpn, peer: doc["vpns"].append(copy.deepcopy(vpn)))
    yield change(lambda doc, vpn, peer: key(peer, use="send-and-accept"))
    yield change(lambda doc, vpn, peer: key(peer, **{"key-id": "g1"}))
    yield change(lambda doc, vpn, peer: (certified(vpn), peer.update(certificate={"use": "send-and-accept"})))
    yield change(lambda doc, vpn, peer: (certified(vpn), peer.pop("pre-shared"), peer.update(certificate={"use": "accept-only"})))
    yield change(lambda doc, vpn, peer: (certified(vpn), vpn["certificate"].pop("cert-data"),
                                         peer.update(certificate={"use": "accept-only"})))
    yield change(lambda doc, vpn, peer: peer.update(certificate={"use": "accept-only"}))
    yield change(lambda doc, vpn, peer: vpn["authentication"].update({"auth-method": "certificate"}))
    yield change(lambda doc, vpn, peer: vpn["routing"]["ospf"].update({"dead-interval": 10}))
    yield change(lambda doc, vpn, peer: vpn["retry"].update(maximum=9))
    yield change(lambda doc, vpn, peer: vpn["topology"].update(type="any-to-any"))
    yield change(lambda doc, vpn, peer: vpn["topology"].update(role="custom-role"))
    yield change(lambda doc, vpn, peer: peer.update(role="custom-role"))
    yield change(lambda doc, vpn, peer: peer.update(role="spoke-role"))
    yield change(lambda doc, vpn, peer: (vpn.update({"behind-nat": True}), peer.update({"behind-nat": True})))
    yield change(lambda doc, vpn, peer: peer.update({"behind-nat": True}))
    yield change(lambda doc, vpn, peer: (vpn.update({"behind-nat": True}), peer.update(initiator="remote")))


def make_documents(rng, goods, count):
    goods = list(goods)
    yield from goods
    if "vpns" in goods[0]:
        yield from contradictions(goods[0])
    yield from targeted(goods[0])
    for _ in range(count):
        document = copy.deepcopy(rng.choice(goods))
        for _ in range(rng.choice([1, 1, 1, 1, 2, 3])):
            document = mutate_once(rng, document)
        yield document


def make_validator(name):
    schema = load(name)
    base = jsonschema.Draft202012Validator
    base.check_schema(schema)
    # A number written 1.0 or 1e0 is an integer to JSON Schema. The decoder
    # wants digits only, as every encoder of these documents writes them.
    checker = base.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool))
    return jsonschema.validators.extend(base, type_checker=checker)(schema)


def decode_all(program, documents):
    """The C verdicts: lists of [code, where, text], code "ok" when taken."""
    data = b"".join(b"%s %d\n%s" % (kind.encode(), len(text), text) for kind, text in documents)
    run = subprocess.run([program], input=data, stdout=subprocess.PIPE, check=True)
    verdicts = [line.split("\t") for line in run.stdout.decode().splitlines()]
    if len(verdicts) != len(documents):
        sys.exit(f"{len(documents)} documents, {len(verdicts)} verdicts")
    return verdicts


def excuse(verdict):
    """Which check of ONLY_C made this refusal? None: none of them."""
    for check in ONLY_C:
        if verdict[0] == check[0] and verdict[1].endswith(check[1]):
            return check
    return None


def main():
    program = sys.argv[1]
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(2**32)
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 3000
    print(f"seed {seed}, {count} random documents of each kind")
    rng = random.Random(seed)
    cases = []
    for kind, name, goods in (("config", "ce-config", good_configs()),
                              ("status", "ce-status", good_statuses())):
        validator = make_validator(f"schema/{name}.schema.json")
        for document in make_documents(rng, goods, count):
            text = json.dumps(document, ensure_ascii=rng.random() < 0.5).encode()
            cases.append((kind, text, validator.is_valid(document)))
    verdicts = decode_all(program, [case[:2] for case in cases])

    seen, wrong, taken = collections.Counter(), 0, 0
    for (kind, text, valid), verdict in zip(cases, verdicts):
        check = excuse(verdict)
        taken += valid and verdict[0] == "ok"
        if valid and check:
            seen[check] += 1
        elif valid != (verdict[0] == "ok"):
            wrong += 1
            print(f"{kind}: schema says {'good' if valid else 'bad'}, decoder says "
                  f"{' '.join(verdict)}\n  {text.decode()[:3000]}")
    for check in ONLY_C:
        print(f"{seen[check]:5} only the decoder refused: {check[0]} {check[1]} ({check[2]})")
        if not seen[check]:
            wrong += 1
            print("      never seen: does it still exist?")
    print(f"{len(cases)} documents, {taken} good to both, {wrong} disagreements")
    sys.exit(1 if wrong else 0)


main()
