# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
"""Steps of two-charons: certificates instead of keys, who gets in, who not.

The hub is in two VPNs, each with an authority of its own, and its operator
trusts a third.  The rogue has whatever a rogue may have, and speaks by
swanctl: the plugin would not take most of it.
"""

import os
import shutil
import time

from authority import Authority, credentials
from client import PluginError, conn, keys

HUB, SPOKE, ROGUE = "192.0.2.1", "192.0.2.2", "192.0.2.3"
HUB_ID, SPOKE_ID, ROGUE_ID = (name + ".corp.acme.example"
                              for name in ("hub", "spoke", "rogue"))
TO_HUB, TO_SPOKE, TO_ROGUE = ("ppvpn:acme:corp:" + name
                              for name in ("hub", "spoke", "rogue"))
KEY = "7b" * 32
CORP = "acme/corp"

SECRETS = [KEY]     # what must be in no log; private keys join it
WORLD = {}          # authorities and certificates, made by the first step


def wait_for(condition, what, seconds=15):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError(f"no {what} within {seconds} s")


def by_certificate(use="send-and-accept", name=CORP):
    return {"certificate": {"use": use, "credentials": name}}


def of_kind(kind):
    """Members of a conn: what it sends first, what it also accepts."""
    return {
        "key": {"pre-shared": keys(KEY)},
        "key, certificate": {"pre-shared": keys(KEY),
                             **by_certificate("accept-only")},
        "certificate, key": {"pre-shared": keys(KEY, "accept-only"),
                             **by_certificate()},
        "certificate": by_certificate(),
    }[kind]


def hub_conn(kind="certificate", name=TO_SPOKE, remote_id=SPOKE_ID,
             remote="%any", mark=2):
    return conn(name, HUB, remote, HUB_ID, remote_id, None, mark=mark,
                **of_kind(kind))


def spoke_conn(kind="certificate"):
    return conn(TO_HUB, SPOKE, HUB, SPOKE_ID, HUB_ID, None, **of_kind(kind))


def make_world(base):
    directory = f"{base}/ca"
    os.mkdir(directory)
    corp = Authority(directory, "Corp")
    WORLD.update(
        corp=corp, other=Authority(directory, "Other", kind="rsa"),
        operator=Authority(directory, "Operator"),
        next=Authority(directory, "Corp next", kind="ed25519"),
        hub=corp.issue(HUB_ID, kind="rsa"),
        spoke=corp.issue(SPOKE_ID, kind="ecdsa"),
        rogue=corp.issue(ROGUE_ID, kind="ed25519"))
    WORLD["list"] = corp.list()
    WORLD["other hub"] = WORLD["other"].issue("hub.other.example")
    for one in ("hub", "spoke", "rogue", "other hub"):
        SECRETS.append(WORLD[one].key.split("\n")[1])


def of_corp(own, name=CORP, **more):
    return credentials(name, own, [WORLD["corp"]],
                       more.pop("lists", [WORLD["list"]]), **more)


def hub_credentials(**more):
    """Those of the VPN, and those of another one."""
    return [of_corp(WORLD["hub"], **more),
            credentials("acme/other", WORLD["other hub"], [WORLD["other"]],
                        revocation="relaxed")]


def connect(hub, spoke, kind="certificate"):
    """The spoke calls the hub anew; both say how they authenticated it."""
    end(spoke, TO_HUB)
    wait_for(lambda: not hub.established(TO_SPOKE), "end at the hub")
    spoke.initiate(TO_HUB)
    check_sa(hub, spoke, kind)


def check_sa(hub, spoke, kind):
    wait_for(lambda: hub.established(TO_SPOKE) and spoke.established(TO_HUB),
             "IKE_SA at both ends")
    for router, name in ((hub, TO_SPOKE), (spoke, TO_HUB)):
        (sa,) = router.established(name)
        said = router.authentication(name)
        assert said == {sa: kind}, (router.name, sa, said)


def end(router, name):
    for sa in router.established(name):
        router.swanctl("--terminate", "--ike-id", sa)
    wait_for(lambda: not router.established(name), "end of the IKE_SA")


