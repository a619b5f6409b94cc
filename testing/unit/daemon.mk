# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# Tests of ppvpn-server's listener, CA, notification, configuration, and of the
# whole daemon.

if HAVE_CHECK
daemon_tests = \
	testing/unit/test_archive \
	testing/unit/test_authority \
	testing/unit/test_ca \
	testing/unit/test_ca_ike \
	testing/unit/test_http \
	testing/unit/test_metrics_text \
	testing/unit/test_delivery \
	testing/unit/test_notify \
	testing/unit/test_outlet \
	testing/unit/test_pace \
	testing/unit/test_route \
	testing/unit/test_server_conf \
	testing/unit/test_server_parts
check_PROGRAMS += $(daemon_tests)
TESTS += $(daemon_tests)

testing_unit_test_archive_SOURCES = testing/unit/test_archive.c \
	server/archive.c
testing_unit_test_archive_LDADD = libppvpn.la $(CHECK_LIBS)
testing_unit_test_ca_SOURCES = testing/unit/test_ca.c
testing_unit_test_ca_LDADD = libppvpn-ca.la libppvpn.la $(CHECK_LIBS)
testing_unit_test_authority_SOURCES = testing/unit/test_authority.c
testing_unit_test_authority_LDADD = server/authority.lo server/der.lo \
	libppvpn.la $(CHECK_LIBS)
testing_unit_test_ca_ike_SOURCES = testing/unit/test_ca_ike.c
testing_unit_test_ca_ike_LDADD = libppvpn-ca.la libppvpn.la $(CHECK_LIBS)
testing_unit_test_http_SOURCES = testing/unit/test_http.c
testing_unit_test_http_LDADD = libppvpn-http.la libppvpn-ca.la libppvpn.la \
	$(CHECK_LIBS)
testing_unit_test_metrics_text_SOURCES = testing/unit/test_metrics_text.c \
	server/metrics_text.c
testing_unit_test_metrics_text_LDADD = libppvpn-service.la libppvpn.la \
	$(CHECK_LIBS)
testing_unit_test_delivery_SOURCES = testing/unit/test_delivery.c \
	server/delivery.c
testing_unit_test_delivery_LDADD = libppvpn.la $(CHECK_LIBS)

testing_unit_test_notify_SOURCES = testing/unit/test_notify.c server/notify.c
testing_unit_test_notify_LDADD = libppvpn.la $(CHECK_LIBS)
testing_unit_test_outlet_SOURCES = testing/unit/test_outlet.c
testing_unit_test_outlet_LDADD = libppvpn-outlet.la libppvpn-http.la \
	libppvpn-ca.la $(CHECK_LIBS) -lpthread
testing_unit_test_pace_SOURCES = testing/unit/test_pace.c
testing_unit_test_pace_LDADD = server/pace.lo $(CHECK_LIBS)
testing_unit_test_route_SOURCES = testing/unit/test_route.c
testing_unit_test_route_LDADD = libppvpn-http.la libppvpn.la $(CHECK_LIBS)
testing_unit_test_server_conf_SOURCES = testing/unit/test_server_conf.c \
	server/conf.c
testing_unit_test_server_conf_LDADD = server/outlet_text.lo \
	libppvpn-service.la libppvpn.la $(CHECK_LIBS)
testing_unit_test_server_parts_SOURCES = testing/unit/test_server_parts.c \
	server/etag.c server/limiter.c
testing_unit_test_server_parts_LDADD = libppvpn-ca.la libppvpn-seal.la \
	libppvpn.la $(CHECK_LIBS)
endif

# the whole daemon, on loopback
TESTS += testing/unit/test_server.py
EXTRA_DIST += testing/unit/test_server.py

# killed at every system call that has an effect
check_PROGRAMS += testing/unit/store_change
testing_unit_store_change_SOURCES = testing/unit/store_change.c
testing_unit_store_change_LDADD = libppvpn-store.la libppvpn-seal.la \
	libppvpn.la
TESTS += testing/unit/test_kills.py testing/unit/test_operate.py
EXTRA_DIST += testing/unit/test_kills.py testing/unit/test_operate.py
# random changes, compared with a model of what must come of them; attacks
TESTS += testing/unit/test_attacks.py testing/unit/test_authorities.py \
	testing/unit/test_random.py testing/unit/test_renew.py
EXTRA_DIST += testing/unit/test_attacks.py testing/unit/test_authorities.py testing/unit/test_random.py \
	testing/unit/test_renew.py \
	testing/unit/vpn_model.py
# these use what test_server.py has
TESTS += testing/unit/test_access.py testing/unit/test_openapi.py \
	testing/unit/test_admin_cli.py testing/unit/test_server_alarms.py \
	testing/unit/test_metrics.py testing/unit/test_promtool.py
EXTRA_DIST += testing/unit/test_access.py testing/unit/test_openapi.py \
	testing/unit/test_admin_cli.py testing/unit/test_server_alarms.py \
	testing/unit/test_metrics.py \
	testing/unit/test_promtool.py
