/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * admin_yaml.c - from YAML to JSON
 *
 * Pure. The only user of libyaml. It is asked for one event after the other and
 * builds no tree, so that anchors cannot make much of little.
 */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "alloc.h"
#include "err.h"
#include "json_out.h"
#include "server/admin_yaml.h"

/* ---- characters and words ---------------------------------------------------- */

size_t yaml_character(const char *s, size_t len, uint32_t *code)
{
	size_t size = utf8_sequence(s, len), i;

	if (size)
	{
		*code = (uint8_t)*s;
		if (size > 1)
		{
			*code &= 0x7fu >> size;
		}
		for (i = 1; i < size; i++)
		{
			*code = *code << 6 | ((uint8_t)s[i] & 0x3f);
		}
	}
	return size;
}

/* Controls, line ends of other worlds, marks that turn the direction of text,
   and what is no character: what a file shows would not be what it says. */
bool yaml_is_plain_character(uint32_t code)
{
	static const struct { uint32_t first, last; } not[] = {
		{ 0, 0x1f }, { 0x7f, 0x9f }, { 0x061c, 0x061c }, { 0x200b, 0x200f },
		{ 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0xd800, 0xdfff },
		{ 0xfeff, 0xfeff }, { 0xfff0, 0xfffb }, { 0xfffe, 0xffff }
	};
	size_t i;

	for (i = 0; i < sizeof(not) / sizeof(not[0]); i++)
	{
		if (code >= not[i].first && code <= not[i].last)
		{
			return false;
		}
	}
	return true;
}

enum yaml_plain yaml_plain_kind(const char *s)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };
	const char *digits = s + (*s == '-');
	size_t i;

	for (i = 0; i < sizeof(nulls) / sizeof(nulls[0]); i++)
	{
		if (strcmp(s, nulls[i]) == 0)
		{
			return YAML_NULL;
		}
	}
	if (strcmp(s, "true") == 0 || strcmp(s, "false") == 0)
	{
		return YAML_BOOLEAN;
	}
	if (strcmp(s, "0") == 0 ||
		(*digits >= '1' && *digits <= '9' &&
		 digits[strspn(digits, "0123456789")] == '\0'))
	{
		return YAML_INTEGER;
	}
	return YAML_TEXT;
}

/* ---- keys of a mapping --------------------------------------------------------- */

/* An open mapping's keys, a hash table; or an open sequence. */
struct frame
{
	bool mapping, value;	/* value: the key was read */
	char **slots;
	size_t size, count;
};

static size_t slot_of(const struct frame *f, const char *key)
{
	uint64_t hash = UINT64_C(14695981039346656037);
	const char *p;
	size_t i;

	for (p = key; *p; p++)
	{
		hash = (hash ^ (uint8_t)*p) * UINT64_C(1099511628211);
	}
	i = (size_t)(hash ^ hash >> 32) & (f->size - 1);
	while (f->slots[i] && strcmp(f->slots[i], key) != 0)
	{
		i = (i + 1) & (f->size - 1);
	}
	return i;
}

/* false: it is there already */
static bool add_key(struct frame *f, const char *key)
{
	struct frame more = { .size = f->size ? 2 * f->size : 16 };
	size_t i;

	if (2 * f->count >= f->size)
	{
		more.slots = xcalloc(more.size, sizeof(*more.slots));
		for (i = 0; i < f->size; i++)
		{
			if (f->slots[i])
			{
				more.slots[slot_of(&more, f->slots[i])] = f->slots[i];
			}
		}
		free(f->slots);
		f->slots = more.slots;
		f->size = more.size;
	}
	i = slot_of(f, key);
	if (f->slots[i])
	{
		return false;
	}
	f->slots[i] = xstrdup(key);
	f->count++;
	return true;
}

static void frame_done(struct frame *f)
{
	size_t i;

	for (i = 0; i < f->size; i++)
	{
		free(f->slots[i]);
	}
	free(f->slots);
	*f = (struct frame){ 0 };
}

/* ---- reading -------------------------------------------------------------------- */

struct reading
{
	yaml_parser_t parser;
	struct err *e;
	struct json_out out;
	struct frame frames[YAML_DEPTH_MAX];
	unsigned depth;
	char *key;				/* of the value that comes next, or NULL */
	/* a place in the text, in characters and bytes: it only goes on */
	const char *buf;
	size_t len, characters, bytes;
};

