# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# Pings that go on between hosts while something happens, with every lost one counted.
import re
import signal
import time

from kit.capture import MARKER


class Pings:
    """Continuous pings between pairs of (host node, address)."""

    def __init__(self, pairs, interval=0.2):
        self.interval = interval
        self.daemons = []
        for number, (host, address) in enumerate(pairs):
            name = f"ping-{address}-{time.monotonic_ns()}-{number}"
            daemon = host.spawn(name, ["ping", "-n", "-i", str(interval), "-p", MARKER.hex(), address])
            self.daemons.append((host, address, daemon))
        time.sleep(interval * 2)  # an interval measured is the point here

    def stop(self):
        """Ends them; returns the Results."""
        for _, _, daemon in self.daemons:
            daemon.process.send_signal(signal.SIGINT)
        results = []
        for host, address, daemon in self.daemons:
            daemon.process.wait(20)
            text = daemon.log.read_text(errors="replace")
            answered = {int(seq) for seq in re.findall(r"bytes from .*icmp_seq=(\d+)", text)}
            sent = re.search(r"(\d+) packets transmitted", text)
            results.append(Result(host.name, address, int(sent.group(1)) if sent else 0, answered, self.interval))
        return Results(results)


class Result:
    def __init__(self, host, address, sent, answered, interval):
        self.host, self.address, self.sent = host, address, sent
        # What was sent in the last second may still have been under way.
        counted = max(0, sent - max(1, round(0.4 / interval)))
        self.lost = sorted(set(range(1, counted + 1)) - answered)

    def __str__(self):
        return f"{self.host} > {self.address}: {self.sent} sent, {len(self.lost)} lost {self.lost[:10] or ''}"


class Results(list):
    @property
    def sent(self):
        return sum(result.sent for result in self)

    @property
    def lost(self):
        return sum(len(result.lost) for result in self)

    def __str__(self):
        return "\n".join(str(result) for result in self)
