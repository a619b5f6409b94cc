#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# Commands killed at each of their system calls that has an effect: a commit, a
# key rotation, a backup, a restore. One run is recorded; then, for each call and
# each of its occurrences (some of those that repeat, in backup and restore), a
# run is killed there, and the kill must have hit.
# Afterwards everything is whole, before or after the command, never between.
# Needs strace, and fails without it.

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

SERVER = os.environ.get("PPVPN_SERVER", "./ppvpn-server")
CHANGE = "testing/unit/store_change"
CALLS = ("openat", "write", "pwrite64", "writev", "fsync", "fdatasync",
         "ftruncate", "rename", "renameat", "renameat2", "link", "linkat",
         "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir", "fchmod", "chmod",
         "flock", "fallocate", "exit_group")
# looking for leaks needs ptrace, which strace has
ENV = {**os.environ, "ASAN_OPTIONS":
       os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}


def run(*argv, check=True):
    done = subprocess.run(argv, capture_output=True, text=True, env=ENV,
                          timeout=120)
    if check and done.returncode:
        raise AssertionError(f"{argv}: {done.returncode}: {done.stderr}")
    return done


def content(path):
    with open(path) as f:
        return f.read()


def points(argv, log):
    """(call, n) of one run of argv, in a directory that it may change."""
    run("strace", "-f", "-o", log, "-e", "trace=" + ",".join(
        "?" + c for c in CALLS), *argv)
    counts, result = {}, []
    with open(log) as f:
        for line in f:
            match = re.match(r"\d+ +(\w+)\(", line)
            if match:
                call = match[1]
                counts[call] = counts.get(call, 0) + 1
                # what is opened for reading has no effect, nor what is not there
                if (call != "openat" or "O_CREAT" in line) and "ENOENT" not in line:
                    result.append((call, counts[call]))
    return result


