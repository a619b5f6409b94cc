/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_apply.h - a customer's whole configuration: read, and made so
 */
#ifndef PPVPN_SERVER_STORE_APPLY_H
#define PPVPN_SERVER_STORE_APPLY_H

#include "server/conf_json.h"
#include "server/store.h"

/** All that is configured of a customer, lists by name, in arena. */
int store_conf_read(struct store *s, struct arena *a, const char *customer,
					struct conf_customer *out, struct err *e);
/**
 * A part of a change: make the customer, new or not, like this; what is not in
 * it is removed. Lists are sorted in place. The same twice changes nothing.
 * A CE whose address is dynamic, before and in the file, keeps the one it has
 * within the file's prefixes.
 */
int store_conf_apply(struct store *s, struct conf_customer *want,
					 struct err *e);

#endif
