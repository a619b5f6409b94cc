# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# Parts of different versions meet: a server whose documents this agent cannot read, a strongSwan that was upgraded
# without the plugin. It is noticed and said, nothing that works is touched, and it is over when they fit again.
import json
import time

import pytest

from kit.server import STATE
from kit.waiting import wait_until

NAMES = ["paris", "lyon", "nice"]
FAKE = "/tmp/fake"        # of the node alone: what lies there is for this file
POLL = 5        # seconds; a server of another version is asked this often
PLUGIN = "/usr/lib/ipsec/plugins/libstrongswan-ppvpn.so"

OPERATOR_SWANCTL = """
connections {{
    partner {{
        local_addrs = {local}
        remote_addrs = {remote}
        local {{ auth = psk
                id = {name} }}
        remote {{ auth = psk
                 id = {other} }}
        children {{ partner {{
            local_ts = {local_ts}
            remote_ts = {remote_ts}
            start_action = trap
        }} }}
    }}
}}
secrets {{ ike-partner {{
    id-1 = {name}
    id-2 = {other}
    secret = "between operator and partner"
}} }}
"""


@pytest.fixture(scope="module")
def skewed(lab):
    """Three sites; paris has an operator's connection to a partner, too."""
    lab.server.settings["poll-interval"] = POLL
    paris, lab.partner = lab.add_ce("paris"), lab.add_router("partner", 6)
    for router, other, ours, theirs in ((paris, lab.partner, "172.16.1", "172.16.9"), (lab.partner, paris, "172.16.9", "172.16.1")):
        router.ip("link add op0 type dummy", "link set op0 up", f"addr add {ours}.1/24 dev op0",
                  f"route add {theirs}.0/24 via {router.address[:-1]}{int(router.address[-1]) + 1} src {ours}.1")
        router.write("/etc/swanctl/conf.d/partner.conf", OPERATOR_SWANCTL.format(
            local=router.address, remote=other.address, name=router.name, other=other.name,
            local_ts=f"{ours}.0/24", remote_ts=f"{theirs}.0/24"))
    lab.partner.start_charon()
    paris.agent_keys = {"routes-not-needed": "partner/partner"}
    lab.provision(NAMES)
    lab.wait_in_service(NAMES)
    for ce in lab.ces.values():
        ce.wait_plan_empty()
    return lab


def alarm(ce, code):
    """Its text, if it is raised."""
    return next((a["text"] for a in ce.ask("alarms")["alarms"] if a["code"] == code and a["severity"] != "cleared"), None)


def requests(lab):
    noted = lab.server.path(FAKE) / "requests"
    return [json.loads(line) for line in noted.read_text().splitlines()] if noted.exists() else []


def test_server_of_a_newer_version(skewed):
    """It has no document for these agents: tunnels stay, an alarm comes, and goes with the real server."""
    server, ces = skewed.server, skewed.ces.values()
    pings = skewed.pings([("paris", "lyon"), ("lyon", "nice")])
    before = {ce.name: ce.fingerprint() for ce in ces}
    server.path(FAKE).mkdir(parents=True)
    (server.path(FAKE) / "versions").write_text("ce-config/3, ce-config/2\n", encoding="utf-8")
    server.stop("ppvpn-server")
    certificate, key = (server.out(f"ls {STATE}/server.{kind}").strip() for kind in ("crt", "key"))
    server.spawn("fake", ["python3", "-m", "kit.fakeserver", "--address", server.address, "--certificate", certificate,
                          "--key", key, "--directory", FAKE])
    for ce in ces:
        ce.wait_until(lambda ce=ce: alarm(ce, "schema"), 60, "the alarm")
        text = alarm(ce, "schema")
        assert "ce-config/1" in text and "ce-config/3, ce-config/2" in text, text
        status = ce.ctl_json("status")
        assert status["connected"] and "schema" in [error["code"] for error in status["errors"]], status
        assert "Upgrade the older" in ce.ctl("status").stdout
    # the provider is told, in the report that every server understands
    wait_until(lambda: any("schema" in [a["code"] for a in json.loads(r["report"])["alarms"]]
                           for r in requests(skewed) if "report" in r), 30, "a report with the alarm")
    begin, asked = time.monotonic(), len(requests(skewed))
    wait_until(lambda: len([r for r in requests(skewed)[asked:] if "refused" in r]) >= 6, 60, "they go on asking")
    assert time.monotonic() - begin > POLL, "in a circle"
    for ce in ces:
        after = ce.fingerprint()
        for what, value in before[ce.name].items():
            assert after[what] == value, f"{ce.name}: {what} changed"
        assert alarm(ce, "schema") and ce.plan() == []
    server.stop("fake")
    server.start()
    for ce in ces:
        ce.wait_until(lambda ce=ce: not alarm(ce, "schema"), 60, "the alarm's end")
        ce.wait_until(lambda ce=ce: not ce.ctl_json("status")["errors"], 30, "no error")
    result = pings.stop()
    assert result.lost == 0, result
    for ce in ces:
        assert ce.fingerprint()["sas"] == before[ce.name]["sas"]


