# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# Certificates between sites instead of pre-shared keys, and back, under live tunnels: one word of the operator, and no ping is lost.
# Then what no server of ours would say: documents by hand and an authority of the test's; what a router makes of certificates good
# and bad, who gets in, and that nothing flaps.
import base64
import contextlib
import copy
import json
import time

import pytest

from kit.meshpings import LATE, MeshPings
from kit.server import STATE
from kit.stock import call_certified
from kit.waiting import wait_until
from plugin.authority import Authority, Certificate

FAKE = "/root/fake"
SITES = ["paris", "lyon", "nice"]


def conn(peer):
    return f"ppvpn:acme:corp:{peer}"


def sites(lab):
    return [lab.ce(name) for name in SITES]


def sas(lab):
    """Every IKE_SA of every router."""
    return {(ce.name, sa["name"], sa["spi"]) for ce in sites(lab) for sa in ce.sas()}


def settled(lab):
    """No pair has two, as both ends may have begun."""
    return all(len(ce.sas()) == len(SITES) - 1 for ce in sites(lab))


def how(lab):
    """{(router, peer): how it was authenticated}"""
    return {(ce.name, peer): word for ce in sites(lab) for peer, word in ce.authenticated().items()}


def pem(base):
    """A certificate of a document, as others take it."""
    return "-----BEGIN CERTIFICATE-----\n" + "\n".join(base[i:i + 64] for i in range(0, len(base), 64)) + "\n-----END CERTIFICATE-----\n"


def base(text):
    """The other way round, revocation lists, too."""
    return "".join(line for line in text.splitlines() if not line.startswith("-----"))


class Provider:
    """A server in the place of the real one, with one document for each router, and an authority."""

    def __init__(self, lab, directory):
        self.lab, self.server, self.revision = lab, lab.server, 1000
        self.authority, self.other = Authority(str(directory), "Corp"), Authority(str(directory), "Other")
        self.good = {name: lab.ce(name).document() for name in SITES}
        self.own, self.directory = {}, self.server.path(FAKE)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.give("key")
        self.server.stop("ppvpn-server")
        certificate, key = (self.server.out(f"ls {STATE}/server.{kind}").strip() for kind in ("crt", "key"))
        self.server.spawn("fake", ["python3", "-m", "kit.fakeserver", "--address", self.server.address, "--certificate",
                                   certificate, "--key", key, "--directory", FAKE])

    def identity(self, name):
        return self.good[name]["vpns"][0]["identity"]["fqdn-string"]

    def give(self, kind, names=SITES, own=None, authority=True, lists=None):
        """
        Documents of a step: what peers send first, what they take, too.

        own: other certificates than those that were issued.
        """
        self.revision += 1
        kinds = kind.split(", ")
        own = {**self.own, **(own or {})}
        for name in names:
            document = copy.deepcopy(self.good[name])
            document["revision"] += self.revision
            vpn = document["vpns"][0]
            vpn.pop("certificate", None)
            if authority:
                vpn["certificate"] = {"ca-data": [base(self.authority.pem)], "crl-data": [base(lists or self.authority.list())],
                                      "revocation": "strict", **({"cert-data": own[name]} if own.get(name) else {})}
            vpn["authentication"]["auth-method"] = {"key": "pre-shared"}.get(kinds[0], "certificate")
            for peer in vpn["peers"]:
                uses = {one: "accept-only" if n else "send-and-accept" for n, one in enumerate(kinds)}
                keys = [{**key, "use": uses.get("key")} for key in peer.pop("pre-shared")["keys"]]
                if "key" in uses:
                    peer["pre-shared"] = {"keys": keys}
                if "certificate" in uses:
                    peer["certificate"] = {"use": uses["certificate"]}
            (self.directory / f"body.{self.lab.ce(name).address}").write_text(json.dumps(document), encoding="utf-8")

    def step(self, *words, **more):
        """And they are in force."""
        self.give(*words, **more)
        for name in more.get("names", SITES):
            ce = self.lab.ce(name)
            ce.wait_until(ce.synced, 60, f"{name} has applied {words}")
            ce.wait_plan_empty()

    def told(self, name):
        """The keys for IKE that a router has told: base64 of requests."""
        noted = (self.directory / "requests").read_text(encoding="utf-8").splitlines()
        return [one["report"] for one in map(json.loads, noted) if one["path"] == "/v1/ike-key" and
                one["client"] == self.lab.ce(name).address]

    def issue(self, name, authority=None, **more):
        """A certificate for the key that it told."""
        request = base64.b64decode(self.told(name)[-1])
        return base((authority or self.authority).issue_for(request, self.identity(name), **more))