def certificates_both(hub, spoke, rogue):
    """certificates at both ends, of RSA and ECDSA, verified and told"""
    make_world(os.path.dirname(hub.base))
    for router in (hub, spoke, rogue):
        for sa in {sa[0] for sa in router.sas()}:
            router.swanctl("--terminate", "--ike", sa, "--force", check=False)
    assert hub.client.request("hello", versions=[1],
                              client="x")["capabilities"] == ["certificates"]
    hub.load(hub_conn(), credentials=hub_credentials())
    spoke.load(spoke_conn(), credentials=[of_corp(WORLD["spoke"])])
    spoke.initiate(TO_HUB)
    check_sa(hub, spoke, "certificate")
    assert f"authentication of '{SPOKE_ID}' with ECDSA" in hub.log()
    assert f"authentication of '{HUB_ID}' with RSA_EMSA" in spoke.log()
    assert "sending cert request" not in hub.log() + spoke.log()
    listed = hub.client.request("list")
    assert {one["name"] for one in listed["credentials"]} == {CORP,
                                                             "acme/other"}
    assert set(listed["credentials"][0]) == {"name", "tag"}
    # what the operator's tool shows: certificates, of no key but that it is
    assert SPOKE_ID in spoke.swanctl("--list-certs")
    connect(hub, spoke)



# (at the hub, at the rogue, what the hub's calls and the rogue's are
# authenticated by): one end is always one step behind
MOVE = (
    ("key", "key", "pre-shared", "pre-shared"),
    ("key, certificate", "key", "pre-shared", "pre-shared"),
    ("key, certificate", "key, certificate", "pre-shared", "pre-shared"),
    ("certificate, key", "key, certificate", "certificate", "pre-shared"),
    ("certificate, key", "certificate, key", "certificate", "certificate"),
    ("certificate, key", "certificate", "certificate", "certificate"),
    ("certificate", "certificate", "certificate", "certificate"),
)


def kinds_move(hub, spoke, rogue):
    """key, both, certificate, and back: live SA untouched, each step works"""
    mine, theirs = [of_corp(WORLD["hub"])], [of_corp(WORLD["spoke"])]
    third = [of_corp(WORLD["rogue"])]

    def rogues(kind):
        return conn(TO_HUB, ROGUE, HUB, ROGUE_ID, HUB_ID, None,
                    **of_kind(kind))

    def hubs(kind):
        return hub_conn(kind, TO_ROGUE, ROGUE_ID, ROGUE, mark=3)

    hub.load(hub_conn("key"), hubs("key"), credentials=mine)
    spoke.load(spoke_conn("key"), credentials=theirs)
    rogue.load(rogues("key"), credentials=third)
    connect(hub, spoke, "pre-shared")
    live = hub.established(TO_SPOKE)
    for at_hub, at_peer, called, calls in MOVE + MOVE[-2::-1]:
        # the live pair takes the same steps
        hub.update(upsert=[hub_conn(at_hub), hubs(at_hub)])
        spoke.update(upsert=[spoke_conn(at_peer)])
        rogue.update(upsert=[rogues(at_peer)])
        for caller, to, kind in ((hub, TO_ROGUE, called),
                                 (rogue, TO_HUB, calls)):
            caller.initiate(to)
            wait_for(lambda: hub.established(TO_ROGUE) and
                     rogue.established(TO_HUB),
                     f"IKE_SA by {caller.name}: {at_hub} / {at_peer}")
            assert set(hub.authentication(TO_ROGUE).values()) == {kind}, (
                at_hub, at_peer, caller.name)
            assert set(rogue.authentication(TO_HUB).values()) == {kind}
            end(caller, to)
            wait_for(lambda: not hub.established(TO_ROGUE) and
                     not rogue.established(TO_HUB), "end at both")
        assert hub.established(TO_SPOKE) == live, (at_hub, at_peer)
        assert hub.authentication(TO_SPOKE) == {live[0]: "pre-shared"}


