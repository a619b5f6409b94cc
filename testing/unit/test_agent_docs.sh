#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# What operators match by word: every event of the agent and every series of its
# metrics is in the document about it, and the documents name no other.

set -u

top=${srcdir:-.}
failed=0

# same WHAT CODE DOCUMENT: two lists of words
same()
{
	left=$(printf '%s\n' "$2" | sort)
	right=$(printf '%s\n' "$3" | sort)
	if [ -z "$left" ] || [ "$left" != "$right" ]; then
		echo "$1 differ: code"
		echo "$left"
		echo "document"
		echo "$right"
		failed=1
	fi
}

same events "$(sed -n 's/^\tX([A-Z_]*, "\([a-z-]*\)",.*/\1/p' \
	"$top/agent/event_codes.h")" \
	"$(sed -n 's/^| `\([a-z-]*\)` |.*/\1/p' "$top/doc/events.md")"
same series "$(grep -o '"ppvpn_agent_[a-z_]*"' "$top/agent/metrics.c" |
	tr -d '"' | sort -u)" \
	"$(grep -o '`ppvpn_agent_[a-z_]*`' "$top/doc/agent-metrics.md" | tr -d '`' |
	sort -u)"
exit $failed
