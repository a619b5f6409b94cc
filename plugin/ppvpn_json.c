/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ppvpn_json.c - typed, bounded reading of json-c values, with errors that
 * say where
 *
 * Owns how json-c is fed (never unscanned text: it takes 273 MB for 1 MiB of
 * "{}") and how it is emptied (it wipes nothing).  Knows no request.
 */

#include "ppvpn_json.h"

#include "json_scan.h"

#include <errno.h>

/**
 * Bounds of a frame; depth is that of the key in a connection in a request,
 * and some
 */
static const struct json_limits limits = {
	.bytes = PPVPN_FRAME_MAX,
	.depth = 10,
	.values = 1500000,
	.members = 32,
	.string = PPVPN_STRING_MAX,
	.containers = 400000,
};

/**
 * The tokener collects every string in one buffer that it grows by realloc()
 * and never wipes.  A string as long as any in the frame may be, parsed
 * before, grows the buffer to its final size; parsed after, it overwrites the
 * last string.
 */
static void flood(json_tokener *tokener, size_t frame)
{
	size_t len = min(frame, (size_t)PPVPN_STRING_MAX) + 2;
	char *text = malloc(len);

	memset(text, 'x', len);
	text[0] = text[len - 1] = '"';
	json_tokener_reset(tokener);
	json_object_put(json_tokener_parse_ex(tokener, text, len));
	json_tokener_reset(tokener);
	free(text);
}

/**
 * Described in header.
 */
json_object *ppvpn_json_parse(chunk_t frame, bool *fatal,
							  ppvpn_error_t *error)
{
	json_tokener *tokener;
	json_object *value;
	struct err err;

	*fatal = FALSE;
	if (json_scan((char*)frame.ptr, frame.len, &limits, &err) != 0)
	{
		*fatal = err.code == ERR_JSON_SYNTAX;
		error->code = "malformed";
		snprintf(error->where, sizeof(error->where), "%s", err.where);
		snprintf(error->text, sizeof(error->text), "%s", err.text);
		return NULL;
	}
	tokener = json_tokener_new_ex(limits.depth + 1);
	flood(tokener, frame.len);
	value = json_tokener_parse_ex(tokener, (char*)frame.ptr, frame.len);
	flood(tokener, frame.len);
	json_tokener_free(tokener);
	if (!json_object_is_type(value, json_type_object))
	{
		*fatal = TRUE;
		ppvpn_json_put(value);
		return NULL;
	}
	return value;
}

/**
 * Overwrite a string
 */
static int wipe_string(json_object *value, int flags, json_object *parent,
					   const char *key, size_t *index, void *data)
{
	if (json_object_is_type(value, json_type_string))
	{
		memwipe((char*)json_object_get_string(value),
				json_object_get_string_len(value));
	}
	return JSON_C_VISIT_RETURN_CONTINUE;
}

/**
 * Described in header.
 */
void ppvpn_json_put(json_object *value)
{
	if (value)
	{
		json_c_visit(value, 0, wipe_string, NULL);
		json_object_put(value);
	}
}

/**
 * Append to where, as much as fits
 */
static void append(ppvpn_error_t *error, const char *text)
{
	size_t len = strlen(error->where);

	for (; *text && len + 2 < sizeof(error->where); text++)
	{
		if (*text == '~' || *text == '/')
		{
			error->where[len++] = '~';
			error->where[len++] = *text == '~' ? '0' : '1';
		}
		else
		{
			error->where[len++] = *text >= 0x20 && *text < 0x7f ? *text : '?';
		}
	}
	error->where[len] = '\0';
}

/**
 * Write a JSON pointer
 */
static void point(ppvpn_error_t *error, const json_at_t *at)
{
	char index[16];
	size_t len;

	if (!at)
	{
		error->where[0] = '\0';
		return;
	}
	point(error, at->up);
	len = strlen(error->where);
	if (len + 2 < sizeof(error->where))
	{
		error->where[len++] = '/';
		error->where[len] = '\0';
	}
	snprintf(index, sizeof(index), "%u", at->index);
	append(error, at->member ?: index);
}

/**
 * Described in header.
 */
bool ppvpn_json_fail(ppvpn_error_t *error, const json_at_t *at,
					 const char *code, const char *fmt, ...)
{
	va_list args;

	error->code = code;
	point(error, at);
	va_start(args, fmt);
	vsnprintf(error->text, sizeof(error->text), fmt, args);
	va_end(args);
	return FALSE;
}

/**
 * Find a member that is in no row; there are no duplicates, the scan saw to it
 */