def rekeyed(hub, spoke, rogue):
    """an SA that is rekeyed still has what it was authenticated by"""
    hub.load(hub_conn(), credentials=hub_credentials())
    spoke.load(spoke_conn(), credentials=[of_corp(WORLD["spoke"])])
    connect(hub, spoke)
    before = hub.established(TO_SPOKE)
    hub.swanctl("--rekey", "--ike", TO_SPOKE)
    wait_for(lambda: hub.established(TO_SPOKE) not in ([], before),
             "rekeyed IKE_SA")
    wait_for(lambda: len(hub.established(TO_SPOKE)) == 1, "only one IKE_SA")
    check_sa(hub, spoke, "certificate")


def one_of_both_kinds(hub, spoke, rogue):
    """both ends call, each by another kind: one IKE_SA stays"""
    hub.load(hub_conn("certificate, key", remote=SPOKE),
             credentials=hub_credentials())
    spoke.load(spoke_conn("key, certificate"),
               credentials=[of_corp(WORLD["spoke"])])
    connect(hub, spoke, "pre-shared")
    # the spoke would say by INITIAL_CONTACT that it knows of no other
    hub.swanctl("--initiate", "--ike", TO_SPOKE, "--child", TO_SPOKE,
                "--timeout", "-1", check=False)
    wait_for(lambda: len(hub.established(TO_SPOKE)) == 1, "only one", 20)


# ---- impersonation ----------------------------------------------------------

def be(rogue, certificate, identity, chain=(), gateway=HUB_ID):
    """The rogue's swanctl has this certificate and claims this identity."""
    configure(rogue, certificate, identity, gateway, ROGUE, HUB,
              [WORLD["corp"], WORLD["operator"], *chain])


def configure(router, certificate, identity, peer, local, remote,
              authorities):
    """A connection of the router's operator, by swanctl."""
    directory = f"{router.base}/swanctl"
    shutil.rmtree(directory, ignore_errors=True)
    for name in ("x509", "x509ca", "private", "pkcs8"):
        os.makedirs(f"{directory}/{name}")
    shutil.copy(certificate.path, f"{directory}/x509/own.pem")
    shutil.copy(certificate.key_path, f"{directory}/pkcs8/own.pem")
    for number, one in enumerate(authorities):
        shutil.copy(one.path, f"{directory}/x509ca/{number}.pem")
    with open(f"{directory}/swanctl.conf", "w", encoding="ascii") as conf:
        conf.write(f"""connections {{
  x {{
    version = 2
    local_addrs = {local}
    remote_addrs = {remote}
    proposals = aes128-sha256-curve25519
    mobike = no
    send_cert = always
    local {{
      auth = pubkey
      certs = own.pem
      id = {identity}
    }}
    remote {{
      auth = pubkey
      id = {peer}
    }}
    children {{
      x {{
        esp_proposals = aes128-sha256
      }}
    }}
  }}
}}
""")
    router.swanctl("--load-all", "--clear", "--noprompt", "--file",
                   f"{directory}/swanctl.conf",
                   env=dict(os.environ, SWANCTL_DIR=directory))


def deconfigure(router):
    """Nothing of its operator's is left."""
    directory = f"{router.base}/swanctl"
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    with open(f"{directory}/swanctl.conf", "w", encoding="ascii"):
        pass
    router.swanctl("--load-all", "--clear", "--noprompt", "--file",
                   f"{directory}/swanctl.conf",
                   env=dict(os.environ, SWANCTL_DIR=directory))


def call(rogue):
    rogue.swanctl("--initiate", "--ike", "x", "--child", "x", "--timeout",
                  "10", check=False)


