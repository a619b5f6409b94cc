# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# make bench-server: what testing/bench-server needs, nothing is run. Included
# by server/local.mk.

EXTRA_PROGRAMS += testing/bench-server-ces testing/bench-server-fill
testing_bench_server_ces_SOURCES = testing/bench-server-ces.c
testing_bench_server_ces_LDADD = libppvpn.la $(GNUTLS_LIBS)
testing_bench_server_fill_SOURCES = testing/bench-server-fill.c
testing_bench_server_fill_LDADD = libppvpn-store.la libppvpn-ca.la \
	libppvpn-seal.la libppvpn.la $(GNUTLS_LIBS)

.PHONY: bench-server
bench-server: ppvpn-server testing/bench-server-ces testing/bench-server-fill
CLEANFILES += testing/bench-server-ces testing/bench-server-fill
EXTRA_DIST += testing/bench-server testing/bench-server.mk
