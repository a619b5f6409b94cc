# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# The provisioning channel refuses what it must, and secrets appear nowhere they could be read.
import json
import re
import threading
from pathlib import Path

import pytest

from kit.server import STATE

URL = "https://192.0.2.1:8443/v1/config"
AGENT = "/var/lib/ppvpn"


class ProcessWatcher(threading.Thread):
    """Collects every command line and environment that any process shows."""

    def __init__(self):
        super().__init__(daemon=True)
        self.seen, self.ended = set(), threading.Event()

    def run(self):
        while not self.ended.wait(0.02):
            for entry in Path("/proc").glob("[0-9]*"):
                for name in ("cmdline", "environ"):
                    try:
                        self.seen.add((entry / name).read_bytes())
                    except OSError:
                        continue

    def stop(self):
        self.ended.set()
        self.join(10)
        return b"\n".join(self.seen)


@pytest.fixture(scope="module")
def two(lab):
    watcher = ProcessWatcher()
    watcher.start()
    lab.core = lab.capture()
    lab.server.log_level = "debug"
    for name in ("paris", "lyon"):      # who says the most may say too much
        lab.add_ce(name).agent_keys = {"log-level": "debug"}
    lab.provision(["paris", "lyon"])
    lab.wait_in_service(timeout=120)
    lab.processes = watcher.stop()
    return lab


def curl(node, *options, url=URL, timeout=20):
    """(HTTP status or "", body); curl's own failure is no status."""
    done = node.run(["curl", "-sS", "-m", "10", "-w", "\n%{http_code}", *options, url], check=False, timeout=timeout)
    body, _, code = done.stdout.rpartition("\n")
    return ("" if code == "000" else code), body


def own(ce_state=AGENT):
    return ["--cacert", f"{ce_state}/ca.crt", "--cert", f"{ce_state}/management.crt", "--key", f"{ce_state}/management.key"]


def document(ce):
    status, body = curl(ce, *own())
    assert status == "200", (status, body)
    return json.loads(body)


def test_own_certificate_gets_the_own_document(two):
    assert document(two.ce("paris"))["ce"] == "acme/paris-r1"
    assert document(two.ce("lyon"))["ce"] == "acme/lyon-r1"


def test_no_certificate_is_refused(two):
    status, body = curl(two.ce("paris"), "--cacert", f"{AGENT}/ca.crt")
    assert status == "" and not body


def test_certificate_of_another_ca_is_refused(two):
    paris = two.ce("paris")
    paris.run("""cd /root && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
        -subj /CN=other -keyout otherca.key -out otherca.crt &&
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=acme\\/paris-r1" -keyout other.key -out other.csr &&
        openssl x509 -req -in other.csr -CA otherca.crt -CAkey otherca.key -CAcreateserial -days 2 -out other.crt""")
    for certificate, key in (("other.crt", "other.key"), ("otherca.crt", "otherca.key")):
        status, body = curl(paris, "--cacert", f"{AGENT}/ca.crt", "--cert", f"/root/{certificate}", "--key", f"/root/{key}")
        assert status == "" and not body


def test_own_ca_but_unknown_key_gets_nothing(two):
    """A certificate of our CA for a key that the server no longer knows is covered by removal; here: mixed halves."""
    paris, lyon = two.ce("paris"), two.ce("lyon")
    paris.write("/root/lyon.crt", lyon.read(f"{AGENT}/management.crt"))
    status, body = curl(paris, "--cacert", f"{AGENT}/ca.crt", "--cert", "/root/lyon.crt", "--key", f"{AGENT}/management.key")
    assert status == "" and not body


def test_another_ces_certificate_never_gives_ones_document(two):
    """Whoever holds lyon's key is lyon, whatever address it comes from and whatever it asks for."""
    paris, lyon = two.ce("paris"), two.ce("lyon")
    paris.write("/root/lyon.key", lyon.read(f"{AGENT}/management.key"), mode=0o600)
    status, body = curl(paris, "--cacert", f"{AGENT}/ca.crt", "--cert", "/root/lyon.crt", "--key", "/root/lyon.key",
                        "-H", "Ce: acme/paris-r1")
    assert status != "200" or json.loads(body)["ce"] == "acme/lyon-r1"
    # and a status report cannot be made for somebody else
    report = json.dumps({"schema": "ce-status/1", "ce": "acme/paris-r1"})
    status, _ = curl(paris, "--cacert", f"{AGENT}/ca.crt", "--cert", "/root/lyon.crt", "--key", "/root/lyon.key",
                     "-H", "Content-Type: application/json", "--data", report, url="https://192.0.2.1:8443/v1/status")
    assert status.startswith("4")


@pytest.mark.parametrize("version", ["tls1", "tls1_1"])
@pytest.mark.parametrize("port", [8443, 8444])
def test_old_tls_is_refused(two, version, port):
    paris = two.ce("paris")
    done = paris.run(f"openssl s_client -connect 192.0.2.1:{port} -{version} -cipher ALL:@SECLEVEL=0 -cert {AGENT}/management.crt "
                     f"-key {AGENT}/management.key </dev/null 2>&1", check=False)
    assert "Cipher is (NONE)" in done.stdout or "alert protocol version" in done.stdout, done.stdout[-1500:]
    assert "New, TLSv1" not in done.stdout.replace("New, TLSv1.3", "").replace("New, (NONE)", "")


