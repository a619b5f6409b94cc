# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# The SP's server in a node of its own, and the commands an administrator types there.
import json

from kit.node import Node

STATE = "/var/lib/ppvpn-server"
USER = "ppvpn-server"

CONFIG = """\
[server]
state-dir = {state}
listen = {address}:8443
enroll-listen = {address}:8444
admin-socket = /run/ppvpn-server/admin.sock
log-level = {level}
"""


class Server(Node):
    def __init__(self, lab, name, address):
        super().__init__(lab, name)
        self.address = address
        self.log_level = "info"

    def init(self):
        self.run(f"ppvpn-server init --state-dir {STATE} --url https://{self.address}:8443")
        self.write("/etc/ppvpn/server.conf", CONFIG.format(state=STATE, address=self.address, level=self.log_level))

    def start(self):
        # as the package's unit does: its own user, its runtime directory
        self.run(f"install -d -m 755 -o {USER} -g {USER} /run/ppvpn-server")
        self.spawn("ppvpn-server", ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups", "--no-new-privs",
                                    "ppvpn-server", "run", "--config", "/etc/ppvpn/server.conf"])
        self.wait_until(lambda: self.run("ppvpn-admin status", check=False).returncode == 0, 20, "the server answers its admin")

    def admin(self, words, check=True, text_in=None):
        """What ppvpn-admin prints."""
        return self.run(f"ppvpn-admin {words}", check=check, text_in=text_in).stdout

    def admin_json(self, words):
        return json.loads(self.admin(f"{words} --json"))

    def patch(self, path, **members):
        """Changes members of a thing for which ppvpn-admin has no option."""
        self.run(["curl", "-fsS", "--unix-socket", "/run/ppvpn-server/admin.sock", "-X", "PATCH", "-H", "Content-Type: application/json",
                  "-d", json.dumps(members), f"http://localhost/v1/{path}"])
