/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * json_out.c - writing JSON text
 *
 * Pure. What comes out is valid JSON whatever bytes a string holds.
 */
#include "config.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "json_out.h"

/* How many bytes from s on are ASCII that needs no escape. */
static size_t plain_run(const char *s)
{
	size_t n = 0;

	while ((unsigned char)s[n] >= 0x20 && (unsigned char)s[n] < 0x80 &&
		   s[n] != '"' && s[n] != '\\')
	{
		n++;
	}
	return n;
}

/* One character that is not plain; returns its length. */
static size_t add_special(struct text *t, const char *s)
{
	size_t len = utf8_sequence(s, strnlen(s, 4));

	if (!len)
	{
		text_addn(t, "?", 1);
		return 1;
	}
	if (*s == '"' || *s == '\\')
	{
		text_addf(t, "\\%c", *s);
	}
	else if ((unsigned char)*s < 0x20)
	{
		text_addf(t, "\\u%04x", (unsigned)*s);
	}
	else
	{
		text_addn(t, s, len);
	}
	return len;
}

/* Nearly all there is: written at once. */
static void add_plain(struct text *t, const char *s, size_t len)
{
	char *at;

	text_reserve(t, len + 2);
	at = t->s + t->len;
	*at++ = '"';
	memcpy(at, s, len);
	at += len;
	*at++ = '"';
	*at = '\0';
	t->len += len + 2;
}

static void add_string(struct text *t, const char *s)
{
	size_t len = plain_run(s);

	if (!s[len])
	{
		add_plain(t, s, len);
		return;
	}
	text_addn(t, "\"", 1);
	while (*s)
	{
		len = plain_run(s);
		if (len)
		{
			text_addn(t, s, len);
		}
		else
		{
			len = add_special(t, s);
		}
		s += len;
	}
	text_addn(t, "\"", 1);
}

static void add_char(struct text *t, char c)
{
	text_reserve(t, 1);
	t->s[t->len++] = c;
	t->s[t->len] = '\0';
}

static void begin(struct json_out *o, const char *key)
{
	if (o->comma)
	{
		add_char(&o->text, ',');
	}
	o->comma = true;
	if (key)
	{
		add_string(&o->text, key);
		add_char(&o->text, ':');
	}
}

static void open_container(struct json_out *o, const char *key,
						   char bracket)
{
	begin(o, key);
	add_char(&o->text, bracket);
	o->depth++;
	o->comma = false;
}

static void close_container(struct json_out *o, char bracket)
{
	assert(o->depth > 0);
	add_char(&o->text, bracket);
	o->depth--;
	o->comma = true;
}

void jo_object(struct json_out *o, const char *key)
{
	open_container(o, key, '{');
}

void jo_object_end(struct json_out *o)
{
	close_container(o, '}');
}

void jo_array(struct json_out *o, const char *key)
{
	open_container(o, key, '[');
}

void jo_array_end(struct json_out *o)
{
	close_container(o, ']');
}

void jo_str(struct json_out *o, const char *key, const char *value)
{
	begin(o, key);
	add_string(&o->text, value);
}

void jo_u64(struct json_out *o, const char *key, uint64_t value)
{
	char digits[24], *at = digits + sizeof(digits);

	begin(o, key);
	do
	{
		*--at = '0' + value % 10;
		value /= 10;
	}
	while (value);
	text_addn(&o->text, at, digits + sizeof(digits) - at);
}

void jo_i64(struct json_out *o, const char *key, int64_t value)
{
	begin(o, key);
	text_addf(&o->text, "%" PRId64, value);
}

void jo_bool(struct json_out *o, const char *key, bool value)
{
	begin(o, key);
	text_add(&o->text, value ? "true" : "false");
}

void jo_secret(struct json_out *o, const char *key, const struct secret *s)
{
	char hex[2 * SECRET_MAX + 1];

	secret_to_hex(s, hex);
	begin(o, key);
	add_plain(&o->text, hex, 2 * s->len);
	wipe(hex, sizeof(hex));
}

void jo_raw(struct json_out *o, const char *key, const char *value)
{
	begin(o, key);
	text_add(&o->text, value);
}

void jo_err(struct json_out *o, const char *key, const struct err *e)
{
	jo_object(o, key);
	jo_str(o, "code", err_code_text(e->code));
	jo_str(o, "where", e->where);
	jo_str(o, "text", e->text);
	jo_object_end(o);
}

struct text jo_take(struct json_out *o)
{
	struct text text = o->text;

	assert(o->depth == 0);
	*o = (struct json_out){ 0 };
	return text;
}