@pytest.fixture(scope="module")
def hand(meshed, tmp_path_factory):
    wait_until(lambda: settled(meshed), 60, "one SA of each pair")
    meshed.provider = Provider(meshed, tmp_path_factory.mktemp("authority"))
    for ce in sites(meshed):
        ce.wait_until(ce.synced, 60, "documents by hand")
    return meshed


def gone(one, other):
    """No SA of the pair is left at either end."""
    for ce, peer in ((one, other), (other, one)):
        if conn(peer.name) in {sa["name"] for sa in ce.sas()}:
            ce.run(f"swanctl --terminate --ike {conn(peer.name)} --timeout 5", check=False)
    wait_until(lambda: conn(other.name) not in {sa["name"] for sa in one.sas()} and
               conn(one.name) not in {sa["name"] for sa in other.sas()}, 10, "no SA of the pair")


def begin(one, other):
    return one.run(f"swanctl --initiate --child {conn(other.name)} --timeout 10", check=False, timeout=20)


def both_ways(one, other):
    """Each begins once, with no agent that might help."""
    for ce in (one, other):
        ce.stop_agent()
    for a, b in ((one, other), (other, one)):
        gone(a, b)
        done = begin(a, b)
        assert done.returncode == 0, f"{a.name} -> {b.name}: {done.stdout}{done.stderr}"
        assert conn(a.name) in b.installed()
    for ce in (one, other):
        ce.start_agent()
        ce.wait_until(ce.synced, 60, "a sync")


def alarm(ce, code):
    return [a for a in ce.ask("alarms")["alarms"] if a["code"] == code and a["severity"] != "cleared"]


@contextlib.contextmanager
def gone_bad(ce):
    """A router without the product, but with what it left; then a site again."""
    ce.stop_agent()
    ce.write("/etc/strongswan.d/charon/ppvpn.conf", "ppvpn {\n    load = no\n}\n")
    yield
    ce.write("/etc/strongswan.d/charon/ppvpn.conf", "ppvpn {\n    load = yes\n}\n")
    ce.run("rm -f /etc/swanctl/conf.d/rogue.conf /etc/swanctl/*/rogue.pem")
    ce.restart_charon()
    ce.start_agent()


def refused(lab, done, code):
    paris = lab.ce("paris")
    assert done.returncode != 0, done.stdout
    assert not [sa for sa in lab.ce("nice").sas() if sa["state"] == "ESTABLISHED"]
    paris.wait_until(lambda: alarm(paris, code), 20, f"an alarm {code}: {paris.ask('alarms')}")
    assert lab.reaches("paris", "lyon")


# ---- the whole way


def moves(lab):
    """{(site, site): (step, what to)}"""
    return {tuple(row["sites"]): (row["step"], row["to"]) for row in lab.server.admin_json("rotation status acme/corp")["rotations"]}


def moved(lab):
    return not moves(lab)


def authentication(ce):
    """{peer: (kinds that are sent, kinds that are only accepted)} of its document."""
    found = {}
    for peer in ce.document()["vpns"][0]["peers"]:
        uses = [("key", key["use"]) for key in peer.get("pre-shared", {"keys": []})["keys"]]
        uses += [("certificate", peer["certificate"]["use"])] if "certificate" in peer else []
        found[peer["peer"]] = tuple([kind for kind, use in uses if use == one] for one in ("send-and-accept", "accept-only"))
    return found