def refused(hub, rogue, certificate, alert, identity=SPOKE_ID, chain=()):
    """The rogue is refused with this alert, and nobody else notices."""
    live = hub.established(TO_SPOKE)
    assert live
    be(rogue, certificate, identity, chain)
    hub.forget()
    call(rogue)
    if alert:
        hub.alert(alert, name=TO_SPOKE, remote_address=ROGUE,
                  remote_identity=identity)
    hub.alert("peer-auth-failed", name=TO_SPOKE, remote_address=ROGUE)
    assert not [sa for sa in rogue.sas() if sa[2] == "ESTABLISHED"]
    assert hub.established(TO_SPOKE) == live, "the real IKE_SA is gone"
    assert set(hub.authentication(TO_SPOKE)) == set(live)


def prepare(hub, spoke, rogue):
    rogue.load()
    hub.load(hub_conn(), hub_conn(name=TO_ROGUE, remote_id=ROGUE_ID, mark=3),
             credentials=hub_credentials())
    spoke.load(spoke_conn(), credentials=[of_corp(WORLD["spoke"])])
    if not (spoke.established(TO_HUB) and
            "certificate" in hub.authentication(TO_SPOKE).values()):
        connect(hub, spoke)


def the_rogues_own(hub, spoke, rogue):
    """the rogue's own certificate: its own identity gets in, no other"""
    prepare(hub, spoke, rogue)
    be(rogue, WORLD["rogue"], ROGUE_ID)
    call(rogue)
    wait_for(lambda: hub.established(TO_ROGUE), "IKE_SA of the rogue")
    assert set(hub.authentication(TO_ROGUE).values()) == {"certificate"}
    rogue.swanctl("--terminate", "--ike", "x")
    wait_for(lambda: not hub.established(TO_ROGUE), "its end")
    refused(hub, rogue, WORLD["rogue"], None)


def other_authorities(hub, spoke, rogue):
    """another VPN's authority, and the operator's: right name, refused"""
    prepare(hub, spoke, rogue)
    refused(hub, rogue, WORLD["other"].issue(SPOKE_ID), "cert-untrusted")
    stranger = Authority(os.path.dirname(WORLD["corp"].dir), "Stranger")
    refused(hub, rogue, stranger.issue(SPOKE_ID), "cert-untrusted")
    # the same name as the right one's, and nothing else of it
    double = Authority(os.path.dirname(WORLD["corp"].dir) + "/Other",
                       "Corp")
    refused(hub, rogue, double.issue(SPOKE_ID), "cert-untrusted")

    directory = f"{hub.base}/swanctl"
    os.makedirs(f"{directory}/x509ca")
    os.makedirs(f"{directory}/x509")
    shutil.copy(WORLD["operator"].path, f"{directory}/x509ca/operator.pem")
    theirs = WORLD["operator"].issue(SPOKE_ID)
    shutil.copy(theirs.path, f"{directory}/x509/spoke.pem")
    with open(f"{directory}/swanctl.conf", "w", encoding="ascii"):
        pass
    hub.swanctl("--load-creds", "--noprompt", "--file",
                f"{directory}/swanctl.conf",
                env=dict(os.environ, SWANCTL_DIR=directory))
    # charon has it as trusted: as an authority's, and as the peer's itself
    refused(hub, rogue, WORLD["operator"].issue(SPOKE_ID), "cert-untrusted")
    refused(hub, rogue, theirs, "cert-untrusted")
    deconfigure(hub)


def operators_connection(hub, spoke, rogue):
    """the operator's own connection: our authorities open it to nobody"""
    prepare(hub, spoke, rogue)
    gateway = "gw.operator.example"
    configure(hub, WORLD["operator"].issue(gateway), gateway, "%any", HUB,
              "%any", [WORLD["operator"]])
    for authority, allowed in ((WORLD["corp"], False), (WORLD["other"], False),
                               (WORLD["operator"], True)):
        for identity in ("staff.example", SPOKE_ID):
            be(rogue, authority.issue(identity), identity, gateway=gateway)
            call(rogue)
            ups = [sa for sa in hub.sas()
                   if sa[0] == "x" and sa[2] == "ESTABLISHED"]
            assert bool(ups) == allowed, (authority.dir, identity, ups)
            rogue.swanctl("--terminate", "--ike", "x", check=False)
            wait_for(lambda: not [sa for sa in hub.sas() if sa[0] == "x"],
                     "its end")
    deconfigure(hub)


