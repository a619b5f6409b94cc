/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * json_in.c - table-driven reading of JSON objects
 *
 * Pure. The only user of json-c. Types are compared before any getter is
 * called: json-c's getters convert (true to 1, "42abc" to 42) and saturate.
 */
#include "config.h"

#include <errno.h>
#include <json-c/json.h>
#include <json-c/json_visit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "alloc.h"
#include "json_in.h"
#include "name.h"
#include "secret.h"
#include "text.h"

/* Where and what ---------------------------------------------------------- */

static void path_add(struct text *t, const struct json_path *p)
{
	const char *s;

	if (!p)
	{
		return;
	}
	path_add(t, p->up);
	if (!p->member)
	{
		text_addf(t, "/%zu", p->index);
		return;
	}
	text_add(t, "/");
	for (s = p->member; *s; s++)
	{	/* RFC 6901 */
		text_addn(t, *s == '~' ? "~0" : *s == '/' ? "~1" : s,
				  *s == '~' || *s == '/' ? 2 : 1);
	}
}

void json_path_str(const struct json_path *p, char out[128])
{
	struct text t = { 0 };

	path_add(&t, p);
	snprintf(out, 128, "%s", text_str(&t));
	text_done(&t);
}

static int fail(struct json_in *in, const struct json_path *path,
				enum err_code code, const char *text)
{
	char where[128];

	json_path_str(path, where);
	return err_set(in->err, -EINVAL, code, where, "%s", text);
}

static int bad_value(struct json_in *in, const struct json_path *path,
					 const char *text)
{
	return fail(in, path, ERR_JSON_VALUE, text);
}

/* Scalars ----------------------------------------------------------------- */

static int read_number(struct json_in *in, struct json_object *value,
					   const struct json_path *path,
					   const struct json_row *row, void *out)
{
	char text[64];
	int64_t number;

	if (json_object_get_type(value) != json_type_int)
	{
		return bad_value(in, path, "not a whole number");
	}
	/* what does not fit is saturated by json-c: still beyond every max here */
	number = json_object_get_int64(value);
	if (number < 0 || (uint64_t)number < row->min || (uint64_t)number > row->max)
	{
		snprintf(text, sizeof(text), "not in %llu..%llu",
				 (unsigned long long)row->min, (unsigned long long)row->max);
		return bad_value(in, path, text);
	}
	if (row->kind == JSON_U64)
	{
		*(uint64_t *)out = (uint64_t)number;
	}
	else
	{
		*(uint32_t *)out = (uint32_t)number;
	}
	return 0;
}

static bool is_token(const char *s)
{
	return s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

static bool is_hex(const char *s)
{
	return s[strspn(s, "0123456789abcdef")] == '\0';
}

static bool is_base64(const char *s, size_t len)
{
	size_t digits = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
						   "abcdefghijklmnopqrstuvwxyz0123456789+/");

	return len % 4 == 0 && len - digits <= 2 &&
		   strspn(s + digits, "=") == len - digits;
}

static bool is_place2(const char *s)
{
	char labels[2][NAME_SIZE];

	return place_parse(s, 2, labels, "", NULL) == 0;
}

/* NULL when the string fits the row, else what is wrong */
static const char *string_fault(const struct json_row *row, const char *s,
								size_t len)
{
	bool sized = len >= row->min && len <= row->max;

	switch (row->kind)
	{
		case JSON_TEXT:
			return !sized ? "text too short or too long" :
				   !text_is_printable(s) ? "not printable ASCII" : NULL;
		case JSON_TOKEN:
			return !sized ? "word too short or too long" :
				   !is_token(s) ? "not of a-z, 0-9 and '-'" : NULL;
		case JSON_HEX:
			return len != row->max || !is_hex(s) ?
				   "not lower-case hex digits of the right number" : NULL;
		case JSON_BASE64:
			return !sized ? "too short or too long" :
				   !is_base64(s, len) ? "not base64" : NULL;
		case JSON_LABEL:
			return name_is_label(s) ? NULL : "not a DNS label";
		case JSON_LABELS:
			return name_is_labels(s) ? NULL :
				   "neither a DNS label nor two joined by '.'";
		case JSON_FQDN:
			return name_is_fqdn(s) ? NULL : "not a domain name";
		case JSON_PLACE2:
			return is_place2(s) ? NULL : "not two labels joined by '/'";
		default:
			return "not a text";
	}
}

