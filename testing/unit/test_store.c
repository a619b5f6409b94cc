/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_store.c - the conformance suite of the store: every question of store.h
 */
#include "config.h"

#include "store_kit.h"

int main(void)
{
	Suite *suite = suite_create("store");
	SRunner *runner;
	int failed;

	suite_add_tcase(suite, store_config_case());
	suite_add_tcase(suite, store_follow_case());
	suite_add_tcase(suite, store_prefix_case());
	suite_add_tcase(suite, store_report_case());
	suite_add_tcase(suite, store_move_case());
	suite_add_tcase(suite, store_move_plain_case());
	suite_add_tcase(suite, store_rotation_case());
	suite_add_tcase(suite, store_alarm_case());
	suite_add_tcase(suite, store_authority_case());
	suite_add_tcase(suite, store_fault_case());
	suite_add_tcase(suite, store_migrate_case());
	suite_add_tcase(suite, store_operate_case());
	suite_add_tcase(suite, store_metrics_case());
	suite_add_tcase(suite, store_operator_case());
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