static int fail(struct reading *r, int rc, const yaml_mark_t *at,
				const char *text)
{
	char where[64];

	snprintf(where, sizeof(where), "line %zu, column %zu", at->line + 1,
			 at->column + 1);
	return err_set(r->e, rc, ERR_YAML, where, "%s", text);
}

/* Before libyaml sees it: UTF-8, and nothing but text. */
static int check_characters(struct reading *r)
{
	yaml_mark_t at = { 0 };
	uint32_t code;
	size_t i, size;

	for (i = 0; i < r->len; i += size)
	{
		size = yaml_character(r->buf + i, r->len - i, &code);
		if (!size)
		{
			return fail(r, -EINVAL, &at, "not UTF-8");
		}
		if (!yaml_is_plain_character(code) && code != '\t' && code != '\n' &&
			!(code == '\r' && i + 1 < r->len && r->buf[i + 1] == '\n'))
		{
			return fail(r, -EINVAL, &at, "a character of control: in quotes, "
						"\"\\n\" or \"\\u200b\" stands for such a one");
		}
		at.column++;
		if (code == '\n')
		{
			at.line++;
			at.column = 0;
		}
	}
	return 0;
}

/* libyaml's own complaint; its context says where it began */
static int parser_error(struct reading *r)
{
	yaml_parser_t *p = &r->parser;
	char text[200];

	if (p->error == YAML_MEMORY_ERROR)
	{
		abort();
	}
	snprintf(text, sizeof(text), "%s%s%s", p->problem ? p->problem : "not YAML",
			 p->context ? ", " : "", p->context ? p->context : "");
	return fail(r, -EINVAL, &p->problem_mark, text);
}

/* The byte at a place; places come in ascending order. */
static char byte_at(struct reading *r, const yaml_mark_t *at)
{
	while (r->characters < at->index && r->bytes < r->len)
	{
		r->bytes += utf8_sequence(r->buf + r->bytes, r->len - r->bytes);
		r->characters++;
	}
	return r->bytes < r->len ? r->buf[r->bytes] : '\0';
}

/* What may begin here? A tag "!" alone leaves no other trace. */
static int check_node(struct reading *r, const yaml_event_t *event,
					  const yaml_char_t *anchor, const yaml_char_t *tag)
{
	const yaml_mark_t *at = &event->start_mark;

	if (anchor)
	{
		return fail(r, -EINVAL, at, "anchors (&) are not taken: repeat the "
					"value");
	}
	if (tag || byte_at(r, at) == '!')
	{
		return fail(r, -EINVAL, at, "tags (!) are not taken: quotes make a "
					"string");
	}
	return 0;
}

/* The frame that a new value belongs to, or NULL: none. */
static struct frame *top(struct reading *r)
{
	return r->depth ? &r->frames[r->depth - 1] : NULL;
}

/* Where a collection begins: is it a key, or too deep? */
static int check_collection(struct reading *r, const yaml_event_t *event)
{
	struct frame *f = top(r);

	if (f && f->mapping && !f->value)
	{
		return fail(r, -EINVAL, &event->start_mark, "a key is a single word "
					"or text");
	}
	if (r->depth == YAML_DEPTH_MAX)
	{
		return fail(r, -E2BIG, &event->start_mark, "nested too deep");
	}
	return 0;
}

/* A value is written: what comes next in its mapping is a key. */
static void value_done(struct reading *r)
{
	struct frame *f = top(r);

	if (f)
	{
		f->value = false;
	}
	free(r->key);
	r->key = NULL;
}

static int begin_collection(struct reading *r, const yaml_event_t *event,
							bool mapping)
{
	int rc = mapping
		? check_node(r, event, event->data.mapping_start.anchor,
					 event->data.mapping_start.tag)
		: check_node(r, event, event->data.sequence_start.anchor,
					 event->data.sequence_start.tag);

	if (rc < 0 || (rc = check_collection(r, event)) < 0)
	{
		return rc;
	}
	(mapping ? jo_object : jo_array)(&r->out, r->key);
	value_done(r);
	r->frames[r->depth++] = (struct frame){ .mapping = mapping };
	return 0;
}

static void end_collection(struct reading *r)
{
	struct frame *f = top(r);

	(f->mapping ? jo_object_end : jo_array_end)(&r->out);
	frame_done(f);
	r->depth--;
}

