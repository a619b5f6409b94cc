/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * fuzz_frr.c - whatever vtysh prints
 */
#include "config.h"

#include <stdint.h>
#include <string.h>

#include "agent/facts.h"
#include "agent/frr_text.h"
#include "agent/resource.h"
#include "alloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char red[] = "red", main_vrf[] = "default";
	char *vrfs[] = { red, main_vrf };
	struct frr_view view = {
		.vrfs = vrfs, .vrf_count = 2, .passive = "\nred lan0\n",
	};
	struct arena *a = arena_new();
	struct facts facts = { .sa_count = 0 };
	struct resource_set set;
	struct frr_state state;
	char said[200], *text;

	resource_set_init(&set, a);
	if (frr_read(a, (const char *)data, size, &state, NULL) == 0)
	{
		frr_report(&state, &view, RES_ALL, &set, &facts);
	}
	text = arena_strndup(a, (const char *)data, size);
	frr_complaint(text, 1, 100, said);
	facts_done(&facts);
	resource_set_done(&set);
	arena_free(a);
	return 0;
}
