/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * admin_yaml_write.c - from JSON to YAML for people
 *
 * Pure. The JSON becomes a tree, as what fits on a line has to be known before
 * the line begins.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "addr.h"
#include "alloc.h"
#include "err.h"
#include "json_scan.h"
#include "server/admin_yaml.h"
#include "text.h"

#define LINE 80
#define INDENT 2

static const struct json_limits limits = {
	.bytes = 256u * 1024 * 1024, .depth = YAML_DEPTH_MAX,
	.values = 50 * 1000 * 1000, .members = JSON_SCAN_MEMBERS_MAX,
	.string = 64 * 1024, .containers = 5 * 1000 * 1000
};

enum kind { TEXT, RAW, LIST, MAPPING };

struct node
{
	enum kind kind;
	bool first;				/* of its container */
	const char *key;		/* of a member, or NULL */
	const char *text;		/* TEXT: what it says; RAW: as written */
	struct node *next, *children;
};

/* ---- reading ------------------------------------------------------------------ */

/* Goes over what json_scan() took: no form has to be checked again. */
struct reading
{
	struct arena *arena;
	const char *start, *p;
	struct err *e;
};

static int fail(struct reading *r, const char *text)
{
	char where[32];

	snprintf(where, sizeof(where), "byte %zu", (size_t)(r->p - r->start));
	return err_set(r->e, -EINVAL, ERR_YAML, where, "%s", text);
}

static void skip_space(struct reading *r)
{
	r->p += strspn(r->p, " \t\r\n");
}

static unsigned hex4(const char *p)
{
	uint8_t bytes[2] = { 0 };
	char digits[5] = { p[0], p[1], p[2], p[3], '\0' };

	(void)hex_decode(digits, bytes, sizeof(bytes));
	return (unsigned)bytes[0] << 8 | bytes[1];
}

static char *put_utf8(char *out, uint32_t code)
{
	if (code < 0x80)
	{
		*out++ = (char)code;
		return out;
	}
	if (code < 0x800)
	{
		*out++ = (char)(0xc0 | code >> 6);
	}
	else
	{
		if (code < 0x10000)
		{
			*out++ = (char)(0xe0 | code >> 12);
		}
		else
		{
			*out++ = (char)(0xf0 | code >> 18);
			*out++ = (char)(0x80 | (code >> 12 & 0x3f));
		}
		*out++ = (char)(0x80 | (code >> 6 & 0x3f));
	}
	*out++ = (char)(0x80 | (code & 0x3f));
	return out;
}

/* behind the backslash; *out is moved on */
static void read_escape(struct reading *r, char **out)
{
	static const char names[] = "bfnrt", values[] = "\b\f\n\r\t";
	const char *name = strchr(names, *r->p);
	uint32_t code;

	if (*r->p != 'u')
	{
		*(*out)++ = name ? values[name - names] : *r->p;
		r->p++;
		return;
	}
	code = hex4(r->p + 1);
	r->p += 5;
	if (code >= 0xd800 && code <= 0xdbff)
	{
		code = 0x10000 + ((code - 0xd800) << 10) + (hex4(r->p + 2) - 0xdc00);
		r->p += 6;
	}
	*out = put_utf8(*out, code);
}

static const char *read_string(struct reading *r)
{
	const char *end = ++r->p;
	char *text, *out;

	while (*end != '"')
	{
		end += *end == '\\' ? 2 : 1;
	}
	/* never longer than it is written */
	text = out = arena_calloc(r->arena, (size_t)(end - r->p) + 1, 1);
	while (*r->p != '"')
	{
		if (*r->p == '\\')
		{
			r->p++;
			read_escape(r, &out);
		}
		else
		{
			*out++ = *r->p++;
		}
	}
	r->p++;
	return text;
}

static int read_node(struct reading *r, struct node **out);

static int read_children(struct reading *r, struct node *parent, char end)
{
	struct node **next = &parent->children;
	const char *key = NULL;
	int rc;

	r->p++;
	for (skip_space(r); *r->p != end; skip_space(r))
	{
		r->p += *r->p == ',';
		skip_space(r);
		if (parent->kind == MAPPING)
		{
			key = read_string(r);
			if (strlen(key) > YAML_KEY_MAX)
			{
				return fail(r, "a member's name is too long");
			}
			skip_space(r);
			r->p++;
		}
		rc = read_node(r, next);
		if (rc < 0)
		{
			return rc;
		}
		(*next)->key = key;
		(*next)->first = next == &parent->children;
		next = &(*next)->next;
	}
	r->p++;
	return 0;
}

static int read_node(struct reading *r, struct node **out)
{
	struct node *n = *out = arena_calloc(r->arena, 1, sizeof(*n));
	size_t len;

	skip_space(r);
	switch (*r->p)
	{
		case '{':
			n->kind = MAPPING;
			return read_children(r, n, '}');
		case '[':
			n->kind = LIST;
			return read_children(r, n, ']');
		case '"':
			n->kind = TEXT;
			n->text = read_string(r);
			return 0;
		default:
			len = strcspn(r->p, " \t\r\n,]}");
			n->kind = RAW;
			n->text = arena_strndup(r->arena, r->p, len);
			if (yaml_plain_kind(n->text) != YAML_INTEGER &&
				yaml_plain_kind(n->text) != YAML_BOOLEAN)
			{
				return fail(r, "null, or a number that is no integer");
			}
			r->p += len;
			return 0;
	}
}

/* ---- texts ---------------------------------------------------------------------- */

/* Words that are something else in YAML 1.1, in any case of letters. */
static bool is_taken_word(const char *s)
{
	static const char *const words[] = {
		"null", "true", "false", "yes", "no", "on", "off", "y", "n"
	};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
	{
		if (strcasecmp(s, words[i]) == 0)
		{
			return true;
		}
	}
	return false;
}