static int read_enum(struct json_in *in, const struct json_path *path,
					 const struct json_row *row, const char *s, void *out)
{
	int i;

	for (i = 0; row->names[i]; i++)
	{
		if (strcmp(row->names[i], s) == 0)
		{
			*(int *)out = i;
			return 0;
		}
	}
	return bad_value(in, path, "not a word that is known here");
}

static int read_secret(struct json_in *in, struct json_object *value,
					   const struct json_path *path, void *out)
{
	char *hex = (char *)json_object_get_string(value);
	size_t len = (size_t)json_object_get_string_len(value);
	int rc = secret_from_hex(out, hex);

	/* json-c's own copy, which nobody else wipes */
	wipe(hex, len);
	return rc ? bad_value(in, path, "not a secret of 16 to 64 bytes in hex") : 0;
}

static int read_string(struct json_in *in, struct json_object *value,
					   const struct json_path *path,
					   const struct json_row *row, void *out)
{
	const char *s, *fault;
	size_t len;

	if (json_object_get_type(value) != json_type_string)
	{
		return bad_value(in, path, "not a string");
	}
	s = json_object_get_string(value);
	len = (size_t)json_object_get_string_len(value);
	switch (row->kind)
	{
		case JSON_ENUM:
			return read_enum(in, path, row, s, out);
		case JSON_SECRET:
			return read_secret(in, value, path, out);
		case JSON_ADDR4:
			return !addr_parse4(s, out) ? 0 :
				   bad_value(in, path, "not an IPv4 address");
		case JSON_PREFIX4:
			return !prefix_parse4(s, true, out) ? 0 :
				   bad_value(in, path, "not an IPv4 prefix");
		case JSON_PREFIX:
			return !prefix_parse(s, out) ? 0 :
				   bad_value(in, path, "not a prefix like 10.1.0.0/24 (host "
							 "bits must be zero)");
		default:
			fault = string_fault(row, s, len);
			if (fault)
			{
				return bad_value(in, path, fault);
			}
			*(char **)out = arena_strndup(in->arena, s, len);
			return 0;
	}
}

/* Arrays and maps --------------------------------------------------------- */

static int check_count(struct json_in *in, const struct json_path *path,
					   const struct json_row *row, size_t count)
{
	char text[80];

	if (count >= row->min && count <= row->max)
	{
		return 0;
	}
	snprintf(text, sizeof(text), "%zu elements, not in %llu..%llu", count,
			 (unsigned long long)row->min, (unsigned long long)row->max);
	return bad_value(in, path, text);
}

/* out is the struct that holds pointer and count */
static void *make_elements(struct json_in *in, const struct json_row *row,
						   size_t count, void *out)
{
	void *elements = arena_calloc(in->arena, count, row->elem_size);

	*(void **)((char *)out + row->offset) = elements;
	*(size_t *)((char *)out + row->count_offset) = count;
	return elements;
}

static int read_array(struct json_in *in, struct json_object *value,
					  const struct json_path *path,
					  const struct json_row *row, void *out)
{
	struct json_path element = { .up = path };
	size_t count;
	char *elements;
	int rc;

	if (json_object_get_type(value) != json_type_array)
	{
		return bad_value(in, path, "not an array");
	}
	count = json_object_array_length(value);
	rc = check_count(in, path, row, count);
	if (rc)
	{
		return rc;
	}
	elements = make_elements(in, row, count, out);
	for (element.index = 0; element.index < count; element.index++)
	{
		rc = row->fn(in, json_object_array_get_idx(value, element.index),
					 &element, elements + element.index * row->elem_size);
		if (rc)
		{
			return rc;
		}
	}
	return 0;
}