@pytest.fixture(scope="module")
def meshed(three):
    wait_until(lambda: settled(three), 60, "one SA of each pair")
    three.mesh_pings = MeshPings(three, SITES, interval=0.1)
    return three


@pytest.fixture
def no_ping_lost(meshed):
    """From the first line of the test to its last."""
    pings = meshed.mesh_pings
    wait_until(pings.flow, 20, "answers of all pairs")
    begun = time.monotonic()
    yield
    end = time.monotonic()
    wait_until(lambda: time.monotonic() > end + LATE and pings.flow(), 20, "the last answers of all pairs")
    lost, count = pings.lost(begun, end), pings.count(begun, end)
    print(f"{count} pings between {len(pings.pairs)} pairs, lost: {lost}")
    assert not lost and count > 20, lost


def verified(ce):
    """Its certificate, by a program that knows nothing of us: below the VPN's authority, not revoked, of the key that it has."""
    given = ce.document()["vpns"][0]
    certificate = given["certificate"]
    ce.write("/root/own.pem", pem(certificate["cert-data"]))
    ce.write("/root/ca.pem", "".join(map(pem, certificate["ca-data"])) +
             "".join(pem(one).replace("CERTIFICATE", "X509 CRL") for one in certificate["crl-data"]))
    ce.run("openssl verify -x509_strict -crl_check -CAfile /root/ca.pem /root/own.pem")
    text = ce.out("openssl x509 -in /root/own.pem -noout -text -pubkey")
    assert f"DNS:{given['identity']['fqdn-string']}\n" in text and "1.3.6.1.5.5.7.3.17" in text.replace("ipsec Internet Key Exchange",
                                                                                                   "1.3.6.1.5.5.7.3.17"), text
    assert ce.out("openssl pkey -in /var/lib/ppvpn/ike.key -pubout") in text
    return certificate["cert-data"]


def test_one_word(meshed, no_ping_lost):
    """Authority, keys, certificates, three steps for each pair: by themselves."""
    before = sas(meshed)
    meshed.admin("vpn set acme/corp --authentication certificate")
    wait_until(lambda: moved(meshed), 120, "all pairs have certificates")
    for name in SITES:
        ce = meshed.ce(name)
        assert authentication(ce) == {peer: (["certificate"], []) for peer in SITES if peer != name}
        verified(ce)
        assert [vpn["certificate"] for vpn in ce.ctl_json("status")["vpns"]] == ["own"]
        ce.wait_plan_empty()
    assert sas(meshed) == before, "an SA was made anew"


def test_each_pair_authenticates_anew(meshed):
    for a, b in meshed.pairs(SITES):
        both_ways(meshed.ce(a), meshed.ce(b))
    meshed.wait_in_service(SITES, timeout=60)
    assert set(how(meshed).values()) == {"certificate"} and len(how(meshed)) == 6, how(meshed)
    assert " cert " in meshed.ce("paris").ctl("peers").stdout


def authorities(lab):
    """What each router believes."""
    return {name: lab.ce(name).document()["vpns"][0]["certificate"]["ca-data"] for name in SITES}


def test_another_authority(meshed, no_ping_lost):
    """It takes over in three steps, one router killed and another away meanwhile; certificates of the same keys."""
    wait_until(lambda: settled(meshed), 60, "one SA of each pair")
    before, old = sas(meshed), authorities(meshed)
    keys = {ce.name: ce.ctl_json("status")["ike-key"] for ce in sites(meshed)}
    nice, lyon = meshed.ce("nice"), meshed.ce("lyon")
    nice.stop_agent()
    meshed.admin("vpn authority roll acme/corp")
    lyon.wait_until(lambda: len(authorities(meshed)["lyon"]) == 2, 30, "both are believed")
    lyon.kill_agent()
    lyon.start_agent()
    assert len(meshed.server.admin_json("vpn authority show acme/corp")["authorities"]) == 2
    nice.start_agent()
    wait_until(lambda: len(meshed.server.admin_json("vpn authority show acme/corp")["authorities"]) == 1, 60, "it took over")
    for ce in sites(meshed):
        ce.wait_until(ce.synced, 60, "a sync")
        verified(ce)
        ce.wait_plan_empty()
        assert ce.ctl_json("status")["ike-key"] == keys[ce.name]
    new = authorities(meshed)
    assert len({one for believed in new.values() for one in believed}) == 1 and new["paris"] != old["paris"]
    assert sas(meshed) == before, "an SA was made anew"


