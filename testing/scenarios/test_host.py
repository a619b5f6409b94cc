# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# The router's owner and the provider: what the owner's bounds refuse, what an operator's "write memory" keeps, and
# leaving by hand: nothing of the VPNs is left, and nothing else is touched, whatever is not running at that moment.
import re

import pytest

STATE = "/var/lib/ppvpn"
HELD = f"{STATE}/held/acme.corp/config"


def fingerprint(ce):
    """All that a VPN may leave on a router, as text."""
    def lines(command, *patterns):
        text = ce.out(command)
        for pattern in patterns:
            text = re.sub(pattern, "", text)
        return sorted(line.rstrip() for line in text.splitlines() if line.strip())
    return {
        "links": lines("ip -o -d link", r"^\d+: ", r" (state|qlen|promiscuity|numtxqueues|numrxqueues|gso_max_\S+) \S+"),
        "addresses": lines("ip -o -4 address", r"^\d+: "),
        # the kernel's own for VRFs comes with a namespace's first VRF, never goes, and never comes again
        "rules": lines("ip rule | grep -v l3mdev"),
        "routes": lines("ip route show table all"),
        "tc": lines("tc qdisc show; tc filter show dev eth1"),
        "states": lines("ip xfrm state"),
        "policies": lines("ip xfrm policy"),
        "frr": lines("VTYSH_HISTFILE=/dev/null vtysh -c 'show running-config'"),
        "frr.conf": lines("cat /etc/frr/frr.conf"),
        "conns": lines("swanctl --list-conns"),
        "sas": lines("swanctl --list-sas"),
        "files": lines(f"find {STATE} /run/ppvpn -mindepth 1 ! -name lock 2>/dev/null; true"),
    }


def same(before, after):
    for kind, value in before.items():
        assert after[kind] == value, f"{kind}:\n" + "\n".join(sorted(set(after[kind]) ^ set(value)))


@pytest.fixture(scope="module")
def host(lab):
    """Paris with charon and FRR, as they are before the product comes; then two more sites in service with it."""
    paris = lab.add_ce("paris")
    paris.start_charon()
    paris.start_frr()
    lab.before = fingerprint(paris)
    assert lab.before["files"] == []
    lab.provision(["paris"], start=False)
    paris.start_agent()
    lab.provision(["lyon", "nice"])
    lab.wait_in_service()
    return lab


def alarm(ce, code):
    return [one for one in ce.ctl_json("alarms")["alarms"] if one["code"] == code and one["severity"] != "cleared"]


def bounded(paris, **bounds):
    paris.configure({"acme/corp": {"vrf": "corp", "table": 1001, "lan": "eth1", **bounds}})


def test_asked_too_much_it_stays_as_it_was(host):
    paris = host.ce("paris")
    paris.stop_agent()
    bounded(paris, **{"max-peers": 2, "peer-addresses": "192.0.2.0/24"})
    paris.start_agent()
    paris.wait_until(paris.synced, 60, "a sync with the bounds")
    before = paris.fingerprint()
    host.join("brest")
    paris.wait_until(lambda: alarm(paris, "policy"), 60, "the alarm")
    status = paris.sync()
    text = "3 peers are beyond max-peers = 2 of agent.conf"
    assert [(error["code"], error["text"]) for error in status["errors"]] == [("policy", text)], status
    assert status["result"] == "partial"
    assert text in paris.ctl("alarms").stdout
    host.server.wait_until(lambda: "policy" in host.admin("status --json") + host.admin("ce show acme/paris-r1 --json"), 60,
                           "the provider hears of it")
    host.wait_in_service(["lyon", "nice", "brest"])
    host.wait_in_service(["paris", "lyon", "nice"])
    # ... also over a restart of the agent, from disk
    paris.stop_agent()
    assert paris.path(HELD).exists()
    assert "secret" not in paris.path(HELD).read_bytes().decode("latin-1")
    paris.start_agent()
    paris.wait_until(lambda: alarm(paris, "policy"), 60, "the alarm after a restart")
    paris.wait_plan_empty()
    after = paris.fingerprint()
    for kind in ("links", "sas", "conns", "rules", "neighbors"):
        assert after[kind] == before[kind], kind


def test_the_bound_is_raised(host):
    paris = host.ce("paris")
    paris.stop_agent()
    bounded(paris, **{"max-peers": 3})
    paris.start_agent()
    host.wait_in_service()
    paris.wait_until(paris.synced, 60, "a sync without a refusal")
    assert not alarm(paris, "policy")
    assert not paris.path(HELD).exists()


def test_write_memory_then_reboot(host):
    """An operator's "write memory" keeps what is ours in frr.conf. It comes back with FRR and is taken for what it is."""
    paris = host.ce("paris")
    paris.run("VTYSH_HISTFILE=/dev/null vtysh -c 'write memory'")
    assert "router ospf vrf corp" in paris.read("/etc/frr/frr.conf")
    paris.restart_frr()
    host.wait_in_service(timeout=60)
    paris.wait_plan_empty()


