/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * json_in.h - table-driven reading of JSON objects; the one place that reads
 * json-c values
 *
 * Pure. Every member is described by a row; unknown members, missing required
 * ones, wrong types and out-of-range values are errors that say where, as a JSON
 * pointer. Strings are checked by a whitelist of bytes, never by a regex.
 */
#ifndef PPVPN_JSON_IN_H
#define PPVPN_JSON_IN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "json_scan.h"

struct json_object;
struct arena;

/** Where we are, for errors: a chain on the stack. */
struct json_path {
	const struct json_path *up;
	const char *member;		/* or NULL: index */
	size_t index;
};
void json_path_str(const struct json_path *p, char out[128]);

enum json_kind {
	JSON_BOOL,			/* bool * */
	JSON_U64,			/* uint64_t *, min..max (max <= 2^53) */
	JSON_U32,			/* uint32_t *, min..max */
	JSON_TEXT,			/* char **, arena copy; min..max bytes, printable ASCII */
	JSON_LABEL,			/* char **, a name_is_label() */
	JSON_LABELS,		/* char **, a name_is_labels() */
	JSON_FQDN,			/* char **, a name_is_fqdn() */
	JSON_PLACE2,		/* char **, label "/" label */
	JSON_ADDR4,			/* struct addr * */
	JSON_PREFIX4,		/* struct prefix *, strict */
	JSON_PREFIX,		/* struct prefix *, of any family */
	JSON_ENUM,			/* int *, index into names */
	JSON_SECRET,		/* struct secret *: hex; json-c's copy is wiped */
	JSON_HEX,			/* char **, lower-case hex digits, exactly max characters */
	JSON_BASE64,		/* char **, min..max characters of RFC 4648 section 4, padded */
	JSON_TOKEN,			/* char **, [a-z0-9-] of min..max bytes: proposals, codes */
	JSON_OBJECT,		/* read by fn */
	JSON_ARRAY,			/* every element read by fn; min..max elements */
	JSON_MAP			/* object whose keys are name_is_labels(), every value
						   read by fn; min..max members, sorted by key */
};

struct json_in {
	struct arena *arena;
	struct err *err;
	void *user;
};

/**
 * Read an object or one element into out (of the row's elem_size for arrays
 * and maps, else the row's destination).
 */
typedef int (*json_read_fn)(struct json_in *in, struct json_object *value,
							const struct json_path *path, void *out);

struct json_row {
	const char *name;
	enum json_kind kind;
	bool required;
	size_t offset;				/* in the struct read into */
	uint64_t min, max;
	const char *const *names;	/* JSON_ENUM: NULL-terminated */
	json_read_fn fn;			/* JSON_OBJECT, JSON_ARRAY, JSON_MAP */
	size_t elem_size;			/* JSON_ARRAY, JSON_MAP: size of an element */
	size_t count_offset;		/* JSON_ARRAY, JSON_MAP: offset of a size_t count;
								   offset names the element pointer; for JSON_MAP the
								   element's first member is char *key */
	size_t present_offset;		/* bool set true when the member is there; 0: none */
};

/** Read object value by rows (ended by a row with name NULL) into out. */
int json_read_object(struct json_in *in, struct json_object *value,
					 const struct json_path *path,
					 const struct json_row *rows, void *out);
/** Read the one member that row names, whatever else the object has. */
int json_read_one(struct json_in *in, struct json_object *value,
				  const struct json_path *path, const struct json_row *row,
				  void *out);
/** Read one value by a single row (array elements that are not objects). */
int json_read_value(struct json_in *in, struct json_object *value,
					const struct json_path *path, const struct json_row *row,
					void *out);

/**
 * Scan, parse and read a whole text with fn; json-c's memory is wiped and freed.
 */
int json_read_text(struct arena *arena, const char *buf, size_t len,
				   const struct json_limits *limits, json_read_fn fn,
				   void *out, void *user, struct err *e);

#endif
