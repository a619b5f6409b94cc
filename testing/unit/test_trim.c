/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_trim.c - mapped pages are given back, and are there when they are needed
 */
#include "config.h"

#include "agent/trim.h"

#include <check.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "testing/unit/run.h"

static const char constant[] = "of the program's own file";
static char variable[] = "was written to";
/* relocated at the start, and read-only since then */
static const char *const pointers[] = { constant, variable, NULL };

/* What is mapped and present of files, each program's and library's own. */
static unsigned long file_kb(void)
{
	FILE *f = fopen("/proc/self/smaps_rollup", "r");
	unsigned long rss = 0, anonymous = 0;
	char line[256];

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f) != NULL)
	{
		sscanf(line, "Rss: %lu kB", &rss);
		sscanf(line, "Anonymous: %lu kB", &anonymous);
	}
	fclose(f);
	return rss - anonymous;
}

/* It reads between variables, too. */
__attribute__((no_sanitize("address")))
static int touch_object(struct dl_phdr_info *info, size_t size, void *user)
{
	volatile unsigned *sum = user;

	for (int i = 0; i < info->dlpi_phnum; i++)
	{
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
		const char *p = (const char*)info->dlpi_addr + ph->p_vaddr;

		for (size_t at = 0; ph->p_type == PT_LOAD && ph->p_flags & PF_R &&
			 at < ph->p_filesz; at += 4096)
		{
			*sum += (unsigned char)p[at];
		}
	}
	return 0;
}

/* Every page of everything that is loaded is there. */
static void touch_all(void)
{
	unsigned sum = 0;

	dl_iterate_phdr(touch_object, &sum);
	ck_assert_uint_gt(sum, 0);
}

START_TEST(pages_of_files_are_given_back)
{
	char *heap = strdup("on the heap");
	unsigned long before, after;

	touch_all();
	before = file_kb();
	ck_assert_uint_gt(before, 0);
	variable[0] = 'W';
	trim_memory();
	after = file_kb();
	/* what runs comes back, and its neighbours, as the page cache has them */
	ck_assert_msg(after < before * 3 / 4, "%lu kB before, %lu kB after",
				  before, after);
	ck_assert_str_eq(constant, "of the program's own file");
	ck_assert_str_eq(variable, "Was written to");
	ck_assert_ptr_eq(pointers[0], constant);
	ck_assert_ptr_eq(pointers[1], variable);
	ck_assert_str_eq(heap, "on the heap");
	free(heap);
	/* and once more, with everything there is in libraries still working */
	trim_memory();
	touch_all();
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("trim");

	tcase_add_test(tc, pages_of_files_are_given_back);
	return run_case(tc, "trim");
}