def test_tls_12_is_refused_to_ces(two):
    done = two.ce("paris").run(f"openssl s_client -connect 192.0.2.1:8443 -tls1_2 -cert {AGENT}/management.crt "
                               f"-key {AGENT}/management.key </dev/null 2>&1", check=False)
    assert "Cipher is (NONE)" in done.stdout or "alert protocol version" in done.stdout, done.stdout[-1500:]


def test_token_is_used_once(two):
    two.ce("lyon").write("/root/again.ppvpn", two.ce("paris").read("/root/ce.ppvpn"), mode=0o600)
    done = two.ce("lyon").run("rm -rf /root/state; mkdir -m 700 /root/state; printf '[agent]\\nstate-dir = /root/state\\n' >/root/agent.conf;"
                              "ppvpn-agent enroll --config /root/agent.conf --bundle /root/again.ppvpn", check=False, timeout=60)
    assert done.returncode != 0
    assert document(two.ce("paris"))["ce"] == "acme/paris-r1"


def secrets(lab):
    """Everything that must appear nowhere: keys of pairs, tokens, private keys."""
    found = lab.__dict__.setdefault("secrets", {})
    if found:
        return found
    for name in ("paris", "lyon"):
        ce = lab.ce(name)
        for vpn in document(ce)["vpns"]:
            for peer in vpn["peers"]:
                for key in peer["pre-shared"]["keys"]:
                    found[f"{name}'s key with {peer['peer']}"] = key["secret"]
        found[f"{name}'s token"] = json.loads(ce.read("/root/ce.ppvpn"))["token"]
        for file in ("management.key", "ike.key"):
            lines = [line for line in ce.read(f"{AGENT}/{file}").splitlines() if re.fullmatch(r"[A-Za-z0-9+/=]{40,}", line)]
            found[f"{name}'s {file}"] = lines[1]            # all keys of a kind begin alike
    assert len(found) == 8 and all(len(value) >= 32 for value in found.values())
    return found


def forms(secret):
    """The ways a secret could be shown: as it is, upper case, as bytes."""
    shown = [secret.encode(), secret.upper().encode()]
    if re.fullmatch(r"([0-9a-f]{2})+", secret):
        shown += [bytes.fromhex(secret), ":".join(re.findall("..", secret)).encode(), b" ".join(
            pair.encode().upper() for pair in re.findall("..", secret)[:8])]
    return shown


def assert_none(lab, where, data):
    for what, secret in secrets(lab).items():
        assert not any(form in data for form in forms(secret)), f"{what} is in {where}"


def test_secrets_are_in_no_log(two):
    two.ce("paris").kill_agent()
    two.ce("paris").start_agent()
    two.ce("paris").sync()
    for node, daemon in ((two.ce("paris"), "ppvpn-agent"), (two.server, "ppvpn-server")):
        assert f"{daemon} debug " in node.daemons[daemon].log.read_text()
    for node in two.nodes.values():
        for file in [*node.logs.glob("*"), *node.dir.glob("*.log")]:
            assert_none(two, f"{node.name}'s {file.name}", file.read_bytes())
        for file in node.path("/var/log").rglob("*"):
            if file.is_file():
                assert_none(two, f"{node.name}'s {file}", file.read_bytes())


def test_secrets_are_in_no_process_list(two):
    assert b"ppvpn-agent" in two.processes
    assert_none(two, "a command line or environment", two.processes)


def test_secrets_are_in_no_answer(two):
    paris = two.ce("paris")
    said = "".join([paris.ctl(f"{verb} --json").stdout for verb in ("status", "peers", "plan")]
                   + [paris.out("swanctl --list-conns"), paris.sas(raw=True), paris.vtysh("show running-config")]
                   + [two.admin(f"{words} --json", check=False) for words in ("status", "tunnel show acme/corp paris lyon", "time-to-service")])
    assert "lyon" in said
    assert_none(two, "an answer", said.encode())


def test_secrets_are_in_no_protocol_trace(two):
    """What went over the core, and what charon tells of its side of the sockets."""
    paris = two.ce("paris")
    assert_none(two, "a packet", two.core.stop().raw)
    raw = "".join(paris.out(f"swanctl --{verb} --raw") for verb in ("list-conns", "list-sas", "list-certs", "stats"))
    assert "lyon" in raw
    assert_none(two, "a VICI answer", raw.encode())


def test_secrets_are_sealed_at_rest(two):
    keys = {what: value for what, value in secrets(two).items() if " key with " in what}
    for node, state in ((two.server, STATE), (two.ce("paris"), AGENT)):
        files = [file for file in node.path(state).rglob("*") if file.is_file()]
        assert files
        for file in files:
            data = file.read_bytes()
            for what, secret in keys.items():
                assert not any(form in data for form in forms(secret)[:3]), f"{what} is readable in {node.name}'s {file.name}"


def test_private_files_are_private(two):
    for node, state in ((two.server, STATE), (two.ce("paris"), AGENT)):
        loose = node.out(f"find {state} -type f \\( -name '*.key' -o -name '*.db*' -o -name 'config*' \\) -perm /077")
        assert not loose, loose