def test_they_authenticate_by_it(meshed):
    both_ways(meshed.ce("lyon"), meshed.ce("nice"))
    assert meshed.ce("lyon").authenticated()["nice"] == "certificate"


def test_another_site_joins(meshed, no_ping_lost):
    """It begins with keys, as ever, and moves; it is killed meanwhile, and away for a while: its own pairs wait for it."""
    brest = meshed.join("brest")
    wait_until(lambda: set(brest.peer_names()) == set(SITES), 60, "its tunnels")
    brest.kill_agent()
    left = moves(meshed)
    assert all("brest" in pair for pair in left), left
    brest.start_agent()
    wait_until(lambda: moved(meshed), 120, "its pairs have certificates")
    assert authentication(brest) == {peer: (["certificate"], []) for peer in SITES}
    both_ways(brest, meshed.ce("paris"))
    assert brest.authenticated()["paris"] == "certificate"
    meshed.admin("site remove acme/corp/brest")
    meshed.ce("paris").wait_until(lambda: "brest" not in meshed.ce("paris").peer_names(), 30, "it is gone")
    brest.stop_agent()


def test_enrolled_anew(meshed):
    """Another key, another certificate; what it had before opens nothing."""
    nice, paris = meshed.ce("nice"), meshed.ce("paris")
    old = {name: nice.read(f"/var/lib/ppvpn/{name}") for name in ("ike.key",)}
    old["certificate"] = verified(nice)
    meshed.admin("ce revoke acme/nice-r1")
    nice.wait_until(lambda: nice.ask("status")["state"] == "deprovisioned" and not nice.peer_names(), 30, "nice let go")
    nice.wait_until(lambda: nice.run("test -e /var/lib/ppvpn/ike.key", check=False).returncode, 20, "its key is gone")
    nice.write("/root/again.ppvpn", meshed.admin("ce bundle acme/nice-r1"), mode=0o600)
    nice.run("ppvpn-agent enroll --force --bundle /root/again.ppvpn", timeout=60)
    nice.stop_agent()
    nice.start_agent()
    meshed.wait_in_service(SITES, timeout=90)
    wait_until(lambda: moved(meshed), 120, "its pairs have certificates")
    assert verified(nice) != old["certificate"] and nice.read("/var/lib/ppvpn/ike.key") != old["ike.key"]
    both_ways(nice, paris)
    assert nice.authenticated()["paris"] == "certificate"
    # somebody has its place, and what it had
    ca = nice.document()["vpns"][0]
    peer = next(p for p in ca["peers"] if p["peer"] == "paris")["identity"]["fqdn-string"]
    with gone_bad(nice):
        done = call_certified(nice, "rogue", pem(old["certificate"]), old["ike.key"], pem(ca["certificate"]["ca-data"][0]),
                              local=nice.address, remote=paris.address, me=ca["identity"]["fqdn-string"], peer=peer)
        refused(meshed, done, "certificate-revoked")
    meshed.wait_in_service(SITES, timeout=90)


