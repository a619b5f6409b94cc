# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# A CE router: stock charon, FRR and the product's agent in one node, each started, stopped and killed by
# itself; and what a person would look at on it (SAs, adjacencies, routes, the agent's own words).
import json
import re
import socket
from pathlib import Path

from kit.node import Node
from kit.vici import list_sas
from kit.waiting import Timeout, wait_until

CHARON_LOG = """\
# The lab's own: charon's log in a file.
charon {
    filelog {
        lab {
            path = %s/charon.log
            append = yes
            flush_line = yes
            time_format = %%H:%%M:%%S
            ike_name = yes
            default = 1
            cfg = 2
        }
    }
    # It asks the kernel for every algorithm there is, and the kernel starts modprobe for each: ten seconds.
    plugins {
        af-alg {
            load = no
        }
    }
}
"""

FRR = ("zebra", "staticd", "ospfd")
STATE = "/var/lib/ppvpn"


class Router(Node):
    """Charon and FRR, as the packages' units start them."""

    def __init__(self, lab, name):
        super().__init__(lab, name)
        self.write("/etc/strongswan.d/zz-lab.conf", CHARON_LOG % self.logs)

    def changed(self, path):
        """Has somebody written this file since the packages were installed?"""
        return self.path(path).exists() and self.path(path).read_bytes() != Path(path).read_bytes()

    # charon

    def start_charon(self, env=None):
        for left in self.path("/run").glob("charon.*"):
            left.unlink()
        self.spawn("charon-systemd", ["charon-systemd"], env)
        self.wait_until(self.path("/run/charon.vici").exists, 30, "charon's VICI socket")
        if self.changed("/etc/swanctl/swanctl.conf") or any(self.path("/etc/swanctl/conf.d").glob("*.conf")):
            # ExecStartPost of the package's unit, where there is something to load
            self.wait_until(lambda: self.run("swanctl --load-all --noprompt", check=False).returncode == 0, 30, "swanctl --load-all")

    def stop_charon(self):
        self.stop("charon-systemd")

    def kill_charon(self):
        self.kill("charon-systemd")

    def restart_charon(self):
        if "charon-systemd" in self.daemons:
            self.stop_charon()
        self.start_charon()

    # FRR

    def start_frr(self, daemons=FRR):
        self.make_directory("/run/frr", "frr", 0o755)
        for daemon in daemons:
            self.path(f"/run/frr/{daemon}.vty").unlink(missing_ok=True)
            self.spawn(daemon, [f"/usr/lib/frr/{daemon}", "-A", "127.0.0.1", "--log", f"file:{self.dir}/frr-{daemon}.log",
                                *(["-s", "90000000"] if daemon == "zebra" else [])])
            if daemon == "zebra":
                self.wait_until(self.path("/run/frr/zebra.vty").exists, 20, "zebra's vty")
        self.wait_until(lambda: all(self.path(f"/run/frr/{daemon}.vty").exists() for daemon in daemons), 20, "FRR's vtys")
        if self.changed("/etc/frr/frr.conf"):
            self.run("vtysh -b", check=False)           # the operator's own

    def stop_frr(self):
        for daemon in reversed(FRR):
            self.stop(daemon)

    def kill_frr(self):
        for daemon in reversed(FRR):
            self.kill(daemon)

    def restart_frr(self):
        self.stop_frr()
        self.start_frr()

    # what a person looks at

    def sas(self, raw=False):
        """A list of {name, id, state, children: [{name, id, state, ...}]}; raw: as swanctl --list-sas prints it."""
        if raw:
            return self.out("swanctl --list-sas", timeout=30)
        return [ike_sa(name, sa) for message in list_sas(self.path("/run/charon.vici")) for name, sa in message.items()]

    def installed(self, name=None):
        """Names of the children that are INSTALLED (of one IKE_SA name, if given)."""
        return [child["name"] for sa in self.sas() if name in (None, sa["name"])
                for child in sa["children"] if child["state"] == "INSTALLED"]

    def established(self):
        """Names of the IKE_SAs that are ESTABLISHED; where both ends had called each other, one of two goes soon."""
        return sorted(sa["name"] for sa in self.sas() if sa["state"] == "ESTABLISHED")

    def vtysh(self, command):
        return self.out(["env", "VTYSH_HISTFILE=/dev/null", "vtysh", "-c", command])

    def frr_json(self, daemon, command):
        """A show command's JSON from the daemon itself, as vtysh asks it, without vtysh's half second."""
        with socket.socket(socket.AF_UNIX) as vty:
            vty.settimeout(10)
            vty.connect(str(self.path(f"/run/frr/{daemon}.vty")))
            for line in ("enable", command + " json"):
                vty.sendall(line.encode() + b"\0")
                answer = b""
                while answer[-4:-1] != b"\0\0\0":
                    part = vty.recv(65536)
                    if not part:
                        raise OSError(f"{self.name}: {daemon} hung up")
                    answer += part
        return json.loads(answer[:-4].decode() or "{}")

    def neighbors(self, vrf):
        """OSPF neighbours in a VRF: {router id: [state, ...]}."""
        found = self.frr_json("ospfd", f"show ip ospf vrf {vrf} neighbor")
        found = found.get(vrf, found)
        table = found.get("neighbors", {})
        return {router: [entry.get("nbrState", entry.get("state", "")).split("/")[0] for entry in entries]
                for router, entries in table.items()}

    def full_neighbors(self, vrf):
        return [router for router, states in self.neighbors(vrf).items() if "Full" in states]

    def routes(self, vrf=None, protocol=None):
        """Kernel routes as ip -json shows them."""
        return json.loads(self.out(["ip", "-json", "route", "show", *(["vrf", vrf] if vrf else []),
                                    *(["proto", protocol] if protocol else [])]) or "[]")

    def has_route(self, prefix, vrf=None):
        return any(route["dst"] == prefix for route in self.routes(vrf))

    def links(self, kind=None):
        return json.loads(self.out(["ip", "-json", "-d", "link", "show", *(["type", kind] if kind else [])]) or "[]")

    def link_for(self, alias):
        """The name of the link with this alias."""
        for link in self.links():
            if link.get("ifalias") == alias:
                return link["ifname"]
        raise LookupError(f"{self.name}: no link with alias {alias}")


