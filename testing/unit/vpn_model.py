# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# What every CE's document has to be: a small reference model, written from the words of
# draft-ietf-l3vpn-ce-based-03 and RFC 8299, and from what the project's documents promise beside
# (admin-api.md, ce-api.md, customer-file.md). It shares no code with the server and asks it nothing. What is
# random (keys), or the server's choice within a rule (router ids, who begins between equals), is taken from
# the first document that has it, checked against the rule, and must stay.
#
# The configuration is a dictionary of values: (kind, name, ...) -> {attribute: value}. A change is a function
# on a copy of it; then the copy is checked as a whole, and what follows from it is computed anew.
import collections
import ipaddress
import itertools

# RFC 8299 section 5.3: VPN service topologies, and which roles sites have in each
ROLES = {"any-to-any": ["any-to-any-role"], "hub-spoke": ["spoke-role", "hub-role"],
         "hub-spoke-disjoint": ["spoke-role", "hub-role"], "custom": ["custom-role"]}
WITH_HUBS = ("hub-spoke", "hub-spoke-disjoint")
# draft section 7: all tunnels of a VPN have the same grade of security
GRADES = ["basic", "standard", "high"]
IKE = {"aes128-sha256-modp2048": 0, "aes128gcm16-prfsha256-x25519": 1, "aes256gcm16-prfsha384-ecp384": 2}
ESP = {"aes128-sha256-modp2048": 0, "aes128gcm16-x25519": 1, "aes256gcm16-ecp384": 2}
PROFILE = {"proposals": ["aes256gcm16-prfsha384-ecp384", "aes128gcm16-prfsha256-x25519"],
           "esp_proposals": ["aes256gcm16-ecp384", "aes128gcm16-x25519"],
           "rekey_time": 14400, "child_rekey_time": 3600, "dpd_delay": 30}
OSPF = {"area": "0.0.0.0", "hello-interval": 10, "dead-interval": 40, "cost": 10}
RETRY = {"minimum-wait": 5, "t1": 10, "factor": 2, "maximum": 600, "alarm-after": 8}
VPN = {"topology": "any-to-any", "grade": "standard", "internet-access": False, "description": "",
       "external-id": "", "domain": "vpn.sp.example", "router-ids": "10.255.0.0/16", "mtu": 1400,
       "psk-rotation-days": 0, "authentication": "pre-shared", "revocation": "strict",
       **OSPF, **RETRY, **PROFILE}
WORDS = {"description": "", "external-id": ""}


# A pair under way from one thing that it authenticates with to another: step, and revision of it (None: not seen yet);
# turned: it came to its step by turning round
Rotation = collections.namedtuple("Rotation", "step revision target turned", defaults=("next-key", False))


class Refused(Exception):
    """The model says that this change cannot be."""


def need(condition, why):
    if not condition:
        raise Refused(why)


def link_key(customer, vpn, a, b):
    return ("link", customer, vpn, *sorted((a, b)))


def strength(profile):
    return min([IKE[p] for p in profile["proposals"]] + [ESP[p] for p in profile["esp_proposals"]])


def told(thing):
    """An object without what only we know of it."""
    return thing and {name: value for name, value in thing.items() if name != "uid"}


