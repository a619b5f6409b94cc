# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# testing/lab shell: sites in service and a shell with "on NODE COMMAND" in it.
import os
import subprocess
import sys
from pathlib import Path

from kit.lab import Lab

RC = Path("/lab/node/shellrc")


def main(words):
    bare = "--bare" in words
    sites = [word for word in words if word != "--bare"] or ["paris", "lyon", "nice"]
    lab = Lab("shell")
    if bare:
        for site in sites:
            ce = lab.add_ce(site)
            ce.start_charon()
            ce.start_frr()
    else:
        print("Bringing", ", ".join(sites), "into service ...", flush=True)
        lab.provision(sites, timers="")
        lab.wait_in_service(timeout=180)
    cases = "\n".join(f"    {name}) nsenter --target={node.holder.pid} --net --mount --uts -- \"$@\" ;;"
                      for name, node in lab.nodes.items())
    RC.write_text(f"""PS1='lab# '
on() {{ local node=$1; shift; case $node in
{cases}
    *) echo "no node $node; there are: {' '.join(lab.nodes)}" ;; esac; }}
admin() {{ on server ppvpn-admin "$@"; }}
""", encoding="utf-8")
    print(f"""
Nodes: {' '.join(lab.nodes)}
  on paris ppvpnctl status            on paris swanctl --list-sas
  on lyon vtysh                       on host-paris ping {lab.hosts[sites[-1]].address}
  admin status                        logs: /lab/node/NODE/log
Leave with exit or Ctrl-D.""", flush=True)
    subprocess.run(["bash", "--rcfile", str(RC), "-i"], env={**os.environ, "TERM": os.environ.get("TERM", "linux")}, check=False)
    lab.close()


main(sys.argv[1:])
