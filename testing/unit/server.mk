# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# Unit tests of the server's store, renderer and admin API, and of lib/seal.c.

if HAVE_CHECK
server_tests = testing/unit/test_seal
check_PROGRAMS += $(server_tests)
TESTS += $(server_tests)

testing_unit_test_seal_SOURCES = testing/unit/test_seal.c
testing_unit_test_seal_LDADD = libppvpn-seal.la libppvpn.la $(CHECK_LIBS)
endif