def removed(host, paris):
    paris.stop_agent()
    host.admin("site remove acme/corp/paris")
    paris.start_agent()
    paris.wait_until(lambda: "router ospf" not in paris.vtysh("show running-config"), 60, "no OSPF of a VPN that is gone")
    paris.wait_plan_empty()


def test_removed_after_write_memory(host):
    """The site is removed while frr.conf names its VRF: what comes from there is cleaned at each start of FRR, and frr.conf
    is the operator's, who writes it anew."""
    paris = host.ce("paris")
    removed(host, paris)
    paris.restart_frr()
    paris.wait_until(lambda: "router ospf" not in paris.vtysh("show running-config"), 10, "cleaned after FRR's start")
    paris.wait_until(lambda: "ospf" not in paris.vtysh("show running-config").replace("ospfd", ""), 10, "nothing of ours at all")
    assert "corp" not in paris.out("ip -o link show type vrf")
    assert "router ospf vrf corp" in paris.read("/etc/frr/frr.conf")
    paris.run("VTYSH_HISTFILE=/dev/null vtysh -c 'write memory'")
    assert "ospf" not in paris.read("/etc/frr/frr.conf")


def back_in(host):
    paris = host.ce("paris")
    host.admin("site add acme/corp/paris --ce paris-r1")
    host.wait_in_service(timeout=90)
    return paris


def enrolled_anew(host):
    """The same router with a new bundle."""
    paris = host.ce("paris")
    host.admin("ce replace acme/paris-r1")
    paris.enroll(host.admin("ce bundle acme/paris-r1"))
    paris.start_agent()
    host.wait_in_service(timeout=90)
    return paris


def gone(paris):
    return not paris.daemons["ppvpn-agent"].running()


def test_leave_local(host):
    paris = back_in(host)
    before = host.before
    done = paris.ctl("leave --local")
    assert done.returncode != 0 and "--yes" in done.stderr
    done = paris.run(["script", "-qec", "ppvpnctl leave --local", "/dev/null"], check=False, text_in="no\n")
    assert done.returncode != 0 and "deleted" in done.stdout, done
    assert paris.plan() == []
    host.partition("server")
    try:
        done = paris.ctl("leave --local --yes", check=True)
    finally:
        host.heal()
    assert "has left its VPNs" in done.stdout, done
    paris.wait_until(lambda: gone(paris), 10, "the agent's end")
    # the peers were told by IKE: no SA of theirs waits for DPD (30 s)
    for name in ("lyon", "nice", "brest"):
        host.ce(name).wait_until(lambda name=name: "paris" not in host.ce(name).peer_names(), 10, "the DELETE")
    frr = fingerprint(paris)
    assert not [line for line in frr["frr.conf"] if "ospf" in line]
    same({kind: before[kind] for kind in before if kind != "frr.conf"}, frr)


def test_left_it_is_not_enrolled(host):
    paris = host.ce("paris")
    done = paris.run("ppvpn-agent run --config /etc/ppvpn/agent.conf", check=False)
    assert done.returncode != 0 and "not enrolled" in done.stderr.lower(), done


def test_leave_local_without_charon(host):
    """charon is killed with all its SAs in the kernel: what can go goes, the rest when it is back, the agent restarted."""
    paris = enrolled_anew(host)
    paris.kill_charon()
    done = paris.ctl("leave --local --yes", check=True)
    assert "charon is not running" in done.stdout, done
    assert "ppvpn:" not in paris.out("ip -o link")
    assert "mark 0x70ff" in paris.out("ip xfrm policy"), "the kill left nothing behind: the scenario shows nothing"
    assert not [name for name in ("management.key", "ike.key", "config") if paris.path(f"{STATE}/{name}").exists()]
    refused = paris.run("ppvpn-agent enroll --force --bundle /root/ce.ppvpn", check=False)
    assert refused.returncode != 0 and "leaving" in refused.stderr, refused
    paris.kill_agent()
    paris.start_agent()
    assert paris.ctl_json("status")["state"] == "leaving"
    paris.start_charon()
    paris.wait_until(lambda: gone(paris), 30, "the agent's end")
    after = fingerprint(paris)
    # incoming SAs of a charon that was killed carry no mark; they go with their lifetime
    same({kind: host.before[kind] for kind in host.before if kind not in ("frr.conf", "states")}, after)
    assert not [line for line in after["states"] if "output-mark" in line]
    paris.run("ip xfrm state flush")


def test_leave_local_without_frr(host):
    paris = enrolled_anew(host)
    paris.run("VTYSH_HISTFILE=/dev/null vtysh -c 'write memory'")
    paris.stop_frr()
    done = paris.ctl("leave --local --yes", check=True)
    assert "FRR is not running" in done.stdout, done
    assert not gone(paris)
    paris.start_frr()       # with ours in its file
    paris.wait_until(lambda: gone(paris), 30, "the agent's end")
    same({kind: host.before[kind] for kind in host.before if kind != "frr.conf"}, fingerprint(paris))