class Config:
    """A copy of the configuration on which a change is tried."""

    def __init__(self, objects, uids):
        self.objects = {key: dict(value) for key, value in objects.items()}    # values are never changed in place
        self.uids = uids
        self.reason = "site-removed"        # why sites go in this change

    def of(self, kind, *place):
        """Keys of this kind below a place."""
        return sorted(key for key in self.objects if key[0] == kind and key[1:1 + len(place)] == place)

    def has(self, *key):
        return key in self.objects

    def get(self, *key):
        need(key in self.objects, f"no {key}")
        return self.objects[key]

    def new(self, key, value):
        need(key not in self.objects, f"{key} is there")
        self.objects[key] = {**value, "uid": next(self.uids)}

    # ---- single things

    def customer_add(self, customer, **words):
        self.new(("customer", customer), {**WORDS, **words})

    def customer_set(self, customer, **words):
        self.get("customer", customer).update(words)

    def customer_remove(self, customer):
        self.get("customer", customer)
        need(not self.of("vpn", customer) and not self.of("ce", customer), "in use")
        del self.objects["customer", customer]

    def vpn_add(self, customer, vpn, **values):
        self.get("customer", customer)
        value = {**VPN, **values}
        grade = GRADES.index(value["grade"])
        for name, table in (("proposals", IKE), ("esp_proposals", ESP)):
            if name not in values:
                value[name] = [p for p in value[name] if table[p] >= grade]
        self.new(("vpn", customer, vpn), value)

    def vpn_set(self, customer, vpn, hubs=(), **values):
        value = self.get("vpn", customer, vpn)
        before = value["topology"]
        value.update(values)
        topology = value["topology"]
        need(not hubs or topology in WITH_HUBS, "no hubs there")
        if topology == before and not hubs:
            return
        sites = {key[3]: self.objects[key] for key in self.of("site", customer, vpn)}
        need(len(set(hubs)) == len(hubs) and set(hubs) <= set(sites), "no such hub")
        for name, site in sites.items():
            if site["role"] not in ROLES[topology]:
                site["role"] = ROLES[topology][0]
            if name in hubs:
                site["role"] = "hub-role"
        need(topology not in WITH_HUBS or len(sites) < 2 or
             any(site["role"] == "hub-role" for site in sites.values()), "a hub is needed")

    def vpn_remove(self, customer, vpn):
        self.get("vpn", customer, vpn)
        need(not self.of("site", customer, vpn) and not self.of("profile", customer, vpn), "in use")
        del self.objects["vpn", customer, vpn]

    def profile_add(self, customer, vpn, profile, **values):
        own = self.get("vpn", customer, vpn)
        self.new(("profile", customer, vpn, profile), {**{name: own[name] for name in PROFILE}, **values})

    def profile_set(self, customer, vpn, profile, **values):
        self.get("profile", customer, vpn, profile).update(values)

    def profile_remove(self, customer, vpn, profile):
        self.get("profile", customer, vpn, profile)
        need(not any(self.objects[key].get("profile") == profile for key in self.of("link", customer, vpn)), "in use")
        del self.objects["profile", customer, vpn, profile]

    def ce_add(self, customer, ce, address, **words):
        self.get("customer", customer)
        need(address not in self.addresses(), "address taken")
        self.new(("ce", customer, ce), {**WORDS, "address": address, "suspended": False, "behind-nat": False,
                                         "dynamic": [], **words})

    def ce_set(self, customer, ce, **values):
        value = self.get("ce", customer, ce)
        before = value["address"]
        value.update(values)
        if value["address"] != before:
            need(self.addresses().get(value["address"], (customer, ce)) == (customer, ce), "address taken")
            for key in self.of("site", customer):       # what was at the old address follows
                site = self.objects[key]
                if site["ce"] == ce and site["ce-address"] == before:
                    site["ce-address"] = value["address"]

    def ce_remove(self, customer, ce):
        self.get("ce", customer, ce)
        need(not self.sites_of(customer, ce), "in use")
        del self.objects["ce", customer, ce]

    def ce_leave(self, customer, ce):
        self.get("ce", customer, ce)
        self.reason = "site-left"
        for key in self.sites_of(customer, ce):
            self.site_remove(*key[1:])
        self.ce_remove(customer, ce)

    def site_add(self, customer, vpn, site, ce, **values):
        topology = self.get("vpn", customer, vpn)["topology"]
        address = self.get("ce", customer, ce)["address"]
        value = {**WORDS, "ce": ce, "role": ROLES[topology][0], "router-id": None, "ce-address": address,
                 "prefixes": [], **values}
        need(self.addresses().get(value["ce-address"], (customer, ce)) == (customer, ce), "address taken")
        self.new(("site", customer, vpn, site), value)

    def site_set(self, customer, vpn, site, **values):
        value = self.get("site", customer, vpn, site)
        value.update(values)
        need(self.addresses([("site", customer, vpn, site)]).get(value["ce-address"], (customer, value["ce"])) ==
             (customer, value["ce"]), "address taken")

    def site_remove(self, customer, vpn, site):
        self.get("site", customer, vpn, site)
        for key in self.of("link", customer, vpn):
            if site in key[3:]:
                del self.objects[key]
        del self.objects["site", customer, vpn, site]

    def link_set(self, customer, vpn, a, b, had_tunnel, **values):
        self.get("site", customer, vpn, a)
        self.get("site", customer, vpn, b)
        need(a != b, "itself")
        key = link_key(customer, vpn, a, b)
        value = {"explicit": False, "profile": "", "cost": 0, "initiator": "", **self.objects.get(key, {}), **values}
        need(value["initiator"] in ("", a, b), "not an end")
        need(not value["profile"] or self.has("profile", customer, vpn, value["profile"]), "no such profile")
        need(value["explicit"] or had_tunnel, "no tunnel")
        self.put_link(key, value)

    def put_link(self, key, value):
        if value["explicit"] or value["profile"] or value["cost"] or value["initiator"]:
            self.objects[key] = value
        else:
            self.objects.pop(key, None)

    def link_remove(self, customer, vpn, a, b):
        self.get(*link_key(customer, vpn, a, b))
        del self.objects[link_key(customer, vpn, a, b)]

    # ---- many at once

    def apply(self, customer, wanted):
        """The customer is like this: objects without uid. A site at another CE is another site."""
        before = {key: value for key, value in self.objects.items() if key[1] == customer}
        for key in before:
            del self.objects[key]
        for key, value in wanted.items():
            old = before.get(key)
            if old and key[0] == "site" and old["ce"] != value["ce"]:
                old = None
            value = dict(value)
            if key[0] == "site" and value["router-id"] is None and old:
                value["router-id"] = old["router-id"]
            if key[0] != "link":
                value["uid"] = old["uid"] if old else next(self.uids)
            self.objects[key] = value

    def revert(self, changes):
        """Take back {key: (before, after)}; refused when one of them was changed since."""
        need(changes, "it changed no configuration")
        self.reason = "change-reverted"
        for key, (_, after) in changes.items():
            need(told(self.objects.get(key)) == told(after), f"{key} was changed since")
        was = {key: self.objects.get(key) for key in changes}
        for key, (before, after) in changes.items():    # a site at another CE is another site
            if key[0] == "site" and after is not None and (before is None or before["ce"] != after["ce"]):
                self.site_remove(*key[1:])              # with what was said of it since
        for key, (before, after) in changes.items():
            present = was[key]
            self.objects.pop(key, None)
            if before is not None:
                self.objects[key] = dict(before)
                if present and before.get("uid") == after.get("uid") is not None:
                    self.objects[key]["uid"] = present["uid"]       # it may have been made anew since

    # ---- questions

    def sites_of(self, customer, ce):
        return [key for key in self.of("site", customer) if self.objects[key]["ce"] == ce]

    def addresses(self, but=()):
        """Whose each address (s) is."""
        owners = {self.objects[key]["address"]: key[1:] for key in self.of("ce")}
        owners.update({self.objects[key]["ce-address"]: (key[1], self.objects[key]["ce"])
                       for key in self.of("site") if key not in but})
        return owners

    def tunnels(self):
        """{(customer, vpn, a, b): what is said of them}, a before b."""
        found = {}
        for _, customer, vpn in self.of("vpn"):
            topology = self.objects["vpn", customer, vpn]["topology"]
            sites = [(key[3], self.objects[key]) for key in self.of("site", customer, vpn)]
            for (a, one), (b, two) in itertools.combinations(sites, 2):
                said = self.objects.get(("link", customer, vpn, a, b), {})
                given = topology == "any-to-any" or (
                    topology in WITH_HUBS and "hub-role" in (one["role"], two["role"]))
                if given or said.get("explicit"):
                    found[customer, vpn, a, b] = {
                        "profile": said.get("profile", ""), "cost": said.get("cost", 0),
                        "initiator": said.get("initiator", ""), "uids": frozenset((one["uid"], two["uid"]))}
        return found

    def behind_nat(self, customer, vpn, site):
        value = self.objects["site", customer, vpn, site]
        ce = self.objects["ce", customer, value["ce"]]
        return ce["behind-nat"] and ce["address"] == value["ce-address"]

    def check(self):
        """What must hold of the whole."""
        for key in self.of("ce") + self.of("vpn"):
            self.get("customer", key[1])
        owners = {}
        for key in self.of("ce"):
            address = self.objects[key]["address"]
            need(owners.setdefault(address, key[1:]) == key[1:], "address taken")
        for key in self.of("site"):
            site = self.objects[key]
            self.get("ce", key[1], site["ce"])
            owner = (key[1], site["ce"])
            need(owners.setdefault(site["ce-address"], owner) == owner, "address taken")
        for key in self.of("profile") + self.of("site"):
            self.get("vpn", *key[1:3])
        for key in self.of("vpn"):
            self.check_vpn(*key[1:])
        pairs = set()
        for (customer, vpn, a, b), tunnel in self.tunnels().items():
            behind = [site for site in (a, b) if self.behind_nat(customer, vpn, site)]
            need(len(behind) < 2, "NAT at both ends")
            need(not behind or tunnel["initiator"] in ("", behind[0]), "the other end begins")
            pair = frozenset(self.objects["site", customer, vpn, site]["ce-address"] for site in (a, b))
            need(pair not in pairs, "a second tunnel between two addresses")
            pairs.add(pair)

    def check_vpn(self, customer, vpn):
        value = self.objects["vpn", customer, vpn]
        sites = {key[3]: self.objects[key] for key in self.of("site", customer, vpn)}
        profiles = [value] + [self.objects[key] for key in self.of("profile", customer, vpn)]
        need(all(strength(profile) >= GRADES.index(value["grade"]) for profile in profiles), "too weak")
        need(value["dead-interval"] > value["hello-interval"], "dead before hello")
        need(value["maximum"] >= value["t1"], "maximum below t1")
        need(all(site["role"] in ROLES[value["topology"]] for site in sites.values()), "role")
        routers = [site["ce"] for site in sites.values()]
        need(len(set(routers)) == len(routers), "one router, two sites")
        ids = [site["router-id"] for site in sites.values() if site["router-id"]]
        need(len(set(ids)) == len(ids), "router id taken")
        for _, _, _, a, b in self.of("link", customer, vpn):
            need(a in sites and b in sites, "no such end")
            link = self.objects["link", customer, vpn, a, b]
            need(not link["profile"] or self.has("profile", customer, vpn, link["profile"]), "no such profile")
            if link["explicit"] and value["topology"] == "hub-spoke-disjoint":
                need("hub-role" in (sites[a]["role"], sites[b]["role"]), "spokes that must not meet")
        if value["internet-access"]:                    # draft section 6.1
            prefixes = [(name, ipaddress.ip_network(p)) for name, site in sites.items() for p in site["prefixes"]]
            for (a, p), (b, q) in itertools.combinations(prefixes, 2):
                need(a == b or p.version != q.version or not p.overlaps(q), "overlap")