def thin(found, most=24):
    """Of a call that comes often the first, the last, and some between."""
    result = []
    for call in dict.fromkeys(c for c, _ in found):
        of_call = [p for p in found if p[0] == call]
        step = max(1, len(of_call) // (most // 2))
        result += [p for i, p in enumerate(of_call) if i < most // 4 or
                   i >= len(of_call) - most // 4 or i % step == 0]
    return result


def killed_at(call, n, argv):
    """What it said until it was killed there."""
    done = run("strace", "-f", "-o", "/dev/null", "-e", "trace=" + call, "-e",
               f"inject={call}:signal=KILL:when={n}", *argv, check=False)
    assert done.returncode == -9 or done.returncode == 137, (
        f"{call} {n} was not hit: {done.returncode}: {done.stderr}")
    return done.stdout


class Kills(unittest.TestCase):
    def setUp(self):
        self.top = tempfile.mkdtemp(prefix="test_kills.")
        self.addCleanup(shutil.rmtree, self.top)
        self.base, self.dir = self.top + "/base", self.top + "/state"
        run(SERVER, "init", "--state-dir", self.base, "--url",
            "https://127.0.0.1:8443")
        run(CHANGE, "setup", self.base)
        self.config = self.top + "/server.conf"
        with open(self.config, "w") as f:
            f.write(f"[server]\nstate-dir = {self.dir}\n")
        self.afresh()

    def afresh(self):
        shutil.rmtree(self.dir, ignore_errors=True)
        shutil.copytree(self.base, self.dir)

    def show(self, state=None):
        return run(CHANGE, "show", state or self.dir).stdout

    def check(self):
        run(SERVER, "check", "--config", self.config)

    def points(self, *argv):
        found = points(argv, self.top + "/strace")
        self.assertGreater(len(found), 10, "strace recorded next to nothing")
        return found

    def revision(self, shown):
        return int(shown.split()[2])

    def test_commit(self):
        """Old or new; what was said to be committed is; no revision comes twice."""
        old = self.show()
        found = self.points(CHANGE, "change", self.dir)
        self.assertTrue({"pwrite64", "fdatasync"} & {c for c, _ in found}, found)
        seen = {"old": 0, "new": 0}
        for call, n in found:
            with self.subTest(call=call, n=n):
                self.afresh()
                said = killed_at(call, n, (CHANGE, "change", self.dir))
                now = self.show()
                if now == old:
                    self.assertEqual(said, "", "said, and lost")
                    seen["old"] += 1
                else:
                    self.assertEqual(self.revision(now), self.revision(old) + 1)
                    self.assertIn("audit %d one more" % self.revision(now), now)
                    self.assertEqual(now.count(f" {self.revision(now)} "), 7)
                    seen["new"] += 1
                self.check()
                next_one = int(run(CHANGE, "change", self.dir).stdout)
                self.assertEqual(next_one, self.revision(now) + 1)
        print(f"\n# commit: {len(found)} kills, {seen}")
        self.assertGreater(min(seen.values()), 2, seen)

    def whole(self, shown):
        """All tunnels at one step, of one revision that is there; or none."""
        rows = [line.split() for line in shown.splitlines() if line.startswith("rotation ")]
        self.assertIn(len(rows), (0, 10))
        self.assertLessEqual(len({(row[3], row[4]) for row in rows}), 1, shown)
        for row in rows:
            self.assertLessEqual(int(row[4]), self.revision(shown))
        return rows[0][3] if rows else "none"

    def test_rotation(self):
        """Killed in each step of a change of keys: before it or after it, for all tunnels; and it goes on to its end."""
        stages = ["none", "accept", "send", "forget", "none"]
        for number in range(4):
            verb = "step" if number else "rotate"
            found = thin(self.points(CHANGE, verb, self.dir), 16)
            self.afresh()
            old = self.show()
            self.assertEqual(self.whole(old), stages[number])
            seen = {"old": 0, "new": 0}
            for call, n in found:
                with self.subTest(stage=stages[number], call=call, n=n):
                    self.afresh()
                    said = killed_at(call, n, (CHANGE, verb, self.dir))
                    now = self.show()
                    self.check()
                    if now == old:
                        self.assertEqual(said, "", "said, and lost")
                        seen["old"] += 1
                    else:
                        self.assertEqual(self.whole(now), stages[number + 1])
                        self.assertEqual(self.revision(now), self.revision(old) + (number < 3))
                        seen["new"] += 1
                    if now == old and verb == "rotate":
                        run(CHANGE, verb, self.dir)
                    for _ in range(4):
                        run(CHANGE, "confirm", self.dir)
                        run(CHANGE, "step", self.dir)
                    now = self.show()
                    self.assertEqual(self.whole(now), "none")
                    self.assertEqual(self.revision(now), 4)
                    self.check()
            print(f"\n# {verb} from {stages[number]}: {len(found)} kills, {seen}")
            self.assertGreater(min(seen.values()), 1, seen)
            # the next stage begins where this one ended, and all have confirmed it
            run(CHANGE, verb, self.base)
            run(CHANGE, "confirm", self.base)
            self.afresh()

    def test_key_rotate(self):
        """The directory opens, with one key or the other, and rotates again."""
        old_key = content(self.base + "/kek.key")
        argv = (SERVER, "key", "rotate", "--config", self.config)
        found = self.points(*argv)
        documents = re.sub("(?m)^audit.*\n", "", self.show())
        seen = {"old": 0, "new": 0}
        for call, n in found:
            with self.subTest(call=call, n=n):
                self.afresh()
                killed_at(call, n, argv)
                self.check()
                key = content(self.dir + "/kek.key")
                seen["old" if key == old_key else "new"] += 1
                self.assertEqual(re.sub("(?m)^audit.*\n", "", self.show()),
                                 documents)
                run(*argv)
                self.check()
                self.assertNotIn(content(self.dir + "/kek.key"),
                                 (key, old_key))
                self.assertFalse(os.path.exists(self.dir + "/kek.key.next"))
        print(f"\n# key rotate: {len(found)} kills, {seen}")
        self.assertGreater(min(seen.values()), 2, seen)

    def test_backup(self):
        """A file of that name is a whole backup, and another try makes one."""
        file = self.top + "/backup.tar"
        argv = (SERVER, "backup", file, "--config", self.config)
        found = thin(self.points(*argv))
        seen = {"none": 0, "whole": 0}
        for call, n in found:
            with self.subTest(call=call, n=n):
                self.afresh()
                if os.path.exists(file):
                    os.unlink(file)
                killed_at(call, n, argv)
                seen["whole" if os.path.exists(file) else "none"] += 1
                if not os.path.exists(file):
                    run(*argv)
                restored = self.top + "/restored"
                shutil.rmtree(restored, ignore_errors=True)
                run(SERVER, "restore", file, "--state-dir", restored, "--keys",
                    self.base)
        print(f"\n# backup: {len(found)} kills, {seen}")
        self.assertGreater(min(seen.values()), 2, seen)

    def test_restore(self):
        """No database, the old one, or the restored one in its new epoch; and it
        can be repeated."""
        file, again = self.top + "/backup.tar", self.top + "/again.tar"
        run(SERVER, "backup", file, "--config", self.config, "--with-keys")
        run(CHANGE, "change", self.base)
        self.afresh()
        newest = self.show()
        self.assertFalse(os.path.exists(again))
        argv = (SERVER, "restore", file, "--state-dir", self.dir, "--force")
        found = thin(self.points(*argv))
        seen = {"none": 0, "old": 0, "restored": 0}
        for call, n in found:
            with self.subTest(call=call, n=n):
                self.afresh()
                killed_at(call, n, argv)
                if not os.path.exists(self.dir + "/ppvpn.db"):
                    seen["none"] += 1
                elif self.show() == newest:
                    seen["old"] += 1
                    self.check()
                else:
                    seen["restored"] += 1
                    self.check()
                    self.assertGreater(int(self.show().split()[1]), 1)
                run(*argv)
                self.check()
                self.assertGreater(int(self.show().split()[1]), 1)
                self.assertEqual(self.revision(self.show()),
                                 self.revision(newest) - 1)
        print(f"\n# restore: {len(found)} kills, {seen}")
        self.assertGreater(min(seen.values()), 2, seen)


if __name__ == "__main__":
    if subprocess.run(["strace", "-o", "/dev/null", "true"], env=ENV,
                      capture_output=True).returncode:
        print("strace is missing, or may not trace here: nothing is tested",
              file=sys.stderr)
        sys.exit(1)
    unittest.main(verbosity=1)
