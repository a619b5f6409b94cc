#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# Makes ./configure in a git checkout.

set -e

cd "$(dirname "$0")"
if ! command -v autoreconf >/dev/null || ! command -v libtoolize >/dev/null ||
	! command -v pkg-config >/dev/null
then
	echo "autogen.sh: apt install autoconf automake libtool pkg-config" >&2
	exit 1
fi
exec autoreconf --install --force --warnings=all,no-portability "$@"
