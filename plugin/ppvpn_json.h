/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/**
 * @defgroup ppvpn_json ppvpn_json
 * @{ @ingroup ppvpn
 *
 * Reads JSON from a client that may be hostile.
 */

#ifndef PPVPN_JSON_H_
#define PPVPN_JSON_H_

#include "ppvpn_compat.h"

#include <json-c/json.h>
#include <json-c/json_visit.h>

typedef struct ppvpn_error_t ppvpn_error_t;
typedef struct json_at_t json_at_t;
typedef struct json_member_t json_member_t;

/** Most bytes of a frame. */
#define PPVPN_FRAME_MAX (16 * 1024 * 1024)

/** Most bytes of one string, as written: a revocation list, each of its lines
 * ended by \n, each of its slashes maybe by \/. */
#define PPVPN_STRING_MAX (320 * 1024)

/**
 * What is wrong with a request.
 */
struct ppvpn_error_t {
	/** one of the protocol's codes, a constant */
	const char *code;
	/** JSON pointer */
	char where[128];
	/** one sentence */
	char text[160];
};

/**
 * Where in a document we are: a chain on the stack.
 */
struct json_at_t {
	/** the object or array around it, NULL for the whole document */
	const json_at_t *up;
	/** name of the member, NULL for an element */
	const char *member;
	/** index of the element */
	u_int index;
};

/**
 * Read a value.
 *
 * @param value		value
 * @param at		where it is
 * @param dst		receives it
 * @param error		receives what is wrong with it
 * @return			FALSE if something is
 */
typedef bool (*json_read_t)(json_object *value, const json_at_t *at,
							void *dst, ppvpn_error_t *error);

/**
 * A member of an object.
 */
struct json_member_t {
	/** name */
	const char *name;
	/** how to read it, NULL if somebody else does */
	json_read_t read;
	/** where in the destination it goes */
	size_t offset;
	/** it may be missing */
	bool optional;
};

/**
 * Scan and parse a frame.
 *
 * @param frame		text, wiped by the caller
 * @param fatal		receives TRUE if it is not JSON, or not an object
 * @param error		receives what is wrong with it
 * @return			object, for ppvpn_json_put(), NULL on failure
 */
json_object *ppvpn_json_parse(chunk_t frame, bool *fatal,
							  ppvpn_error_t *error);

/**
 * Wipe every string of a value and release it.
 */
void ppvpn_json_put(json_object *value);

/**
 * Fill in an error.
 *
 * @return			FALSE, always
 */
bool ppvpn_json_fail(ppvpn_error_t *error, const json_at_t *at,
					 const char *code, const char *fmt, ...)
					 __attribute__((format(printf, 4, 5)));

/**
 * Read exactly these members of an object, but for optional ones.
 *
 * @param members	members
 * @param count		number of members
 */
bool ppvpn_json_members(json_object *value, const json_at_t *at,
						const json_member_t *members, u_int count,
						void *dst, ppvpn_error_t *error);

/**
 * Get the length of an array.
 *
 * @param min		fewest elements
 * @param max		most elements
 * @param count		receives the number of elements
 */
bool ppvpn_json_array(json_object *value, const json_at_t *at, u_int min,
					  u_int max, u_int *count, ppvpn_error_t *error);

/**
 * Get a string with only some bytes in it.
 *
 * @param min		fewest bytes
 * @param max		most bytes
 * @param bytes		bytes allowed, all ASCII and printable but for '\n'; NULL
 *					for all printable ASCII
 * @param str		receives the string, belongs to value
 */
bool ppvpn_json_text(json_object *value, const json_at_t *at, u_int min,
					 u_int max, const char *bytes, char **str,
					 ppvpn_error_t *error);

/**
 * Get a number.
 *
 * @param min		smallest
 * @param max		largest
 * @param number	receives the number
 */
bool ppvpn_json_number(json_object *value, const json_at_t *at, int64_t min,
					   int64_t max, int64_t *number, ppvpn_error_t *error);

/**
 * Read exactly these members of a request, besides "id" and "op".
 *
 * @param members	members, at most 6
 */
bool ppvpn_json_request(json_object *request, const json_member_t *members,
						u_int count, void *dst, ppvpn_error_t *error);

/**
 * Add a member with a text to an object.
 */
static inline void ppvpn_json_add_text(json_object *object, const char *name,
									   const char *text)
{
	json_object_object_add(object, name, json_object_new_string(text));
}

/**
 * Add a member with a number to an object.
 */
static inline void ppvpn_json_add_number(json_object *object,
										 const char *name, int64_t number)
{
	json_object_object_add(object, name, json_object_new_int64(number));
}

/**
 * Add a member that is true or false to an object.
 */
static inline void ppvpn_json_add_bool(json_object *object, const char *name,
									   bool value)
{
	json_object_object_add(object, name, json_object_new_boolean(value));
}

#endif /** PPVPN_JSON_H_ @}*/