def validity(hub, spoke, rogue):
    """expired, and not valid yet: refused"""
    prepare(hub, spoke, rogue)
    corp = WORLD["corp"]
    refused(hub, rogue, corp.issue(SPOKE_ID, begin=-30, end=-1),
            "cert-expired")
    refused(hub, rogue, corp.issue(SPOKE_ID, begin=1, end=30), "cert-expired")


def other_uses(hub, spoke, rogue):
    """a CA's certificate, and those for management: right name, refused"""
    prepare(hub, spoke, rogue)
    corp = WORLD["corp"]
    refused(hub, rogue, corp.issue_ca_of(SPOKE_ID), "cert-unfit")
    refused(hub, rogue, corp.issue(SPOKE_ID, eku="clientAuth"), "cert-unfit")
    refused(hub, rogue, corp.issue(SPOKE_ID, eku="serverAuth,clientAuth"),
            "cert-unfit")
    # and the plugin takes none of them for its own
    for one in (corp.issue_ca_of(HUB_ID), corp.issue(HUB_ID, eku="clientAuth")):
        try:
            hub.update(upsert_credentials=[of_corp(one)])
            raise AssertionError("taken")
        except PluginError as error:
            assert error.code == "refused-by-charon"
            assert error.where == "/upsert-credentials/0/certificates/0"


def revoked(hub, spoke, rogue):
    """a certificate on the list: refused from that update on, others not"""
    prepare(hub, spoke, rogue)
    corp = WORLD["corp"]
    stolen = corp.issue(SPOKE_ID)
    hub.update(upsert_credentials=[of_corp(WORLD["hub"])])
    live = hub.established(TO_SPOKE)
    # until somebody says so it is as good as the spoke's
    corp.revoke(stolen)
    WORLD["list"] = corp.list()
    hub.update(upsert_credentials=[of_corp(WORLD["hub"])])
    assert hub.established(TO_SPOKE) == live
    refused(hub, rogue, stolen, "cert-revoked")
    connect(hub, spoke)
    # a list that is stale, or not valid yet, still revokes
    for begin, end_ in ((-9, -2), (2, 9)):
        hub.update(upsert_credentials=[
            of_corp(WORLD["hub"], lists=[corp.list(begin, end_)],
                    revocation="relaxed")])
        refused(hub, rogue, stolen, "cert-revoked")
    hub.update(upsert_credentials=[of_corp(WORLD["hub"])])


def list_of_an_update(hub, spoke, rogue):
    """the spoke itself is revoked: the SA stays, the next one does not come"""
    prepare(hub, spoke, rogue)
    corp = WORLD["corp"]
    mine = corp.issue(SPOKE_ID)
    spoke.load(spoke_conn(), credentials=[of_corp(mine)])
    connect(hub, spoke)
    corp.revoke(mine)
    WORLD["list"] = corp.list()
    live = hub.established(TO_SPOKE)
    hub.update(upsert_credentials=[of_corp(WORLD["hub"])])
    assert hub.established(TO_SPOKE) == live
    end(spoke, TO_HUB)
    hub.forget()
    spoke.initiate(TO_HUB)
    hub.alert("cert-revoked", name=TO_SPOKE)
    spoke.alert("local-auth-failed", name=TO_HUB)
    assert not spoke.established(TO_HUB)
    spoke.update(upsert_credentials=[of_corp(WORLD["spoke"])])
    spoke.initiate(TO_HUB)
    check_sa(hub, spoke, "certificate")


