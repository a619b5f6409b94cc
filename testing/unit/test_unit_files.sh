#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) The ppvpn authors
#
# What a program's code and its systemd unit say of each other.
set -eu
top=${srcdir:-.}
status=$(sed -n 's/^#define EXIT_REFUSED \([0-9]*\)$/\1/p' "$top/agent/agent.c")
[ -n "$status" ] || { echo "agent/agent.c has no EXIT_REFUSED"; exit 1; }
grep -qx "RestartPreventExitStatus=$status" "$top/agent/ppvpn-agent.service.in" ||
    { echo "ppvpn-agent.service would start an agent again that refused to start (exit status $status)"; exit 1; }
grep -q "^$status when" "$top/agent/ppvpn-agent.8" ||
    { echo "ppvpn-agent(8) does not tell of exit status $status"; exit 1; }
for unit in agent/ppvpn-agent.service.in server/ppvpn-server.service.in; do
    grep -qx 'LimitCORE=0' "$top/$unit" || { echo "$unit: a core dump would hold keys"; exit 1; }
done