/* elements of maps begin with their key */
static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int read_map(struct json_in *in, struct json_object *value,
					const struct json_path *path, const struct json_row *row,
					void *out)
{
	struct json_object_iter it;
	struct json_path member = { .up = path };
	size_t count;
	char *elements, *element;
	int rc;

	if (json_object_get_type(value) != json_type_object)
	{
		return bad_value(in, path, "not an object");
	}
	count = (size_t)json_object_object_length(value);
	rc = check_count(in, path, row, count);
	if (rc)
	{
		return rc;
	}
	element = elements = make_elements(in, row, count, out);
	json_object_object_foreachC(value, it)
	{
		member.member = it.key;
		if (!name_is_labels(it.key))
		{
			return bad_value(in, &member, "its name is neither a DNS label "
							 "nor two joined by '.'");
		}
		*(char **)element = arena_strdup(in->arena, it.key);
		rc = row->fn(in, it.val, &member, element);
		if (rc)
		{
			return rc;
		}
		element += row->elem_size;
	}
	qsort(elements, count, row->elem_size, compare_keys);
	return 0;
}

/* Objects ----------------------------------------------------------------- */

int json_read_value(struct json_in *in, struct json_object *value,
					const struct json_path *path, const struct json_row *row,
					void *out)
{
	switch (row->kind)
	{
		case JSON_BOOL:
			if (json_object_get_type(value) != json_type_boolean)
			{
				return bad_value(in, path, "neither true nor false");
			}
			*(bool *)out = json_object_get_boolean(value);
			return 0;
		case JSON_U64:
		case JSON_U32:
			return read_number(in, value, path, row, out);
		case JSON_OBJECT:
			return row->fn(in, value, path, out);
		case JSON_TEXT:
		case JSON_LABEL:
		case JSON_LABELS:
		case JSON_FQDN:
		case JSON_PLACE2:
		case JSON_ADDR4:
		case JSON_PREFIX4:
		case JSON_PREFIX:
		case JSON_ENUM:
		case JSON_SECRET:
		case JSON_HEX:
		case JSON_BASE64:
		case JSON_TOKEN:
			return read_string(in, value, path, row, out);
		case JSON_ARRAY:
		case JSON_MAP:
			break;
	}
	return bad_value(in, path, "a list outside an object");
}

static const struct json_row *find_row(const struct json_row *rows,
									   const char *name)
{
	for (; rows->name; rows++)
	{
		if (strcmp(rows->name, name) == 0)
		{
			return rows;
		}
	}
	return NULL;
}

static int read_member(struct json_in *in, struct json_object *value,
					   const struct json_path *path,
					   const struct json_row *row, void *out)
{
	if (row->present_offset)
	{
		*(bool *)((char *)out + row->present_offset) = true;
	}
	switch (row->kind)
	{
		case JSON_ARRAY:
			return read_array(in, value, path, row, out);
		case JSON_MAP:
			return read_map(in, value, path, row, out);
		default:
			return json_read_value(in, value, path, row,
								   (char *)out + row->offset);
	}
}

int json_read_object(struct json_in *in, struct json_object *value,
					 const struct json_path *path,
					 const struct json_row *rows, void *out)
{
	struct json_object_iter it;
	struct json_object *member_value;
	struct json_path member = { .up = path };
	const struct json_row *row;
	int known = 0, rc;

	if (json_object_get_type(value) != json_type_object)
	{
		return bad_value(in, path, "not an object");
	}
	for (row = rows; row->name; row++)
	{
		member.member = row->name;
		if (json_object_object_get_ex(value, row->name, &member_value))
		{
			known++;
			rc = read_member(in, member_value, &member, row, out);
			if (rc)
			{
				return rc;
			}
		}
		else if (row->required)
		{
			return fail(in, &member, ERR_JSON_MEMBER, "member is missing");
		}
	}
	if (known == json_object_object_length(value))
	{	/* each row is another name, so these are all there are */
		return 0;
	}
	/* last: another version of a schema is told by its first row */
	json_object_object_foreachC(value, it)
	{
		if (!find_row(rows, it.key))
		{
			member.member = it.key;
			return fail(in, &member, ERR_JSON_MEMBER, "unknown member");
		}
	}
	return 0;
}