def test_back_with_one_word(meshed, no_ping_lost):
    """The same way, with a router behind for a while, and server and an agent killed at each step."""
    wait_until(lambda: settled(meshed), 60, "one SA of each pair")
    before, lyon, nice, seen = sas(meshed), meshed.ce("lyon"), meshed.ce("nice"), set()

    def goes_on(done):
        found = moves(meshed)
        for step in {step for step, _ in found.values()} - seen:
            seen.add(step)
            meshed.server.kill("ppvpn-server")
            nice.kill_agent()
            meshed.server.start()
            nice.start_agent()
        return done(found)
    lyon.stop_agent()
    meshed.admin("vpn set acme/corp --authentication pre-shared")
    wait_until(lambda: goes_on(lambda found: set(found) == {("lyon", "nice"), ("lyon", "paris")}), 60, "all but lyon's have keys")
    assert authentication(meshed.ce("paris"))["nice"] == (["key"], [])
    lyon.start_agent()
    wait_until(lambda: goes_on(lambda found: not found), 90, "lyon's, too")
    assert len(seen) >= 2, seen
    for name in SITES:
        assert authentication(meshed.ce(name)) == {peer: (["key"], []) for peer in SITES if peer != name}
        meshed.ce(name).wait_plan_empty()
    assert sas(meshed) == before, "an SA was made anew"
    assert lyon.authenticated()["nice"] == "certificate"                    # it was, once


def test_keys_again(meshed):
    both_ways(meshed.ce("lyon"), meshed.ce("nice"))
    assert meshed.ce("lyon").authenticated()["nice"] == "pre-shared-key"


# ---- by hand: getting one


def test_each_tells_its_key(hand, no_ping_lost):
    """The VPN has an authority: every router makes a key and tells it, once; one that is refused says so, and asks again."""
    provider, before = hand.provider, sas(hand)
    (provider.directory / "ike-key").write_text('400\n{"error":{"code":"exists","where":"key","text":"another router has it"}}', encoding="utf-8")
    provider.step("key")
    paris = hand.ce("paris")
    paris.wait_until(lambda: provider.told("paris"), 10, "it tells its key")
    (provider.directory / "ike-key").unlink()
    for ce in sites(hand):
        name = ce.name
        ce.wait_until(lambda name=name: len(provider.told(name)) == 2, 60, "it tells its key again")
        status = ce.ctl_json("status")
        assert [vpn["certificate"] for vpn in status["vpns"]] == ["waiting"], status
        assert "NONE YET" in ce.ctl("status").stdout
        first, again = (ce.out("base64 -d | openssl req -inform DER -verify -noout -pubkey", text_in=one) for one in provider.told(name))
        on_disk = ce.out("openssl pkey -in /var/lib/ppvpn/ike.key -pubout; stat -c %a /var/lib/ppvpn/ike.key")
        assert first == again and on_disk == first + "600\n"
        digest = ce.out("openssl pkey -in /var/lib/ppvpn/ike.key -pubout -outform DER | openssl dgst -sha256 -r").split()[0]
        assert status["ike-key"] == digest
        assert ce.out("openssl pkey -in /var/lib/ppvpn/management.key -pubout") != first
    assert sas(hand) == before


def test_of_another_key_is_none(hand):
    """A certificate of lyon's key for nice: as if there were none."""
    provider, nice = hand.provider, hand.ce("nice")
    provider.step("key", names=["nice"], own={"nice": provider.issue("lyon")})
    assert [vpn["certificate"] for vpn in nice.ctl_json("status")["vpns"]] == ["waiting"]
    nice.wait_until(lambda: alarm(nice, "ike-key"), 100, "an alarm")
    assert "no certificate since" in alarm(nice, "ike-key")[0]["text"]
    assert "enroll --force" in nice.ctl("explain ike-key").stdout
    provider.own = {name: provider.issue(name) for name in SITES}
    provider.step("key")
    nice.wait_until(lambda: not alarm(nice, "ike-key"), 10, "no alarm")
    assert [vpn["certificate"] for vpn in nice.ctl_json("status")["vpns"]] == ["own"] and "until " in nice.ctl("status").stdout


# ---- one step apart


@pytest.mark.parametrize("ahead, behind", [("key, certificate", "key"), ("certificate, key", "key, certificate"),
                                           ("certificate", "certificate, key")])
