# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# Unit tests of the agent's core: pure parts by themselves, the cycle on a fake
# router.

if HAVE_CHECK
agent_core_tests = \
	testing/unit/test_agent_metrics \
	testing/unit/test_alarm \
	testing/unit/test_alert \
	testing/unit/test_cycle \
	testing/unit/test_desired \
	testing/unit/test_diag \
	testing/unit/test_ike \
	testing/unit/test_lifetime \
	testing/unit/test_locate \
	testing/unit/test_peer \
	testing/unit/test_plan \
	testing/unit/test_failover \
	testing/unit/test_firewall \
	testing/unit/test_fit \
	testing/unit/test_provider \
	testing/unit/test_safe_change \
	testing/unit/test_trouble \
	testing/unit/test_tunnel
check_PROGRAMS += $(agent_core_tests)
TESTS += $(agent_core_tests)

testing_unit_test_agent_metrics_SOURCES = testing/unit/test_agent_metrics.c
testing_unit_test_agent_metrics_LDADD = libppvpn-agent-core.la $(CHECK_LIBS)
testing_unit_test_alarm_SOURCES = testing/unit/test_alarm.c
testing_unit_test_alarm_LDADD = libppvpn-agent-core.la $(CHECK_LIBS)
testing_unit_test_peer_SOURCES = testing/unit/test_peer.c
testing_unit_test_peer_LDADD = libppvpn-agent-core.la $(CHECK_LIBS)
testing_unit_test_plan_SOURCES = testing/unit/test_plan.c \
	testing/unit/fake_backend.c testing/unit/fake_backend.h
testing_unit_test_plan_LDADD = libppvpn-agent-core.la $(CHECK_LIBS)
testing_unit_test_desired_SOURCES = testing/unit/test_desired.c
testing_unit_test_desired_LDADD = libppvpn-agent-core.la $(CHECK_LIBS)

testing_unit_test_lifetime_SOURCES = testing/unit/test_lifetime.c
testing_unit_test_lifetime_LDADD = agent/lifetime.lo $(CHECK_LIBS)
testing_unit_test_locate_SOURCES = testing/unit/test_locate.c
testing_unit_test_locate_LDADD = agent/locate.lo libppvpn-base.la $(CHECK_LIBS)

testing_unit_test_diag_SOURCES = testing/unit/test_diag.c
testing_unit_test_diag_LDADD = libppvpn-agent-core.la $(CHECK_LIBS)

# What these replace (the loop, fetching, the disk) comes before the archive.
testing_unit_test_cycle_SOURCES = testing/unit/test_cycle.c \
	testing/unit/fake_backend.c testing/unit/fake_backend.h
testing_unit_test_cycle_LDADD = libppvpn-agent.la $(CHECK_LIBS)
testing_unit_test_provider_SOURCES = testing/unit/test_provider.c \
	testing/unit/provider_kit.c testing/unit/provider_kit.h
testing_unit_test_provider_LDADD = libppvpn-agent.la $(CHECK_LIBS)
testing_unit_test_safe_change_SOURCES = testing/unit/test_safe_change.c \
	testing/unit/fake_loop.c testing/unit/fake_loop.h \
	testing/unit/provider_kit.c testing/unit/provider_kit.h
testing_unit_test_safe_change_LDADD = libppvpn-agent.la $(CHECK_LIBS)
testing_unit_test_trouble_SOURCES = testing/unit/test_trouble.c
testing_unit_test_trouble_LDADD = agent/trouble.lo $(CHECK_LIBS)
testing_unit_test_failover_SOURCES = testing/unit/test_failover.c
testing_unit_test_failover_LDADD = agent/failover.lo $(CHECK_LIBS)
testing_unit_test_firewall_SOURCES = testing/unit/test_firewall.c
testing_unit_test_firewall_LDADD = agent/firewall.lo agent/facts.lo \
	libppvpn-seal.la libppvpn.la $(CHECK_LIBS)
testing_unit_test_fit_SOURCES = testing/unit/test_fit.c agent/fit.c \
	testing/unit/fake_loop.c testing/unit/fake_loop.h
testing_unit_test_fit_LDADD = libppvpn-agent.la $(CHECK_LIBS)
testing_unit_test_ike_SOURCES = testing/unit/test_ike.c agent/ike.c \
	agent/ends.c testing/unit/fake_loop.c testing/unit/fake_loop.h \
	testing/unit/tls_kit.c testing/unit/tls_kit.h
testing_unit_test_ike_LDADD = libppvpn-agent.la $(GNUTLS_LIBS) $(CHECK_LIBS)
testing_unit_test_alert_SOURCES = testing/unit/test_alert.c agent/alert.c \
	testing/unit/fake_loop.c testing/unit/fake_loop.h
testing_unit_test_alert_LDADD = libppvpn-agent.la $(CHECK_LIBS)
testing_unit_test_tunnel_SOURCES = testing/unit/test_tunnel.c \
	testing/unit/fake_loop.c testing/unit/fake_loop.h
testing_unit_test_tunnel_LDADD = libppvpn-agent.la $(CHECK_LIBS)
endif
