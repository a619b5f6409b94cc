# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# A receiver of alarms by webhook, as doc/alarm-webhook.md describes one: what is signed as it should be is taken
# and noted, a line for each event; anything else is refused.
import argparse
import hashlib
import hmac
import http.server
from pathlib import Path


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    secret = b""
    file = Path()

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        wanted = "sha256=" + hmac.new(self.secret, body, hashlib.sha256).hexdigest()
        good = hmac.compare_digest(wanted, self.headers.get("Ppvpn-Signature", ""))
        if good:
            with open(self.file, "ab") as file:
                file.write(body + b"\n")
        self.send_response(204 if good else 403)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """What was taken is in the file."""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--secret-file", type=Path, required=True)
    parser.add_argument("--file", type=Path, required=True)
    args = parser.parse_args()
    Receiver.secret = args.secret_file.read_bytes().strip()
    Receiver.file = args.file
    http.server.ThreadingHTTPServer(("127.0.0.1", args.port), Receiver).serve_forever()


if __name__ == "__main__":
    main()
