/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * fuzz_vici.c - whatever comes out of charon's socket as a VICI packet
 */
#include "config.h"

#include <stdint.h>
#include <string.h>

#include "agent/facts.h"
#include "agent/resource.h"
#include "agent/vici_msg.h"
#include "agent/vici_read.h"
#include "alloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_child(void *user, const char *conn, const char *child)
{
	*(size_t *)user += strlen(conn) + strlen(child);
}

static void as_sa(struct vici_walk w)
{
	struct arena *a = arena_new();
	struct resource_set set;
	struct facts facts = { 0 };
	struct vici_sa sas[2];
	const uint32_t spi = 0xc0ffee02;
	const struct vici_spis lost = { &spi, 1 };

	resource_set_init(&set, a);
	if (vici_read_sa(&w, a, &sas[0]) == 0)
	{
		sas[1] = sas[0];
		vici_sas_report(sas, 2, &lost, &facts, &set);
	}
	facts_done(&facts);
	resource_set_done(&set);
	arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vici_walk w, copy;
	enum vici_packet type;
	char name[256], errmsg[256];
	size_t total = 0;
	bool success;

	if (vici_open(&w, data, size, &type, name) != 0)
	{
		return 0;
	}
	as_sa(w);
	copy = w;
	vici_read_event_conn(&copy, name);
	copy = w;
	vici_read_result(&copy, &success, errmsg);
	vici_read_conn(&w, on_child, &total);
	return 0;
}
