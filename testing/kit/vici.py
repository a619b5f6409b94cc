# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# One question to charon over VICI. swanctl, which the scenarios try elsewhere, takes most of a second of the lab's
# kernel for each call, and what is waited for is asked often.
import contextlib
import socket
import struct

REQUEST, RESPONSE, REGISTER, CONFIRM, EVENT = 0, 1, 3, 5, 7
SECTION, SECTION_END, VALUE, LIST, ITEM, LIST_END = range(1, 7)


class Vici:
    def __init__(self, path, timeout=20):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(str(path))

    def close(self):
        self.socket.close()

    def send(self, kind, name):
        packet = struct.pack("!BB", kind, len(name)) + name.encode()
        self.socket.sendall(struct.pack("!I", len(packet)) + packet)

    def _bytes(self, count):
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise OSError("charon hung up")
            data += part
        return data

    def receive(self):
        packet = self._bytes(struct.unpack("!I", self._bytes(4))[0])
        if packet[0] == EVENT:
            return EVENT, packet[2 + packet[1]:]
        return packet[0], packet[1:]

    def stream(self, command, event):
        """The messages that charon sends between a command and its answer."""
        self.send(REGISTER, event)
        if self.receive()[0] != CONFIRM:
            raise OSError(f"charon has no event {event}")
        self.send(REQUEST, command)
        messages = []
        while True:
            kind, data = self.receive()
            if kind == EVENT:
                messages.append(parse(data))
            elif kind == RESPONSE:
                return messages
            else:
                raise OSError(f"charon answers {kind} to {command}")


def parse(data):
    """A message as nested dicts and lists of text."""
    at = 0

    def take(size):
        nonlocal at
        length = int.from_bytes(data[at:at + size], "big")
        at += size + length
        return data[at - length:at].decode(errors="replace")

    def section():
        nonlocal at
        found = {}
        while at < len(data):
            kind, at = data[at], at + 1
            if kind == SECTION_END:
                break
            name = take(1)
            if kind == SECTION:
                found[name] = section()
            elif kind == VALUE:
                found[name] = take(2)
            elif kind == LIST:
                found[name] = []
                while data[at] != LIST_END:
                    at += 1
                    found[name].append(take(2))
                at += 1
        return found

    return section()


def list_sas(path):
    with contextlib.closing(Vici(path)) as vici:
        return vici.stream("list-sas", "list-sa")
