/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * json_scan.c - strict RFC 8259 in one bounded pass
 *
 * Pure. Allocates nothing: keys of the objects that are open are remembered as
 * places in the text, in frames on the stack.
 */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "json_scan.h"
#include "text.h"

const struct json_limits json_limits_document = {
	.bytes = JSON_DOCUMENT_MAX,
	.depth = 16,
	.values = 850000,
	.members = JSON_SCAN_MEMBERS_MAX,
	.string = 65536,
	.containers = 110000,
};

struct scan {
	const char *start, *p, *end;
	const struct json_limits *limits;
	struct err *e;
	unsigned values, containers, depth;
};

/* a key as written, between the quotes */
struct key {
	const char *s;
	uint32_t len;
	uint32_t hash;			/* of the decoded key */
};

static int scan_value(struct scan *s);

/* Errors ------------------------------------------------------------------ */

static int fail(struct scan *s, int rc, enum err_code code, const char *text)
{
	char where[32];

	snprintf(where, sizeof(where), "byte %zu", (size_t)(s->p - s->start));
	return err_set(s->e, rc, code, where, "%s", text);
}

static int syntax(struct scan *s, const char *text)
{
	return fail(s, -EINVAL, ERR_JSON_SYNTAX, text);
}

static int limit(struct scan *s, const char *text)
{
	return fail(s, -E2BIG, ERR_JSON_LIMIT, text);
}

/* Strings ----------------------------------------------------------------- */

/* four hex digits, or -1 */
static int32_t hex4(const char *p, const char *end)
{
	char digits[5];
	uint8_t bytes[2];

	if (end - p < 4)
	{
		return -1;
	}
	memcpy(digits, p, 4);
	digits[4] = '\0';
	return hex_decode(digits, bytes, 2) ? -1 : bytes[0] << 8 | bytes[1];
}

/* the code point of the \u escape at p (on its backslash), *len its length */
static int32_t unicode_escape(const char *p, const char *end, size_t *len)
{
	int32_t high = hex4(p + 2, end), low;

	*len = 6;
	if (high < 0xd800 || high > 0xdfff)
	{
		return high;
	}
	if (high > 0xdbff || end - p < 12 || p[6] != '\\' || p[7] != 'u')
	{
		return -1;
	}
	low = hex4(p + 8, end);
	if (low < 0xdc00 || low > 0xdfff)
	{
		return -1;
	}
	*len = 12;
	return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

static int scan_escape(struct scan *s)
{
	size_t len = 2;
	int32_t code;

	if (s->end - s->p < 2)
	{
		return syntax(s, "the text ends within a string");
	}
	if (s->p[1] == 'u')
	{
		code = unicode_escape(s->p, s->end, &len);
		if (code < 0)
		{
			return syntax(s, "not a \\u escape, or half a surrogate pair");
		}
		if (code == 0)
		{
			return syntax(s, "\\u0000 in a string");
		}
	}
	else if (!s->p[1] || !strchr("\"\\/bfnrt", s->p[1]))
	{
		return syntax(s, "unknown escape in a string");
	}
	s->p += len;
	return 0;
}

/* from the opening quote to behind the closing one */
static int scan_string(struct scan *s)
{
	const char *start = ++s->p;
	size_t len;
	int rc;

	while (s->p < s->end && *s->p != '"')
	{
		if ((size_t)(s->p - start) >= s->limits->string)
		{
			return limit(s, "string too long");
		}
		if (*s->p == '\\')
		{
			rc = scan_escape(s);
			if (rc)
			{
				return rc;
			}
			continue;
		}
		if ((unsigned char)*s->p < 0x20)
		{
			return syntax(s, "control character in a string");
		}
		len = utf8_sequence(s->p, (size_t)(s->end - s->p));
		if (!len)
		{
			return syntax(s, "not UTF-8");
		}
		s->p += len;
	}
	if (s->p >= s->end)
	{
		return syntax(s, "the text ends within a string");
	}
	s->p++;
	return 0;
}

/* Keys -------------------------------------------------------------------- */

/* reads a valid string's characters with escapes resolved, as code points */
struct cursor {
	const char *p, *end;
};

/* the next byte or escaped code point; raw UTF-8 comes as code points too */
static int32_t cursor_next(struct cursor *c)
{
	static const char names[] = "bfnrt", values[] = "\b\f\n\r\t";
	const uint8_t *b = (const uint8_t *)c->p;
	const char *name;
	int32_t code;
	size_t len, i;

	if (c->p >= c->end)
	{
		return -1;
	}
	if (*c->p == '\\' && c->p[1] == 'u')
	{
		code = unicode_escape(c->p, c->end, &len);
		c->p += len;
		return code;
	}
	if (*c->p == '\\')
	{
		name = strchr(names, c->p[1]);
		code = name ? values[name - names] : c->p[1];
		c->p += 2;
		return code;
	}
	len = utf8_sequence(c->p, (size_t)(c->end - c->p));
	code = len < 2 ? b[0] : b[0] & (0x7f >> len);
	for (i = 1; i < len; i++)
	{
		code = code << 6 | (b[i] & 0x3f);
	}
	c->p += len;
	return code;
}

static uint32_t key_hash(const struct key *key)
{
	struct cursor c = { key->s, key->s + key->len };
	uint32_t hash = 2166136261u;	/* FNV-1a over code points */
	int32_t code;

	while ((code = cursor_next(&c)) >= 0)
	{
		hash = (hash ^ (uint32_t)code) * 16777619u;
	}
	return hash;
}

static bool key_equal(const struct key *a, const struct key *b)
{
	struct cursor x = { a->s, a->s + a->len }, y = { b->s, b->s + b->len };
	int32_t code;

	if (a->hash != b->hash)
	{
		return false;
	}
	do
	{
		code = cursor_next(&x);
		if (code != cursor_next(&y))
		{
			return false;
		}
	}
	while (code >= 0);
	return true;
}

/* Values ------------------------------------------------------------------ */

static void skip_space(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' ||
							 *s->p == '\r'))
	{
		s->p++;
	}
}

