#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
"""A client of the plugin's socket, for tests and for a look by hand.

Owns the framing of doc/plugin-protocol.md and a builder for connections;
decides nothing.

    client.py [--socket PATH] OP [NAME=JSON ...]
    client.py status
    client.py initiate name='"ppvpn:acme:corp:lyon"'
    client.py events [SECONDS]
"""

import hashlib
import json
import os
import socket
import struct
import sys
import time

SOCKET = "/run/charon.ppvpn"


class PluginError(Exception):
    """The plugin answered with an error."""

    def __init__(self, error):
        super().__init__("%(code)s at '%(where)s': %(text)s" % error)
        self.code = error["code"]
        self.where = error["where"]


class Client:
    def __init__(self, path=SOCKET, timeout=30):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(timeout)
        self.sock.connect(path)
        self.ids = 0
        self.events = []

    def close(self):
        self.sock.close()

    def send_raw(self, data):
        self.sock.sendall(struct.pack(">I", len(data)) + data)

    def _read(self, count):
        data = b""
        while len(data) < count:
            more = self.sock.recv(min(count - len(data), 1 << 20))
            if not more:
                raise EOFError("the plugin closed the connection")
            data += more
        return data

    def read_frame(self):
        (length,) = struct.unpack(">I", self._read(4))
        return json.loads(self._read(length))

    def request(self, op, **members):
        """Send a request, return its answer; keep events for later."""
        self.ids += 1
        members = {name.replace("_", "-"): value
                   for name, value in members.items()}
        members.update(id=self.ids, op=op)
        self.send_raw(json.dumps(members).encode())
        while True:
            frame = self.read_frame()
            if "event" in frame:
                self.events.append(frame)
                continue
            if not frame["ok"]:
                raise PluginError(frame["error"])
            return frame

    def replace(self, conns, revision, credentials=()):
        """Replace the whole set; credentials come before what names them."""
        self.request("begin")
        for one in credentials:
            self.request("put", conns=[], credentials=[one])
        for start in range(0, len(conns), 1000):
            self.request("put", conns=conns[start:start + 1000])
        return self.request("commit", revision=revision)

    def wait_event(self, matches, seconds=10):
        """Return the first event for which matches(event), None if none."""
        deadline = time.monotonic() + seconds
        while True:
            while self.events:
                event = self.events.pop(0)
                if matches(event):
                    return event
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            self.sock.settimeout(left)
            try:
                self.events.append(self.read_frame())
            except socket.timeout:
                return None
            finally:
                self.sock.settimeout(30)


def keys(secret, use="send-and-accept"):
    return {"keys": [{"key-id": "g1", "use": use, "secret": secret}]}


def conn(name, local, remote, local_id, remote_id, secret, **overrides):
    """A complete connection; its tag is a digest of all the rest.

    secret: its one key, sent; None if there is none.  More members, or other
    values of members, by name.
    """
    value = {
        "name": name,
        "local-address": local,
        "remote-address": remote,
        "local-identity": {"fqdn-string": local_id},
        "remote-identity": {"fqdn-string": remote_id},
        "proposals": ["aes128-sha256-curve25519"],
        "esp_proposals": ["aes128-sha256"],
        "rekey_time": 14400,
        "child_rekey_time": 3600,
        "dpd_delay": 30,
        "mark": 1895825409,
        "set_mark_out": 0,
    }
    if secret:
        value["pre-shared"] = keys(secret)
    value.update(overrides)
    digest = json.dumps(value, sort_keys=True).encode()
    value["tag"] = hashlib.sha256(digest).hexdigest()
    return value


def main(args):
    path = os.environ.get("PPVPN_SOCKET", SOCKET)
    if args[:1] == ["--socket"]:
        path, args = args[1], args[2:]
    if not args or args[0] in ("-h", "--help"):
        print(__doc__.strip())
        return 0
    client = Client(path)
    if args[0] == "events":
        client.request("subscribe", events=["unknown-peer", "alert"])
        seconds = float(args[1]) if len(args) > 1 else 1e9
        client.wait_event(lambda event: print(json.dumps(event), flush=True),
                          seconds)
        return 0
    members = dict(arg.split("=", 1) for arg in args[1:])
    members = {name: json.loads(value) for name, value in members.items()}
    if args[0] == "hello":
        members = {"versions": [1], "client": "client.py", **members}
    try:
        print(json.dumps(client.request(args[0], **members), indent=2))
    except PluginError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
