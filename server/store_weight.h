/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_weight.h - which of many changed CEs must be told first
 */
#ifndef PPVPN_SERVER_STORE_WEIGHT_H
#define PPVPN_SERVER_STORE_WEIGHT_H

#include "server/store.h"

struct store_weight
{
	uint64_t ce_id;
	bool urgent;		/* something is taken from it: it must not wait */
	uint64_t links;		/* tunnels of it that are new or other */
};

/**
 * What of each CE changed after revision, in the order of changes (as
 * store_changes_since() gave them); weights has count elements.
 */
int store_changes_weigh(struct store *s, struct arena *a, uint64_t revision,
						const struct store_change *changes, size_t count,
						struct store_weight *weights, struct err *e);

#endif
