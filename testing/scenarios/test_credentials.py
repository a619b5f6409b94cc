# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# The life of routers' management certificates with everything real: renewed by themselves while the sites talk, by routers that
# are killed and servers that are away; read by programs that know nothing of us; ended; revoked; and by strongSwan's own client.
# nice is managed over another interface than its tunnels'.
import contextlib
import itertools
import json
import re

import pytest

AGENT = "/var/lib/ppvpn"
LIFE = 90           # seconds; due between 60 and 68
SITES = ("paris", "lyon", "nice")
MANAGEMENT = "198.51.100"


@pytest.fixture(scope="module")
def three(lab):
    lab.server.settings["certificate_life"] = f"{LIFE}s"
    lab.server.settings["report_interval"] = 5
    nice = lab.add_ce("nice")
    lab.link(lab.server, "mgmt0", nice, "eth2", [f"addr add {MANAGEMENT}.1/30 dev mgmt0"],
             [f"addr add {MANAGEMENT}.2/30 dev eth2", f"route add {lab.server.address}/32 via {MANAGEMENT}.1"])
    lab.partition("nice", "server")                 # its s side leads to no server
    lab.provision(SITES)
    lab.wait_in_service(timeout=120)
    return lab


def certificate(ce, file=f"{AGENT}/management.crt"):
    """(serial, end) of the one on disk."""
    text = ce.out(f"openssl x509 -in {file} -noout -serial -enddate -dateopt iso_8601")
    return int(re.search("serial=(.*)", text).group(1), 16), re.search("notAfter=(.*)", text).group(1)


def serial(ce):
    return certificate(ce)[0]


def fits(ce):
    ce.run(f"cd {AGENT} && openssl x509 -in management.crt -noout -pubkey >/tmp/a && openssl pkey -in management.key -pubout >/tmp/b && "
           f"cmp /tmp/a /tmp/b && openssl verify -purpose sslclient -CAfile ca.crt management.crt")


def alarms(ce):
    return {a["severity"] for a in ce.ask("alarms")["alarms"] if a["code"] == "ce-certificate"} - {"cleared"}


def ledger(lab, ce):
    return {a["severity"] for a in json.loads(lab.admin("alarms --json"))["alarms"]
            if a["code"] == "ce-certificate" and a["resource"] == f"acme/{ce.router}"}


def start_server(lab):
    """Routers ask again some time within a minute; certificates of a minute and a half must not end meanwhile."""
    lab.server.start()
    for name in SITES:
        ce = lab.ce(name)
        ce.wait_until(ce.synced, 20, "a sync with the server that is back")


def test_renewed_while_the_sites_talk(three):
    pings = three.pings(three.pairs(SITES))
    before = {name: three.ce(name).fingerprint() for name in SITES}
    first = {name: serial(three.ce(name)) for name in SITES}
    seen = {name: {first[name]} for name in SITES}

    def twice():
        for name in SITES:
            seen[name].add(serial(three.ce(name)))
        return all(len(serials) >= 3 for serials in seen.values())
    three.server.wait_until(twice, 3 * LIFE, "every router renewed its certificate twice")
    for name in SITES:
        ce = three.ce(name)
        fits(ce)
        ce.wait_until(ce.synced, 20, "a sync with the new one")
        assert ce.fingerprint()["sas"] == before[name]["sas"]
        assert not alarms(ce) and not ledger(three, ce)
        assert "certificate until 20" in ce.ctl("status").stdout
        assert "code=certificate-renewed" in ce.daemons["ppvpn-agent"].log.read_text()
    results = pings.stop()
    assert results.lost == 0, results
    assert "with a certificate until 20" in three.admin("ce show acme/paris-r1")


def test_managed_over_another_interface(three):
    """R9: the channel is out of band, the tunnels are where they were."""
    nice = three.ce("nice")
    connections = nice.out("ss -Htn state established dport = :8443")
    assert f"{MANAGEMENT}.2:" in connections and nice.address not in connections
    assert nice.synced() and nice.peer_names() == ["lyon", "paris"]
    done = nice.run(f"curl -sS -m 3 --interface {nice.address} --cacert {AGENT}/ca.crt https://192.0.2.1:8444/.well-known/est/cacerts",
                    check=False)
    assert done.returncode, "the server is reached from the s side"


