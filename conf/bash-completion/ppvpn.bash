# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# bash completion of ppvpn-admin, ppvpn-agent, ppvpn-server and ppvpnctl. It asks
# the program's own --help, so that it knows what the program knows.

# The commands of program $1, one a line: "site add", "vpn authority show"
_ppvpn_commands()
{
	"$1" --help 2>/dev/null | sed -n \
		'/^Commands:/,/^$/s/^  \([a-z][a-z-]*\( [a-z][a-z-]*\)\{0,2\}\).*/\1/p'
}

# What follows these words in the commands of program $1
_ppvpn_next_words()
{
	local program=$1 words line
	shift
	words="$* "
	_ppvpn_commands "$program" | while read -r line; do
		[[ $line != "$words"* ]] || echo "${line#"$words"}"
	done | cut -d' ' -f1 | uniq
}

# The options in the help of a command line, as they stand: "--config FILE"
_ppvpn_options()
{
	"$@" --help 2>/dev/null |
		sed -n 's/^  \(-h, \)\{0,1\}\(--[a-z-]*\( [A-Z|]*\)\{0,1\}\).*/\2/p'
}

_ppvpn()
{
	local program=${COMP_WORDS[0]} cur=${COMP_WORDS[COMP_CWORD]}
	local prev=${COMP_WORDS[COMP_CWORD - 1]}
	local -a words=()
	local i choices=

	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD && ${#words[@]} < 3; i++)); do
		[[ ${COMP_WORDS[i]} == -* ]] || words+=("${COMP_WORDS[i]}")
	done

	[[ $prev == --* ]] || prev=--
	case $(_ppvpn_options "$program" "${words[@]}" |
		sed -n "s/^$prev //p") in
	*FILE* | *PATH* | *SOCKET*)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	*DIR*)
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		return
		;;
	?*) return ;;
	esac

	if [[ $cur == -* ]]; then
		choices=$(_ppvpn_options "$program" "${words[@]}" | cut -d' ' -f1)
	elif [[ ${#words[@]} -eq 0 ]]; then
		choices=$(_ppvpn_commands "$program" | cut -d' ' -f1 | uniq)
	else
		choices=$(_ppvpn_next_words "$program" "${words[@]}")
	fi
	mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$cur")
}

complete -F _ppvpn ppvpn-admin ppvpn-agent ppvpn-server ppvpnctl