/* is the next character c (taken then)? */
static bool take(struct scan *s, char c)
{
	skip_space(s);
	if (s->p < s->end && *s->p == c)
	{
		s->p++;
		return true;
	}
	return false;
}

static int count_value(struct scan *s)
{
	return ++s->values > s->limits->values ? limit(s, "too many values") : 0;
}

static int scan_key(struct scan *s, struct key *keys, unsigned count)
{
	unsigned i;
	int rc;

	skip_space(s);
	if (s->p >= s->end || *s->p != '"')
	{
		return syntax(s, "a member's name is missing");
	}
	if (count >= s->limits->members || count >= JSON_SCAN_MEMBERS_MAX)
	{
		return limit(s, "too many members in one object");
	}
	rc = count_value(s);
	if (rc)
	{
		return rc;
	}
	keys[count].s = s->p + 1;
	rc = scan_string(s);
	if (rc)
	{
		return rc;
	}
	keys[count].len = (uint32_t)(s->p - 1 - keys[count].s);
	keys[count].hash = key_hash(&keys[count]);
	for (i = 0; i < count; i++)
	{
		if (key_equal(&keys[i], &keys[count]))
		{
			s->p = keys[count].s - 1;
			return fail(s, -EINVAL, ERR_JSON_MEMBER, "duplicate member");
		}
	}
	return 0;
}

static int scan_object(struct scan *s)
{
	struct key keys[JSON_SCAN_MEMBERS_MAX];
	unsigned count = 0;
	int rc;

	if (take(s, '}'))
	{
		return 0;
	}
	do
	{
		rc = scan_key(s, keys, count++);
		if (rc)
		{
			return rc;
		}
		if (!take(s, ':'))
		{
			return syntax(s, "':' is missing");
		}
		rc = scan_value(s);
		if (rc)
		{
			return rc;
		}
	}
	while (take(s, ','));
	return take(s, '}') ? 0 : syntax(s, "',' or '}' is missing");
}

static int scan_array(struct scan *s)
{
	int rc;

	if (take(s, ']'))
	{
		return 0;
	}
	do
	{
		rc = scan_value(s);
		if (rc)
		{
			return rc;
		}
	}
	while (take(s, ','));
	return take(s, ']') ? 0 : syntax(s, "',' or ']' is missing");
}

static int scan_container(struct scan *s)
{
	bool object = *s->p == '{';
	int rc;

	if (s->depth >= s->limits->depth || s->depth >= JSON_SCAN_DEPTH_MAX)
	{
		return limit(s, "nested too deep");
	}
	if (++s->containers > s->limits->containers && s->limits->containers)
	{
		return limit(s, "too many arrays and objects");
	}
	s->depth++;
	s->p++;
	rc = object ? scan_object(s) : scan_array(s);
	s->depth--;
	return rc;
}

static size_t skip_digits(struct scan *s)
{
	const char *start = s->p;

	while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
	{
		s->p++;
	}
	return (size_t)(s->p - start);
}

static int scan_number(struct scan *s)
{
	const char *start;

	s->p += *s->p == '-';
	start = s->p;
	if (!skip_digits(s) || (*start == '0' && s->p - start > 1))
	{
		return syntax(s, "not a number");
	}
	if (s->p < s->end && *s->p == '.')
	{
		s->p++;
		if (!skip_digits(s))
		{
			return syntax(s, "not a number");
		}
	}
	if (s->p < s->end && (*s->p == 'e' || *s->p == 'E'))
	{
		s->p++;
		s->p += s->p < s->end && (*s->p == '+' || *s->p == '-');
		if (!skip_digits(s))
		{
			return syntax(s, "not a number");
		}
	}
	return 0;
}

static int scan_literal(struct scan *s)
{
	static const char *const words[] = { "true", "false", "null" };
	size_t i, len;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
	{
		len = strlen(words[i]);
		if ((size_t)(s->end - s->p) >= len && !memcmp(s->p, words[i], len))
		{
			s->p += len;
			return 0;
		}
	}
	return syntax(s, "a value is missing");
}

static int scan_value(struct scan *s)
{
	int rc;

	skip_space(s);
	if (s->p >= s->end)
	{
		return syntax(s, "the text ends where a value is missing");
	}
	rc = count_value(s);
	if (rc)
	{
		return rc;
	}
	if (*s->p == '{' || *s->p == '[')
	{
		return scan_container(s);
	}
	if (*s->p == '"')
	{
		return scan_string(s);
	}
	if (*s->p == '-' || (*s->p >= '0' && *s->p <= '9'))
	{
		return scan_number(s);
	}
	return scan_literal(s);
}

int json_scan(const char *buf, size_t len, const struct json_limits *limits,
			  struct err *e)
{
	struct scan s = {
		.start = buf, .p = buf, .end = buf + len, .limits = limits, .e = e,
	};
	int rc;

	if (len > limits->bytes || len > INT32_MAX)
	{
		return limit(&s, "text too long");
	}
	rc = scan_value(&s);
	if (rc)
	{
		return rc;
	}
	skip_space(&s);
	return s.p < s.end ? syntax(&s, "something follows the value") : 0;
}