static bool fail_unknown(json_object *value, const json_at_t *at,
						 const json_member_t *members, u_int count,
						 ppvpn_error_t *error)
{
	json_at_t here = { .up = at };
	bool known;
	u_int i;

	json_object_object_foreach(value, name, unused)
	{
		(void)unused;
		known = FALSE;
		for (i = 0; i < count; i++)
		{
			known |= streq(members[i].name, name);
		}
		if (!known)
		{
			here.member = name;
			return ppvpn_json_fail(error, &here, "unknown-member",
								   "no such member");
		}
	}
	return TRUE;
}

/**
 * Described in header.
 */
bool ppvpn_json_members(json_object *value, const json_at_t *at,
						const json_member_t *members, u_int count,
						void *dst, ppvpn_error_t *error)
{
	json_at_t here = { .up = at };
	json_object *member;
	u_int found = 0, i;

	if (!json_object_is_type(value, json_type_object))
	{
		return ppvpn_json_fail(error, at, "malformed", "not an object");
	}
	for (i = 0; i < count; i++)
	{
		here.member = members[i].name;
		if (!json_object_object_get_ex(value, members[i].name, &member))
		{
			if (members[i].optional)
			{
				continue;
			}
			return fail_unknown(value, at, members, count, error) &&
				   ppvpn_json_fail(error, &here, "malformed",
								   "this member is missing");
		}
		if (!member && members[i].optional)
		{	/* or it would be taken for one that is missing */
			return ppvpn_json_fail(error, &here, "malformed", "null");
		}
		if (members[i].read &&
			!members[i].read(member, &here, (char*)dst + members[i].offset,
							 error))
		{
			return FALSE;
		}
		found++;
	}
	return json_object_object_length(value) == found ||
		   fail_unknown(value, at, members, count, error);
}

/**
 * Described in header.
 */
bool ppvpn_json_array(json_object *value, const json_at_t *at, u_int min,
					  u_int max, u_int *count, ppvpn_error_t *error)
{
	size_t len;

	if (!json_object_is_type(value, json_type_array))
	{
		return ppvpn_json_fail(error, at, "malformed", "not an array");
	}
	len = json_object_array_length(value);
	if (len < min || len > max)
	{
		return ppvpn_json_fail(error, at, "out-of-range",
							"%zu elements, must be %u to %u", len, min, max);
	}
	*count = len;
	return TRUE;
}

/**
 * Described in header.
 */
bool ppvpn_json_text(json_object *value, const json_at_t *at, u_int min,
					 u_int max, const char *bytes, char **str,
					 ppvpn_error_t *error)
{
	const char *text;
	size_t len, i;

	if (!json_object_is_type(value, json_type_string))
	{
		return ppvpn_json_fail(error, at, "malformed", "not a string");
	}
	text = json_object_get_string(value);
	len = json_object_get_string_len(value);
	if (len < min || len > max)
	{
		return ppvpn_json_fail(error, at, "out-of-range",
							"%zu bytes, must be %u to %u", len, min, max);
	}
	for (i = 0; i < len; i++)
	{
		if (!text[i] || (bytes ? !strchr(bytes, text[i]) :
								 text[i] < 0x20 || text[i] >= 0x7f))
		{
			return ppvpn_json_fail(error, at, "out-of-range",
								   "byte %zu is not allowed here", i);
		}
	}
	*str = (char*)text;
	return TRUE;
}

/**
 * Described in header.
 */
bool ppvpn_json_number(json_object *value, const json_at_t *at, int64_t min,
					   int64_t max, int64_t *number, ppvpn_error_t *error)
{
	if (!json_object_is_type(value, json_type_int))
	{
		return ppvpn_json_fail(error, at, "malformed", "not an integer");
	}
	*number = json_object_get_int64(value);
	if (*number < min || *number > max)
	{
		return ppvpn_json_fail(error, at, "out-of-range",
						"must be %lld to %lld", (long long)min,
						(long long)max);
	}
	return TRUE;
}

/**
 * Described in header.
 */
bool ppvpn_json_request(json_object *request, const json_member_t *members,
						u_int count, void *dst, ppvpn_error_t *error)
{
	json_member_t all[8] = {
		{ "id",	NULL, 0 },
		{ "op",	NULL, 0 },
	};
	u_int i;

	for (i = 0; i < count && i + 2 < countof(all); i++)
	{
		all[i + 2] = members[i];
	}
	return ppvpn_json_members(request, NULL, all, i + 2, dst, error);
}
