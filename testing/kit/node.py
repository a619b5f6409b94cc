# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# A node of the lab: a network namespace with a mount namespace of its own, in which /run and /tmp are
# empty and /etc and /var are private copies; commands and daemons run in it by nsenter.
import os
import re
import signal
import subprocess
from pathlib import Path

from kit.waiting import wait_until

NODES = Path("/lab/node")

MOUNTS = """
set -e
mkdir -p $d/etc.upper $d/etc.work $d/var.upper $d/var.work
for dir in etc var; do
    mount -t overlay -o lowerdir=/$dir,upperdir=$d/$dir.upper,workdir=$d/$dir.work overlay /$dir
done
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /tmp
mkdir -p /run/lock
mount -t sysfs sysfs /sys
echo $n >/proc/sys/kernel/hostname
echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6
echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
echo 1 >/proc/sys/net/ipv4/ip_forward
ip link set lo up
"""


class CommandFailed(AssertionError):
    """A command ended with another status than 0."""


class Daemon:
    """One running process of a node; its output goes to the node's log directory."""

    def __init__(self, node, name, argv, env=None):
        self.node, self.name = node, name
        self.log = node.logs / f"{name}.log"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                node.enter() + argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, **(env or {})}, start_new_session=True)

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        return self.process.poll() is None

    def stop(self, timeout=20):
        """The ordinary end: SIGTERM, and a failure if that is not obeyed."""
        if self.running():
            self.process.terminate()
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"{self.node.name}: {self.name} did not end {timeout} s after SIGTERM") from None
        return self.process.returncode

    def kill(self):
        if self.running():
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)


class Node:
    def __init__(self, lab, name):
        self.lab, self.name = lab, name
        self.dir = NODES / name
        self.logs = self.dir / "log"
        self.logs.mkdir(parents=True, exist_ok=True)
        self.daemons = {}
        self.holder = subprocess.Popen(
            ["unshare", "--net", "--mount", "--uts", "--propagation", "private", "--", "sleep", "infinity"])
        own = os.readlink("/proc/self/ns/mnt")
        wait_until(lambda: os.readlink(f"/proc/{self.holder.pid}/ns/mnt") != own, 10, f"namespaces of {name}", 0.01)
        self.run(f"d={self.dir}\nn={name}\n{MOUNTS}")

    def enter(self):
        return ["nsenter", f"--target={self.holder.pid}", "--net", "--mount", "--uts", "--"]

    def run(self, command, check=True, timeout=30, text_in=None):
        """Runs a list of arguments, or a string by the shell; returns the CompletedProcess."""
        argv = ["bash", "-c", command] if isinstance(command, str) else [str(word) for word in command]
        done = subprocess.run(self.enter() + argv, input=text_in, stdin=None if text_in else subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=timeout, errors="replace", check=False)
        if check and done.returncode:
            shown = command.strip() if isinstance(command, str) else " ".join(argv)
            raise CommandFailed(f"{self.name}: {shown[-400:]}\nexit {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        return done

    def out(self, command, **more):
        return self.run(command, **more).stdout

    def wait_until(self, condition, timeout, what):
        return wait_until(condition, timeout, f"{self.name}: {what}")

    def spawn(self, name, argv, env=None):
        old = self.daemons.get(name)
        assert not (old and old.running()), f"{self.name}: {name} runs already"
        self.daemons[name] = Daemon(self, name, argv, env)
        return self.daemons[name]

    def stop(self, name):
        return self.daemons[name].stop()

    def kill(self, name):
        self.daemons[name].kill()

    def path(self, path):
        """A file of the node, as seen from outside of it."""
        return Path(f"/proc/{self.holder.pid}/root{path}")

    def write(self, path, text, mode=0o644):
        """Writes a file as the node sees it."""
        file = self.path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(text, encoding="utf-8")
        file.chmod(mode)

    def read(self, path):
        return self.path(path).read_text(errors="replace")

    def ip(self, *lines):
        """Several ip commands in one go."""
        self.run(["ip", "-batch", "-"], text_in="\n".join(lines) + "\n")

    def ping(self, address, count=1, timeout=1, options=()):
        """True if every one of count pings was answered."""
        done = self.run(["ping", "-n", "-q", "-i", "0.2", "-c", count, "-W", timeout, *options, address], check=False, timeout=60)
        got = re.search(r"(\d+) received", done.stdout)
        return bool(got) and int(got.group(1)) == count

    def echoes(self):
        """Echo requests that came to this node so far: who answers a ping can be told by it."""
        snmp = Path(f"/proc/{self.holder.pid}/net/snmp").read_text(encoding="ascii")
        lines = [line.split() for line in snmp.splitlines() if line.startswith("Icmp:")]
        return int(lines[1][lines[0].index("InEchos")])

    def log_text(self):
        return {path.name: path.read_text(errors="replace") for path in sorted(self.logs.glob("*.log"))}

    def close(self):
        for daemon in reversed(list(self.daemons.values())):
            if daemon.running():
                daemon.kill()
        self.holder.kill()
        self.holder.wait(10)