def test_read_by_others(three):
    """Key usage, names, times: by OpenSSL, GnuTLS' certtool, and strongSwan's pki."""
    paris = three.ce("paris")
    paris.run(f"openssl verify -x509_strict -purpose sslclient -CAfile {AGENT}/ca.crt {AGENT}/management.crt")
    assert paris.run(f"openssl verify -purpose sslserver -CAfile {AGENT}/ca.crt {AGENT}/management.crt", check=False).returncode
    paris.run(f"pki --verify --in {AGENT}/management.crt --cacert {AGENT}/ca.crt")
    shown = paris.out(f"pki --print --in {AGENT}/management.crt")
    assert re.search(r'subject: +"CN=acme/paris-r1"', shown) and re.search("flags: +clientAuth *$", shown, re.M), shown
    shown = paris.out(f"certtool --certificate-info --infile {AGENT}/management.crt")
    for text in ("Version: 3", "Subject: CN=acme/paris-r1", "Certificate Authority (CA): FALSE", "TLS WWW Client.", "Digital signature.",
                 "Subject Key Identifier", "Authority Key Identifier", "Curve:\tSECP256R1"):
        assert text in shown, (text, shown)
    assert "Subject Alternative Name" not in shown
    server = three.server
    state = "/var/lib/ppvpn-server"
    shown = server.out(f"certtool --certificate-info --infile {state}/server.crt")
    for text in ("IPAddress: 192.0.2.1", "TLS WWW Server.", "Digital signature.", "Certificate Authority (CA): FALSE"):
        assert text in shown, (text, shown)
    shown = server.out(f"certtool --certificate-info --infile {state}/ca.crt")
    for text in ("Certificate Authority (CA): TRUE", "Path Length Constraint: 0", "Certificate signing.", "CRL signing."):
        assert text in shown, (text, shown)
    for crt, years in (("server", 10), ("ca", 30)):
        assert server.run(f"openssl x509 -in {state}/{crt}.crt -noout -checkend {years * 365 * 86400 - 86400}").returncode == 0
        assert server.run(f"openssl x509 -in {state}/{crt}.crt -noout -checkend {years * 365 * 86400 + 86400}", check=False).returncode


def test_killed_and_alone(three):
    """The agent killed again and again around its renewal, then the server away when it is due: late, and all the same."""
    paris, server = three.ce("paris"), three.server
    pings = three.pings([("paris", "lyon")])
    before = serial(paris)
    for number in itertools.count():
        paris.kill_agent()
        fits(paris)
        paris.start_agent()
        if serial(paris) != before and number > 5:
            break
        with contextlib.suppress(AssertionError):
            paris.wait_until(lambda: serial(paris) != before, 3, "renewed")
    paris.wait_until(paris.synced, 30, "a sync")
    before, ends = serial(paris), paris.ctl_json("status")["certificate-ends"]

    def wait_left(seconds):
        paris.wait_until(lambda: float(paris.out("date +%s.%N")) > ends - seconds, LIFE, f"{seconds} s are left")
    wait_left(37)                       # it is not due yet, and then it is
    server.kill("ppvpn-server")
    wait_left(22)
    assert serial(paris) == before
    start_server(three)
    paris.wait_until(lambda: serial(paris) != before, 15, "renewed in time")
    paris.wait_until(paris.synced, 30, "a sync")
    fits(paris)
    assert not alarms(paris)
    results = pings.stop()
    assert results.lost == 0, results


def test_ended(three):
    """Nobody renewed it: refused, told at both ends, back by an operator's word; tunnels stay."""
    lyon, server = three.ce("lyon"), three.server
    pings = three.pings([("paris", "lyon")])
    lyon.stop_agent()
    lyon.wait_until(lambda: "critical" in ledger(three, lyon), 2 * LIFE, "the provider knows")
    # it is good in its last second, and a connection that is open then stays
    ended = f"openssl x509 -in {AGENT}/management.crt -noout -enddate | cut -d= -f2"
    lyon.wait_until(lambda: lyon.run(f'[ $(date +%s) -gt $(($(date -d "$({ended})" +%s) + 1)) ]', check=False).returncode == 0, 10, "its end")
    lyon.start_agent()
    lyon.wait_until(lambda: alarms(lyon) == {"critical"}, 30, "the router says so")
    lyon.wait_until(lambda: lyon.ask("status")["errors"], 30, "no server takes it")
    assert not lyon.ask("status")["connected"]
    assert "ce bundle" in lyon.ctl("alarms").stdout + lyon.ctl("explain ce-certificate").stdout
    lyon.write("/root/again.ppvpn", server.admin(f"ce bundle acme/{lyon.router}"), mode=0o600)
    lyon.run("ppvpn-agent enroll --force --bundle /root/again.ppvpn", timeout=60)
    lyon.stop_agent()
    lyon.start_agent()
    lyon.wait_until(lyon.synced, 30, "a sync")
    lyon.wait_until(lambda: not alarms(lyon) and not ledger(three, lyon), 30, "all is well again")
    results = pings.stop()
    assert results.lost == 0, results


