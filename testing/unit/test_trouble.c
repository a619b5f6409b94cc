/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/* test_trouble.c - what lasts is an alarm, what passes is none */
#include "config.h"

#include "agent/trouble.h"
#include "run.h"

/* One look after the other: what is wrong at that time, what begins and ends. */
static const struct {
	uint64_t ms;
	enum err_code code, clear, raise;
} looks[] = {
	{ 1000, ERR_NONE, ERR_NONE, ERR_NONE },
	/* a restart */
	{ 2000, ERR_CHARON, ERR_NONE, ERR_NONE },
	{ 11999, ERR_CHARON, ERR_NONE, ERR_NONE },
	{ 12000, ERR_NONE, ERR_NONE, ERR_NONE },
	/* the time begins anew; then once, not with each look */
	{ 20000, ERR_CHARON, ERR_NONE, ERR_NONE },
	{ 29999, ERR_CHARON, ERR_NONE, ERR_NONE },
	{ 30000, ERR_CHARON, ERR_NONE, ERR_CHARON },
	{ 31000, ERR_CHARON, ERR_NONE, ERR_NONE },
	/* another cause is another alarm, at once */
	{ 32000, ERR_IO, ERR_CHARON, ERR_IO },
	{ 33000, ERR_NONE, ERR_IO, ERR_NONE },
	{ 34000, ERR_NONE, ERR_NONE, ERR_NONE },
	/* causes that take turns are one time of trouble */
	{ 40000, ERR_TLS, ERR_NONE, ERR_NONE },
	{ 45000, ERR_CHARON, ERR_NONE, ERR_NONE },
	{ 50000, ERR_TLS, ERR_NONE, ERR_TLS },
	{ 51000, ERR_NONE, ERR_TLS, ERR_NONE },
};

START_TEST(what_lasts_is_an_alarm)
{
	struct trouble t = {0};
	enum err_code clear, raise;

	for (size_t i = 0; i < COUNT(looks); i++)
	{
		trouble_look(&t, TROUBLE_CHARON, looks[i].code, looks[i].ms, &clear,
					 &raise);
		ck_assert_msg(clear == looks[i].clear && raise == looks[i].raise,
					  "look %zu: clears %d, raises %d", i, clear, raise);
	}
}
END_TEST

START_TEST(some_do_not_wait)
{
	struct trouble t = {0};
	enum err_code clear, raise;

	trouble_look(&t, TROUBLE_DISK, ERR_DISK_FULL, 5, &clear, &raise);
	ck_assert_int_eq(raise, ERR_DISK_FULL);
	ck_assert_int_eq(clear, ERR_NONE);
}
END_TEST

START_TEST(each_has_its_resource)
{
	for (int i = 0; i < TROUBLE_COUNT; i++)
	{
		ck_assert(trouble_resource(i)[0]);
		ck_assert_int_ne(trouble_severity(i), STATUS_CLEARED);
		for (int k = 0; k < i; k++)
		{
			ck_assert_str_ne(trouble_resource(i), trouble_resource(k));
		}
	}
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("trouble");

	tcase_add_test(tc, what_lasts_is_an_alarm);
	tcase_add_test(tc, some_do_not_wait);
	tcase_add_test(tc, each_has_its_resource);
	return run_case(tc, "trouble");
}
