# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# Unit tests of the server's store, renderer and admin API, and of lib/seal.c.

EXTRA_DIST += testing/unit/fixtures/store

if HAVE_CHECK
server_tests = \
	testing/unit/test_access \
	testing/unit/test_api_admin \
	testing/unit/test_follow \
	testing/unit/test_grade \
	testing/unit/test_render \
	testing/unit/test_rotation \
	testing/unit/test_seal \
	testing/unit/test_store
check_PROGRAMS += $(server_tests)
TESTS += $(server_tests)

testing_unit_test_access_SOURCES = testing/unit/test_access.c
testing_unit_test_access_LDADD = libppvpn-api-admin.la libppvpn-http.la \
	libppvpn-store.la $(CHECK_LIBS)

testing_unit_test_api_admin_SOURCES = \
	testing/unit/test_api_admin.c \
	testing/unit/store_kit.c testing/unit/store_kit.h \
	server/admin_read.c server/admin_read.h
testing_unit_test_api_admin_LDADD = libppvpn-api-admin.la libppvpn-http.la \
	libppvpn-store.la $(CHECK_LIBS)

testing_unit_test_follow_SOURCES = testing/unit/test_follow.c
testing_unit_test_follow_LDADD = server/follow.lo libppvpn-base.la $(CHECK_LIBS)

testing_unit_test_grade_SOURCES = testing/unit/test_grade.c
testing_unit_test_grade_LDADD = server/grade.lo libppvpn-base.la $(CHECK_LIBS)

testing_unit_test_seal_SOURCES = testing/unit/test_seal.c
testing_unit_test_seal_LDADD = libppvpn-seal.la libppvpn.la $(CHECK_LIBS)

testing_unit_test_render_SOURCES = testing/unit/test_render.c
testing_unit_test_render_LDADD = libppvpn-store.la $(CHECK_LIBS)

testing_unit_test_rotation_SOURCES = testing/unit/test_rotation.c
testing_unit_test_rotation_LDADD = server/rotation.lo $(CHECK_LIBS)

testing_unit_test_store_SOURCES = \
	testing/unit/test_store.c \
	testing/unit/store_kit.c testing/unit/store_kit.h \
	testing/unit/test_store_alarm.c \
	testing/unit/test_store_authority.c \
	testing/unit/test_store_config.c \
	testing/unit/test_store_fault.c \
	testing/unit/test_store_follow.c \
	testing/unit/test_store_migrate.c \
	testing/unit/test_store_move.c \
	testing/unit/test_store_operate.c \
	testing/unit/test_store_operator.c \
	testing/unit/test_store_metrics.c \
	testing/unit/test_store_prefix.c \
	testing/unit/test_store_report.c \
	testing/unit/test_store_rotation.c
testing_unit_test_store_LDADD = libppvpn-store.la $(CHECK_LIBS) -lpthread
endif

# the routes, for test_openapi.py
check_PROGRAMS += testing/unit/admin-routes
testing_unit_admin_routes_SOURCES = testing/unit/admin_routes.c
testing_unit_admin_routes_LDADD = libppvpn-api-admin.la libppvpn-http.la \
	libppvpn-store.la
