/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * err_print.c - an error on a command's stderr
 *
 * Effects: stderr. Apart from err.c, which pure code links.
 */
#include "config.h"

#include <stdio.h>

#include "err.h"

void err_print(const char *program, const struct err *e)
{
	fprintf(stderr, "%s: %s%s%s\n  → %s\n", program, e->where,
			e->where[0] ? ": " : "", e->text, err_code_remedy(e->code));
}