def test_one_step_apart_both_directions_authenticate(hand, ahead, behind):
    paris, nice = hand.ce("paris"), hand.ce("nice")
    for one, other in ((paris, nice), (nice, paris)):
        hand.provider.step(ahead, names=[one.name])
        hand.provider.step(behind, names=[other.name])
        both_ways(paris, nice)
    hand.provider.step("certificate")
    both_ways(hand.ce("lyon"), nice)


def test_nothing_flaps(hand, no_ping_lost):
    """Agents that are killed and start anew, and certificates that are renewed for the same key: no SA is made anew."""
    wait_until(lambda: settled(hand), 60, "one SA of each pair")
    provider, before = hand.provider, sas(hand)
    conns = {ce.name: ce.out("swanctl --list-conns") for ce in sites(hand)}
    told = {name: len(provider.told(name)) for name in SITES}
    for number in range(3):
        for ce in sites(hand):
            ce.kill_agent()
            ce.start_agent()
        if number == 1:
            provider.own = {name: provider.issue(name, end=60) for name in SITES}
        provider.step("certificate")
        assert sas(hand) == before
    for ce in sites(hand):
        assert ce.out("swanctl --list-conns") == conns[ce.name]
        ends = ce.ctl_json("status")["vpns"][0]["certificate-ends"]
        assert 59 * 86400 < ends - float(ce.out("date +%s")) < 61 * 86400
    assert {name: len(provider.told(name)) for name in SITES} == told       # nobody had a reason to


def test_the_renewed_ones_are_shown(hand):
    both_ways(hand.ce("lyon"), hand.ce("nice"))
    assert hand.ce("lyon").authenticated()["nice"] == "certificate"


# ---- who gets in


def test_charon_begins_anew(hand):
    """It knows nothing, and is given everything again: credentials before what names them."""
    nice = hand.ce("nice")
    nice.kill_charon()
    nice.start_charon()
    hand.wait_in_service(SITES, timeout=90)
    assert set(nice.authenticated().values()) == {"certificate"}
    nice.wait_plan_empty()


def test_near_its_end(hand):
    """It is told in time; when it has ended it does not count, and the tunnels that are up stay."""
    provider, lyon = hand.provider, hand.ce("lyon")
    wait_until(lambda: settled(hand), 60, "one SA of each pair")
    before = sas(hand)
    provider.step("certificate, key", own={"lyon": provider.issue("lyon", begin=-300, end=20)})
    lyon.wait_until(lambda: [a["severity"] for a in alarm(lyon, "ike-certificate-ends")] == ["warning"], 10, "a warning")
    assert alarm(lyon, "ike-certificate-ends")[0]["resource"] == "acme/corp"
    provider.step("certificate, key", own={"lyon": provider.issue("lyon", begin=-300, end=15 / 86400)})
    lyon.wait_until(lambda: [a["severity"] for a in alarm(lyon, "ike-certificate-ends")] == ["major"], 10, "an alarm")
    lyon.wait_until(lambda: [a["severity"] for a in alarm(lyon, "ike-certificate-ends")] == ["critical"], 30, "it ended")
    assert [vpn["certificate"] for vpn in lyon.ctl_json("status")["vpns"]] == ["ended"]
    lyon.wait_plan_empty()
    assert sas(hand) == before
    # the key that is still accepted serves, if lyon begins
    gone(lyon, hand.ce("nice"))
    done = begin(lyon, hand.ce("nice"))
    lyon.wait_until(lambda: conn("nice") in lyon.installed(), 20, f"a new SA: {done}")
    assert lyon.authenticated()["nice"] == "pre-shared-key"
    provider.step("certificate")
    lyon.wait_until(lambda: not alarm(lyon, "ike-certificate-ends"), 10, "all is well again")


