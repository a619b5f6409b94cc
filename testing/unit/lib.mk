# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# Tests of lib/. Each links the modules it needs by name and no library of all:
# a pure module that grows a dependency it should not have stops linking here.

test_run = testing/unit/run.h
scan_objects = lib/json_scan.lo lib/err.lo lib/text_parse.lo
text_objects = lib/text.lo lib/alloc.lo lib/secret.lo
decode_objects = lib/json_in.lo lib/addr.lo lib/name.lo $(text_objects) \
	$(scan_objects)
model_objects = lib/model.lo lib/model_json.lo lib/model_encode.lo \
	lib/schema.lo \
	lib/json_out.lo $(decode_objects)
status_objects = lib/status_json.lo lib/schema.lo lib/json_out.lo $(decode_objects)
file_objects = lib/file.lo lib/err.lo lib/alloc.lo lib/secret.lo \
	lib/text_parse.lo

if HAVE_CHECK
lib_tests = \
	testing/unit/test_addr \
	testing/unit/test_alloc \
	testing/unit/test_cli \
	testing/unit/test_conffile \
	testing/unit/test_err \
	testing/unit/test_file \
	testing/unit/test_json_in \
	testing/unit/test_json_out \
	testing/unit/test_json_scan \
	testing/unit/test_log \
	testing/unit/test_memory \
	testing/unit/test_model \
	testing/unit/test_name \
	testing/unit/test_schemas \
	testing/unit/test_secret \
	testing/unit/test_status \
	testing/unit/test_text
check_PROGRAMS += $(lib_tests)
TESTS += $(lib_tests)
endif

testing_unit_test_addr_SOURCES = testing/unit/test_addr.c $(test_run)
testing_unit_test_addr_LDADD = lib/addr.lo $(CHECK_LIBS)
testing_unit_test_alloc_SOURCES = testing/unit/test_alloc.c $(test_run)
testing_unit_test_alloc_LDADD = lib/alloc.lo lib/secret.lo lib/text_parse.lo \
	$(CHECK_LIBS)
testing_unit_test_cli_SOURCES = testing/unit/test_cli.c $(test_run)
testing_unit_test_cli_LDADD = lib/cli.lo lib/err.lo lib/err_print.lo \
	lib/alloc.lo lib/secret.lo lib/text_parse.lo $(CHECK_LIBS)
testing_unit_test_conffile_SOURCES = testing/unit/test_conffile.c $(test_run)
testing_unit_test_conffile_LDADD = lib/conffile.lo lib/text.lo \
	$(file_objects) $(CHECK_LIBS)
testing_unit_test_err_SOURCES = testing/unit/test_err.c $(test_run)
testing_unit_test_err_LDADD = lib/err.lo $(CHECK_LIBS)
testing_unit_test_file_SOURCES = testing/unit/test_file.c $(test_run)
testing_unit_test_file_LDADD = $(file_objects) $(CHECK_LIBS)
testing_unit_test_json_in_SOURCES = testing/unit/test_json_in.c $(test_run)
testing_unit_test_json_in_LDADD = $(decode_objects) $(JSON_LIBS) $(CHECK_LIBS)
testing_unit_test_json_out_SOURCES = testing/unit/test_json_out.c $(test_run)
testing_unit_test_json_out_LDADD = lib/json_out.lo $(text_objects) \
	$(scan_objects) $(CHECK_LIBS)
testing_unit_test_json_scan_SOURCES = testing/unit/test_json_scan.c $(test_run)
testing_unit_test_json_scan_LDADD = $(scan_objects) $(CHECK_LIBS)
testing_unit_test_log_SOURCES = testing/unit/test_log.c $(test_run)
testing_unit_test_log_LDADD = lib/log.lo lib/err.lo $(CHECK_LIBS)
testing_unit_test_memory_SOURCES = testing/unit/test_memory.c $(test_run)
testing_unit_test_memory_LDADD = $(model_objects) $(JSON_LIBS) $(CHECK_LIBS)
testing_unit_test_model_SOURCES = testing/unit/test_model.c \
	testing/unit/in_memory.h $(test_run)
testing_unit_test_model_LDADD = $(model_objects) $(JSON_LIBS) $(CHECK_LIBS)
testing_unit_test_name_SOURCES = testing/unit/test_name.c $(test_run)
testing_unit_test_name_LDADD = lib/name.lo lib/err.lo $(CHECK_LIBS)
testing_unit_test_schemas_SOURCES = testing/unit/test_schemas.c $(test_run)
testing_unit_test_schemas_LDADD = lib/schema.lo $(CHECK_LIBS)
testing_unit_test_secret_SOURCES = testing/unit/test_secret.c $(test_run)
testing_unit_test_secret_LDADD = lib/secret.lo lib/text_parse.lo $(CHECK_LIBS)
testing_unit_test_status_SOURCES = testing/unit/test_status.c $(test_run)
testing_unit_test_status_LDADD = $(status_objects) $(JSON_LIBS) $(CHECK_LIBS)
testing_unit_test_text_SOURCES = testing/unit/test_text.c $(test_run)
testing_unit_test_text_LDADD = lib/text_parse.lo $(text_objects) $(CHECK_LIBS)

# Schemas against decoders: the same documents to both, verdicts compared.
check_PROGRAMS += testing/unit/decode-documents
testing_unit_decode_documents_SOURCES = testing/unit/decode_documents.c
testing_unit_decode_documents_LDADD = lib/status_json.lo $(model_objects) \
	$(JSON_LIBS)
TESTS += testing/unit/test_schema.sh
EXTRA_DIST += testing/unit/test_schema.sh testing/unit/test_schema.py

TESTS += testing/unit/test_includes.sh
EXTRA_DIST += testing/unit/test_includes.sh

AM_TESTS_ENVIRONMENT += PYTHON3='$(PYTHON3)'; export PYTHON3; \
	srcdir='$(srcdir)'; export srcdir; \
	top_srcdir='$(top_srcdir)'; export top_srcdir;