static int read_key(struct reading *r, const yaml_event_t *event,
					const char *text, bool plain)
{
	struct frame *f = top(r);

	if (plain && strcmp(text, "<<") == 0)
	{
		return fail(r, -EINVAL, &event->start_mark, "merge keys (<<) are not "
					"taken");
	}
	if (plain && yaml_plain_kind(text) == YAML_NULL)
	{
		return fail(r, -EINVAL, &event->start_mark, "a key is missing");
	}
	if (strlen(text) > YAML_KEY_MAX)
	{
		return fail(r, -E2BIG, &event->start_mark, "a key is too long");
	}
	if (!add_key(f, text))
	{
		return fail(r, -EINVAL, &event->start_mark, "this key stands twice in "
					"one mapping");
	}
	f->value = true;
	r->key = xstrdup(text);
	return 0;
}

static int read_scalar(struct reading *r, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length, i, size;
	bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	enum yaml_plain kind = plain ? yaml_plain_kind(text) : YAML_TEXT;
	struct frame *f = top(r);
	int rc = check_node(r, event, event->data.scalar.anchor,
						event->data.scalar.tag);

	for (i = 0; rc == 0 && i < len; i += size)
	{
		size = text[i] ? utf8_sequence(text + i, len - i) : 0;
		if (!size)
		{
			rc = fail(r, -EINVAL, &event->start_mark, "an escape stands for "
					  "no character");
		}
	}
	if (rc < 0)
	{
		return rc;
	}
	if (f && f->mapping && !f->value)
	{
		return read_key(r, event, text, plain);
	}
	if (kind == YAML_NULL)
	{
		return fail(r, -EINVAL, &event->start_mark, "a value is missing; \"\" "
					"is the empty text");
	}
	if (kind == YAML_TEXT)
	{
		jo_str(&r->out, r->key, text);
	}
	else
	{
		jo_raw(&r->out, r->key, text);
	}
	value_done(r);
	return 0;
}

/* *documents: begun so far; *end: nothing follows */
static int read_event(struct reading *r, const yaml_event_t *event,
					  unsigned *documents, bool *end)
{
	switch (event->type)
	{
		case YAML_DOCUMENT_START_EVENT:
			if (event->data.document_start.version_directive ||
				event->data.document_start.tag_directives.start !=
				event->data.document_start.tag_directives.end)
			{
				return fail(r, -EINVAL, &event->start_mark,
							"directives (%) are not taken");
			}
			return ++*documents == 1 ? 0
				: fail(r, -EINVAL, &event->start_mark,
					   "a second document: one file is one customer");
		case YAML_ALIAS_EVENT:
			return fail(r, -EINVAL, &event->start_mark, "aliases (*) are not "
						"taken: repeat the value");
		case YAML_SCALAR_EVENT:
			return read_scalar(r, event);
		case YAML_SEQUENCE_START_EVENT:
			return begin_collection(r, event, false);
		case YAML_MAPPING_START_EVENT:
			return begin_collection(r, event, true);
		case YAML_SEQUENCE_END_EVENT:
		case YAML_MAPPING_END_EVENT:
			end_collection(r);
			return 0;
		case YAML_STREAM_END_EVENT:
			*end = true;
			return *documents ? 0 : fail(r, -EINVAL, &event->start_mark,
										 "nothing stands in it");
		case YAML_NO_EVENT:
		case YAML_STREAM_START_EVENT:
		case YAML_DOCUMENT_END_EVENT:
			break;
	}
	return 0;
}

static int read_events(struct reading *r)
{
	yaml_event_t event;
	unsigned documents = 0;
	bool end = false;
	int rc = 0;

	while (rc == 0 && !end)
	{
		if (!yaml_parser_parse(&r->parser, &event))
		{
			return parser_error(r);
		}
		rc = read_event(r, &event, &documents, &end);
		yaml_event_delete(&event);
	}
	return rc;
}

int yaml_to_json(const char *buf, size_t len, struct text *json,
				 struct err *e)
{
	struct reading r = { .e = e, .buf = buf, .len = len };
	static const yaml_mark_t start;
	int rc;

	if (len > YAML_BYTES_MAX)
	{
		return fail(&r, -E2BIG, &start, "more than 8 MiB");
	}
	rc = check_characters(&r);
	if (rc < 0)
	{
		return rc;
	}
	if (!yaml_parser_initialize(&r.parser))
	{
		abort();
	}
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)buf, len);
	r.out.text = *json;
	rc = read_events(&r);
	yaml_parser_delete(&r.parser);
	while (r.depth)
	{
		end_collection(&r);
	}
	free(r.key);
	*json = jo_take(&r.out);
	return rc;
}
