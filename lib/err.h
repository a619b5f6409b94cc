/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * err.h - an error for people: what, where, and (by its code) what to do
 *
 * Pure. Fixed size, no allocation, so that it can be filled anywhere. Library
 * code fills it and returns -errno; only the ring that turns an error into a
 * decision logs it.
 */
#ifndef PPVPN_ERR_H
#define PPVPN_ERR_H

#include <stddef.h>

/*
 * Stable codes: they appear in logs, reports and `ppvpnctl explain`.
 * X(symbol, "code-text", "title", "what it means", "what to do")
 */
#include "err_codes.h"

enum err_code {
#define X(sym, text, title, meaning, remedy) ERR_##sym,
	ERR_CODES(X)
#undef X
	ERR_CODE_COUNT
};

struct err {
	enum err_code code;
	char where[128];	/* "/vpns/0/peers/3/mark", "agent.conf:12", "ppv3" */
	char text[256];		/* one sentence, no newline, no secret */
};

/**
 * Fill e (may be NULL: nothing happens); where and the formatted text are cut
 * to fit and every non-printable byte becomes '?'.
 *
 * @return		rc, so that a caller can write return err_set(e, -EINVAL, ...)
 */
int err_set(struct err *e, int rc, enum err_code code, const char *where,
			const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/** Put "what: " in front of the text of e (e may be NULL). */
void err_prefix(struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** Stable text of a code, "unknown" for one out of range. */
const char *err_code_text(enum err_code code);
/** Short title, meaning, remedy of a code: static strings. */
const char *err_code_title(enum err_code code);
const char *err_code_meaning(enum err_code code);
const char *err_code_remedy(enum err_code code);
/** Code of a stable text; 0 and *code set, or -ENOENT. */
int err_code_parse(const char *text, enum err_code *code);

/**
 * Print "where: text" and a second line "  → remedy" to stderr, for a command's
 * main().
 */
void err_print(const char *program, const struct err *e);

#endif
