/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * fuzz_document.c - any bytes as a CE's document
 *
 * What decodes is encoded, decodes again, and encodes to the same bytes.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "err.h"
#include "model.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	struct model_document *doc;
	struct text first, second;
	struct err e;

	if (model_decode(arena, (const char *)data, size, &doc, &e) == 0)
	{
		first = model_encode(doc);
		if (model_decode(arena, first.s, first.len, &doc, &e))
		{
			abort();
		}
		second = model_encode(doc);
		if (strcmp(first.s, second.s) != 0)
		{
			abort();
		}
		text_done(&first);
		text_done(&second);
	}
	else if (doc || !text_is_printable(e.where) || !text_is_printable(e.text))
	{
		abort();
	}
	arena_free(arena);
	return 0;
}
