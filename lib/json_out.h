/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * json_out.h - writing JSON text: escaping, commas, nothing else
 *
 * Pure. Members come out in the order they are written, so equal data gives
 * equal bytes (hashes depend on it).
 */
#ifndef PPVPN_JSON_OUT_H
#define PPVPN_JSON_OUT_H

#include <stdbool.h>
#include <stdint.h>
#include "text.h"
#include "secret.h"
#include "err.h"

struct json_out {
	struct text text;
	unsigned depth;
	bool comma;
};

/* key NULL: an array element (or the top). */
void jo_object(struct json_out *o, const char *key);
void jo_object_end(struct json_out *o);
void jo_array(struct json_out *o, const char *key);
void jo_array_end(struct json_out *o);
void jo_str(struct json_out *o, const char *key, const char *value);
void jo_u64(struct json_out *o, const char *key, uint64_t value);
void jo_i64(struct json_out *o, const char *key, int64_t value);
void jo_bool(struct json_out *o, const char *key, bool value);
void jo_secret(struct json_out *o, const char *key, const struct secret *s);
/** value must be JSON already. */
void jo_raw(struct json_out *o, const char *key, const char *value);
/** {"code","where","text"} of an error. */
void jo_err(struct json_out *o, const char *key, const struct err *e);
/** Take the text (caller wipes/frees with text_done). */
struct text jo_take(struct json_out *o);

#endif
