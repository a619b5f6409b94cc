/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * decode_documents.c - reads documents on stdin, prints the decoders' verdicts
 *
 * Input: lines "config LENGTH" or "status LENGTH", each followed by so many
 * bytes. Output: one line each, "ok" or "CODE WHERE TEXT" (tabs between). What
 * decodes must also encode to something that decodes to the same.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "err.h"
#include "model.h"
#include "status.h"
#include "text.h"

static int encode_config(struct arena *arena, const char *buf, size_t len,
						 struct text *out, struct err *e)
{
	struct model_document *doc;
	int rc = model_decode(arena, buf, len, &doc, e);

	if (!rc)
	{
		*out = model_encode(doc);
	}
	return rc;
}

static int encode_status(struct arena *arena, const char *buf, size_t len,
						 struct text *out, struct err *e)
{
	struct status_report *report;
	int rc = status_decode(arena, buf, len, &report, e);

	if (!rc)
	{
		*out = status_encode(report);
	}
	return rc;
}

static void judge(const char *kind, const char *buf, size_t len)
{
	int (*encode)(struct arena *, const char *, size_t, struct text *,
				  struct err *) =
		strcmp(kind, "status") == 0 ? encode_status : encode_config;
	struct arena *arena = arena_new();
	struct text once = { 0 }, twice = { 0 };
	struct err e = { .code = ERR_NONE };

	if (encode(arena, buf, len, &once, &e))
	{
		printf("%s\t%s\t%s\n", err_code_text(e.code), e.where, e.text);
	}
	else if (encode(arena, once.s, once.len, &twice, &e) ||
			 strcmp(once.s, twice.s) != 0)
	{
		printf("not-fixed\t%s\t%s\n", e.where, e.text);
	}
	else
	{
		printf("ok\n");
	}
	text_done(&once);
	text_done(&twice);
	arena_free(arena);
}

int main(void)
{
	char kind[16], *buf;
	size_t len;

	while (scanf("%15s %zu", kind, &len) == 2)
	{
		buf = xcalloc(1, len + 1);
		if (getchar() != '\n' || fread(buf, 1, len, stdin) != len)
		{
			fprintf(stderr, "decode-documents: input ends early\n");
			return 1;
		}
		judge(kind, buf, len);
		free(buf);
	}
	return fflush(stdout) ? 1 : 0;
}