class Model:
    def __init__(self):
        self.objects, self.uids = {}, itertools.count(1)
        self.explained = {}     # uid of a site -> {peer: (revision, reason)}
        self.suspended = {}     # uid of a CE -> revision
        self.meant = {}         # uid of a CE -> revision that took a site from it: ce-api.md, "bulk-removal"
        self.history = {}       # revision -> {key: (before, after)}
        # by pair: its keys, the newest first, as [number, use, secret or None: not seen yet]
        self.keys, self.retired, self.seen = {}, {}, set()
        self.rotating = {}      # pair -> Rotation, as long as what it authenticates with is being changed
        self.uses = {}          # pair -> what its routers' certificates are for, where they count
        self.numbers = {}       # pair -> of its newest credential, keys and certificates counted in one
        self.since = {}         # pair -> revision that made it, or gave it a key out of turn
        self.ike = set()        # uids of CEs that have said a key for IKE
        self.authorities = {}   # uid of a VPN -> its authority and list as documents have them, None: not seen yet
        self.issued = {}        # uid of a site -> [certificate or None: not seen yet, revision, identity, uid of its VPN]
        self.reported = {}      # uid of a CE -> revision of the document that it says it has in force
        self.begins = {}        # who begins between equals, by pair
        self.computed = None

    def draft(self):
        return Config(self.objects, self.uids)

    def tunnels(self):
        """Of what is in force; computed once."""
        if self.computed is None:
            self.computed = self.draft().tunnels()
        return self.computed

    def is_change(self, draft):
        return {k: told(v) for k, v in draft.objects.items()} != {k: told(v) for k, v in self.objects.items()}

    def commit(self, draft, revision, reverting=0):
        before, after = self.tunnels(), draft.tunnels()
        old, new = self.objects, draft.objects
        self.history[revision] = {
            key: (old.get(key), new.get(key)) for key in {**old, **new} if told(old.get(key)) != told(new.get(key))
            or (old.get(key) or {}).get("uid") != (new.get(key) or {}).get("uid")}
        alive = {value["uid"] for key, value in new.items() if key[0] == "site"}
        uids_after = {tunnel["uids"] for tunnel in after.values()}
        uids_before = {tunnel["uids"] for tunnel in before.values()}
        for (customer, vpn, a, b), tunnel in before.items():
            if tunnel["uids"] in uids_after:
                continue
            self.retired[tunnel["uids"], revision] = (self.keys.pop(tunnel["uids"], None),
                                                      self.rotating.pop(tunnel["uids"], None))
            self.uses.pop(tunnel["uids"], None)
            self.numbers.pop(tunnel["uids"], None)
            ends = [(old["site", customer, vpn, site]["uid"], site) for site in (a, b)]
            for (uid, _), (other, name) in (ends, ends[::-1]):
                self.explained.setdefault(uid, {})[name] = (
                    revision, "topology-changed" if other in alive else draft.reason)
        for key, value in old.items():      # no document of its own explains to a router the site that it lost
            if key[0] == "site" and value["uid"] not in alive:
                self.meant[old["ce", key[1], value["ce"]]["uid"]] = revision
        for uid in list(self.explained):
            if uid not in alive:
                del self.explained[uid]
        for (customer, vpn, a, b), tunnel in after.items():
            if tunnel["uids"] in uids_before:
                continue
            for one, other in ((a, b), (b, a)):
                self.explained.get(new["site", customer, vpn, one]["uid"], {}).pop(other, None)
            keys, step = self.retired.pop((tunnel["uids"], reverting), (None, None))
            self.since[tunnel["uids"]] = revision
            if keys:                    # it has the keys again that it had, and a change of them goes on
                self.keys[tunnel["uids"]] = keys
                self.numbers[tunnel["uids"]] = keys[0][0]
                if len(keys) > 1:
                    self.rotating[tunnel["uids"]] = Rotation(step.step, revision)
                else:                   # certificates do not come back: it moves to them anew
                    keys[0][1] = "send-and-accept"
        for key, value in new.items():      # with its tunnels it gets keys of which nothing was reported
            if key[0] == "ce" and not value["suspended"] and value["uid"] in self.suspended:
                for (customer, vpn, a, b), tunnel in after.items():
                    if tunnel["uids"] in self.rotating and key[1:] in [
                            (customer, new["site", customer, vpn, site]["ce"]) for site in (a, b)]:
                        self.rotating[tunnel["uids"]] = self.rotating[tunnel["uids"]]._replace(revision=revision)
            if key[0] == "ce" and value["suspended"]:   # one that was removed and is back: since when it was
                self.suspended.setdefault(value["uid"], revision)
            elif key[0] == "ce":
                self.suspended.pop(value["uid"], None)
        self.objects, self.computed = new, after
        self.certify(revision)

    # ---- certificates: of a VPN's own authority, as soon as it is to have them and a router has said its key

    def certify(self, revision):
        vpns = {key[1:]: value for key, value in self.objects.items() if key[0] == "vpn"}
        sites = {value["uid"]: (key, value) for key, value in self.objects.items() if key[0] == "site"}
        self.ike &= {value["uid"] for key, value in self.objects.items() if key[0] == "ce"}
        alive = {value["uid"] for value in vpns.values()}
        for uid in set(self.authorities) - alive:
            del self.authorities[uid]
        for value in vpns.values():
            if value["authentication"] == "certificate" and value["uid"] not in self.authorities:
                self.authorities[value["uid"]] = {"ca": None, "crl": None}
        for uid in [uid for uid in self.issued if uid not in sites]:
            self.revoke(uid)
        for uid, (key, site) in sites.items():
            vpn = vpns[key[1:3]]
            identity = f"{key[3]}.{key[2]}.{key[1]}.{vpn['domain']}"
            ce = self.objects["ce", key[1], site["ce"]]["uid"]
            if vpn["uid"] in self.authorities and ce in self.ike and self.issued.get(uid, [0, 0, 0])[2] != identity:
                self.issued[uid] = [None, revision, identity, vpn["uid"]]

    def revoke(self, site):
        """Its certificates are in a new list of their authority, if that is still there."""
        authority = self.authorities.get(self.issued.pop(site)[3])
        if authority:
            authority["crl"] = None     # another one than it was: none is seen twice

    def replaced(self, ce, revision):
        """Other hardware: its certificates are revoked, and what had them has a key at once."""
        self.ike.discard(ce)
        sites = {value["uid"] for key, value in self.objects.items()
                 if key[0] == "site" and self.objects["ce", key[1], value["ce"]]["uid"] == ce}
        for uid in sites & set(self.issued):
            self.revoke(uid)
        for uids in [uids for uids in self.uses if uids & sites]:
            if self.keys.get(uids):
                self.keys[uids][0][1] = "send-and-accept"
            else:
                self.keys[uids] = [[self.number(uids), "send-and-accept", None]]
            del self.uses[uids]
            self.rotating.pop(uids, None)
            self.since[uids] = revision

    def certificate(self, vpn, site, said):
        """The part of a document about them; a certificate and a list are nobody else's, and stay."""
        authority = self.authorities.get(vpn["uid"])
        if not authority:
            return None
        assert said, "no word of certificates"
        for name, member in (("ca", "ca-data"), ("crl", "crl-data")):
            if authority[name] is None:
                assert len(said[member]) == 1 and said[member][0] not in self.seen, f"{member} that was there before"
                self.seen.add(said[member][0])
                authority[name] = said[member]
        part = {"ca-data": authority["ca"], "crl-data": authority["crl"], "revocation": vpn["revocation"]}
        issued = self.issued.get(site["uid"])
        if issued:
            if issued[0] is None:
                assert said["cert-data"] not in self.seen, "a certificate that was there before"
                self.seen.add(said["cert-data"])
                issued[0] = said["cert-data"]
            part["cert-data"] = issued[0]
        return part

    # ---- keys that are changed: accept both, then send the new one, then forget the old one

    def pairs_of(self, customer, vpn, *sites):
        """Pairs of a VPN, of a site, of two of them."""
        return [tunnel["uids"] for place, tunnel in self.tunnels().items()
                if place[:2] == (customer, vpn) and set(sites) <= set(place[2:])]

    def number(self, uids):
        """The next one of the pair's credentials."""
        self.numbers[uids] = self.numbers.get(uids, 1) + 1
        return self.numbers[uids]

    def rotate(self, pairs, revision):
        for uids in pairs:
            keys = self.keys.setdefault(uids, [[1, "send-and-accept", None]])
            keys.insert(0, [self.number(uids), "accept-only", None])
            self.rotating[uids] = Rotation("accept", revision)

    def ready(self):
        """{(customer, vpn): pairs whose two routers have confirmed their step}."""
        found = {}
        for (customer, vpn, a, b), tunnel in self.tunnels().items():
            if tunnel["uids"] not in self.rotating:
                continue
            revision = self.rotating[tunnel["uids"]].revision
            if revision is None:
                continue
            ends = [self.objects["ce", customer, self.objects["site", customer, vpn, site]["ce"]] for site in (a, b)]
            if all(not ce["suspended"] and self.reported.get(ce["uid"], 0) >= revision for ce in ends):
                found.setdefault((customer, vpn), []).append(tunnel["uids"])
        return found

    def forget(self, uids):
        """What it had comes back by no revert."""
        for pair, removed in list(self.retired):
            if pair == uids:
                del self.retired[pair, removed]

    # ---- moves from a key to certificates and back: each pair by itself, as soon as both its routers can

    def wants_certificate(self, place):
        return self.objects[("vpn", *place[:2])]["authentication"] == "certificate"

    def waiting(self):
        """Pairs that are to have certificates, and have not begun."""
        return [(place, tunnel["uids"]) for place, tunnel in self.tunnels().items() if self.wants_certificate(place)
                and tunnel["uids"] not in self.uses and tunnel["uids"] not in self.rotating]

    def has_in_force(self, customer, vpn, site):
        """Its certificate."""
        value = self.objects["site", customer, vpn, site]
        ce, issued = self.objects["ce", customer, value["ce"]], self.issued.get(value["uid"])
        return issued and not ce["suspended"] and self.reported.get(ce["uid"], 0) >= issued[1]

    def beginning(self):
        found = [uids for place, uids in self.waiting() if all(self.has_in_force(*place[:2], site) for site in place[2:])]
        return found + [tunnel["uids"] for place, tunnel in self.tunnels().items() if not self.wants_certificate(place)
                        and tunnel["uids"] in self.uses and tunnel["uids"] not in self.rotating]

    def turning(self):
        found = []
        for place, tunnel in self.tunnels().items():
            under_way = self.rotating.get(tunnel["uids"])
            if under_way and under_way.target != "next-key" and under_way.step != "forget" and \
               (under_way.target == "certificate") != self.wants_certificate(place):
                found.append(tunnel["uids"])
        return found

    def settling(self):
        """Whether something happens by itself now."""
        return bool(self.beginning() or self.turning() or self.ready())

    def write(self, uids):
        """What a pair has at its step."""
        _, _, target, _ = under_way = self.rotating[uids]
        new, old = {"accept": ("accept-only", "send-and-accept"), "send": ("send-and-accept", "accept-only"),
                    "forget": ("send-and-accept", None)}[under_way.step]
        keys = self.keys.setdefault(uids, [[1, "send-and-accept", None]])
        if under_way.step == "forget":
            self.forget(uids)
        if target == "next-key":
            keys[0][1] = new
            keys[1:] = [[number, old, secret] for number, _, secret in keys[1:] if old]
            return
        key, certificate = (new, old) if target == "key" else (old, new)
        keys[:] = [[number, key, secret] for number, _, secret in keys if key]
        self.uses[uids] = certificate
        if not certificate:
            del self.uses[uids]

    def settle(self):
        """Everything that happens by itself; the revisions of it are the server's to say."""
        while self.settling():
            for uids in self.turning():
                step, revision, target, turned = self.rotating[uids]
                target = "key" if target == "certificate" else "certificate"
                if step == "accept" and not turned:
                    self.rotating[uids] = Rotation("forget", None, target, True)
                    self.write(uids)
                else:       # no document changes
                    self.rotating[uids] = Rotation("send" if step == "accept" else "accept", revision, target, True)
                self.number(uids)
            for uids in [uids for pairs in self.ready().values() for uids in pairs]:
                step, _, target, _ = self.rotating[uids]
                if step == "forget":
                    del self.rotating[uids]
                else:
                    self.rotating[uids] = Rotation("send" if step == "accept" else "forget", None, target)
                    self.write(uids)
            for uids in self.beginning():
                target = "key" if uids in self.uses else "certificate"
                number = self.number(uids)
                if target == "key":
                    self.keys[uids] = [[number, "accept-only", None]]
                self.rotating[uids] = Rotation("accept", None, target)
                self.write(uids)

    def under_way(self):
        """(customer, vpn, a, b) -> what it comes to have, and its step, of all that the server lists."""
        found = {place: (self.rotating[tunnel["uids"]].target, self.rotating[tunnel["uids"]].step)
                 for place, tunnel in self.tunnels().items() if tunnel["uids"] in self.rotating}
        return {**found, **{place: ("certificate", "waiting") for place, _ in self.waiting()}}

    # ---- documents

    def who_begins(self, tunnel, a, one, b, two, said):
        """Draft 3.4: one of them. A spoke towards its hub; else the server's choice, which stays."""
        if one["nat"] or two["nat"]:
            return a if one["nat"] else b
        spokes = [name for name, site in ((a, one), (b, two)) if site["role"] == "spoke-role"]
        if tunnel["initiator"]:
            return tunnel["initiator"]
        if len(spokes) == 1:
            return spokes[0]
        uid = self.begins.setdefault(tunnel["uids"], one["uid"] if said == a else two["uid"])
        return a if uid == one["uid"] else b

    def take_keys(self, tunnel, said):
        """A tunnel's key is new when the tunnel is, or was begun to be changed; else the one it had."""
        keys = self.keys.setdefault(tunnel["uids"], [[1, "send-and-accept", None]])
        assert len(said) == len(keys), f"{len(said)} keys instead of {len(keys)}"
        for key, given in zip(keys, said):
            if key[2] is None:
                secret = given["secret"]
                assert len(secret) == 64 and secret not in self.seen, "a key that was used before"
                self.seen.add(secret)
                key[2] = secret
        return [{"key-id": f"g{number}", "use": use, "secret": secret} for number, use, secret in keys]

    def document(self, customer, ce, given):
        """The document of a CE; given: what the server says, for what the model cannot know."""
        value = self.objects["ce", customer, ce]
        said = {vpn["vpn"]: {"peers": {peer["peer"]: peer for peer in vpn["peers"]}, "certificate": vpn.get("certificate")}
                for vpn in given["vpns"]}
        out = {"schema": "ce-config/1", "ce": f"{customer}/{ce}", "epoch": given["epoch"],
               "revision": given["revision"], "state": "suspended" if value["suspended"] else "active",
               "management": given["management"], "sa-profiles": {}, "vpns": []}
        if value["uid"] in self.meant:
            out["bulk-removal"] = self.meant[value["uid"]]
        for key in sorted(key for key, site in self.objects.items()
                          if key[:2] == ("site", customer) and site["ce"] == ce):
            vpn, used = self.vpn_part(*key[1:], said, value["suspended"])
            out["vpns"].append(vpn)
            out["sa-profiles"].update(used)
        return out

    def vpn_part(self, customer, vpn, name, said, suspended):
        row, site = self.objects["vpn", customer, vpn], self.objects["site", customer, vpn, name]
        profiles = {vpn: {member: row[member] for member in PROFILE}}
        part = {
            "customer": customer, "vpn": vpn, "site": name, "ce-address": site["ce-address"],
            "identity": {"fqdn-string": f"{name}.{vpn}.{customer}.{row['domain']}"},
            "topology": {"type": row["topology"], "role": site["role"]},
            "authentication": {"auth-method": "pre-shared"}, "router-id": site["router-id"], "mtu": row["mtu"],
            "routing": {"ospf": {member: row[member] for member in OSPF}},
            "retry": {member: row[member] for member in RETRY}, "peers": [], "removed": []}
        config = Config(self.objects, self.uids)
        site = {**site, "nat": config.behind_nat(customer, vpn, name)}
        if site["nat"]:
            part["behind-nat"] = True
        part["authentication"]["auth-method"] = row["authentication"]
        certificate = self.certificate(row, site, said.get(vpn, {}).get("certificate"))
        if certificate:
            part["certificate"] = certificate
        if suspended:
            return part, profiles
        for (c, v, a, b), tunnel in self.tunnels().items():
            if (c, v) != (customer, vpn) or name not in (a, b):
                continue
            other = b if name == a else a
            peer = self.objects["site", customer, vpn, other]
            peer = {**peer, "nat": config.behind_nat(customer, vpn, other)}
            peer_ce = self.objects["ce", customer, peer["ce"]]
            if peer_ce["suspended"]:
                part["removed"].append({"peer": other, "at-revision": self.suspended[peer_ce["uid"]],
                                        "reason": "ce-suspended"})
                continue
            assert other in said.get(vpn, {"peers": {}})["peers"], f"{name} has no tunnel to {other}"
            part["peers"].append(self.peer(f"{vpn}.{customer}.{row['domain']}", row, tunnel, name, site, other, peer,
                                           said[vpn]["peers"][other]))
            if tunnel["profile"]:
                further = self.objects["profile", customer, vpn, tunnel["profile"]]
                profiles[f"{vpn}.{tunnel['profile']}"] = {member: further[member] for member in PROFILE}
        part["removed"] += [{"peer": gone, "at-revision": revision, "reason": reason}
                            for gone, (revision, reason) in self.explained.get(site["uid"], {}).items()]
        part["peers"].sort(key=lambda p: p["peer"])
        part["removed"].sort(key=lambda p: p["peer"])
        return part, profiles

    def peer(self, domain, row, tunnel, name, site, other, peer, said):
        begins = self.who_begins(tunnel, name, site, other, peer, name if said["initiator"] == "local" else other)
        profile = domain.split(".")[0] + ("." + tunnel["profile"] if tunnel["profile"] else "")
        out = {
            "peer": other, "remote-address": peer["ce-address"],
            "identity": {"fqdn-string": f"{other}.{domain}"},
            "sa-profile": profile, "initiator": "local" if begins == name else "remote",
            # draft 3.4: dynamic routing requires a permanent tunnel
            "tunnel": {"establishment": "permanent", "ipsec-mode": "tunnel", "routing": "dynamic"}}
        keys = self.take_keys(tunnel, said.get("pre-shared", {"keys": []})["keys"])
        if keys:
            out["pre-shared"] = {"keys": keys}
        if tunnel["uids"] in self.uses:
            out["certificate"] = {"use": self.uses[tunnel["uids"]]}
        if peer["nat"]:
            out["behind-nat"] = True
        if tunnel["cost"]:
            out["tunnel"]["cost"] = tunnel["cost"]
        if row["topology"] == "hub-spoke-disjoint":
            out["role"] = peer["role"]
        return out

    # ---- the customer's file

    def file(self, customer, objects=None):
        """Everything said, nothing left to defaults."""
        config = Config(objects or self.objects, self.uids)
        words = lambda value: {name: value[name] for name in WORDS}
        vpns = []
        for _, _, vpn in config.of("vpn", customer):
            row = config.objects["vpn", customer, vpn]
            part = {name: row[name] for name in ("topology", "grade", "internet-access", "psk-rotation-days",
                                                 "authentication", "revocation", "domain", "router-ids", "mtu")}
            part.update(vpn=vpn, **words(row), ospf={m: row[m] for m in OSPF}, retry={m: row[m] for m in RETRY},
                        profiles=[], sites=[], links=[])
            part["sa-profile"] = {m: row[m] for m in PROFILE}
            for key in config.of("profile", customer, vpn):
                part["profiles"].append({"profile": key[3], **{m: config.objects[key][m] for m in PROFILE}})
            for key in config.of("site", customer, vpn):
                site = told(config.objects[key])
                part["sites"].append({"site": key[3], **{n: v for n, v in site.items() if v is not None}})
            for key in config.of("link", customer, vpn):
                link = {n: v for n, v in config.objects[key].items() if v}
                part["links"].append({"sites": list(key[3:]), **link})
            vpns.append(part)
        return {"schema": "ppvpn-customer/1", "customer": customer, **words(config.objects["customer", customer]),
                "ces": [{"ce": key[2], **told(config.objects[key])} for key in config.of("ce", customer)],
                "vpns": vpns}
