# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors

# Pure: what is wanted, what differs, what follows. No fd, clock or log.
noinst_LTLIBRARIES += libppvpn-agent-core.la
libppvpn_agent_core_la_SOURCES = \
	agent/alarm.c agent/alarm.h \
	agent/backend.h \
	agent/conn_json.c \
	agent/desired.c agent/desired.h \
	agent/facts.c agent/facts.h \
	agent/peer.c agent/peer.h \
	agent/plan.c agent/plan.h \
	agent/resource.c agent/resource.h
libppvpn_agent_core_la_LIBADD = libppvpn.la libppvpn-seal.la

# Effects: one owner for each outside library.
noinst_LTLIBRARIES += libppvpn-agent.la
libppvpn_agent_la_SOURCES = \
	agent/agent.c agent/agent.h \
	agent/alert.c agent/alert.h \
	agent/charon.c agent/charon.h \
	agent/conf.c agent/conf.h \
	agent/control.c agent/control.h \
	agent/cycle.c agent/cycle.h \
	agent/fetch.c agent/fetch.h \
	agent/frr.c agent/frr.h \
	agent/frr_text.c agent/frr_text.h \
	agent/identity.c agent/identity.h \
	agent/lastconf.c agent/lastconf.h \
	agent/loop.c agent/loop.h \
	agent/nl.c agent/nl.h \
	agent/notify.c agent/notify.h \
	agent/provider.c agent/provider.h \
	agent/report.c agent/report.h \
	agent/serve.c agent/serve.h \
	agent/tunnel.c agent/tunnel.h \
	agent/vici.c agent/vici.h \
	agent/vici_msg.c agent/vici_msg.h
libppvpn_agent_la_LIBADD = libppvpn-agent-core.la $(EVENT_LIBS) \
	$(CURL_LIBS) $(NL_LIBS) $(GNUTLS_LIBS)
