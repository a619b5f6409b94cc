/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * check.h - is a state directory whole: files, certificates, keys, database
 *
 * Effects: reads files; a database that an upgrade is due for is copied, and the
 * copy upgraded.
 */
#ifndef PPVPN_SERVER_CHECK_H
#define PPVPN_SERVER_CHECK_H

#include <stdbool.h>
#include "server/conf.h"

struct check_fault {
	const char *where, *text;		/* printable */
};

struct check_line {
	const char *check;
	uint64_t count;					/* things looked at */
	uint64_t fault_count;
	struct check_fault *faults;		/* the first ones of them */
	size_t told;
};

struct check {
	struct arena *arena;
	struct check_line *lines;
	size_t line_count;
	uint64_t fault_count;
	uint64_t epoch, revision;
	bool upgrade;					/* the next start upgrades the database */
};

/** Look at everything; under the lock. check_done() frees. */
void check_run(const struct server_conf *conf, struct check *check);
void check_done(struct check *check);
/** The first fault as an error; 0 when there is none. */
int check_verdict(const struct check *check, enum err_code code, struct err *e);

void check_print(const struct check *check);
void check_print_json(const struct check *check);

#endif
