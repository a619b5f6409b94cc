# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# Tests of ppvpn-admin's files for customers, and their fuzz target.

if HAVE_CHECK
admin_tests = testing/unit/test_admin_apply testing/unit/test_admin_yaml
check_PROGRAMS += $(admin_tests)
TESTS += $(admin_tests)

testing_unit_test_admin_yaml_SOURCES = testing/unit/test_admin_yaml.c
testing_unit_test_admin_yaml_LDADD = libppvpn-yaml.la libppvpn.la $(CHECK_LIBS)
testing_unit_test_admin_apply_SOURCES = testing/unit/test_admin_apply.c \
	server/admin_apply.c server/admin_table.c
testing_unit_test_admin_apply_LDADD = libppvpn-yaml.la libppvpn.la $(CHECK_LIBS)
endif

check_PROGRAMS += testing/fuzz/fuzz_yaml
testing_fuzz_fuzz_yaml_SOURCES = testing/fuzz/fuzz_yaml.c $(fuzz_main)
testing_fuzz_fuzz_yaml_LDFLAGS = $(AM_LDFLAGS) $(fuzz_link)
testing_fuzz_fuzz_yaml_LDADD = libppvpn-yaml.la libppvpn.la
EXTRA_DIST += testing/fuzz/run-seeds-yaml
if !FUZZER
TESTS += testing/fuzz/run-seeds-yaml
endif
