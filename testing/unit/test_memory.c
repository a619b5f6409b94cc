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

static const struct {
	const char *head, *unit;
	int rc;
} texts[] = {
	{ "", "{}", -EINVAL },
	{ "[{}", ",{}", -E2BIG },
	{ "", "[", -E2BIG },
	{ "", "{\"a\":", -E2BIG },
	{ "[0", ",0", -E2BIG },
	{ "[\"\"", ",\"\"", -EINVAL },
	{ "[{}", ",{\"aaaaaaaaaaaaaaaaaaaa\":1}", -EINVAL },
	{ "{\"a\":1", ",\"b\":1", -EINVAL },
	{ "\"", "x", -E2BIG },
	{ "", " ", -EINVAL },
};

START_TEST(test_cost)
{
	char *text = make_text(texts[_i].head, texts[_i].unit, MIB);
	struct arena *arena = arena_new();
	struct model_document *doc;
	struct err e;
	long before, cost;
	int rc;

	peak(true);
	before = peak(false);
	rc = model_decode(arena, text, MIB, &doc, &e);
	cost = peak(false) - before;
	ck_assert_int_eq(rc, texts[_i].rc);
	ck_assert_msg(cost < 10 * 1024, "%ld KiB", cost);
	arena_free(arena);
	free(text);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("memory");

	tcase_add_loop_test(tc, test_cost, 0, COUNT(texts));
	return run_case(tc, "memory");
}
