# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors

# Pure: what is wanted, what differs, what follows. No fd, clock or log.
noinst_LTLIBRARIES += libppvpn-agent-core.la
libppvpn_agent_core_la_SOURCES = \
	agent/alarm.c agent/alarm.h \
	agent/backend.h agent/charon.h agent/conf.h \
	agent/belief.c agent/belief.h \
	agent/cause.c agent/cause.h \
	agent/conn_json.c \
	agent/desired.c agent/desired.h \
	agent/diag.c agent/diag.h \
	agent/facts.c agent/facts.h \
	agent/failover.c agent/failover.h \
	agent/firewall.c agent/firewall.h \
	agent/frr_text.c agent/frr_text.h \
	agent/frr_vty.c agent/frr_vty.h \
	agent/lifetime.c agent/lifetime.h \
	agent/locate.c agent/locate.h \
	agent/json_walk.c agent/json_walk.h \
	agent/metrics.c agent/metrics.h \
	agent/peer.c agent/peer.h \
	agent/plan.c agent/plan.h \
	agent/policy.c agent/policy.h \
	agent/resource.c agent/resource.h \
	agent/trial.c agent/trial.h \
	agent/trouble.c agent/trouble.h \
	agent/turn.c agent/turn.h \
	agent/vici_msg.c agent/vici_msg.h \
	agent/vici_read.c agent/vici_read.h
libppvpn_agent_core_la_LIBADD = libppvpn.la libppvpn-seal.la

# The kernel, through libnl.
noinst_LTLIBRARIES += libppvpn-nl.la
libppvpn_nl_la_SOURCES = \
	agent/nl.c agent/nl.h agent/nl_local.h \
	agent/nl_address.c \
	agent/nl_fence.c \
	agent/nl_left.c \
	agent/nl_link.c \
	agent/nl_monitor.c \
	agent/nl_request.c agent/nl_request.h \
	agent/nl_route.c \
	agent/nl_rule.c \
	agent/nl_source.c \
	agent/nl_sa.c \
	agent/nl_xfrm.c \
	agent/nl_sysctl.c \
	agent/nl_table.c
libppvpn_nl_la_LIBADD = libppvpn-agent-core.la $(NL_LIBS)

# The other effects: one owner for each outside library.
noinst_LTLIBRARIES += libppvpn-agent.la
libppvpn_agent_la_SOURCES = \
	agent/certificate.c agent/certificate.h \
	agent/charon.c \
	agent/charon_msg.c agent/charon_msg.h \
	agent/conf.c \
	agent/control.c agent/control.h \
	agent/cycle.c agent/cycle.h \
	agent/daytime.c agent/daytime.h \
	agent/event.c agent/event.h agent/event_codes.h \
	agent/fetch.c agent/fetch.h \
	agent/frr.c agent/frr.h agent/frr_read.c \
	agent/hold.c agent/hold.h \
	agent/identity.c agent/identity.h \
	agent/ike_key.c agent/ike_key.h \
	agent/lastconf.c agent/lastconf.h \
	agent/loop.c agent/loop.h \
	agent/nft.c agent/nft.h \
	agent/provider.c agent/provider.h agent/provider_impl.h \
	agent/provider_schema.c agent/provider_send.c agent/provider_trial.c \
	agent/sacheck.c agent/sacheck.h \
	agent/stream.c agent/stream.h \
	agent/trim.c agent/trim.h \
	agent/tunnel.c agent/tunnel.h \
	agent/vici.c agent/vici.h \
	agent/vici_conn.c agent/vici_conn.h
libppvpn_agent_la_LIBADD = libppvpn-agent-core.la libppvpn-nl.la \
	$(EVENT_LIBS) $(CURL_LIBS) $(GNUTLS_LIBS) $(NFTABLES_LIBS)

sbin_PROGRAMS += ppvpn-agent
ppvpn_agent_SOURCES = agent/main.c $(agent_wiring)
agent_wiring = \
	agent/agent.c agent/agent.h \
	agent/neighbors.c agent/neighbors.h \
	agent/alert.c agent/alert.h \
	agent/depart.c agent/depart.h \
	agent/first.c agent/first.h \
	agent/ends.c agent/ends.h \
	agent/fit.c agent/fit.h \
	agent/ike.c agent/ike.h \
	agent/moved.c agent/moved.h \
	agent/negotiate.c agent/negotiate.h \
	agent/notify.c agent/notify.h \
	agent/renew.c agent/renew.h \
	agent/report.c agent/report.h \
	agent/screen.c agent/screen.h \
	agent/standing.c agent/standing.h \
	agent/serve.c agent/serve.h
ppvpn_agent_LDADD = libppvpn-agent.la

bin_PROGRAMS += ppvpnctl
ppvpnctl_SOURCES = \
	agent/ppvpnctl.c \
	agent/ctl_answer.c agent/ctl_answer.h \
	agent/ctl_ask.c agent/ctl_ask.h \
	agent/ctl_print.c agent/ctl_print.h \
	agent/ctl_status.c \
	agent/ctl_text.c agent/ctl_text.h
ppvpnctl_LDADD = libppvpn.la

include testing/unit/agent-core.mk
include testing/unit/agent-clients.mk
include testing/unit/agent-system.mk
include testing/unit/coverage.mk

# make bench-agent: what testing/bench agent needs, nothing is run
EXTRA_PROGRAMS += testing/bench-agent
testing_bench_agent_SOURCES = testing/bench-agent.c \
	testing/unit/fake_backend.c testing/unit/fake_backend.h
testing_bench_agent_LDADD = libppvpn-agent.la
.PHONY: bench-agent
bench-agent: testing/bench-agent
CLEANFILES += testing/bench-agent