def test_strongswans_own_client(three):
    """pki --estca, --est: enrolment with the token, renewal with what that gave."""
    paris, server = three.ce("paris"), three.server
    server.admin("ce add acme/metz-r1 --address 192.0.2.99")
    token = json.loads(server.admin("ce bundle acme/metz-r1"))["token"]
    url = "https://192.0.2.1:8444"
    paris.run(f"mkdir -p /root/est && cd /root/est && cp {AGENT}/ca.crt . && pki --estca --url {url} --cacert ca.crt --caout got --outform pem --force "
              "&& ls")
    got = paris.out("cd /root/est && cat got*")
    assert got.split() == paris.read("/root/est/ca.crt").split(), got
    for number, credentials in ((1, f"--userpass 'acme/metz-r1:{token}'"), (2, "--cert 1.crt --key 1.key")):
        paris.run(f"cd /root/est && pki --gen --type ecdsa --size 256 --outform pem >{number}.key && "
                  f"pki --req --in {number}.key --type ecdsa --dn 'CN=anything' --outform pem >{number}.csr && "
                  f"pki --est --url {url} --in {number}.csr --cacert ca.crt {credentials} --outform pem >{number}.crt", timeout=60)
        paris.run(f"cd /root/est && pki --verify --in {number}.crt --cacert ca.crt && openssl verify -CAfile ca.crt {number}.crt")
        assert 'CN=acme/metz-r1"' in paris.out(f"cd /root/est && pki --print --in {number}.crt")
    assert certificate(paris, "/root/est/1.crt")[0] < certificate(paris, "/root/est/2.crt")[0]

    def known(number):
        return paris.out(f"cd /root/est && curl -sS -o /dev/null -w '%{{http_code}}' --cacert ca.crt --cert {number}.crt --key {number}.key "
                         "https://192.0.2.1:8443/v1/config")
    assert [known(1), known(2), known(1), known(2)] == ["200", "200", "404", "200"]


def test_first_boot(three):
    """A router that was shipped with its bundle: it comes up before there is a way to the server, and joins by itself."""
    brest = three.add_ce("brest")
    three.admin(f"ce add acme/{brest.router} --address {brest.address}")
    three.admin(f"site add acme/corp/brest --ce {brest.router}")
    brest.configure({"acme/corp": {"vrf": "corp", "table": 1001, "lan": "eth1"}})
    three.partition("brest", "server")
    brest.write("/etc/ppvpn/bundle", three.admin(f"ce bundle acme/{brest.router}"), mode=0o600)
    brest.start_charon()
    brest.start_frr()
    brest.begin_agent()
    log = brest.daemons["ppvpn-agent"].log
    brest.wait_until(lambda: "[timeout]" in log.read_text() or "[unreachable]" in log.read_text(), 90, "it asks in vain")
    three.heal()
    three.partition("nice", "server")
    brest.wait_until(lambda: "brest" in three.ce("paris").peer_names() and brest.synced(), 90, "it joined")
    assert "enrolled" in log.read_text()
    # whoever has the bundle now has nothing
    three.ce("paris").write("/root/stolen.ppvpn", brest.read("/etc/ppvpn/bundle"), mode=0o600)
    three.ce("paris").run("rm -rf /root/state && mkdir -m 700 /root/state && printf '[agent]\nstate-dir = /root/state\n' >/root/agent.conf")
    done = three.ce("paris").run("ppvpn-agent enroll --config /root/agent.conf --bundle - </root/stolen.ppvpn", check=False, timeout=60)
    assert done.returncode == 1 and "token" in done.stderr, done
    # nor is it looked at again
    brest.kill_agent()
    brest.start_agent()
    brest.wait_until(brest.synced, 30, "a sync")
    three.admin(f"ce revoke acme/{brest.router}")
    brest.wait_until(lambda: brest.ask("status")["state"] == "deprovisioned", 20, "it let go")


