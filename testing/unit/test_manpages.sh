#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# Man pages against programs: every command and option that --help tells of is
# in the program's page, every key of a sample configuration in the file's page,
# and mandoc has nothing to complain about. Prints TAP. Skipped without mandoc.

set -u

top=${srcdir:-.}
if ! command -v mandoc >/dev/null; then
	echo "1..0 # SKIP no mandoc"
	exit 77
fi
text=$(mktemp) || exit 99
trap 'rm -f "$text" "$text.words"' EXIT
count=0
failed=0

# ok NAME TEXT: passes if there is no text
ok()
{
	count=$((count + 1))
	if [ -z "$2" ]; then
		echo "ok $count - $1"
		return
	fi
	failed=$((failed + 1))
	echo "not ok $count - $1"
	echo "$2" | sed 's/^/# /'
}

# the built file, or the one that came with the source
find_file()
{
	for place in . "$top"; do
		for dir in . agent server plugin conf lib; do
			if [ -f "$place/$dir/$1" ]; then
				echo "$place/$dir/$1"
				return
			fi
		done
	done
}

# page $1 as one long line in $text; a line that was broken after a hyphen is
# whole again
render()
{
	mandoc -T ascii -O width=200 "$1" | sed 's/.\x08//g; s/^ *//' |
		awk '{ printf "%s%s", $0, /[a-z]-$/ ? "" : " " }' |
		tr -s ' ' >"$text"
}

# has WORDS: they stand in $text, and are no part of something longer
has()
{
	grep -qE -- "(^|[^a-z0-9-])$1([^a-z0-9-]|\$)" "$text"
}

commands_of()
{
	"$1" --help | sed -n \
		'/^Commands:/,/^$/s/^  \([a-z][a-z-]*\( [a-z][a-z-]*\)\{0,1\}\).*/\1/p'
}

# "command: option", for all commands of program $1 and the program itself
options_of()
{
	"$1" --help | sed -n 's/^  \(--[a-z-]*\).*/: \1/p'
	commands_of "$1" | while read -r words; do
		# shellcheck disable=SC2086 # one or two words
		"$1" $words --help |
			sed -n "/^Options:/,/^\$/s/^  \(--[a-z-]*\).*/$words: \1/p"
	done
}

check_program()
{
	program=$(find_file "$1")
	[ -n "$program" ] || return
	page=$(find_file "$2")
	if [ -z "$page" ]; then
		ok "$1 has a man page" "no $2"
		return
	fi
	render "$page"
	ok "$2 has every command of $1" "$(commands_of "$program" |
		while read -r words; do
			has "$words" || echo "missing: $words"
		done)"
	ok "$2 has every option of $1" "$(options_of "$program" |
		while IFS=: read -r words option; do
			has "${option# }" || echo "missing: $words$option"
		done)"
}

# each "key = value" of the sample, commented out or not, is in the page
check_sample()
{
	sample=$(find_file "$1")
	[ -n "$sample" ] || return
	page=$(find_file "$2")
	if [ -z "$page" ]; then
		ok "$1 has a man page" "no $2"
		return
	fi
	render "$page"
	ok "$2 has every key of $1" "$(
		sed -n 's/^#\{0,1\} *\([a-z][a-z-]*\) *=.*/\1/p' "$sample" |
			sort -u | while read -r key; do
			has "$key" || echo "missing: $key"
		done)"
}

check_program ppvpn-agent ppvpn-agent.8
check_program ppvpnctl ppvpnctl.8
check_program ppvpn-server ppvpn-server.8
check_program ppvpn-admin ppvpn-admin.8
check_sample agent.conf agent.conf.5
check_sample server.conf server.conf.5

for page in ppvpn-agent.8 ppvpnctl.8 agent.conf.5 ppvpn-server.8 ppvpn-admin.8 \
	server.conf.5; do
	file=$(find_file "$page")
	[ -z "$file" ] ||
		ok "mandoc finds nothing wrong in $page" \
			"$(mandoc -T lint -W warning "$file" 2>&1)"
done

echo "1..$count"
[ "$failed" = 0 ]
