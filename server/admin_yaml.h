/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * admin_yaml.h - the YAML of a customer's file (doc/customer-file.md) and JSON
 *
 * Pure. A subset of YAML in which a text means the same to everybody: mappings,
 * sequences and scalars, no more. A scalar without quotes is a number only when
 * it is a decimal integer as in JSON, and a boolean only as true and false; all
 * else, such as no, 010, 1e5, 10.1 and dates, is a string.
 */
#ifndef PPVPN_SERVER_ADMIN_YAML_H
#define PPVPN_SERVER_ADMIN_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define YAML_BYTES_MAX (8u * 1024 * 1024)
#define YAML_DEPTH_MAX 16	/* of mappings and sequences, one within another */
#define YAML_KEY_MAX 256	/* bytes; YAML wants a key to be short and on one line */

struct err;
struct text;

/**
 * One YAML document as compact JSON, members in the order they have. Refused:
 * empty values and null, anchors, aliases, tags, merge keys, directives, several
 * documents, a key that stands twice or is no scalar, what is not UTF-8,
 * characters of control.
 *
 * @param json	appended to; the caller ends it, on errors too
 * @return		0, -EINVAL or -E2BIG with code ERR_YAML and where "line N,
 *				column M"
 */
int yaml_to_json(const char *buf, size_t len, struct text *json,
				 struct err *e);

/**
 * JSON as YAML for people: block style, what fits on a line on one line, quotes
 * only where the text would be something else without, here or for other readers
 * of YAML. No character of control comes out. What yaml_to_json() makes of it is
 * the same JSON, if that was as json_out.h writes it.
 *
 * JSON's null, and numbers that are no integers, are refused: the subset has no
 * such values.
 *
 * @param yaml	appended to; the caller ends it, on errors too
 */
int json_to_yaml(const char *json, size_t len, struct text *yaml,
				 struct err *e);

/** Whether a text without quotes would be a number, or a boolean. */
enum yaml_plain { YAML_TEXT, YAML_INTEGER, YAML_BOOLEAN, YAML_NULL };
enum yaml_plain yaml_plain_kind(const char *s);

/** The character at s (of len bytes); its length, or 0: not UTF-8. */
size_t yaml_character(const char *s, size_t len, uint32_t *code);
/** May it stand in a file as it is? No control, no line end but \n. */
bool yaml_is_plain_character(uint32_t code);

#endif
