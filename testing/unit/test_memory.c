/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_memory.c - what a hostile text costs in memory
 *
 * json-c alone takes 273 MB for 1 MiB of "{}". Measured by the process's peak
 * resident size, in the child that Check forks for every test.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "alloc.h"
#include "err.h"
#include "json_scan.h"
#include "model.h"
#include "run.h"

#define MIB (1024 * 1024)

/* the largest resident size since the last reset, in KiB */
static long peak(bool reset)
{
	FILE *status = fopen("/proc/self/status", "r");
	char line[256];
	long kib = -1;
	int fd;

	while (fgets(line, sizeof(line), status))
	{
		if (sscanf(line, "VmHWM: %ld", &kib) == 1)
		{
			break;
		}
	}
	fclose(status);
	if (reset)
	{
		fd = open("/proc/self/clear_refs", O_WRONLY);
		ck_assert_int_eq(write(fd, "5", 1), 1);
		close(fd);
	}
	return kib;
}

/* head, then unit again and again, then tail: size bytes */
static char *make_text(const char *head, const char *unit, size_t size)
{
	char *text = malloc(size);
	size_t len = strlen(head), n = strlen(unit);

	memset(text, ' ', size);
	memcpy(text, head, len);
	for (; len + n <= size; len += n)
	{
		memcpy(text + len, unit, n);
	}
	return text;
}

/* of 1 MiB, and as long as a document may be */
static const struct {
	const char *head, *unit;
	int rc, longest_rc;
} texts[] = {
	{ "", "{}", -EINVAL, -EINVAL },
	{ "[{}", ",{}", -E2BIG, -E2BIG },
	{ "", "[", -E2BIG, -E2BIG },
	{ "", "{\"a\":", -E2BIG, -E2BIG },
	{ "[0", ",0", -EINVAL, -E2BIG },
	{ "[\"\"", ",\"\"", -EINVAL, -E2BIG },
	{ "[{}", ",{\"aaaaaaaaaaaaaaaaaaaa\":1}", -EINVAL, -E2BIG },
	{ "{\"a\":1", ",\"b\":1", -EINVAL, -EINVAL },
	{ "\"", "x", -E2BIG, -E2BIG },
	{ "", " ", -EINVAL, -EINVAL },
};

START_TEST(test_cost)
{
	const size_t i = (size_t)_i / 2;
	const bool longest = _i % 2;
	const size_t size = longest ? JSON_DOCUMENT_MAX : MIB;
	char *text = make_text(texts[i].head, texts[i].unit, size);
	struct arena *arena = arena_new();
	struct model_document *doc;
	struct err e;
	long before, cost;
	int rc;

	peak(true);
	before = peak(false);
	rc = model_decode(arena, text, size, &doc, &e);
	cost = peak(false) - before;
	ck_assert_int_eq(rc, longest ? texts[i].longest_rc : texts[i].rc);
	ck_assert_msg(cost < 10 * 1024, "%ld KiB", cost);
	arena_free(arena);
	free(text);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("memory");

	tcase_add_loop_test(tc, test_cost, 0, 2 * COUNT(texts));
	return run_case(tc, "memory");
}