def partner_answers(lab):
    return lab.ce("paris").ping("172.16.9.1", 2, options=("-I", "172.16.1.1"))


def built_for_another(ce):
    """The plugin as it would be if it had been built for another strongSwan: its version, and nothing else, differs."""
    version = ce.out("dpkg-query -W -f '${Version}' charon-systemd").partition("-")[0].encode()
    another = version[:-1] + (b"7" if version[-1:] != b"7" else b"6")
    good = ce.path(PLUGIN).read_bytes()
    assert good.count(b"\0" + version + b"\0") == 1
    ce.path("/tmp/ppvpn.so").write_bytes(good.replace(b"\0" + version + b"\0", b"\0" + another + b"\0"))
    return version.decode(), another.decode()


def test_strongswan_upgraded_under_the_plugin(skewed):
    """charon does not load it and runs on without; the operator's connection works; the agent says what is wrong."""
    paris, others = skewed.ce("paris"), [skewed.ce("lyon"), skewed.ce("nice")]
    wait_until(lambda: partner_answers(skewed), 30, "the partner answers")
    pings = skewed.pings([("lyon", "nice")])

    def others_sas():
        return [[sa for sa in ce.sas() if "paris" not in sa["name"]] for ce in others]
    before = others_sas()
    version, another = built_for_another(paris)
    paris.run(["mount", "--bind", "/tmp/ppvpn.so", PLUGIN])
    begun = len((paris.logs / "charon.log").read_text())
    paris.restart_charon()
    said = (paris.logs / "charon.log").read_text()[begun:]
    assert f"ppvpn: NOT STARTED: built for strongSwan {another}" in said
    assert "ppvpn" not in paris.out("swanctl --stats").partition("loaded plugins:")[2]
    wait_until(lambda: partner_answers(skewed), 30, "the operator's connection works without it")
    assert paris.installed("partner") and "ppvpn:" not in paris.out("swanctl --list-conns")
    paris.wait_until(lambda: alarm(paris, "plugin"), 30, "the alarm")
    assert f"charon {version} runs without the plugin" in alarm(paris, "plugin")
    paris.wait_until(lambda: "plugin" in [error["code"] for error in paris.ctl_json("status")["errors"]], 30, "the error")
    shown = paris.ctl("status").stdout
    assert shown.count("[plugin]") == 1 and "charon WITHOUT PLUGIN" in shown and "strongswan-plugin-ppvpn" in shown, shown
    skewed.server.wait_until(lambda: "plugin" in skewed.admin("alarms"), 30, "the provider is told")
    assert paris.daemons["charon-systemd"].running()
    assert others_sas() == before
    # the package with the right one is installed
    paris.stop_charon()
    paris.run(["umount", PLUGIN])
    paris.start_charon()
    paris.wait_until(lambda: not alarm(paris, "plugin"), 30, "the alarm's end")
    skewed.wait_in_service(NAMES, timeout=120)
    paris.wait_plan_empty()
    paris.wait_until(lambda: not paris.ctl_json("status")["errors"], 30, "no error")
    wait_until(lambda: partner_answers(skewed), 30, "the operator's connection works with it")
    result = pings.stop()
    assert result.lost == 0, result
    assert others_sas() == before
