#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# The whole ppvpn-server and those who look after it: backup and restore, key
# rotation, check, a full disk, the end with thousands who wait. The small disk
# is an empty directory of PPVPN_SMALL_DISK, a file system of 3 MB; without it
# the test mounts one in a namespace of its own, or says that it cannot.

import hashlib
import json
import os
import re
import resource
import shutil
import ssl
import subprocess
import sys
import tarfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from test_server import BINARY, CE, Server, read_file, wait_until  # noqa: E402

PARKED = 2000
KEYS = ("kek.key", "ca.key", "server.key")


def command(*words, status=0):
    done = subprocess.run([BINARY, *words], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == status, (words, done)
    return done.stderr if status else done.stdout


def fill(server, *names):
    server.admin("POST", "/v1/customers", {"customer": "acme"})
    server.admin("POST", "/v1/vpns", {
        "customer": "acme", "vpn": "corp", "topology": "any-to-any"})
    return [CE(server, name, "corp") for name in names]


class Operate(unittest.TestCase):
    def setUp(self):
        self.server = Server().start()
        self.addCleanup(self.server.close)
        self.paris, self.lyon = fill(self.server, "paris", "lyon")
        self.config = self.server.dir + "/server.conf"
        self.file = self.server.dir + "/backup.tar"

    def backup(self, *options):
        return command("backup", self.file, "--config", self.config, *options)

    def restore(self, *options, status=0):
        return command("restore", self.file, "--state-dir", self.server.state,
                       *options, status=status)

    def check(self, status=0):
        return command("check", "--config", self.config, status=status)

    def document(self, ce):
        answer = ce.ask()
        self.assertEqual(answer.status, 200)
        return answer.json()

    def secrets_in(self, data):
        """Keys of the state directory and secrets of documents and bundles."""
        secrets = {s.encode() for s in self.server.secrets}
        secrets |= {bytes.fromhex(s) for s in self.server.secrets
                    if re.fullmatch("[0-9a-f]{32,}", s)}
        for name in KEYS:
            text = read_file(f"{self.server.state}/{name}")
            secrets.add(text.splitlines()[len(text.splitlines()) // 2].encode())
        self.assertGreater(len(secrets), 4)
        return [s for s in secrets if s in data]

    def test_backup_holds_no_secret(self):
        self.document(self.paris)
        said = self.backup()
        self.assertIn("No keys are in it", said)
        self.assertEqual(os.stat(self.file).st_mode & 0o777, 0o600)
        with open(self.file, "rb") as f:
            self.assertEqual(self.secrets_in(f.read()), [])
        with tarfile.open(self.file) as tar:
            names = [os.path.basename(n) for n in tar.getnames()]
            self.assertEqual(set(names) & set(KEYS), set())
            sums = tar.extractfile("ppvpn-backup/SHA256SUMS").read().decode()
            for line in sums.splitlines():
                digest, name = line.split("  ")
                data = tar.extractfile("ppvpn-backup/" + name).read()
                self.assertEqual(hashlib.sha256(data).hexdigest(), digest)
        # never over another
        self.assertIn("exists", command("backup", self.file, "--config",
                                        self.config, status=1))
        os.unlink(self.file)
        self.assertIn("KEYS", self.backup("--with-keys"))
        self.assertEqual(os.stat(self.file).st_mode & 0o777, 0o600)
        with open(self.file, "rb") as f:
            self.assertEqual(len(self.secrets_in(f.read())), 3)
        self.assertEqual([n for n in os.listdir(self.server.dir)
                          if n.startswith("backup")], ["backup.tar"])

    def test_restore(self):
        """A backup, changes, another state directory, the same URL: a new epoch."""
        first = self.document(self.paris)
        self.backup()
        CE(self.server, "nice", "corp")
        later = self.paris.ask()
        self.assertGreater(later.json()["revision"], first["revision"])
        self.assertIn("a ppvpn-server uses it", self.restore("--force", status=1))
        self.server.stop()
        self.assertIn("--force", self.restore(status=1))
        # another machine, with the keys that were kept
        keys, old = self.server.dir + "/keys", self.server.state
        os.mkdir(keys)
        for name in KEYS:
            shutil.copy(f"{old}/{name}", keys)
        self.server.state = self.server.dir + "/standby"
        self.assertIn("kek.key", self.restore(status=1))
        begun = time.monotonic()
        self.restore("--keys", keys)
        self.server.start(**{"state-dir": self.server.state})
        print(f"\n# restored and ready in {time.monotonic() - begun:.2f} s")
        again = self.paris.ask(later.etag)
        self.assertEqual(again.status, 200)
        self.assertGreater(again.json()["epoch"], first["epoch"])
        self.assertEqual(again.json()["vpns"], first["vpns"])
        self.assertEqual(self.paris.ask(again.etag).status, 304)
        self.assertTrue(json.loads(command("check", "--json", "--config",
                                           self.config))["ok"])
        # a second restore of the same backup is of a later epoch still
        self.server.stop()
        aside = re.search("before is in (.*)", self.restore("--force"))[1]
        self.assertTrue(os.path.exists(aside + "/ppvpn.db"))
        self.server.start()
        self.assertGreater(self.document(self.paris)["epoch"],
                           again.json()["epoch"])
        # and a bundle is made and used as ever
        self.document(CE(self.server, "metz", "corp"))

    def test_refuses_damaged_backups(self):
        self.backup("--with-keys")
        self.server.stop()
        before = read_file(self.server.state + "/kek.key")
        with open(self.file, "rb") as f:
            whole = f.read()
        for at in (0, 600, len(whole) // 2, len(whole) - 2000):
            with open(self.file, "wb") as f:
                f.write(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
            self.restore("--force", status=1)
        for size in (0, 512, len(whole) // 2, len(whole) - 1):
            with open(self.file, "wb") as f:
                f.write(whole[:size])
            self.restore("--force", status=1)
        with open(self.file, "wb") as f:
            f.write(whole)
        other = Server()
        self.addCleanup(other.close)
        self.assertIn("key", self.restore("--force", "--keys", other.state,
                                          status=1))
        # nothing was touched by all that
        self.assertEqual(read_file(self.server.state + "/kek.key"), before)
        self.check()
        self.server.start()
        self.assertEqual(self.document(self.paris)["epoch"], 1)

    def test_key_rotate(self):
        first = self.document(self.paris)
        key = read_file(self.server.state + "/kek.key")
        self.backup()
        said = command("key", "rotate", "--config", self.config, status=1)
        self.assertIn("a ppvpn-server uses it", said)
        self.server.stop()
        command("key", "rotate", "--config", self.config)
        self.assertNotEqual(read_file(self.server.state + "/kek.key"), key)
        self.check()
        self.server.start()
        self.assertEqual(self.document(self.paris), first)
        CE(self.server, "nice", "corp")
        # the older backup opens with the key of its time, and no other
        self.server.stop()
        self.assertIn("does not fit", self.restore("--force", status=1))
        with open(self.server.state + "/kek.key", "w") as f:
            f.write(key)
        self.restore("--force")
        self.server.start()
        self.assertEqual(self.document(self.paris)["vpns"], first["vpns"])

    def test_check_tells_faults(self):
        self.assertIn("OK: epoch 1", self.check())
        self.server.stop()
        self.check()
        os.chmod(self.server.state + "/ca.key", 0o644)
        self.assertIn("ca.key", self.check(status=1))
        os.chmod(self.server.state + "/ca.key", 0o600)
        other = Server()
        self.addCleanup(other.close)
        for name in ("server.key", "ca.crt", "server.crt", "kek.key"):
            shutil.copy(f"{self.server.state}/{name}", self.server.dir)
            shutil.copy(f"{other.state}/{name}", self.server.state)
            report = subprocess.run(
                [BINARY, "check", "--json", "--config", self.config],
                capture_output=True, text=True)
            self.assertEqual(report.returncode, 1)
            self.assertFalse(json.loads(report.stdout)["ok"], name)
            shutil.copy(f"{self.server.dir}/{name}", self.server.state)
        self.check()

    def test_stop_with_thousands_parked(self):
        self.server.stop()
        self.server.start(**{"per-ip-limit": 2 * PARKED,
                             "request-timeout": 120})
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.assertGreater(hard, PARKED + 100, "too few files are allowed here")
        resource.setrlimit(resource.RLIMIT_NOFILE,
                           (max(soft, PARKED + 100), hard))
        etag = self.paris.ask().etag
        request = (f"GET /v1/config HTTP/1.1\r\nHost: x\r\nIf-None-Match: {etag}"
                   "\r\nPrefer: wait=50\r\n\r\n").encode()
        context = self.server.context((self.paris.crt, self.paris.key))
        waiting = []
        # all connections before the first request: on a busy machine they
        # take longer than a long poll
        for _ in range(PARKED):
            c = self.paris.connect(timeout=60)
            c._context = context
            c.connect()
            waiting.append(c.sock)

        def ticks():
            with open(f"/proc/{self.server.process.pid}/stat") as f:
                return sum(map(int, f.read().split()[13:15]))

        def idle():
            before = ticks()
            time.sleep(0.5)
            return ticks() - before <= 1

        def ended(sock):
            """Has its long poll ended, as on a machine that is busy for long?"""
            sock.settimeout(0)
            try:
                answer = sock.recv(65536)
            except ssl.SSLWantReadError:
                return False
            finally:
                sock.settimeout(20)
            self.assertTrue(answer.startswith(b"HTTP/1.1 304"), answer[:100])
            return True

        again = waiting
        while again:
            for sock in again:
                sock.sendall(request)
            wait_until("all are parked", idle, 60)
            again = [sock for sock in waiting if ended(sock)]
        took, status = self.server.stop()
        print(f"\n# stopped {PARKED} parked in {took:.2f} s")
        self.assertEqual(status, 0)
        self.assertLess(took, 15)
        for sock in waiting:
            answer = sock.recv(65536)
            self.assertTrue(answer.startswith(b"HTTP/1.1 503"), answer[:100])
            self.assertIn(b"Retry-After", answer)
            sock.close()
        self.server.start()
        self.assertEqual(self.paris.ask(etag).status, 304)


class FullDisk(unittest.TestCase):
    """The state directory is a file system of 3 MB."""

    def setUp(self):
        self.server = Server()
        self.mounted = "PPVPN_SMALL_DISK" not in os.environ
        if self.mounted:
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m,mode=700",
                            "tmpfs", self.server.state], check=True)
        else:
            self.server.state = os.environ["PPVPN_SMALL_DISK"]
            self.server.settings["state-dir"] = self.server.state
            self.assertTrue(os.path.ismount(self.server.state))
            self.assertEqual(os.listdir(self.server.state), [])
        self.addCleanup(self.end)
        command("init", "--state-dir", self.server.state, "--url",
                f"https://127.0.0.1:{self.server.port}", "--enroll-url",
                f"https://127.0.0.1:{self.server.enroll_port}")
        self.server.start()
        self.paris, self.lyon = fill(self.server, "paris", "lyon")

    def end(self):
        if self.server.process:
            self.server.stop()
        if self.mounted:
            subprocess.run(["umount", self.server.state], check=True)
        else:
            for name in os.listdir(self.server.state):
                os.unlink(os.path.join(self.server.state, name))
        self.server.close()

    def test_full_disk(self):
        etag = self.paris.ask().etag
        junk = self.server.state + "/junk"
        with open(junk, "wb", buffering=0) as f:
            try:
                while f.write(bytes(4096)) == 4096:
                    pass
            except OSError:
                pass
        refused = 0
        for i in range(40):
            try:
                self.server.admin("POST", "/v1/customers", {"customer": f"c{i}"})
            except AssertionError as error:
                _, status, body = error.args[0]
                self.assertEqual(status, 503)
                self.assertIn(b'"disk-full"', body)
                refused += 1
        self.assertGreater(refused, 3)
        print(f"\n# {refused} of 40 changes refused on the full disk")
        # routers do not feel it, new connections neither
        self.assertEqual(self.paris.ask(etag).status, 304)
        self.assertEqual(self.lyon.ask().status, 200)
        self.assertEqual(self.paris.ask(etag, 1).status, 304)
        said = command("backup", self.server.state + "/b.tar", "--config",
                       self.server.dir + "/server.conf", status=1)
        self.assertIn("Make room", said)
        os.unlink(junk)
        self.server.admin("POST", "/v1/customers", {"customer": "last"})
        CE(self.server, "nice", "corp")
        self.assertEqual(self.paris.ask(etag).status, 200)
        command("check", "--config", self.server.dir + "/server.conf")


if __name__ == "__main__":
    for tool in ("openssl", "curl", "unshare"):
        if not shutil.which(tool):
            print(f"no {tool}", file=sys.stderr)
            sys.exit(1)
    if not {"PPVPN_TEST_NAMESPACE", "PPVPN_SMALL_DISK"} & set(os.environ):
        os.environ["PPVPN_TEST_NAMESPACE"] = "1"
        own = ["--mount"] if os.geteuid() == 0 else ["--mount", "--map-root-user"]
        if subprocess.run(["unshare", *own, "--", "true"],
                          capture_output=True).returncode:
            print("1..0 # SKIP no mount namespaces here: PPVPN_SMALL_DISK "
                  "names a file system of 3 MB")
            sys.exit(77)
        os.execvp("unshare", ["unshare", *own, "--", sys.executable, *sys.argv])
    unittest.main(verbosity=1)
