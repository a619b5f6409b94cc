# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# A server with the right certificate that hands out whatever lies in a directory: "body" ("body.ADDRESS" to
# who asks from there), and "etag" if there is one. "diag": the id of a bundle that is wanted; "leave", "ike-key": the
# status of the answer to who wants to leave, or tells its key for IKE, and, in the next line, its body. "versions": of the document, none of which who
# asks may have. "mode": a row of MODES, how every request for the configuration is answered instead. Notes each request
# in "requests". For what the real server would never say.
import argparse
import contextlib
import hashlib
import http.server
import json
import ssl
import time
from pathlib import Path

# Status, body, ETag. A body that is a number is said to be so long; a byte of it comes each second, while the mode lasts.
MODES = {
    "404": (404, b"no such thing", ""),
    "410": (410, b"", ""),
    "500": (500, b"", ""),
    "garbage": (200, bytes(range(256)) * 16, '"1.999999-0123456789abcdef"'),
    "empty": (200, b"", '"1.999999-fedcba9876543210"'),
    "slow": (200, 3600, '"1.999999-00112233445566aa"'),
}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    directory = Path()

    def note(self, **what):
        with open(self.directory / "requests", "a", encoding="utf-8") as requests:
            requests.write(json.dumps({"method": self.command, "path": self.path, **what}) + "\n")

    def answer(self, code, body=b"", headers=()):
        self.send_response(code)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer_in(self, mode):
        code, body, tag = MODES[mode]
        self.note(mode=mode, client=self.client_address[0])
        headers = [("Content-Type", "application/json")] + [("ETag", tag)] * bool(tag)
        if isinstance(body, bytes):
            self.answer(code, body, headers)
            return
        self.send_response(code)
        for name, value in [*headers, ("Content-Length", str(body))]:
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):      # who asked need not wait for all of it
            while (self.directory / "mode").exists():
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(1)
        self.close_connection = True

    def versions(self):
        """Those that this server has, and no other, if whoever asks has none of them."""
        file = self.directory / "versions"
        ours = file.read_text(encoding="utf-8").strip() if file.exists() else ""
        theirs = self.headers.get("Ppvpn-Schema", "ce-config/1")
        return None if not ours or set(ours.split(", ")) & set(theirs.split(", ")) else ours

    def do_GET(self):
        mode = self.directory / "mode"
        if mode.exists():
            self.answer_in(mode.read_text(encoding="utf-8"))
            return
        versions = self.versions()
        if versions:
            self.note(refused=versions)
            error = {"code": "schema", "where": "Ppvpn-Schema", "text": f"this server has {versions}"}
            self.answer(406, json.dumps({"error": error}).encode(), [("Content-Type", "application/json")])
            return
        own = self.directory / f"body.{self.client_address[0]}"
        body = (own if own.exists() else self.directory / "body").read_bytes()
        tag_file = self.directory / "etag"
        tag = tag_file.read_text(encoding="utf-8").strip() if tag_file.exists() else etag(body)
        self.note(etag=tag)
        headers = [("ETag", tag)]
        if (self.directory / "diag").exists():
            headers.append(("Ppvpn-Diag", (self.directory / "diag").read_text(encoding="utf-8").strip()))
        if self.headers.get("If-None-Match") == tag:
            self.answer(304, headers=headers)
        else:
            code = 410 if b'"state": "deprovisioned"' in body else 200
            self.answer(code, body, [("Content-Type", "application/json"), ("Cache-Control", "no-store"), *headers])

    def do_POST(self):
        report = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.note(report=report.decode(errors="replace"), client=self.client_address[0])
        said = self.directory / {"/v1/leave": "leave", "/v1/ike-key": "ike-key"}.get(self.path, "204")
        if said.exists():
            code, _, body = said.read_text(encoding="utf-8").partition("\n")
            self.answer(int(code), body.encode())
        else:
            self.answer(204)

    def log_message(self, *_):
        """Requests are noted in their own file."""


def etag(body):
    """The tag that fits the body: epoch and revision as it says, its hash."""
    try:
        document = json.loads(body)
        epoch, revision = document["epoch"], document["revision"]
    except (ValueError, TypeError, LookupError, RecursionError):
        epoch, revision = 1, 999999
    return f'"{epoch}.{revision}-{hashlib.sha256(body).hexdigest()[:16]}"'


def main():
    parser = argparse.ArgumentParser()
    for name in ("--address", "--certificate", "--key", "--directory"):
        parser.add_argument(name, required=True)
    options = parser.parse_args()
    Handler.directory = Path(options.directory)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(options.certificate, options.key)
    server = http.server.ThreadingHTTPServer((options.address, 8443), Handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
