# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# A site that has gone bad: with its own, valid key it claims to be another site. Refused, and reported.
import pytest

from kit.stock import call
from kit.waiting import Timeout, wait_until


@pytest.fixture(scope="module")
def bad(lab):
    """Three sites; brest goes bad after it was in service and knows all that its document said."""
    lab.provision(["paris", "lyon", "brest"])
    lab.wait_in_service(timeout=120)
    vpn = lab.ce("brest").document()["vpns"][0]
    lab.keys = {peer["peer"]: peer["pre-shared"]["keys"][0]["secret"] for peer in vpn["peers"]}
    lab.identities = {peer["peer"]: peer["identity"]["fqdn-string"] for peer in vpn["peers"]}
    lab.identities["brest"] = vpn["identity"]["fqdn-string"]
    for name in ("brest",):
        lab.ce(name).stop_agent()
        lab.ce(name).write("/etc/strongswan.d/charon/ppvpn.conf", "ppvpn {\n    load = no\n}\n")
    return lab


def attack(node, victim_address, claimed, victim, secret):
    return call(node, "rogue", local=node.address, remote=victim_address, me=claimed, peer=victim, secret=secret)


def test_the_rogue_works_under_its_own_name(bad):
    """The attack's means are sound: with the right identity the same configuration gets its SA."""
    done = attack(bad.ce("brest"), bad.ce("paris").address, bad.identities["brest"], bad.identities["paris"], bad.keys["paris"])
    # Or paris, whose peer this is, was faster and has made the SA: then charon says that there is one already.
    assert bad.ce("brest").installed("rogue") == ["rogue"], done.stdout + done.stderr
    bad.ce("brest").run("swanctl --terminate --ike rogue --timeout 5", check=False)


def test_own_key_under_anothers_identity_is_refused(bad):
    paris = bad.ce("paris")
    before = [sa for sa in paris.sas() if sa["name"].endswith(":lyon")]
    done = attack(bad.ce("brest"), paris.address, bad.identities["lyon"], bad.identities["paris"], bad.keys["paris"])
    assert done.returncode != 0
    assert [sa for sa in paris.sas() if sa["name"].endswith(":lyon")] == before
    assert not [sa for sa in bad.ce("brest").sas() if sa["state"] == "ESTABLISHED"]
    assert bad.reaches("paris", "lyon")


def test_it_is_reported(bad):
    address = bad.ce("brest").address
    alarms = wait_until(lambda: [alarm for alarm in bad.ce("paris").ctl_json("alarms")["alarms"] if address in str(alarm)],
                        20, "an alarm with the rogue's address")
    print(alarms)
    wait_until(lambda: address in bad.admin("status --json") + bad.admin("ce show acme/paris-r1 --json"), 60, "the server knows of it")


def test_from_the_others_own_address_it_is_refused_too(bad):
    """The rogue has taken lyon's place in the core, address and all; it lacks only the key."""
    paris, lyon = bad.ce("paris"), bad.ce("lyon")
    lyon.stop_agent()
    lyon.write("/etc/strongswan.d/charon/ppvpn.conf", "ppvpn {\n    load = no\n}\n")
    done = attack(lyon, paris.address, bad.identities["lyon"], bad.identities["paris"], bad.keys["paris"])
    assert done.returncode != 0
    assert not [sa for sa in lyon.sas() if sa["state"] == "ESTABLISHED"]
    wait_until(lambda: "auth" in str([alarm["code"] for alarm in paris.ctl_json("alarms")["alarms"]]), 30,
               "an alarm of the failed authentication")


def test_a_stranger_is_reported(bad):
    """A router of nobody's asks for a tunnel."""
    stranger = bad.add_router("stranger", 7)
    done = attack(stranger, bad.ce("paris").address, "somebody.example", bad.identities["paris"], "00" * 32)
    assert done.returncode != 0

    assert not [sa for sa in stranger.sas() if sa["state"] == "ESTABLISHED"]
    wait_until(lambda: stranger.address in str(bad.ce("paris").ctl_json("alarms")), 30, "an alarm with the stranger's address")


def test_operators_ownerless_secret_does_not_help(bad):
    """A secret without owner in the victim's swanctl.conf fits anybody, for stock charon."""
    paris = bad.ce("paris")
    paris.write("/etc/swanctl/conf.d/ownerless.conf", "secrets {\n  ike-any {\n    secret = 0x" + "5a" * 32 + "\n  }\n}\n")
    paris.run("swanctl --load-creds --noprompt")
    done = attack(bad.ce("lyon"), paris.address, bad.identities["lyon"], bad.identities["paris"], "5a" * 32)
    assert done.returncode != 0
    with pytest.raises(Timeout):
        wait_until(lambda: "lyon" in paris.peer_names(), 3, "an SA for the rogue")
