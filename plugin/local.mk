# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# charon's plugin. Compiled with charon's config.h, never ours, so its flags
# are its own; libppvpn-base.la is all of lib/ that it may use.

plugin_cppflags = -D_GNU_SOURCE $(STRONGSWAN_CPPFLAGS) \
	-iquote $(top_srcdir)/plugin -iquote $(top_srcdir)/lib
plugin_cflags = $(PPVPN_CFLAGS) $(JSON_CFLAGS) $(STRONGSWAN_CFLAGS)

noinst_LTLIBRARIES += libppvpn-plugin.la
libppvpn_plugin_la_SOURCES = \
	plugin/ppvpn_apply.c plugin/ppvpn_apply.h \
	plugin/ppvpn_backend.c plugin/ppvpn_backend.h \
	plugin/ppvpn_bucket.c plugin/ppvpn_bucket.h \
	plugin/ppvpn_change.c plugin/ppvpn_change.h \
	plugin/ppvpn_client.c plugin/ppvpn_client.h \
	plugin/ppvpn_compat.h \
	plugin/ppvpn_conn.c plugin/ppvpn_conn.h \
	plugin/ppvpn_counters.h \
	plugin/ppvpn_cred.c plugin/ppvpn_cred.h \
	plugin/ppvpn_cred_decode.c plugin/ppvpn_cred_decode.h \
	plugin/ppvpn_cred_index.c plugin/ppvpn_cred_index.h \
	plugin/ppvpn_creds.c plugin/ppvpn_creds.h \
	plugin/ppvpn_decode.c plugin/ppvpn_decode.h \
	plugin/ppvpn_events.c plugin/ppvpn_events.h \
	plugin/ppvpn_host.c plugin/ppvpn_host.h \
	plugin/ppvpn_initiator.c plugin/ppvpn_initiator.h \
	plugin/ppvpn_json.c plugin/ppvpn_json.h \
	plugin/ppvpn_listener.c plugin/ppvpn_listener.h \
	plugin/ppvpn_message.c plugin/ppvpn_message.h \
	plugin/ppvpn_peercred.c plugin/ppvpn_peercred.h \
	plugin/ppvpn_plugin.c plugin/ppvpn_plugin.h \
	plugin/ppvpn_protocol.c plugin/ppvpn_protocol.h \
	plugin/ppvpn_revocation.c plugin/ppvpn_revocation.h \
	plugin/ppvpn_sas.c plugin/ppvpn_sas.h \
	plugin/ppvpn_set.c plugin/ppvpn_set.h \
	plugin/ppvpn_socket.c plugin/ppvpn_socket.h \
	plugin/ppvpn_table.c plugin/ppvpn_table.h \
	plugin/ppvpn_unknown.c plugin/ppvpn_unknown.h
libppvpn_plugin_la_CPPFLAGS = $(plugin_cppflags)
libppvpn_plugin_la_CFLAGS = $(plugin_cflags) -fvisibility=hidden
libppvpn_plugin_la_LIBADD = libppvpn-base.la $(JSON_LIBS)

plugindir = $(PLUGINDIR)
plugin_LTLIBRARIES = libstrongswan-ppvpn.la
libstrongswan_ppvpn_la_SOURCES =
libstrongswan_ppvpn_la_LIBADD = libppvpn-plugin.la
libstrongswan_ppvpn_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version \
	-export-symbols-regex '^ppvpn_plugin_(create|version)$$'

# as it lies in /etc/strongswan.d
strongswandir = $(STRONGSWAN_CONFDIR)
dist_strongswan_DATA = conf/strongswan/ppvpn.conf
strongswanplugindir = $(STRONGSWAN_CONFDIR)/charon
dist_strongswanplugin_DATA = conf/strongswan/charon/ppvpn.conf

EXTRA_DIST += plugin/get-strongswan-source

include testing/unit/plugin/local.mk

# make bench-plugin: what testing/bench-plugin needs, nothing is run
EXTRA_LTLIBRARIES += testing/bench-plugin-probe.la
testing_bench_plugin_probe_la_SOURCES = testing/bench-plugin-probe.c
testing_bench_plugin_probe_la_CPPFLAGS = $(plugin_cppflags)
testing_bench_plugin_probe_la_CFLAGS = $(plugin_cflags) -fvisibility=hidden
testing_bench_plugin_probe_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version \
	-rpath /nowhere
.PHONY: bench-plugin
bench-plugin: libstrongswan-ppvpn.la testing/bench-plugin-probe.la
EXTRA_DIST += testing/bench-plugin testing/plugin/client.py \
	testing/plugin/authority.py testing/plugin/certificates.py \
	testing/plugin/lsan.supp testing/plugin/two-charons
