# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# Tests of ppvpn-server's listener, CA, notification, configuration, and of the
# whole daemon.

if HAVE_CHECK
daemon_tests = \
	testing/unit/test_ca \
	testing/unit/test_http \
	testing/unit/test_notify \
	testing/unit/test_pace \
	testing/unit/test_route \
	testing/unit/test_server_conf \
	testing/unit/test_server_parts
check_PROGRAMS += $(daemon_tests)
TESTS += $(daemon_tests)

testing_unit_test_ca_SOURCES = testing/unit/test_ca.c
testing_unit_test_ca_LDADD = libppvpn-ca.la libppvpn.la $(CHECK_LIBS)
testing_unit_test_http_SOURCES = testing/unit/test_http.c
testing_unit_test_http_LDADD = libppvpn-http.la libppvpn-ca.la libppvpn.la \
	$(CHECK_LIBS)
testing_unit_test_notify_SOURCES = testing/unit/test_notify.c server/notify.c
testing_unit_test_notify_LDADD = libppvpn.la $(CHECK_LIBS)
testing_unit_test_pace_SOURCES = testing/unit/test_pace.c
testing_unit_test_pace_LDADD = server/pace.lo $(CHECK_LIBS)
testing_unit_test_route_SOURCES = testing/unit/test_route.c
testing_unit_test_route_LDADD = libppvpn-http.la libppvpn.la $(CHECK_LIBS)
testing_unit_test_server_conf_SOURCES = testing/unit/test_server_conf.c \
	server/conf.c
testing_unit_test_server_conf_LDADD = libppvpn.la $(CHECK_LIBS)
testing_unit_test_server_parts_SOURCES = testing/unit/test_server_parts.c \
	server/etag.c server/limiter.c
testing_unit_test_server_parts_LDADD = libppvpn-ca.la libppvpn-seal.la \
	libppvpn.la $(CHECK_LIBS)
endif

# the whole daemon, on loopback
TESTS += testing/unit/test_server.py
EXTRA_DIST += testing/unit/test_server.py