int json_read_one(struct json_in *in, struct json_object *value,
				  const struct json_path *path, const struct json_row *row,
				  void *out)
{
	struct json_path member = { .up = path, .member = row->name };
	struct json_object *member_value;

	if (json_object_get_type(value) != json_type_object)
	{
		return bad_value(in, path, "not an object");
	}
	if (json_object_object_get_ex(value, row->name, &member_value))
	{
		return read_member(in, member_value, &member, row, out);
	}
	return row->required ? fail(in, &member, ERR_JSON_MEMBER,
								"member is missing") : 0;
}

/* Whole texts ------------------------------------------------------------- */

static int wipe_string(struct json_object *value, int flags,
					   struct json_object *parent, const char *key,
					   size_t *index, void *user)
{
	if (json_object_get_type(value) == json_type_string)
	{
		wipe((char *)json_object_get_string(value),
			 (size_t)json_object_get_string_len(value));
	}
	return JSON_C_VISIT_RETURN_CONTINUE;
}

/*
 * The tokener collects each string in a buffer that it grows by realloc() and
 * frees without wiping. A string as long as the longest allowed makes it big
 * enough before the text, and overwrites what it holds after.
 */
static void flood_tokener(struct json_tokener *tokener, size_t len)
{
	char *quoted = xcalloc(1, len + 3);

	memset(quoted, 'x', len + 2);
	quoted[0] = quoted[len + 1] = '"';
	json_tokener_reset(tokener);
	json_object_put(json_tokener_parse_ex(tokener, quoted, (int)len + 2));
	json_tokener_reset(tokener);
	free(quoted);
}

static int parse(const char *buf, size_t len, const struct json_limits *limits,
				 struct json_object **out, struct err *e)
{
	/* json-c counts the value at the bottom too */
	struct json_tokener *tokener = json_tokener_new_ex((int)limits->depth + 1);
	enum json_tokener_error fault;

	if (!tokener)
	{
		abort();
	}
	flood_tokener(tokener, limits->string);
	json_tokener_set_flags(tokener,
						   JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	*out = json_tokener_parse_ex(tokener, buf, (int)len);
	fault = json_tokener_get_error(tokener);
	if (fault == json_tokener_continue)
	{	/* a bare number may go on: the NUL tells it that it does not */
		*out = json_tokener_parse_ex(tokener, "", 1);
		fault = json_tokener_get_error(tokener);
	}
	flood_tokener(tokener, limits->string);
	json_tokener_free(tokener);
	if (fault != json_tokener_success)
	{	/* json_scan() took it, so this is not expected */
		return err_set(e, -EINVAL, ERR_JSON_SYNTAX, "", "%s",
					   json_tokener_error_desc(fault));
	}
	return 0;
}

int json_read_text(struct arena *arena, const char *buf, size_t len,
				   const struct json_limits *limits, json_read_fn fn,
				   void *out, void *user, struct err *e)
{
	struct err ignored, *err = e ? e : &ignored;
	struct json_in in = { .arena = arena, .err = err, .user = user };
	struct json_object *value;
	int rc;

	rc = json_scan(buf, len, limits, err);
	if (!rc)
	{
		rc = parse(buf, len, limits, &value, err);
	}
	if (rc)
	{
		return rc;
	}
	rc = fn(&in, value, NULL, out);
	json_c_visit(value, 0, wipe_string, NULL);
	json_object_put(value);
	return rc;
}
