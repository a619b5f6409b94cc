/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * fuzz_yaml.c - any bytes as a customer's file, and as JSON to make one of
 *
 * What is taken becomes the same JSON again when it was written as YAML.
 */
#include "config.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "server/admin_yaml.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_error(const struct err *e)
{
	if ((e->code != ERR_YAML && e->code != ERR_JSON_LIMIT &&
		 e->code != ERR_JSON_SYNTAX && e->code != ERR_JSON_MEMBER) ||
		!e->where[0] || !text_is_printable(e->where) || !e->text[0] ||
		!text_is_printable(e->text))
	{
		abort();
	}
}

static void check_same(const struct text *a, const struct text *b)
{
	if (a->len != b->len || memcmp(text_str(a), text_str(b), a->len) != 0)
	{
		abort();
	}
}

/* JSON as YAML, as JSON, as YAML: both YAML are one, and one JSON */
static void there_and_back(const char *json, size_t len, bool canonical)
{
	struct text yaml = { 0 }, back = { 0 }, again = { 0 };
	struct text given = { (char *)json, len, 0 };
	struct err e = { 0 };

	if (json_to_yaml(json, len, &yaml, &e) < 0)
	{
		check_error(&e);
		if (canonical && e.code != ERR_JSON_LIMIT)
		{
			abort();
		}
	}
	else if (yaml_to_json(yaml.s, yaml.len, &back, &e) < 0 ||
			 json_to_yaml(back.s, back.len, &again, &e) < 0)
	{
		abort();
	}
	else
	{
		check_same(&yaml, &again);
		if (canonical)
		{
			check_same(&given, &back);
		}
	}
	text_done(&yaml);
	text_done(&back);
	text_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text json = { 0 };
	struct err e = { 0 };

	if (yaml_to_json((const char *)data, size, &json, &e) == 0)
	{
		there_and_back(json.s, json.len, true);
	}
	else
	{
		check_error(&e);
	}
	text_done(&json);
	if (size <= YAML_BYTES_MAX / 8)
	{
		there_and_back((const char *)data, size, false);
	}
	return 0;
}
