# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# A CE that is somebody's router already: the operator's swanctl connection and FRR configuration go on
# working, and the product's connections answer to the operator's tools.
import pytest

from kit.waiting import wait_until

OPERATOR_SWANCTL = """
connections {{
    partner {{
        version = 2
        local_addrs = {local}
        remote_addrs = {remote}
        proposals = aes128gcm16-prfsha256-x25519
        local {{ auth = psk
                id = {name} }}
        remote {{ auth = psk
                 id = {other} }}
        children {{
            partner {{
                local_ts = {local_ts}
                remote_ts = {remote_ts}
                esp_proposals = aes128gcm16
                start_action = trap
            }}
        }}
    }}
}}
secrets {{
    ike-partner {{
        id-1 = {name}
        id-2 = {other}
        secret = "between operator and partner"
    }}
}}
"""

OPERATOR_FRR = """\
frr defaults traditional
hostname paris
ip route 198.51.100.0/24 192.0.2.6
ip prefix-list OPERATOR seq 5 permit 198.51.100.0/24
route-map OPERATOR permit 10
 match ip address prefix-list OPERATOR
interface op0
 description the operator's own
 ip ospf area 0.0.0.77
 ip ospf passive
router ospf
 ospf router-id 172.16.1.1
 redistribute static route-map OPERATOR
"""


@pytest.fixture(scope="module")
def operated(lab):
    """Paris has an operator's connection to a partner before the product comes; lyon is an ordinary site."""
    paris, partner = lab.add_ce("paris"), lab.add_router("partner", 6)
    ends = ((paris, partner, "172.16.1.0/24", "172.16.9.0/24"), (partner, paris, "172.16.9.0/24", "172.16.1.0/24"))
    for router, other, ours, theirs in ends:
        inside = ours.replace("0/24", "1/24")
        router.ip("link add op0 type dummy", "link set op0 up", f"addr add {inside} dev op0")
        # The operator's own route: nothing here needs one of charon's.
        router.run(f"ip route add {theirs} via {'192.0.2.6' if router is paris else '192.0.2.26'} src {inside.split('/')[0]}")
        router.write("/etc/swanctl/conf.d/partner.conf", OPERATOR_SWANCTL.format(
            local=router.address, remote=other.address, name=router.name, other=other.name, local_ts=ours, remote_ts=theirs))
    paris.write("/etc/frr/frr.conf", OPERATOR_FRR)
    partner.start_charon()
    paris.agent_keys = {"routes-not-needed": "partner/partner"}
    lab.provision(["lyon", "paris"])
    lab.paris, lab.partner = paris, partner
    return lab


def partner_answers(lab):
    return lab.paris.ping("172.16.9.1", 2, options=("-I", "172.16.1.1"))


def operator_lines(ce):
    return [line.strip() for line in ce.vtysh("show running-config").splitlines()
            if any(word in line for word in ("OPERATOR", "198.51.100", "op0", "the operator's own", "0.0.0.77", "172.16.1.1"))]


def test_product_comes_into_service_beside_it(operated):
    operated.wait_in_service(["paris", "lyon"], timeout=120)


def test_operators_connection_works(operated):
    wait_until(lambda: partner_answers(operated), 30, "the partner answers through the operator's tunnel")
    assert operated.paris.installed("partner")


def test_operators_frr_configuration_stays(operated):
    lines = operator_lines(operated.paris)
    for wanted in ("ip route 198.51.100.0/24 192.0.2.6", "ip prefix-list OPERATOR seq 5 permit 198.51.100.0/24",
                   "description the operator's own", "ip ospf area 0.0.0.77", "redistribute static route-map OPERATOR"):
        assert wanted in lines, lines
    assert operated.paris.read("/etc/frr/frr.conf") == OPERATOR_FRR


def test_swanctl_lists_our_connections(operated):
    conns = operated.paris.out("swanctl --list-conns")
    assert "ppvpn:acme:corp:lyon" in conns and "partner" in conns
    assert "ppvpn:acme:corp:lyon" in operated.paris.sas(raw=True)