/*
 * Might another reader see a number or a date? 0x1f, 1_000, 1e5, 12:30, 2026-01-02
 * are such, and so is all that has only their characters, but for addresses.
 */
static bool is_like_number(const char *s)
{
	struct addr addr;

	return *s >= '0' && *s <= '9' && addr_parse4(s, &addr) < 0 &&
		s[strspn(s, "0123456789abcdefABCDEFxXoOtTzZ_.:+- ")] == '\0';
}

/*
 * Is it itself without quotes? Rather too few than too many: letters, digits
 * and what is plain everywhere; in flow no ',' and ':' either.
 */
static bool is_plain(const char *s, bool flow)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	const char *p;

	if (!*s || !strchr(letters, *s) || is_taken_word(s) || is_like_number(s) ||
		s[strlen(s) - 1] == ' ' || s[strlen(s) - 1] == ':')
	{
		return false;
	}
	for (p = s; *p; p++)
	{
		if (!strchr(letters, *p) && !strchr(" _./@+()-", *p) &&
			(flow || !strchr(",:", *p) || (*p == ':' && p[1] == ' ')))
		{
			return false;
		}
	}
	return true;
}

static void write_quoted(struct text *t, const char *s)
{
	uint32_t code;
	size_t size;

	text_add(t, "\"");
	for (; *s; s += size)
	{
		size = yaml_character(s, strlen(s) < 4 ? strlen(s) : 4, &code);
		assert(size);
		if (code == '"' || code == '\\')
		{
			text_addf(t, "\\%c", (char)code);
		}
		else if (code == '\n')
		{
			text_add(t, "\\n");
		}
		else if (code == '\t')
		{
			text_add(t, "\\t");
		}
		else if (yaml_is_plain_character(code))
		{
			text_addn(t, s, size);
		}
		else
		{
			text_addf(t, code < 0x100 ? "\\x%02x" : code < 0x10000 ? "\\u%04x"
					  : "\\U%08x", (unsigned)code);
		}
	}
	text_add(t, "\"");
}

static void write_text(struct text *t, const char *s, bool flow)
{
	if (is_plain(s, flow))
	{
		text_add(t, s);
	}
	else
	{
		write_quoted(t, s);
	}
}

/* ---- lines ---------------------------------------------------------------------- */

static bool is_container(const struct node *n)
{
	return n->kind == LIST || n->kind == MAPPING;
}

/* On one line; false as soon as it is longer than that, or a mapping is within
   something. */
static bool write_flow(struct text *t, const struct node *n, size_t end)
{
	const struct node *c;

	if (!is_container(n))
	{
		if (n->kind == TEXT)
		{
			write_text(t, n->text, true);
		}
		else
		{
			text_add(t, n->text);
		}
		return t->len <= end;
	}
	text_add(t, n->kind == LIST ? "[" : "{");
	for (c = n->children; c && t->len <= end; c = c->next)
	{
		text_add(t, c->first ? "" : ", ");
		if (c->key)
		{
			write_text(t, c->key, true);
			text_add(t, ": ");
		}
		if ((c->kind == MAPPING && c->children) || !write_flow(t, c, end))
		{
			return false;
		}
	}
	text_add(t, n->kind == LIST ? "]" : "}");
	return t->len <= end;
}

static void write_block(struct text *t, const struct node *n, unsigned indent,
						bool begun);

/* What follows "key:" or "-", at that line's indentation. */
static void write_value(struct text *t, const struct node *n, unsigned indent,
						size_t line)
{
	struct text flow = { 0 };

	if (!is_container(n))
	{
		text_add(t, " ");
		if (n->kind == TEXT)
		{
			write_text(t, n->text, false);
		}
		else
		{
			text_add(t, n->text);
		}
		text_add(t, "\n");
	}
	else if (!n->children ||
			 (write_flow(&flow, n, LINE) && t->len - line + 1 + flow.len <= LINE))
	{
		text_addf(t, " %s\n", n->children ? text_str(&flow)
				  : n->kind == LIST ? "[]" : "{}");
	}
	else if (n->key)
	{
		text_add(t, "\n");
		write_block(t, n, indent + INDENT, false);
	}
	else
	{	/* the first line of what stands in a list is the list's */
		text_add(t, " ");
		write_block(t, n, indent + INDENT, true);
	}
	text_done(&flow);
}

/* begun: the first line has its indentation already */
static void write_block(struct text *t, const struct node *n, unsigned indent,
						bool begun)
{
	const struct node *c;
	size_t line;

	for (c = n->children; c; c = c->next)
	{
		line = t->len - (begun && c->first ? indent : 0);
		if (!begun || !c->first)
		{
			text_addf(t, "%*s", (int)indent, "");
		}
		if (c->key)
		{
			write_text(t, c->key, false);
			text_add(t, ":");
		}
		else
		{
			text_add(t, "-");
		}
		write_value(t, c, indent, line);
	}
}

int json_to_yaml(const char *json, size_t len, struct text *yaml,
				 struct err *e)
{
	struct arena *arena;
	struct reading r = { .e = e };
	struct node *root;
	int rc = json_scan(json, len, &limits, e);

	if (rc < 0)
	{
		return rc;
	}
	arena = arena_new();
	r.arena = arena;
	r.start = r.p = arena_strndup(arena, json, len);
	rc = read_node(&r, &root);
	if (rc == 0 && is_container(root) && root->children)
	{
		write_block(yaml, root, 0, false);
	}
	else if (rc == 0)
	{
		(void)write_flow(yaml, root, SIZE_MAX);
		text_add(yaml, "\n");
	}
	arena_free(arena);
	return rc;
}
