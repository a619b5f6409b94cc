# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# A node of the lab: a network namespace with a mount namespace of its own, in which /run and /tmp are
# empty and /etc and /var are private copies; commands and daemons run in it by nsenter.
import ctypes
import fcntl
import os
import re
import signal
import socket
import struct
import subprocess
from pathlib import Path

from kit.waiting import wait_until

NODES = Path("/lab/node")

CLONE = {"mnt": 0x20000, "uts": 0x4000000, "net": 0x40000000}
MS_REC_PRIVATE = 0x4000 | 0x40000
IFF_UP, SIOCGIFFLAGS, SIOCSIFFLAGS = 1, 0x8913, 0x8914
libc = ctypes.CDLL(None, use_errno=True)


def checked(result, what):
    if result:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def mount(kind, target, options=""):
    checked(libc.mount(kind.encode(), target.encode(), kind.encode(), 0, options.encode()), f"mount {target}")


def become_node(name, directory):
    """In a new process: namespaces of its own, as a machine that has just booted. No commands: each costs a tenth of a second."""
    checked(libc.unshare(CLONE["mnt"] | CLONE["uts"] | CLONE["net"]), "unshare")
    checked(libc.mount(b"none", b"/", None, MS_REC_PRIVATE, None), "private mounts")
    for top in ("etc", "var"):
        upper, work = directory / f"{top}.upper", directory / f"{top}.work"
        upper.mkdir(exist_ok=True)
        work.mkdir(exist_ok=True)
        mount("overlay", f"/{top}", f"lowerdir=/{top},upperdir={upper},workdir={work}")
    mount("tmpfs", "/run", "mode=755")
    mount("tmpfs", "/tmp", "mode=1777")
    os.mkdir("/run/lock")
    mount("sysfs", "/sys")
    socket.sethostname(name)
    for key, value in (("ipv6/conf/all/disable_ipv6", "1"), ("ipv6/conf/default/disable_ipv6", "1"), ("ipv4/ip_forward", "1")):
        Path("/proc/sys/net", key).write_text(value, encoding="ascii")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = fcntl.ioctl(any_socket, SIOCGIFFLAGS, struct.pack("16sH14x", b"lo", 0))
        flags = struct.unpack("16sH14x", request)[1]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | IFF_UP))


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
        self.holder = self._hold()

    def _hold(self):
        """A process that keeps the node's namespaces; a failure in it comes out here."""
        told, tell = os.pipe()

        def become():
            try:
                become_node(self.name, self.dir)
            except OSError as error:
                os.write(tell, str(error).encode())
                raise

        try:
            # pylint: disable-next=subprocess-popen-preexec-fn
            return subprocess.Popen(["sleep", "infinity"], preexec_fn=become)
        except subprocess.SubprocessError:
            raise OSError(f"{self.name}: {os.read(told, 4096).decode()}") from None
        finally:
            os.close(told)
            os.close(tell)

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

    def make_directory(self, path, owner, mode, group=None):
        """A directory of somebody whom the node's /etc/passwd names."""
        self.path(path).mkdir(exist_ok=True)
        os.chown(self.path(path), self.number("passwd", owner), self.number("group", group or owner))
        self.path(path).chmod(mode)

    def number(self, table, name):
        """uid or gid in the node's /etc/passwd or /etc/group."""
        for line in self.read(f"/etc/{table}").splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split(":")[2])
        raise LookupError(f"{self.name}: no {name} in /etc/{table}")

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