def test_swanctl_terminates_and_initiates_our_connections(operated):
    paris, name = operated.paris, "ppvpn:acme:corp:lyon"
    old = next(sa["id"] for sa in paris.sas() if sa["name"] == name)
    paris.run(f"swanctl --terminate --ike {name} --timeout 10", timeout=30)
    # The agent brings a peer that is listed back by itself; initiating by hand may find it done already.
    paris.run(f"swanctl --initiate --child {name} --timeout 15", check=False, timeout=30)
    paris.wait_until(lambda: any(sa["name"] == name and sa["id"] != old for sa in paris.sas()), 30, "a new SA")
    operated.wait_in_service(["paris", "lyon"], timeout=60)
    names = paris.installed()
    assert len(names) == len(set(names)), names


def test_swanctl_alone_terminates_and_initiates(operated):
    """With both agents away, so that nobody does it anyway; their return changes nothing of it."""
    paris, lyon, name = operated.paris, operated.ce("lyon"), "ppvpn:acme:corp:lyon"
    for ce in (paris, lyon):
        ce.stop_agent()
    paris.run(f"swanctl --terminate --child {name} --timeout 10", timeout=30)
    assert name not in paris.installed()
    paris.run(f"swanctl --terminate --ike {name} --timeout 10", timeout=30)
    assert name not in [sa["name"] for sa in paris.sas()]
    done = paris.run(f"swanctl --initiate --child {name} --timeout 15", timeout=30)
    assert "completed successfully" in done.stdout
    sas = [sa["id"] for sa in paris.sas() if sa["name"] == name]
    assert paris.installed().count(name) == 1 and len(sas) == 1
    for ce in (paris, lyon):
        ce.start_agent()
        ce.wait_plan_empty()
    operated.wait_in_service(["paris", "lyon"], timeout=60)
    assert [sa["id"] for sa in paris.sas() if sa["name"] == name] == sas


def test_load_all_leaves_ours_alone(operated):
    before = operated.paris.sas()
    operated.paris.run("swanctl --load-all --noprompt")
    assert "ppvpn:acme:corp:lyon" in operated.paris.out("swanctl --list-conns")
    assert operated.paris.sas() == before


def test_all_of_it_survives_changes_and_restarts(operated):
    paris, before = operated.paris, operator_lines(operated.paris)
    partner_sa = next(sa["id"] for sa in paris.sas() if sa["name"] == "partner")
    operated.join("nice")
    operated.wait_in_service(["paris", "lyon", "nice"], timeout=120)
    paris.kill_agent()
    paris.start_agent()
    paris.wait_plan_empty()
    operated.admin("site remove acme/corp/nice")
    paris.wait_until(lambda: "nice" not in paris.peer_names(), 30, "the site's removal")
    assert operator_lines(paris) == before
    assert partner_answers(operated)
    assert next(sa["id"] for sa in paris.sas() if sa["name"] == "partner") == partner_sa


def test_connection_that_would_miss_charons_route_is_named(operated):
    """Unless its owner says that it does without: the agent names setting and connection, and touches nothing."""
    paris = operated.paris
    paris.stop_agent()
    before = paris.fingerprint()
    paris.agent_keys = {}
    paris.configure({"acme/corp": {"vrf": "corp", "table": 1001, "lan": "eth1"}})
    begun = len(paris.daemons["ppvpn-agent"].log.read_text())
    agent = paris.spawn("ppvpn-agent", ["ppvpn-agent", "run", "--config", "/etc/ppvpn/agent.conf"])

    def named():
        said = agent.log.read_text()[begun:]
        return "install_routes" in said and "partner" in said
    wait_until(named, 30, "the agent names setting and connection")
    assert agent.process.wait(10) == 78         # which its unit does not start again
    assert paris.fingerprint() == before
    assert partner_answers(operated)
