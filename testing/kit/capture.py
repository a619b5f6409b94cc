# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# A packet capture on the core: counted by protocol, and searched for addresses of the VPN's inside (v).
import collections
import ipaddress
import struct

from kit.waiting import wait_until

TLS_PORTS = {8443, 8444}
ETHERTYPE_IPV4, ETHERTYPE_ARP = 0x0800, 0x0806
OUTGOING = 4
LAST = b"end-of-the-capture"
# What every ping of the lab carries: found in the capture, it crossed the core unencrypted.
MARKER = bytes.fromhex("70707670" "6e2d6c61")


class Capture:
    """tcpdump on every link of a node until stopped."""

    def __init__(self, node, name="core"):
        self.node = node
        self.file = node.dir / f"{name}.pcap"
        self.daemon = node.spawn(f"tcpdump-{name}", ["tcpdump", "-Z", "root", "-i", "any", "-s", "0", "-B", "8192",
                                                     "-U", "--immediate-mode", "-w", str(self.file)])
        wait_until(lambda: self.file.exists() and self.file.stat().st_size >= 24, 10, "tcpdump's start")

    def stop(self):
        """Ends it when all that was sent so far is in the file; returns the Packets."""
        self.node.run(["bash", "-c", f"echo -n {LAST.decode()} >/dev/udp/{self.node.lab.server.address}/9"])
        wait_until(lambda: LAST in self.file.read_bytes(), 10, "the capture's last packet")
        self.daemon.stop()
        return Packets(self.file.read_bytes())


class Packets:
    def __init__(self, pcap):
        self.counts = collections.Counter()
        self.strange = []        # descriptions of what belongs to no expected protocol
        self.pairs = set()       # (source, destination) of every IPv4 header
        self.raw = pcap
        magic, link_type = struct.unpack_from("<I16xI", pcap)
        assert magic == 0xA1B2C3D4 and link_type == 276, f"not a capture by tcpdump -i any ({magic:x}, {link_type})"
        at = 24
        while at + 16 <= len(pcap):
            length, = struct.unpack_from("<8xI", pcap, at)
            self._packet(pcap[at + 16:at + 16 + length])
            at += 16 + length

    def _packet(self, frame):
        ethertype, packet_type = struct.unpack_from(">H8xB", frame)
        if packet_type == OUTGOING or LAST in frame:       # counted where it came in
            return
        kind, detail = self._kind(ethertype, frame[20:])
        self.counts[kind] += 1
        if kind == "other":
            self.strange.append(detail)

    def _kind(self, ethertype, packet):
        if ethertype == ETHERTYPE_ARP:
            return "ARP", ""
        if ethertype != ETHERTYPE_IPV4:
            return "other", f"ethertype {ethertype:#06x}"
        header = (packet[0] & 15) * 4
        protocol = packet[9]
        source, target = (str(ipaddress.IPv4Address(packet[i:i + 4])) for i in (12, 16))
        self.pairs.add((source, target))
        body = packet[header:]
        if protocol == 50:
            return "ESP", ""
        if protocol == 1:
            return "ICMP", ""
        if protocol == 2 and ipaddress.IPv4Address(target).is_multicast:
            return "IGMP", ""             # to the neighbour only; charon's forecast plugin joins groups
        if protocol == 17:
            ports = set(struct.unpack_from(">HH", body))
            if 500 in ports:
                return "IKE", ""
            if 4500 in ports:
                return ("IKE" if body[8:12] == b"\0\0\0\0" else "ESP"), ""
        if protocol == 6:
            ports = set(struct.unpack_from(">HH", body))
            if ports & TLS_PORTS:
                return "TLS", ""
        return "other", f"{source} > {target} protocol {protocol} {body[:24].hex()}"

    def addresses(self):
        return {address for pair in self.pairs for address in pair}

    def inside(self, networks):
        """Addresses of these networks in any outer IPv4 header."""
        nets = [ipaddress.ip_network(net) for net in networks]
        return sorted(a for a in self.addresses() if any(ipaddress.ip_address(a) in net for net in nets))

    def inner_headers(self, addresses):
        """Pairs of these addresses that stand side by side, as in an IPv4 header, anywhere in any packet."""
        packed = {address: ipaddress.IPv4Address(address).packed for address in addresses}
        return [(a, b) for a in addresses for b in addresses if a != b and packed[a] + packed[b] in self.raw]

    def has_marker(self):
        return MARKER in self.raw

    def contains(self, data):
        return data in self.raw

    def table(self):
        return "\n".join(f"  {kind:<6} {count:>7}" for kind, count in sorted(self.counts.items()))
