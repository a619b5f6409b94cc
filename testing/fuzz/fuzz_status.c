/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * fuzz_status.c - any bytes as a report
 *
 * What decodes is encoded, decodes again, and encodes to the same bytes.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "err.h"
#include "status.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	struct status_report *report;
	struct text first, second;
	struct err e;

	if (status_decode(arena, (const char *)data, size, &report, &e) == 0)
	{
		first = status_encode(report);
		if (status_decode(arena, first.s, first.len, &report, &e))
		{
			abort();
		}
		second = status_encode(report);
		if (strcmp(first.s, second.s) != 0)
		{
			abort();
		}
		text_done(&first);
		text_done(&second);
	}
	else if (report || !text_is_printable(e.where) || !text_is_printable(e.text))
	{
		abort();
	}
	arena_free(arena);
	return 0;
}
