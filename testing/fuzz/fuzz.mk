# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors
#
# Fuzz targets. In `make check` each runs once over its seeds; configured by
# CC=clang ./configure --enable-fuzzer --enable-sanitizers they are libFuzzer's:
# testing/fuzz/fuzz_document -max_total_time=60 CORPUS testing/fuzz/seeds/document

fuzz_programs = testing/fuzz/fuzz_document testing/fuzz/fuzz_status
check_PROGRAMS += $(fuzz_programs)
EXTRA_DIST += testing/fuzz/seeds testing/fuzz/document.dict

if FUZZER
fuzz_main =
fuzz_link = -fsanitize=fuzzer
else
fuzz_main = testing/fuzz/once.c
fuzz_link =
TESTS += testing/fuzz/run-seeds
endif
EXTRA_DIST += testing/fuzz/run-seeds testing/fuzz/once.c

testing_fuzz_fuzz_document_SOURCES = testing/fuzz/fuzz_document.c $(fuzz_main)
testing_fuzz_fuzz_document_LDFLAGS = $(AM_LDFLAGS) $(fuzz_link)
testing_fuzz_fuzz_document_LDADD = $(model_objects) $(JSON_LIBS)
testing_fuzz_fuzz_status_SOURCES = testing/fuzz/fuzz_status.c $(fuzz_main)
testing_fuzz_fuzz_status_LDFLAGS = $(AM_LDFLAGS) $(fuzz_link)
testing_fuzz_fuzz_status_LDADD = $(status_objects) $(JSON_LIBS)