def ike_sa(name, sa):
    """An IKE_SA as VICI's list-sa tells it."""
    return {"name": name, "id": int(sa["uniqueid"]), "state": sa["state"], "spi": (sa["initiator-spi"], sa["responder-spi"]),
            "children": [{"name": child["name"], "id": int(child["uniqueid"]), "reqid": int(child["reqid"]), "state": child["state"],
                          "mode": child["mode"], **{way: child[f"spi-{way}"] for way in ("in", "out") if f"spi-{way}" in child}}
                         for child in sa.get("child-sas", {}).values()]}


class CE(Router):
    """A router with the product's agent."""

    def __init__(self, lab, name, address, core_address, lan):
        super().__init__(lab, name)
        self.address, self.core_address, self.lan = address, core_address, lan
        self.router = f"{name}-r1"
        self.agent_keys = {}
        self.firewall = {}

    def configure(self, vpns, **agent):
        """agent.conf: {"acme/corp": {"vrf": "corp", "table": 1001, "lan": "eth1"}}, and keys of [agent]."""
        self.agent_keys = {**self.agent_keys, **agent}
        text = "[agent]\n" + "".join(f"{key.replace('_', '-')} = {value}\n" for key, value in self.agent_keys.items())
        if self.firewall:
            text += "\n[firewall]\n" + "".join(f"{key} = {value}\n" for key, value in self.firewall.items())
        for vpn, keys in vpns.items():
            text += f"\n[vpn {vpn}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())
        self.write("/etc/ppvpn/agent.conf", text)

    def enroll(self, bundle):
        self.write("/root/ce.ppvpn", bundle, mode=0o600)
        return self.out("ppvpn-agent enroll --bundle /root/ce.ppvpn", timeout=60)

    def begin_agent(self):
        """Starts it without waiting for anything."""
        self.make_directory("/run/ppvpn", "root", 0o750, group="ppvpn")
        self.spawn("ppvpn-agent", ["ppvpn-agent", "run", "--config", "/etc/ppvpn/agent.conf"])

    def start_agent(self):
        self.begin_agent()
        self.wait_until(lambda: self.ask("status"), 20, "the agent answers on its control socket")

    def stop_agent(self):
        self.stop("ppvpn-agent")

    def kill_agent(self):
        self.kill("ppvpn-agent")

    def start(self):
        self.start_charon()
        self.start_frr()
        self.start_agent()

    def is_up(self):
        """Do charon, FRR and the agent run?"""
        return all(name in self.daemons and self.daemons[name].running() for name in ("charon-systemd", *FRR, "ppvpn-agent"))

    def ctl(self, words, check=False):
        return self.run(f"ppvpnctl {words}", check=check)

    def document_text(self):
        """Its configuration as its server gives it to this router, and to nobody else."""
        return self.out(["curl", "-sS", "-m", "10", "--cacert", f"{STATE}/ca.crt", "--cert", f"{STATE}/management.crt",
                         "--key", f"{STATE}/management.key", "https://192.0.2.1:8443/v1/config"])

    def document(self):
        return json.loads(self.document_text())

    def ctl_json(self, words):
        return json.loads(self.ctl(f"{words} --json", check=True).stdout)

    def ask(self, op, timeout=20):
        """What ppvpnctl OP --json prints, from the agent's control socket itself: for what is asked again and again."""
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(timeout)
            control.connect(str(self.path("/run/ppvpn/agent.sock")))
            control.sendall(json.dumps({"op": op}).encode() + b"\n")
            with control.makefile("rb") as answer:
                found = json.loads(answer.read() or b"null")
        if not found or "error" in found:
            raise OSError(f"{self.name}: {op}: {found}")
        return found

    def authenticated(self):
        """{peer: how it proved who it is} of those with an IKE_SA: pre-shared-key or certificate."""
        return {peer["peer"]: peer["authentication"] for peer in self.ask("peers")["peers"] if peer["authentication"]}

    def sync(self):
        """The agent's status after it has asked the server now and applied the answer; a failure as one of its errors."""
        try:
            return self.ask("sync", timeout=150)
        except OSError as error:
            return {"connected": False, "result": "failed", "errors": [{"text": str(error)}]}

    def synced(self):
        status = self.sync()
        return status["connected"] and status["result"] == "applied" and not status["errors"]

    def plan(self):
        return self.ask("plan")["steps"]

    def wait_plan_empty(self, timeout=30):
        try:
            wait_until(lambda: self.plan() == [], timeout, f"{self.name}: nothing left to do")
        except Timeout as error:
            raise Timeout(f"{error}\n{self.ctl('plan').stdout}") from None

    def peer_names(self, vpn="acme:corp"):
        """The peers this router has an INSTALLED SA with, by name."""
        return sorted({name.split(":")[-1] for name in self.installed() if name.startswith(f"ppvpn:{vpn}:")})

    def fingerprint(self, vrf="corp"):
        """All that must not change when nothing is asked to change."""
        # of two that called each other at once charon takes one away after 10 s, or the agent after 30 s at most
        self.wait_until(lambda: len(names := [sa["name"] for sa in self.sas()]) == len(set(names)), 60, "one IKE_SA with each peer")
        return {
            "sas": sorted((sa["name"], sa["id"], tuple((c["name"], c["id"], c.get("in"), c.get("out")) for c in sa["children"]))
                          for sa in self.sas()),
            "links": sorted((link["ifname"], link["ifindex"], link.get("ifalias", ""), "UP" in link["flags"])
                            for link in self.links()),
            "routes": sorted(str(route) for route in self.routes(vrf)),
            "main routes": sorted(str(route) for route in self.routes()),
            "rules": self.out("ip rule").splitlines(),
            "addresses": sorted(re.sub(r"\s+", " ", line) for line in self.out("ip -o -4 addr show").splitlines()),
            "ospf config": self.vtysh("show running-config").splitlines(),
            "neighbors": self.neighbors(vrf),
            "conns": sorted(self.out("swanctl --list-conns").splitlines()),
        }

    def ages(self, vrf="corp"):
        """Seconds since each adjacency and each OSPF route of the VRF last changed."""
        ages = {}
        for path, value in walk(self.frr_json("ospfd", f"show ip ospf vrf {vrf} neighbor detail")):
            if re.search(r"PrgrsvChangeMsecs?$", path[-1]):
                ages["adjacency " + " ".join(path[:-1])] = int(value) / 1000
        for prefix, entries in self.frr_json("zebra", f"show ip route vrf {vrf}").items():
            for entry in entries:
                if entry.get("protocol") == "ospf" and entry.get("selected"):
                    ages[f"route {prefix}"] = seconds(entry["uptime"])
        return ages


def walk(value, path=()):
    """Every leaf of a JSON value with the path to it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from walk(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from walk(inner, (*path, str(index)))
    else:
        yield path, value


def seconds(uptime):
    """FRR's 00:01:02, 1d02h03m."""
    if ":" in uptime:
        hours, minutes, rest = uptime.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + int(rest)
    return sum(int(number) * {"w": 604800, "d": 86400, "h": 3600, "m": 60}[unit]
               for number, unit in re.findall(r"(\d+)([wdhm])", uptime))