def stale_lists(hub, spoke, rogue):
    """strict: no valid list, nobody; relaxed: a stale one, or none, will do"""
    prepare(hub, spoke, rogue)
    corp = WORLD["corp"]
    stale = corp.list(-9, -2)
    for lists in ([stale], []):
        hub.update(upsert_credentials=[of_corp(WORLD["hub"], lists=lists)])
        end(spoke, TO_HUB)
        hub.forget()
        spoke.initiate(TO_HUB)
        hub.alert("cert-no-status", name=TO_SPOKE)
        assert not spoke.established(TO_HUB)
        hub.update(upsert_credentials=[of_corp(WORLD["hub"], lists=lists,
                                               revocation="relaxed")])
        at = len(hub.log())
        spoke.initiate(TO_HUB)
        check_sa(hub, spoke, "certificate")
        told = "crl is stale" if lists else "certificate status is not avail"
        assert told in hub.log()[at:], "charon's revocation plugin is silent"
    hub.update(upsert_credentials=[of_corp(WORLD["hub"])])
    connect(hub, spoke)


def chains(hub, spoke, rogue):
    """an intermediate CA: its chain is sent; without its list strict refuses"""
    prepare(hub, spoke, rogue)
    corp = WORLD["corp"]
    middle = Authority(os.path.dirname(corp.dir), "Middle", issuer=corp)
    mine = middle.issue(SPOKE_ID)
    spoke.update(upsert_credentials=[of_corp(mine, chain=[middle])])
    # the spoke's chain travels; the hub has nothing that says it is good
    end(spoke, TO_HUB)
    hub.forget()
    spoke.initiate(TO_HUB)
    hub.alert("cert-no-status", name=TO_SPOKE)
    hub.update(upsert_credentials=[
        of_corp(WORLD["hub"], chain=[middle],
                lists=[WORLD["list"], middle.list()])])
    spoke.initiate(TO_HUB)
    check_sa(hub, spoke, "certificate")
    # the intermediate CA itself is revoked
    corp.revoke(middle)
    lists = [corp.list(), middle.list()]
    hub.update(upsert_credentials=[
        of_corp(WORLD["hub"], chain=[middle], lists=lists,
                revocation="relaxed")])
    end(spoke, TO_HUB)
    hub.forget()
    spoke.initiate(TO_HUB)
    hub.alert("cert-revoked", name=TO_SPOKE)
    assert not spoke.established(TO_HUB)
    WORLD["list"] = lists[0]


def authority_changes(hub, spoke, rogue):
    """from one authority to the next: both, then only the new one"""
    prepare(hub, spoke, rogue)
    old, new = WORLD["corp"], WORLD["next"]
    both = [WORLD["list"], new.list()]
    hub_next, spoke_next = new.issue(HUB_ID), new.issue(SPOKE_ID)

    def at(router, own, authorities):
        lists = both if len(authorities) > 1 else both[1:]
        router.update(upsert_credentials=[
            credentials(CORP, own, authorities, lists)])

    at(hub, WORLD["hub"], [old, new])
    at(spoke, WORLD["spoke"], [old, new])
    connect(hub, spoke)
    at(spoke, spoke_next, [old, new])
    connect(hub, spoke)
    at(hub, hub_next, [old, new])
    connect(hub, spoke)
    at(hub, hub_next, [new])
    connect(hub, spoke)
    at(spoke, spoke_next, [new])
    connect(hub, spoke)
    refused(hub, rogue, old.issue(SPOKE_ID), "cert-untrusted")


