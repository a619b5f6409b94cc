/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ctl_text.h - columns and quantities for people
 *
 * Pure.
 */
#ifndef PPVPN_AGENT_CTL_TEXT_H
#define PPVPN_AGENT_CTL_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include "text.h"

#define COLUMNS_MAX 8

/* zeroed at first; columns_print() frees what it holds */
struct columns {
	char *(*cells)[COLUMNS_MAX];
	size_t rows;
	unsigned used;
};

/** Cells ended by NULL, copied. */
void columns_row(struct columns *c, ...) __attribute__((sentinel));
void columns_print(struct text *t, struct columns *c);

/** "100 s", "12 min", "5 h", "9 d" */
const char *words_duration(char out[16], uint64_t seconds);
/** "2026-11-22", of seconds since 1970, before the year 10000 */
const char *words_date(char out[16], uint64_t seconds);
/** "1.5 kB" */
const char *words_amount(char out[16], uint64_t bytes);
const char *words_or_dash(const char *s);
/** At most width bytes of s, the end of it: "..orp/lyon". */
const char *words_fit(char *out, size_t size, const char *s, size_t width);
/** Lines of at most width, broken between words. */
void words_wrap(struct text *t, const char *first, const char *next,
				const char *s, size_t width);
/** Lines from there on that are longer than width end in "...". */
void words_cut(struct text *t, size_t from, size_t width);
size_t words_lines(const char *s);

#endif