def test_approved(three):
    """Where an operator approves of keys: pki --est and our own agent wait for it, and say by what they are known."""
    paris, server = three.ce("paris"), three.server
    server.settings["enrolment_approval"] = "yes"
    server.configure()
    server.stop("ppvpn-server")
    try:
        start_server(three)
        tokens = {}
        for number, name in enumerate(("nimes", "tours")):
            server.admin(f"ce add acme/{name} --address 192.0.2.{101 + number}")
            tokens[name] = server.admin(f"ce bundle acme/{name}")
        paris.run("rm -rf /root/approval && mkdir -m 700 -p /root/approval/state && cd /root/approval && "
                  "pki --gen --type ecdsa --size 256 --outform pem >1.key && "
                  "pki --req --in 1.key --type ecdsa --dn 'CN=anything' --outform pem >1.csr && "
                  "printf '[agent]\nstate-dir = /root/approval/state\n' >agent.conf")
        paris.write("/root/approval/tours.ppvpn", tokens["tours"], mode=0o600)
        token = json.loads(tokens["nimes"])["token"]
        theirs = paris.spawn("pki", ["sh", "-c", f"cd /root/approval && pki --est --url https://192.0.2.1:8444 --in 1.csr --cacert {AGENT}/ca.crt "
                                     f"--userpass acme/nimes:{token} --interval 1 --outform pem >1.crt"])
        ours = paris.spawn("enroll", ["ppvpn-agent", "enroll", "--config", "/root/approval/agent.conf", "--bundle",
                                      "/root/approval/tours.ppvpn"])

        def pending():
            return dict(re.findall("^acme/([a-z]+) .* ([0-9a-f]{64})$", server.admin("ce pending"), re.M))
        server.wait_until(lambda: set(pending()) == {"nimes", "tours"}, 30, "both wait")
        keys = pending()
        digest = paris.out("openssl pkey -in /root/approval/1.key -pubout -outform DER | openssl dgst -sha256 -r").split()[0]
        assert keys["nimes"] == digest
        paris.wait_until(lambda: keys["tours"] in ours.log.read_text(), 20, "ours says its key")
        assert theirs.running() and ours.running()
        for name, key in keys.items():
            server.admin(f"ce approve acme/{name} {key}")
        paris.wait_until(lambda: not theirs.running() and not ours.running(), 30, "both have theirs")
        for state in ("1.crt", "state/management.crt"):
            paris.run(f"openssl verify -CAfile {AGENT}/ca.crt /root/approval/{state}")
        assert not pending()
    finally:
        del server.settings["enrolment_approval"]
        server.configure()
        server.stop("ppvpn-server")
        start_server(three)


def test_revoked(three):
    """One word: the router hears of nothing but its end, and every peer drops it, within five seconds."""
    paris, lyon, nice = (three.ce(name) for name in SITES)
    pings = three.pings([("paris", "lyon")])
    begun = float(nice.out("date +%s.%N"))
    three.admin("ce revoke acme/nice-r1")
    for ce in (paris, lyon):
        ce.wait_until(lambda ce=ce: "nice" not in ce.peer_names(), 10, "nice's SAs are gone")
    nice.wait_until(lambda: nice.ask("status")["state"] == "deprovisioned" and not nice.peer_names(), 10, "nice let go")
    took = float(nice.out("date +%s.%N")) - begun
    print(f"# revoked: gone everywhere after {took:.1f} s")
    assert took < 5, took
    assert not three.reaches("nice", "paris")
    results = pings.stop()
    assert results.lost == 0, results
    # with a new bundle it is a member again, and its sites are what they were
    nice.write("/root/again.ppvpn", three.admin("ce bundle acme/nice-r1"), mode=0o600)
    nice.run("ppvpn-agent enroll --force --bundle /root/again.ppvpn", timeout=60)
    nice.stop_agent()
    nice.start_agent()
    three.wait_in_service(SITES)
