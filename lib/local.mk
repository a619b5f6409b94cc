# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) 2026 The ppvpn authors

# What charon's plugin may use: no allocation, no log, no json-c.
noinst_LTLIBRARIES += libppvpn-base.la
libppvpn_base_la_SOURCES = \
	lib/addr.c lib/addr.h \
	lib/err.c lib/err.h lib/err_codes.h \
	lib/json_scan.c lib/json_scan.h \
	lib/name.c lib/name.h \
	lib/secret.c lib/secret.h \
	lib/text_parse.c

# Everything, for agent and server.
noinst_LTLIBRARIES += libppvpn.la
libppvpn_la_SOURCES = \
	lib/alloc.c lib/alloc.h \
	lib/cli.c lib/cli.h \
	lib/conffile.c lib/conffile.h \
	lib/err_print.c \
	lib/file.c lib/file.h \
	lib/json_in.c lib/json_in.h \
	lib/json_out.c lib/json_out.h \
	lib/log.c lib/log.h \
	lib/model.c lib/model.h \
	lib/model_encode.c lib/model_json.c lib/model_words.h \
	lib/schema.c lib/schema.h \
	lib/status.h lib/status_json.c \
	lib/text.c lib/text.h
libppvpn_la_LIBADD = libppvpn-base.la $(JSON_LIBS)

# The only user of libsodium; not built unless something links to it.
EXTRA_LTLIBRARIES = libppvpn-seal.la
libppvpn_seal_la_SOURCES = lib/seal.c lib/seal.h
libppvpn_seal_la_LIBADD = $(SODIUM_LIBS)
CLEANFILES += libppvpn-seal.la
