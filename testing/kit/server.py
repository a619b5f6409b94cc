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
listen = {listen}:{port}
enroll-listen = {listen}:{enroll}
admin-socket = /run/ppvpn-server/{socket}.sock
log-level = {level}
"""


class Server(Node):
    """The SP's server; start("second") starts another process over the same state directory, on ports of its own."""
    PROCESSES = {"ppvpn-server": ("admin", 8443, 8444), "second": ("second", 9443, 9444)}

    def __init__(self, lab, name, address):
        super().__init__(lab, name)
        self.address = self.listen = address
        self.log_level = "info"
        self.urls = [f"https://{address}:8443"]     # as routers are told
        self.settings = {}                          # further keys of server.conf

    def init(self):
        self.run(f"ppvpn-server init --state-dir {STATE} --url {','.join(self.urls)}")
        self.configure()

    def configure(self):
        more = "".join(f"{key.replace('_', '-')} = {value}\n" for key, value in self.settings.items())
        for name, (socket, port, enroll) in self.PROCESSES.items():
            self.write(self.conf(name), CONFIG.format(state=STATE, listen=self.listen, port=port, enroll=enroll, socket=socket,
                                                      level=self.log_level) + more)

    def conf(self, name):
        return "/etc/ppvpn/server.conf" if name == "ppvpn-server" else f"/etc/ppvpn/{name}.conf"

    def start(self, name="ppvpn-server"):
        # as the package's unit does: its own user, its runtime directory
        self.run(f"install -d -m 755 -o {USER} -g {USER} /run/ppvpn-server")
        self.spawn(name, ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups", "--no-new-privs",
                          "ppvpn-server", "run", "--config", self.conf(name)])
        self.wait_until(lambda: self.run(f"ppvpn-admin status --socket {self.socket(name)}", check=False).returncode == 0, 20,
                        "the server answers its admin")

    def socket(self, name):
        return f"/run/ppvpn-server/{self.PROCESSES[name][0]}.sock"

    def admin(self, words, check=True, text_in=None):
        """What ppvpn-admin prints."""
        return self.run(f"ppvpn-admin {words}", check=check, text_in=text_in).stdout

    def admin_json(self, words):
        return json.loads(self.admin(f"{words} --json"))

    def patch(self, path, **members):
        """Changes members of a thing for which ppvpn-admin has no option."""
        self.run(["curl", "-fsS", "--unix-socket", "/run/ppvpn-server/admin.sock", "-X", "PATCH", "-H", "Content-Type: application/json",
                  "-d", json.dumps(members), f"http://localhost/v1/{path}"])