def changed_meanwhile(hub, spoke, rogue):
    """credentials change in the middle of negotiations: each one succeeds"""
    prepare(hub, spoke, rogue)
    corp = WORLD["corp"]
    owns = {hub: [WORLD["hub"], corp.issue(HUB_ID)],
            spoke: [WORLD["spoke"], corp.issue(SPOKE_ID)]}
    change = 0
    for attempt in range(20):
        end(spoke, TO_HUB)
        spoke.initiate(TO_HUB)
        for _ in range(4):
            change += 1
            for router, own in owns.items():
                router.update(upsert_credentials=[
                    of_corp(own[change % 2],
                            lists=[WORLD["list"], corp.list()][:1 + attempt % 2],
                            revocation=("strict", "relaxed")[change // 2 % 2])])
        check_sa(hub, spoke, "certificate")


def credentials_removed(hub, spoke, rogue):
    """credentials go when no connection names them, and their peers with them"""
    prepare(hub, spoke, rogue)
    for changes, where in (
            ({"remove_credentials": [CORP]}, "/remove-credentials/0"),
            ({"remove_credentials": [CORP], "remove": [TO_SPOKE]},
             "/remove-credentials/0")):
        try:
            hub.update(**changes)
            raise AssertionError("removed")
        except PluginError as error:
            assert (error.code, error.where) == ("in-use", where)
    live = hub.established(TO_SPOKE)
    hub.update(remove=[TO_SPOKE, TO_ROGUE],
               remove_credentials=[CORP, "acme/other"])
    assert hub.client.request("list")["credentials"] == []
    assert hub.established(TO_SPOKE) == live
    assert "Corp" not in hub.swanctl("--list-certs")
    try:
        hub.update(upsert=[hub_conn()])
        raise AssertionError("taken")
    except PluginError as error:
        assert error.code == "not-found"
        assert error.where == "/upsert/0/certificate/credentials"
    hub.update(upsert=[hub_conn("key")])
    end(spoke, TO_HUB)
    hub.forget()
    spoke.initiate(TO_HUB)
    hub.alert("cert-untrusted", name=TO_SPOKE)
    assert not spoke.established(TO_HUB)
    hub.load()


def impostor_answers(hub, spoke, rogue):
    """the rogue answers in a site's place: the caller refuses"""
    prepare(hub, spoke, rogue)
    corp = WORLD["corp"]
    name = "ppvpn:acme:corp:other"
    identity = "other.corp.acme.example"
    hub.update(upsert=[conn(name, HUB, ROGUE, HUB_ID, identity, None, mark=9,
                            **by_certificate())])
    for certificate, alert in (
            (WORLD["other"].issue(identity), "cert-untrusted"),
            (corp.issue(identity, eku="serverAuth"), "cert-unfit"),
            (WORLD["rogue"], "peer-auth-failed")):
        be(rogue, certificate, identity)
        hub.forget()
        hub.initiate(name)
        event = hub.alert(alert, name=name, remote_address=ROGUE)
        assert event["initiator"], event
        if alert != "peer-auth-failed":
            hub.alert("peer-auth-failed", name=name)
        assert not hub.established(name)
    be(rogue, corp.issue(identity), identity)
    hub.initiate(name)
    wait_for(lambda: hub.established(name), "IKE_SA with the right one")
    hub.update(remove=[name])
    end(hub, name)


def keys_are_forgotten(hub, spoke, rogue):
    """certificates only: neither the old key gets in, nor an operator's"""
    prepare(hub, spoke, rogue)
    live = hub.established(TO_SPOKE)
    secret = "b7" * 24
    SECRETS.append(secret)

    def claim(key):
        rogue.load(conn(TO_HUB, ROGUE, HUB, SPOKE_ID, HUB_ID, key))
        hub.forget()
        rogue.initiate(TO_HUB)

    claim(KEY)
    hub.alert("peer-auth-failed", name=TO_SPOKE, remote_address=ROGUE)
    with open(f"{hub.base}/swanctl.conf", "w", encoding="ascii") as conf:
        conf.write("secrets { ike-any { secret = 0x%s } }\n" % secret)
    hub.swanctl("--load-creds", "--file", f"{hub.base}/swanctl.conf")
    claim(secret)
    hub.alert("foreign-secret", name=TO_SPOKE, remote_address=ROGUE)
    assert not rogue.established(TO_HUB)
    assert hub.established(TO_SPOKE) == live
    # whom certificates authenticate it does not concern
    connect(hub, spoke)
    with open(f"{hub.base}/swanctl.conf", "w", encoding="ascii"):
        pass
    hub.swanctl("--load-creds", "--clear", "--file",
                f"{hub.base}/swanctl.conf")


STEPS = (certificates_both, kinds_move, rekeyed, one_of_both_kinds,
         the_rogues_own, other_authorities, operators_connection, validity,
         other_uses, impostor_answers, keys_are_forgotten, revoked,
         list_of_an_update, stale_lists, chains, authority_changes,
         changed_meanwhile, credentials_removed)
