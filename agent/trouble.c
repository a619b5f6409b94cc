/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * trouble.c - what is wrong and stays so is an alarm
 *
 * Pure.
 */
#include "trouble.h"

static const struct {
	const char *resource;
	enum status_severity severity;
	uint64_t after_ms;
} kinds[TROUBLE_COUNT] = {
#define X(sym, resource, severity, after_ms) \
	[TROUBLE_##sym] = { resource, STATUS_##severity, after_ms },
	TROUBLES(X)
#undef X
};

const char *trouble_resource(enum trouble_kind kind)
{
	return kinds[kind].resource;
}

enum status_severity trouble_severity(enum trouble_kind kind)
{
	return kinds[kind].severity;
}

void trouble_look(struct trouble *t, enum trouble_kind kind,
				  enum err_code code, uint64_t now_ms,
				  enum err_code *clear, enum err_code *raise)
{
	*clear = *raise = ERR_NONE;
	if (code != ERR_NONE && t->code == ERR_NONE)
	{
		t->since_ms = now_ms;
	}
	t->code = code;
	if (t->raised != ERR_NONE && t->raised != code)
	{
		*clear = t->raised;
		t->raised = ERR_NONE;
	}
	if (code != ERR_NONE && t->raised == ERR_NONE &&
		now_ms - t->since_ms >= kinds[kind].after_ms)
	{
		*raise = t->raised = code;
	}
}
