# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# Tests of what the agent speaks with: the loop, charon, FRR. Pure parts link
# their modules by name, so that one that grows a dependency stops linking here.

clients_pure = lib/addr.lo lib/alloc.lo lib/err.lo lib/secret.lo lib/text.lo \
	lib/text_parse.lo
clients_values = agent/facts.lo agent/resource.lo $(clients_pure)
clients_vici = agent/vici_msg.lo agent/vici_read.lo $(clients_values)
clients_frr = agent/frr_text.lo agent/frr_read.lo agent/json_walk.lo \
	$(clients_values)
clients_stream = agent/stream.lo agent/loop.lo lib/log.lo
clients_mock = testing/unit/mock_server.c testing/unit/mock_server.h

if HAVE_CHECK
clients_tests = \
	testing/unit/test_charon \
	testing/unit/test_conn_json \
	testing/unit/test_frr \
	testing/unit/test_frr_text \
	testing/unit/test_loop \
	testing/unit/test_vici \
	testing/unit/test_vici_msg
check_PROGRAMS += $(clients_tests)
TESTS += $(clients_tests)

testing_unit_test_charon_SOURCES = testing/unit/test_charon.c $(clients_mock)
testing_unit_test_charon_LDADD = agent/charon.lo agent/charon_msg.lo \
	$(clients_stream) lib/json_in.lo lib/json_out.lo lib/json_scan.lo \
	lib/name.lo $(clients_values) $(JSON_LIBS) $(EVENT_LIBS) $(CHECK_LIBS)
testing_unit_test_conn_json_SOURCES = testing/unit/test_conn_json.c
testing_unit_test_conn_json_LDADD = agent/conn_json.lo lib/json_out.lo \
	libppvpn-seal.la libppvpn.la $(CHECK_LIBS)
testing_unit_test_frr_SOURCES = testing/unit/test_frr.c $(clients_mock)
testing_unit_test_frr_LDADD = agent/frr.lo agent/frr_vty.lo $(clients_frr) $(clients_stream) \
	$(EVENT_LIBS) $(CHECK_LIBS)
testing_unit_test_frr_text_SOURCES = testing/unit/test_frr_text.c
testing_unit_test_frr_text_LDADD = $(clients_frr) $(CHECK_LIBS)
testing_unit_test_loop_SOURCES = testing/unit/test_loop.c
testing_unit_test_loop_LDADD = agent/loop.lo $(clients_pure) $(EVENT_LIBS) \
	$(CHECK_LIBS)
testing_unit_test_vici_SOURCES = testing/unit/test_vici.c $(clients_mock)
testing_unit_test_vici_LDADD = agent/vici.lo agent/vici_conn.lo \
	$(clients_vici) $(clients_stream) $(EVENT_LIBS) $(CHECK_LIBS)
testing_unit_test_vici_msg_SOURCES = testing/unit/test_vici_msg.c
testing_unit_test_vici_msg_LDADD = agent/vici_msg.lo $(clients_pure) \
	$(CHECK_LIBS)
endif
EXTRA_DIST += testing/unit/fixtures/frr

check_PROGRAMS += testing/fuzz/fuzz_frr testing/fuzz/fuzz_vici
testing_fuzz_fuzz_frr_SOURCES = testing/fuzz/fuzz_frr.c $(fuzz_main)
testing_fuzz_fuzz_frr_LDFLAGS = $(AM_LDFLAGS) $(fuzz_link)
testing_fuzz_fuzz_frr_LDADD = $(clients_frr)
testing_fuzz_fuzz_vici_SOURCES = testing/fuzz/fuzz_vici.c $(fuzz_main)
testing_fuzz_fuzz_vici_LDFLAGS = $(AM_LDFLAGS) $(fuzz_link)
testing_fuzz_fuzz_vici_LDADD = $(clients_vici)
if !FUZZER
TESTS += testing/fuzz/run-seeds-agent
endif
EXTRA_DIST += testing/fuzz/run-seeds-agent
