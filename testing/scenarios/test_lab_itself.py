# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# The lab by itself, no product in it: two routers configured by hand (swanctl, VTI in a VRF, OSPF) carry
# pings between their hosts, and the capture sees what it should.
import pytest

from kit.waiting import Timeout, wait_until

CHARON = """
charon {
    install_routes = no
    plugins { connmark { load = no } }
}
"""

SWANCTL = """
connections {{
    hand {{
        version = 2
        local_addrs = {local}
        remote_addrs = {remote}
        proposals = aes128gcm16-prfsha256-x25519
        local {{ auth = psk
                id = {name} }}
        remote {{ auth = psk
                 id = {other} }}
        children {{
            hand {{
                local_ts = 0.0.0.0/0
                remote_ts = 0.0.0.0/0
                esp_proposals = aes128gcm16
                mark_in = 7
                mark_out = 7
                set_mark_out = 0x100
                start_action = {start}
            }}
        }}
    }}
}}
secrets {{
    ike-hand {{
        id-1 = {name}
        id-2 = {other}
        secret = "known to both"
    }}
}}
"""


def configure(ce, other, initiator, number):
    ce.write("/etc/strongswan.d/zz-hand.conf", CHARON)
    ce.write("/etc/swanctl/conf.d/hand.conf", SWANCTL.format(
        local=ce.address, remote=other.address, name=ce.name, other=other.name, start="start" if initiator else "none"))
    rid = f"10.255.0.{number}"
    ce.run(f"""set -e
        ip link add corp type vrf table 1001; ip link set corp up; ip addr add {rid}/32 dev corp
        ip route add unreachable default metric 4278198272 vrf corp   # else v without a route leaves by main's default
        ip link set eth1 master corp
        ip rule add pref 100 fwmark 0x100 lookup main
        ip rule add pref 32765 lookup local; ip rule del pref 0
        ip link add ppv1 type vti local {ce.address} remote {other.address} key 7
        ip link set ppv1 master corp mtu 1400; ip addr add {rid}/32 dev ppv1; ip link set ppv1 up
        sysctl -qw net.ipv4.conf.ppv1.disable_policy=1 net.ipv4.conf.ppv1.rp_filter=0""")
    ce.start_frr()
    ce.write("/root/ospf.conf", f"""router ospf vrf corp
 ospf router-id {rid}
 timers throttle lsa all 500
 passive-interface eth1
 network {rid}/32 area 0
 network {ce.lan} area 0
exit
interface ppv1
 ip ospf network point-to-point
 ip ospf hello-interval 1
 ip ospf dead-interval 4
exit
""")
    ce.run("vtysh -d ospfd -f /root/ospf.conf")
    ce.start_charon()


@pytest.fixture(scope="module")
def pair(lab):
    paris, lyon = lab.add_ce("paris"), lab.add_ce("lyon")
    lab.core = lab.capture()
    configure(lyon, paris, False, 2)
    configure(paris, lyon, True, 1)
    return lab


def test_hosts_reach_each_other(pair):
    paris, lyon = pair.ce("paris"), pair.ce("lyon")
    paris.wait_until(lambda: paris.installed("hand"), 20, "an SA")
    for ce in (paris, lyon):
        ce.wait_until(lambda ce=ce: ce.full_neighbors("corp"), 30, "OSPF Full")
    wait_until(lambda: pair.reaches("paris", "lyon", 3), 30, "host to host")


def test_pings_are_counted(pair):
    pings = pair.pings([("paris", "lyon")])
    wait_until(lambda: pings.daemons[0][2].log.read_text().count("bytes from") > 10, 20, "ten answers")
    assert pings.stop().lost == 0
    pings = pair.pings([("paris", "lyon")])
    pair.partition("paris", "lyon")
    with pytest.raises(Timeout):
        wait_until(lambda: pair.reaches("paris", "lyon"), 3, "a ping across the cut")
    pair.heal()
    wait_until(lambda: pair.reaches("paris", "lyon"), 20, "a ping after it")
    assert pings.stop().lost > 0


def test_capture_sees_the_core(pair):
    packets = pair.core.stop()
    assert packets.counts["ESP"] > 20 and packets.counts["IKE"] >= 4, packets.table()
    assert not packets.strange
    assert not packets.inside(["10.0.0.0/8"])
    hosts = [host.address for host in pair.hosts.values()]
    assert not packets.inner_headers(hosts)
    assert not packets.has_marker()


def test_capture_sees_what_is_not_encrypted(pair):
    core = pair.capture("plain")
    paris = pair.ce("paris")
    assert paris.ping("192.0.2.9", 2, options=("-p", "707076706e2d6c61"))
    packets = core.stop()
    assert packets.has_marker()
    assert packets.counts["ICMP"] >= 4
    assert packets.inner_headers(["192.0.2.5", "192.0.2.9"])


def test_daemons_start_and_stop_by_themselves(pair):
    paris = pair.ce("paris")
    before = paris.sas()
    paris.kill_charon()
    paris.start_charon()
    paris.wait_until(lambda: paris.installed("hand"), 20, "a new SA")
    assert paris.sas()[0]["spi"] != before[0]["spi"]
    paris.restart_frr()
    assert "corp" in paris.vtysh("show vrf")
