/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_schemas.c - agent and server one version apart: what both have is found,
 * whatever stands in the header
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <check.h>

#include "run.h"
#include "schema.h"

/* the tables of three ages: the old program, the new one, and one after that,
 * which has dropped version 1 */
static const char *const old[] = { "ce-config/1", NULL };
static const char *const both[] = { "ce-config/2", "ce-config/1", NULL };
static const char *const late[] = { "ce-config/3", "ce-config/2", NULL };
static const char *const none[] = { NULL };

static const struct {
	const char *const *ours;
	const char *header, *common;
} cases[] = {
	/* one apart, in either direction */
	{ old, "ce-config/2, ce-config/1", "ce-config/1" },
	{ both, "ce-config/1", "ce-config/1" },
	{ both, "ce-config/3, ce-config/2", "ce-config/2" },
	{ late, "ce-config/2, ce-config/1", "ce-config/2" },
	{ both, "ce-config/2, ce-config/1", "ce-config/2" },
	/* the highest, in whatever order and form they stand */
	{ both, "ce-config/1, ce-config/2", "ce-config/2" },
	{ both, "ce-config/1,ce-config/2", "ce-config/2" },
	{ both, " ,,\tce-config/1\t ,", "ce-config/1" },
	{ both, "ce-status/2, ce-config/1", "ce-config/1" },
	/* who says nothing is of the time before: version 1 */
	{ old, NULL, "ce-config/1" },
	{ both, NULL, "ce-config/1" },
	{ late, NULL, NULL },
	/* nothing in common */
	{ old, "ce-config/2", NULL },
	{ late, "ce-config/1", NULL },
	{ old, "", NULL },
	{ none, "ce-config/1", NULL },
	/* what only looks like it */
	{ old, "ce-config/11", NULL },
	{ old, "ce-config/", NULL },
	{ old, "ce-config/1x", NULL },
	{ old, "xce-config/1", NULL },
	{ old, "CE-CONFIG/1", NULL },
	{ old, "ce-config/1;q=0.5", NULL },
	{ old, "\"ce-config/1\"", NULL },
	{ old, "ce-config/1\x01", NULL },
	{ old, "\xff\xfe, %s%n, ../../etc", NULL },
	{ old, "\xff\xfe, %s%n, ce-config/1", "ce-config/1" },
};

START_TEST(the_newest_in_common)
{
	int i = schema_common(cases[_i].ours, cases[_i].header);

	if (cases[_i].common)
	{
		ck_assert_int_ge(i, 0);
		ck_assert_str_eq(cases[_i].ours[i], cases[_i].common);
	}
	else
	{
		ck_assert_int_eq(i, -1);
	}
}
END_TEST

static char *fill(const char *entry, size_t len, const char *end)
{
	char *s = calloc(1, len + strlen(end) + 1);

	while (strlen(s) + strlen(entry) <= len)
	{
		strcat(s, entry);
	}
	return strcat(s, end);
}

/* thousands of entries, and one that never ends: not even read to their end */
START_TEST(long_ones_name_nothing)
{
	const char *const entries[] = { "a,", ",", "x", " ", "ce-config/2," };

	for (size_t i = 0; i < COUNT(entries); i++)
	{
		char *s = fill(entries[i], 1 << 16, ",ce-config/1");

		ck_assert_int_eq(schema_common(old, s), -1);
		free(s);
		s = fill(entries[i], SCHEMA_HEADER_MAX - 16, ",ce-config/1");
		ck_assert_int_eq(schema_common(old, s), 0);
		free(s);
	}
}
END_TEST

START_TEST(lists)
{
	const char *many[40];
	char out[SCHEMA_LIST_SIZE];

	schema_list(both, out);
	ck_assert_str_eq(out, "ce-config/2, ce-config/1");
	ck_assert_int_eq(schema_common(old, out), 0);
	schema_list(none, out);
	ck_assert_str_eq(out, "");
	for (size_t i = 0; i < COUNT(many) - 1; i++)
	{
		many[i] = "ce-config/1";
	}
	many[COUNT(many) - 1] = NULL;
	schema_list(many, out);
	ck_assert_uint_eq(strlen(out), 9 * 13 + 11 - 13);
	ck_assert_str_eq(out + strlen(out) - 12, " ce-config/1");
}
END_TEST

/* newest first, of one kind, and what we say is what we understand */
START_TEST(our_tables)
{
	const char *const *tables[] = { schema_config, schema_status };

	for (size_t t = 0; t < COUNT(tables); t++)
	{
		const char *const *names = tables[t];
		char out[SCHEMA_LIST_SIZE];

		schema_list(names, out);
		ck_assert_int_eq(schema_common(names, out), 0);
		ck_assert_int_ge(schema_common(names, NULL), 0);
		for (size_t i = 1; names[i]; i++)
		{
			int kind = strrchr(names[i], '/') - names[i] + 1;

			ck_assert_int_eq(strncmp(names[i - 1], names[i], kind), 0);
			ck_assert_int_gt(atoi(names[i - 1] + kind),
							 atoi(names[i] + kind));
		}
	}
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("schemas");

	tcase_add_loop_test(tc, the_newest_in_common, 0, COUNT(cases));
	tcase_add_test(tc, long_ones_name_nothing);
	tcase_add_test(tc, lists);
	tcase_add_test(tc, our_tables);
	return run_case(tc, "schemas");
}
