#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# The architecture's two rules that grep can see: an outside library's header
# is included by its owner only, and a file whose opening comment says "Pure"
# neither includes effects nor calls them.

set -u

# header (as it begins, or whole) and the files that may include it
owners='
	json-c/			lib/json_in.c plugin/ppvpn_json.[ch] plugin/*protocol*.c
	event2/			agent/loop.c
	curl/			agent/fetch.c server/admin_client.c server/outlet.c
	netlink/		agent/nl.c agent/nl_*.[ch]
	linux/			agent/nl.c agent/nl_*.[ch] agent/nft.c
	microhttpd.h	server/http.c
	sqlite3.h		server/db_sqlite.c
	libpq-fe.h		server/db_postgres.c
	sodium.h		lib/seal.c
	yaml.h			server/admin_yaml.c
	gnutls/			agent/certificate.c agent/identity.c agent/fetch.c server/ca.c server/ca_ike.c server/ca_impl.h server/etag.c server/http_tls.c
	nftables/		agent/nft.c
	systemd/		-
	openssl/		-
	ini.h			-
'

# what pure code does not include; its own headers: those that say "Effects"
effect_headers='unistd.h fcntl.h time.h sys/time.h sys/stat.h sys/wait.h
	sys/ioctl.h sys/un.h poll.h sys/epoll.h signal.h spawn.h dirent.h
	syslog.h threads.h netdb.h ifaddrs.h glob.h'

# headers of effects whose types pure code needs; that it calls none of their
# functions is shown by what its test links
type_headers='conf.h'

# what pure code does not call
effect_calls='log_(line|err|error|warn|info|debug) time clock_gettime
	gettimeofday nanosleep sleep open openat creat read write close unlink
	rename mkdir socket connect send recv sendmsg recvmsg ioctl fopen fread
	fgets printf fprintf vprintf puts fputs perror getenv setenv getpid if_nametoindex if_indextoname fork
	system popen posix_spawn(p)? rand random getrandom'

code='s{/\*.*?\*/}{ }gs; s{"(?:\\.|[^"\\\n])*"}{""}g; s{//[^\n]*}{}g'

# the sources below the present directory
sources()
{
	for dir in lib plugin agent server
	do
		[ -d "$dir" ] && find "$dir" -name '*.[ch]' -print
	done | LC_ALL=C sort
}

# opening comments of $1, up to the first line of code
opening()
{
	sed -n '/^#/q; p' "$1"
}

# may file $1 include what belongs to the files $2...?
is_owner()
{
	file=$1
	shift
	for pattern
	do
		# shellcheck disable=SC2254 # it is a pattern
		case $file in
			$pattern) return 0 ;;
		esac
	done
	return 1
}

check_owners()
{
	set -f
	echo "$owners" | while read -r header files
	do
		[ -n "$header" ] || continue
		sources | xargs -r grep -lE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]$header" |
		while read -r file
		do
			# shellcheck disable=SC2086 # several files
			is_owner "$file" $files ||
				echo "$file: includes $header, which belongs to $files"
		done
	done
}

# names of our headers that say "Effects" in their opening comment
own_effects()
{
	sources | grep '\.h$' | while read -r file
	do
		! opening "$file" | grep -qE '^ \* Effects' || basename "$file"
	done | grep -vxF "$type_headers"
}

check_pure()
{
	# shellcheck disable=SC2046,SC2086 # words, joined by single spaces
	headers=$(echo $effect_headers $(own_effects) | sed 's/\./\\./g; s/ /|/g')
	# shellcheck disable=SC2086
	calls=$(echo $effect_calls | sed 's/ /|/g')
	sources | while read -r file
	do
		opening "$file" | grep -qE '^ \* Pure' || continue
		grep -E "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($headers)[>\"]" "$file" |
			sed "s|^|$file: is pure, but: |"
		perl -0pe "$code" "$file" |
			grep -nE "(^|[^[:alnum:]_.>])($calls)[[:space:]]*\(" |
			grep -vE '__attribute__' |
			sed "s|^|$file: is pure, but line |"
	done
}

check_tree()
{
	(cd "$1" && check_owners && check_pure)
}

# Does the check see a violation? Each is planted alone in a tree of its own.
plant()
{
	rm -rf "$tmp"
	mkdir -p "$tmp/lib" "$tmp/agent" "$tmp/server" "$tmp/plugin"
	printf '/*\n * log.h - x\n *\n * Effects: y\n */\nvoid f(void);\n#define X\n' \
		>"$tmp/lib/log.h"
	printf '/*\n * p.c - x\n *\n * Pure. time(NULL) in a comment\n */\n%s\n%s\n' \
		'#include <string.h>' 'int a = runtime(x.read(1)) "open(1)";' \
		>"$tmp/lib/p.c"
	printf '#include <event2/event.h>\nint x = time(NULL);\n' \
		>"$tmp/agent/loop.c"
	[ $# -eq 0 ] || printf '%b' "$2" >>"$tmp/$1"
}

self_test()
{
	plant
	[ -z "$(check_tree "$tmp")" ] || { echo "false alarm"; check_tree "$tmp"; }
	while IFS='	' read -r file text
	do
		[ -n "$file" ] || continue
		plant "$file" "$text"
		[ -n "$(check_tree "$tmp")" ] || echo "planted, not seen: $file: $text"
	done <<'END'
agent/plan.c	#include <event2/event.h>\n
server/store.c	  #  include   <sqlite3.h>\n
lib/model.c	#include <json-c/json.h>\n
plugin/ppvpn_set.c	#include <json-c/json.h>\n
agent/report.c	#include <gnutls/gnutls.h>\n
server/ca.c	#include <openssl/ssl.h>\n
lib/p.c	#include "log.h"\n
lib/p.c	#include <unistd.h>\n
lib/p.c	void g(void)\n{\n\tlog_info("a", "b");\n}\n
lib/p.c	int t = time(NULL);\n
lib/p.c	int t = (int)read (0, b, 1);\n
END
}

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
found=$(self_test)
[ -n "$found" ] || found=$(check_tree "${top_srcdir:-$(dirname "$0")/../..}")
[ -z "$found" ] || { echo "$found"; exit 1; }
