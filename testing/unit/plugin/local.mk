# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# Tests of plugin/, inside Debian's libcharon. No root, no kernel, no network.

plugin_tests = \
	testing/unit/plugin/test_backend \
	testing/unit/plugin/test_cred \
	testing/unit/plugin/test_cred_requests \
	testing/unit/plugin/test_creds \
	testing/unit/plugin/test_host \
	testing/unit/plugin/test_initiator \
	testing/unit/plugin/test_listener \
	testing/unit/plugin/test_protocol \
	testing/unit/plugin/test_socket \
	testing/unit/plugin/test_table \
	testing/unit/plugin/test_unknown

# Debian's strongSwan must be installed, not only its source be there
if HAVE_CHECK
if HAVE_LIBCHARON
check_PROGRAMS += $(plugin_tests)
TESTS += $(plugin_tests)
endif
endif

check_LTLIBRARIES += libtest-plugin.la
libtest_plugin_la_SOURCES = testing/unit/plugin/harness.c \
	testing/unit/plugin/harness.h testing/unit/plugin/pki.c \
	testing/unit/plugin/pki.h
libtest_plugin_la_CPPFLAGS = $(plugin_cppflags)
libtest_plugin_la_CFLAGS = $(plugin_cflags) $(CHECK_CFLAGS)

plugin_test_cppflags = $(plugin_cppflags)
plugin_test_cflags = $(plugin_cflags) $(CHECK_CFLAGS)
plugin_test_ldflags = $(AM_LDFLAGS) -rdynamic
plugin_test_ldadd = libtest-plugin.la libppvpn-plugin.la $(STRONGSWAN_LIBS) \
	$(CHECK_LIBS)

testing_unit_plugin_test_backend_SOURCES = testing/unit/plugin/test_backend.c
testing_unit_plugin_test_backend_CPPFLAGS = $(plugin_test_cppflags)
testing_unit_plugin_test_backend_CFLAGS = $(plugin_test_cflags)
testing_unit_plugin_test_backend_LDFLAGS = $(plugin_test_ldflags)
testing_unit_plugin_test_backend_LDADD = $(plugin_test_ldadd)
testing_unit_plugin_test_cred_SOURCES = testing/unit/plugin/test_cred.c \
	testing/unit/plugin/fake_sa.h
testing_unit_plugin_test_cred_CPPFLAGS = $(plugin_test_cppflags)
testing_unit_plugin_test_cred_CFLAGS = $(plugin_test_cflags)
testing_unit_plugin_test_cred_LDFLAGS = $(plugin_test_ldflags)
testing_unit_plugin_test_cred_LDADD = $(plugin_test_ldadd)
testing_unit_plugin_test_cred_requests_SOURCES = \
	testing/unit/plugin/test_cred_requests.c testing/unit/in_memory.h
testing_unit_plugin_test_cred_requests_CPPFLAGS = $(plugin_test_cppflags)
testing_unit_plugin_test_cred_requests_CFLAGS = $(plugin_test_cflags)
testing_unit_plugin_test_cred_requests_LDFLAGS = $(plugin_test_ldflags)
testing_unit_plugin_test_cred_requests_LDADD = $(plugin_test_ldadd)
testing_unit_plugin_test_creds_SOURCES = testing/unit/plugin/test_creds.c
testing_unit_plugin_test_creds_CPPFLAGS = $(plugin_test_cppflags)
testing_unit_plugin_test_creds_CFLAGS = $(plugin_test_cflags)
testing_unit_plugin_test_creds_LDFLAGS = $(plugin_test_ldflags)
testing_unit_plugin_test_creds_LDADD = $(plugin_test_ldadd)
testing_unit_plugin_test_host_SOURCES = testing/unit/plugin/test_host.c
testing_unit_plugin_test_host_CPPFLAGS = $(plugin_test_cppflags)
testing_unit_plugin_test_host_CFLAGS = $(plugin_test_cflags)
testing_unit_plugin_test_host_LDFLAGS = $(plugin_test_ldflags)
testing_unit_plugin_test_host_LDADD = $(plugin_test_ldadd)
testing_unit_plugin_test_initiator_SOURCES = testing/unit/plugin/test_initiator.c \
	testing/unit/plugin/fake_sa.h
testing_unit_plugin_test_initiator_CPPFLAGS = $(plugin_test_cppflags)
testing_unit_plugin_test_initiator_CFLAGS = $(plugin_test_cflags)
testing_unit_plugin_test_initiator_LDFLAGS = $(plugin_test_ldflags)
testing_unit_plugin_test_initiator_LDADD = $(plugin_test_ldadd)
testing_unit_plugin_test_listener_SOURCES = testing/unit/plugin/test_listener.c \
	testing/unit/plugin/fake_sa.h
testing_unit_plugin_test_listener_CPPFLAGS = $(plugin_test_cppflags)
testing_unit_plugin_test_listener_CFLAGS = $(plugin_test_cflags)
testing_unit_plugin_test_listener_LDFLAGS = $(plugin_test_ldflags)
testing_unit_plugin_test_listener_LDADD = $(plugin_test_ldadd)
testing_unit_plugin_test_protocol_SOURCES = \
	testing/unit/plugin/test_protocol.c testing/unit/in_memory.h
testing_unit_plugin_test_protocol_CPPFLAGS = $(plugin_test_cppflags)
testing_unit_plugin_test_protocol_CFLAGS = $(plugin_test_cflags)
testing_unit_plugin_test_protocol_LDFLAGS = $(plugin_test_ldflags)
testing_unit_plugin_test_protocol_LDADD = $(plugin_test_ldadd)
testing_unit_plugin_test_socket_SOURCES = testing/unit/plugin/test_socket.c
testing_unit_plugin_test_socket_CPPFLAGS = $(plugin_test_cppflags)
testing_unit_plugin_test_socket_CFLAGS = $(plugin_test_cflags)
testing_unit_plugin_test_socket_LDFLAGS = $(plugin_test_ldflags)
testing_unit_plugin_test_socket_LDADD = $(plugin_test_ldadd)
testing_unit_plugin_test_table_SOURCES = testing/unit/plugin/test_table.c
testing_unit_plugin_test_table_CPPFLAGS = $(plugin_test_cppflags)
testing_unit_plugin_test_table_CFLAGS = $(plugin_test_cflags)
testing_unit_plugin_test_table_LDFLAGS = $(plugin_test_ldflags)
testing_unit_plugin_test_table_LDADD = $(plugin_test_ldadd)
testing_unit_plugin_test_unknown_SOURCES = testing/unit/plugin/test_unknown.c
testing_unit_plugin_test_unknown_CPPFLAGS = $(plugin_test_cppflags)
testing_unit_plugin_test_unknown_CFLAGS = $(plugin_test_cflags)
testing_unit_plugin_test_unknown_LDFLAGS = $(plugin_test_ldflags)
testing_unit_plugin_test_unknown_LDADD = $(plugin_test_ldadd)
