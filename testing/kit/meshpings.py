# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# Pings between all pairs of hosts for hours: one process with a socket in each host's network namespace, which notes
# each ping and each answer in a file. Times are of the monotonic clock, which is the same for all of the lab and
# does not jump with the time of day.
#
#   s TIME PAIR NUMBER     sent          a TIME PAIR NUMBER     answered
import bisect
import ctypes
import selectors
import socket
import struct
import sys
import time

from kit.capture import MARKER
from kit.waiting import wait_until

CLONE_NEWNET = 0x40000000
ECHO_REQUEST, ECHO_REPLY = 8, 0
FIRST_ID = 0x7000       # of the first pair
LATE = 1.0              # an answer may take so long


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xffff)
    return ~(total + (total >> 16)) & 0xffff


def echo(identity, number):
    body = struct.pack("!HH", identity, number & 0xffff) + MARKER * 2
    return struct.pack("!BBH", ECHO_REQUEST, 0, checksum(struct.pack("!H", ECHO_REQUEST << 8) + body)) + body


def sockets(pids):
    """A raw socket in each of these processes' namespaces."""
    libc = ctypes.CDLL(None, use_errno=True)
    for pid in pids:
        with open(f"/proc/{pid}/ns/net", encoding="ascii") as namespace:
            if libc.setns(namespace.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
        one = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        one.setblocking(False)
        yield one


def ping_all(interval, hosts):
    """hosts: [(pid, address)]; each pings those that come after it. No end."""
    senders = list(sockets(pid for pid, _ in hosts))
    pairs = [(a, hosts[b][1]) for a in range(len(hosts)) for b in range(a + 1, len(hosts))]
    selector = selectors.DefaultSelector()
    for one in senders:
        selector.register(one, selectors.EVENT_READ)
    sent, begin = 0, time.monotonic()
    while True:
        due = begin + sent * interval / len(pairs)
        now = time.monotonic()
        if now >= due:
            number, pair = divmod(sent, len(pairs))
            sent += 1
            print(f"s {now:.4f} {pair} {number}")
            try:
                senders[pairs[pair][0]].sendto(echo(FIRST_ID + pair, number), (pairs[pair][1], 0))
            except OSError:
                pass        # it counts as lost
            continue
        sys.stdout.flush()
        for key, _ in selector.select(due - now):
            packet = key.fileobj.recv(2048)
            kind, identity, number = struct.unpack_from("!B3xHH", packet, (packet[0] & 15) * 4)
            if kind == ECHO_REPLY and FIRST_ID <= identity < FIRST_ID + len(pairs):
                print(f"a {time.monotonic():.4f} {identity - FIRST_ID} {number}")


class MeshPings:
    """Such a process, and what became of its pings."""

    def __init__(self, lab, names, interval=0.2):
        self.pairs = lab.pairs(names)
        self.sent = [[] for _ in self.pairs]        # when, by number
        self.answered = [set() for _ in self.pairs]
        hosts = [lab.host(name) for name in names]
        words = [f"{host.holder.pid}:{host.address}" for host in hosts]
        self.daemon = lab.pe.spawn("meshpings", [sys.executable, "-m", "kit.meshpings", str(interval), *words])
        self.at, self.rest = 0, ""
        wait_until(self.flow, 20, "the first answers of all pairs")

    def read(self):
        """What was noted since the last time."""
        with open(self.daemon.log, encoding="ascii", errors="replace") as file:
            file.seek(self.at)
            text = self.rest + file.read()
            self.at = file.tell()
        *lines, self.rest = text.split("\n")
        for line in lines:
            kind, when, pair, number = line.split()
            if kind == "s":
                assert len(self.sent[int(pair)]) == int(number), line
                self.sent[int(pair)].append(float(when))
            else:
                self.answered[int(pair)].add(int(number))

    def numbers(self, pair, begin, end):
        """Of the pings of a pair that were sent in that time."""
        sent = self.sent[pair]
        return range(bisect.bisect_left(sent, begin), bisect.bisect_left(sent, end))

    def flow(self):
        """Is all answered, of every pair, that was sent in the last second and may have been by now?"""
        self.read()
        now = time.monotonic()
        for pair, answered in enumerate(self.answered):
            numbers = self.numbers(pair, now - LATE, now - LATE / 4)
            if not numbers or not answered.issuperset(numbers):
                return False
        return True

    def lost(self, begin, end):
        """{pair of names: when each of the pings was sent that were never answered}; call it LATE seconds after the end."""
        self.read()
        found = {}
        for pair, names in enumerate(self.pairs):
            gone = [self.sent[pair][number] for number in self.numbers(pair, begin, end) if number not in self.answered[pair]]
            if gone:
                found[names] = gone
        return found

    def count(self, begin, end):
        return sum(len(self.numbers(pair, begin, end)) for pair in range(len(self.pairs)))

    def stop(self):
        self.daemon.kill()


if __name__ == "__main__":
    ping_all(float(sys.argv[1]), [(int(pid), address) for pid, address in (word.split(":") for word in sys.argv[2:])])
