# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# The lab's half of testing/bench agent: what needs VTI, charon and FRR. Writes /lab/share/bench-agent-lab.json:
#   apply_netlink_1000_s, look_netlink_1000_ms   see bench-agent.c
#   rss_idle_kb         resident memory of an agent with no peer, enrolled, its document applied
#   rss_1000_peers_kb   of an agent with 1,000 peers in charon, kernel and FRR
#   own_idle_kb, own_1000_peers_kb   what of it is the process's own: no file's page that others may have too
#   apply_1000_peers_s  from the server's answer until nothing is left to do; charon and FRR among it
import copy
import json
import subprocess
import time

from kit.lab import SHARE
from kit.server import STATE

FAKE = "/root/fake"
figures = {}


IDLE = 8    # seconds: the agent rests 5 s after it had something to do


def memory(ce):
    with open(f"/proc/{ce.daemons['ppvpn-agent'].pid}/status", encoding="ascii") as status:
        return {line.split(":")[0]: int(line.split()[1]) for line in status if line.startswith(("VmRSS:", "RssAnon:"))}


def note_memory(ce, when):
    """Of an agent that has nothing to do: it has been the same for a while."""
    seen = []

    def rests():
        seen.append((time.monotonic(), memory(ce)))
        same = [at for at, kb in seen if kb == seen[-1][1] and all(other == kb for then, other in seen if then > at)]
        return seen[-1][0] - same[0] >= IDLE

    ce.wait_until(rests, 400, "the agent's memory stays as it is")
    kb = seen[-1][1]
    figures[f"rss_{when}_kb"], figures[f"own_{when}_kb"] = kb["VmRSS"], kb["RssAnon"]


def test_netlink():
    done = subprocess.run([SHARE / "bench-agent", "--netlink", "1000", "--json"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    figures.update(json.loads(done.stdout))


def fake(server, body):
    server.path(FAKE).mkdir(parents=True, exist_ok=True)
    (server.path(FAKE) / "body").write_text(json.dumps(body), encoding="utf-8")
    certificate, key = (server.out(f"ls {STATE}/server.{kind}").strip() for kind in ("crt", "key"))
    server.stop("ppvpn-server")
    server.spawn("fake", ["python3", "-m", "kit.fakeserver", "--address", server.address, "--certificate", certificate,
                          "--key", key, "--directory", FAKE])


def peers(count):
    for i in range(count):
        yield {"peer": f"site-{i:05}", "remote-address": f"198.18.{i // 250}.{i % 250 + 1}",
               "identity": {"fqdn-string": f"site-{i:05}.corp.acme.vpn.sp.example"},
               "pre-shared": {"keys": [{"key-id": "g1", "use": "send-and-accept", "secret": f"{i:064x}"}]},
               "sa-profile": "default", "initiator": "remote",
               "tunnel": {"establishment": "permanent", "ipsec-mode": "tunnel", "routing": "dynamic"}}


def test_memory(lab):
    lab.provision(["paris"])
    paris = lab.ce("paris")
    paris.wait_until(paris.synced, 60, "the document of no peer")
    note_memory(paris, "idle")
    document = paris.document()
    many = copy.deepcopy(document)
    many["revision"] += 1
    many["sa-profiles"] = {"default": {
        "proposals": ["aes256gcm16-prfsha384-ecp384"], "esp_proposals": ["aes256gcm16-ecp384"], "rekey_time": 14400,
        "child_rekey_time": 3600, "dpd_delay": 30}}
    many["vpns"][0]["peers"] = list(peers(1000))
    fake(lab.server, many)
    paris.wait_until(lambda: len(paris.ctl_json("peers")["peers"]) == 1000, 120, "the document of 1,000 peers")
    begin = time.monotonic()
    paris.wait_until(lambda: (status := paris.ctl_json("status"))["converged"] and status["result"] == "applied", 300,
                     "everything applied")
    figures["apply_1000_peers_s"] = round(time.monotonic() - begin, 3)
    assert len(paris.links("vti")) >= 1000
    note_memory(paris, "1000_peers")
    (SHARE / "bench-agent-lab.json").write_text(json.dumps(figures), encoding="utf-8")
    paris.stop_agent()
    lab.server.stop("fake")