@pytest.fixture
def rogue(hand):
    """nice has gone bad: what it had it has, and speaks by swanctl."""
    nice = hand.ce("nice")
    vpn = nice.document()["vpns"][0]

    def attack(me, certificate, key=None):
        return call_certified(nice, "rogue", certificate, key or nice.read("/var/lib/ppvpn/ike.key"),
                              pem(vpn["certificate"]["ca-data"][0]), local=nice.address, remote=hand.ce("paris").address,
                              me=hand.provider.identity(me), peer=hand.provider.identity("paris"))
    with gone_bad(nice):
        yield attack


def test_the_rogues_means_are_sound(hand, rogue):
    assert rogue("nice", pem(hand.provider.own["nice"])).returncode == 0
    assert hand.ce("nice").installed("rogue") == ["rogue"]


def test_of_another_vpn(hand, rogue):
    """An authority of another VPN signed it: with its own identity and with lyon's."""
    other = hand.provider.other.issue(hand.provider.identity("nice"), kind="ecdsa")
    assert isinstance(other, Certificate)
    refused(hand, rogue("nice", other.pem, other.key), "certificate-untrusted")
    other = hand.provider.other.issue(hand.provider.identity("lyon"), kind="ecdsa")
    refused(hand, rogue("lyon", other.pem, other.key), "certificate-untrusted")


def test_under_anothers_name(hand, rogue):
    """Its own certificate does not make it lyon; nor does its management certificate make it anybody."""
    refused(hand, rogue("lyon", pem(hand.provider.own["nice"])), "auth-failed")
    nice = hand.ce("nice")
    done = rogue("nice", nice.read("/var/lib/ppvpn/management.crt"), nice.read("/var/lib/ppvpn/management.key"))
    assert done.returncode != 0 and not [sa for sa in nice.sas() if sa["state"] == "ESTABLISHED"]


def test_revoked(hand, rogue):
    """From the document on that has the list."""
    provider = hand.provider
    provider.own["nice"] = provider.issue("nice")
    provider.authority.revoke(None)
    provider.step("certificate", names=["paris", "lyon"])
    refused(hand, rogue("nice", pem(provider.own["nice"])), "certificate-revoked")


def test_good_again_and_back_to_keys(hand):
    """Another certificate, and it is a site again; then back, in the same three steps."""
    provider, nice = hand.provider, hand.ce("nice")
    provider.own["nice"] = provider.issue("nice")
    provider.step("certificate")
    hand.wait_in_service(SITES, timeout=90)
    wait_until(lambda: settled(hand), 60, "one SA of each pair")
    before = sas(hand)
    for kind in ("certificate, key", "key, certificate", "key"):
        provider.step(kind)
    provider.step("key", authority=False)
    assert sas(hand) == before
    both_ways(hand.ce("paris"), nice)
    assert nice.authenticated()["paris"] == "pre-shared-key"
    # charon has nothing of it any more
    for ce in sites(hand):
        assert not ce.out("swanctl --list-certs")


def test_secrets_are_in_no_log(hand):
    for ce in sites(hand):
        secret = ce.read("/var/lib/ppvpn/ike.key").splitlines()[1]
        for name, text in ce.log_text().items():
            assert secret not in text, f"{ce.name}: {name}"
        assert secret not in ce.ctl("diag").stdout + ce.ctl("status --json").stdout


def test_tombstone_takes_the_key(hand):
    provider, lyon = hand.provider, hand.ce("lyon")
    document = {**provider.good["lyon"], "revision": provider.good["lyon"]["revision"] + 5000, "state": "deprovisioned",
                "vpns": [], "sa-profiles": {}}
    assert lyon.run("test -e /var/lib/ppvpn/ike.key", check=False).returncode == 0
    (provider.directory / f"body.{lyon.address}").write_text(json.dumps(document), encoding="utf-8")
    lyon.wait_until(lambda: lyon.ask("status")["state"] == "deprovisioned", 60, "it let go")
    lyon.wait_until(lambda: lyon.run("test -e /var/lib/ppvpn/ike.key", check=False).returncode, 20, "its key is gone")
    assert lyon.ctl_json("status")["ike-key"] == ""
