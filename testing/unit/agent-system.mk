# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# Tests of the agent's effects: configuration, HTTPS, enrolment, files, control
# socket, ppvpnctl. netlink-kernel is built here and run in the lab: it needs a
# kernel with VTI and VRF, and root.

check_PROGRAMS += testing/unit/netlink-kernel
testing_unit_netlink_kernel_SOURCES = testing/unit/netlink-kernel.c
testing_unit_netlink_kernel_LDADD = libppvpn-agent.la

if HAVE_CHECK
agent_system_tests = \
	testing/unit/test_conf \
	testing/unit/test_control \
	testing/unit/test_ctl \
	testing/unit/test_daytime \
	testing/unit/test_fetch \
	testing/unit/test_hold \
	testing/unit/test_identity \
	testing/unit/test_lastconf \
	testing/unit/test_trim
check_PROGRAMS += $(agent_system_tests)
TESTS += $(agent_system_tests)

testing_unit_test_conf_SOURCES = testing/unit/test_conf.c
testing_unit_test_conf_LDADD = libppvpn-agent.la $(CHECK_LIBS)
testing_unit_test_control_SOURCES = testing/unit/test_control.c \
	agent/ctl_answer.c agent/ctl_ask.c
testing_unit_test_control_LDADD = libppvpn-agent.la $(CHECK_LIBS) -lpthread
testing_unit_test_ctl_SOURCES = testing/unit/test_ctl.c \
	agent/ctl_answer.c agent/ctl_print.c agent/ctl_status.c agent/ctl_text.c
testing_unit_test_ctl_LDADD = libppvpn.la $(CHECK_LIBS)
testing_unit_test_daytime_SOURCES = testing/unit/test_daytime.c \
	testing/unit/tls_kit.c testing/unit/tls_kit.h
testing_unit_test_daytime_LDADD = libppvpn-agent.la $(GNUTLS_LIBS) \
	$(CHECK_LIBS)
testing_unit_test_fetch_SOURCES = testing/unit/test_fetch.c \
	testing/unit/tls_kit.c testing/unit/tls_kit.h
testing_unit_test_fetch_LDADD = libppvpn-agent.la $(GNUTLS_LIBS) $(CHECK_LIBS)
testing_unit_test_hold_SOURCES = testing/unit/test_hold.c
testing_unit_test_hold_LDADD = libppvpn-agent.la $(CHECK_LIBS)
testing_unit_test_identity_SOURCES = testing/unit/test_identity.c \
	testing/unit/tls_kit.c testing/unit/tls_kit.h
testing_unit_test_identity_LDADD = libppvpn-agent.la $(GNUTLS_LIBS) \
	$(CHECK_LIBS)
testing_unit_test_trim_SOURCES = testing/unit/test_trim.c
testing_unit_test_trim_LDADD = agent/trim.lo $(CHECK_LIBS)
testing_unit_test_lastconf_SOURCES = testing/unit/test_lastconf.c
testing_unit_test_lastconf_LDADD = libppvpn-agent.la $(CHECK_LIBS)
endif

# The whole agent in a box, killed at every system call that has an effect. What
# is fake comes before the archive.
check_PROGRAMS += testing/unit/boxed-agent
testing_unit_boxed_agent_SOURCES = testing/unit/boxed_agent.c \
	testing/unit/box_router.c testing/unit/box_router.h \
	testing/unit/fake_backend.c testing/unit/fake_backend.h \
	testing/unit/fake_loop.c testing/unit/fake_loop.h $(agent_wiring)
testing_unit_boxed_agent_LDADD = libppvpn-agent.la
TESTS += testing/unit/test_agent_kills.py testing/unit/test_agent_serve.py
EXTRA_DIST += testing/unit/test_agent_kills.py testing/unit/test_agent_serve.py
