# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# A router that asks to leave, and one that is asked for a diagnostic bundle, by a server that says what the test
# wants it to say.
import copy
import json
import re

import pytest

from kit.server import STATE
from kit.waiting import wait_until

AGENT = "/var/lib/ppvpn"
FAKE = "/root/fake"


class Fake:
    """The fake server, and paris as its only router."""

    def __init__(self, lab):
        self.server, self.paris = lab.server, lab.ce("paris")
        body = self.paris.document_text()
        self.good = json.loads(body)
        for name in ("lyon", "nice"):
            lab.ce(name).stop_agent()
        self.server.path(FAKE).mkdir(parents=True, exist_ok=True)
        self.server.stop("ppvpn-server")
        self.put("body", body)
        self.start()
        self.paris.wait_until(self.paris.synced, 60, "the fake server answers")

    def start(self):
        certificate, key = (self.server.out(f"ls {STATE}/server.{kind}").strip() for kind in ("crt", "key"))
        self.server.spawn("fake", ["python3", "-m", "kit.fakeserver", "--address", self.server.address, "--certificate",
                                   certificate, "--key", key, "--directory", FAKE])

    def put(self, name, text):
        part = self.server.path(FAKE) / f"{name}.new"
        part.write_text(text, encoding="utf-8")
        part.rename(self.server.path(FAKE) / name)

    def posts(self, path):
        noted = self.server.path(FAKE) / "requests"
        requests = [json.loads(line) for line in noted.read_text(encoding="utf-8").splitlines()]
        return [r["report"] for r in requests if r["method"] == "POST" and r["path"] == path]

    def secrets(self):
        """Every secret that this router holds, as it stands in documents and files."""
        keys = [key["secret"] for vpn in self.good["vpns"] for peer in vpn["peers"] for key in peer["pre-shared"]["keys"]]
        private = "".join(line for line in self.paris.read(f"{AGENT}/management.key").splitlines() if "---" not in line)
        assert len(keys) == 2 and len(private) > 60
        return [*keys, private[:40], private[-40:]]


@pytest.fixture(scope="module")
def fake(three):
    return Fake(three)


def check_bundle(fake, text):
    assert len(text) <= 256 * 1024
    bundle = json.loads(text)
    assert bundle["schema"] == "ce-diag/1" and bundle["ce"] == "acme/paris-r1"
    assert bundle["peers-count"] == 2 and {peer["peer"] for peer in bundle["peers"]} == {"lyon", "nice"}
    kinds = {resource["kind"] for resource in bundle["resources"] if resource["ours"]}
    assert {"rule", "vrf", "member", "route", "link", "ospf", "ospf-link", "sa", "conn"} <= kinds
    assert [neighbor["state"].split("/")[0] for neighbor in bundle["neighbors"]] == ["Full", "Full"]
    assert bundle["status"]["revision"] and bundle["plan"] == [] and bundle["unknown"] == []
    for secret in fake.secrets():
        assert secret.lower() not in text.lower()


def test_the_bundle_on_the_router(fake):
    check_bundle(fake, fake.paris.ctl("diag", check=True).stdout)


def test_the_bundle_for_the_provider_once_an_id(fake):
    for ident in ("4711", "4712"):
        fake.put("diag", ident)
        wait_until(lambda ident=ident: fake.posts(f"/v1/diag?id={ident}"), 90, "the bundle arrives")
        check_bundle(fake, fake.posts(f"/v1/diag?id={ident}")[0])
    fake.paris.sync()
    assert len(fake.posts("/v1/diag?id=4711")) == 1
    assert len(fake.posts("/v1/diag?id=4712")) == 1


def test_leave_asks_first(fake):
    before = fake.paris.fingerprint()
    done = fake.paris.ctl("leave")
    assert done.returncode != 0 and "--yes" in done.stderr
    done = fake.paris.run(["script", "-qec", "ppvpnctl leave", "/dev/null"], check=False, text_in="no\n")
    assert done.returncode != 0 and "acme/corp: 2 peers" in done.stdout, done
    assert not fake.posts("/v1/leave")
    assert fake.paris.fingerprint() == before


def test_leave_refused_changes_nothing(fake):
    before = fake.paris.fingerprint()
    fake.put("leave", '409\n{"error":{"code":"in-use","where":"acme/corp/paris","text":"it is the last hub"}}')
    done = fake.paris.ctl("leave --yes")
    assert done.returncode == 1 and "it is the last hub" in done.stderr, done
    assert fake.posts("/v1/leave") == ["{}"]
    fake.server.stop("fake")
    done = fake.paris.ctl("leave --yes")
    assert done.returncode == 1 and re.search("unreachable|connect", done.stderr, re.IGNORECASE), done
    assert fake.paris.fingerprint() == before
    fake.start()
    fake.paris.wait_until(fake.paris.synced, 60, "the fake server answers")


def test_agreed_but_not_done_yet(fake):
    before = fake.paris.fingerprint()
    fake.put("leave", "204\n")
    done = fake.paris.ctl("leave --yes", check=True)
    assert "has not taken acme/paris-r1 out yet" in done.stdout
    assert fake.paris.fingerprint() == before


def test_leave_takes_everything_away(fake):
    paris = fake.paris
    document = copy.deepcopy(fake.good)
    document.update(state="deprovisioned", vpns=[], revision=document["revision"] + 1)
    document["sa-profiles"] = {}
    fake.put("body", json.dumps(document))
    done = paris.ctl("leave --yes", check=True)
    assert "is in no VPN any more" in done.stdout, done
    assert paris.ctl_json("status")["state"] == "deprovisioned"
    paris.wait_plan_empty()
    assert "ppvpn:" not in paris.out("ip -d link; swanctl --list-conns; swanctl --list-sas")
    assert "251" not in paris.out("ip rule")
    assert paris.out("ip rule").startswith("0:")
    assert "router ospf" not in paris.vtysh("show running-config")
