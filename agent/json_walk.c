/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * json_walk.c - one token after the other of JSON whose shape is not ours
 *
 * Pure.
 */
#include "config.h"

#include "json_walk.h"

#include <errno.h>
#include <string.h>

void json_walk_start(struct json_walk *w, const char *text, size_t len)
{
	memset(w, 0, sizeof(*w));
	w->p = text;
	w->end = text + len;
}

static void skip_space(struct json_walk *w)
{
	while (w->p < w->end && (*w->p == ' ' || *w->p == '\n' || *w->p == '\t' ||
							 *w->p == '\r'))
	{
		w->p++;
	}
}

static bool take(struct json_walk *w, char c)
{
	skip_space(w);
	if (w->p == w->end || *w->p != c)
	{
		return false;
	}
	w->p++;
	return true;
}

/* An escape behind its backslash; 0: none. What is not printable becomes '?'. */
static char take_escape(struct json_walk *w)
{
	char c = w->p < w->end ? *w->p++ : '\0';

	if (c == 'u' && w->end - w->p >= 4)
	{
		w->p += 4;
		return '?';
	}
	if (c == '"' || c == '\\' || c == '/')
	{
		return c;
	}
	return c != '\0' && strchr("bfnrt", c) != NULL ? '?' : '\0';
}

/* Behind the opening quote. */
static bool take_string(struct json_walk *w, char out[JSON_WALK_TEXT])
{
	size_t len = 0;
	char c;

	while (w->p < w->end && *w->p != '"')
	{
		c = *w->p++;
		if (c == '\\')
		{
			c = take_escape(w);
			if (c == '\0')
			{
				return false;
			}
		}
		else if (c < 0x20 || c > 0x7e)
		{
			c = '?';
		}
		if (len < JSON_WALK_TEXT - 1)
		{
			out[len++] = c;
		}
	}
	out[len] = '\0';
	return take(w, '"');
}

/* A number or a word: whatever letters, digits and signs follow each other. */
static bool take_scalar(struct json_walk *w, enum json_token *token)
{
	static const char *const words[] = { "true", "false", "null" };
	size_t len = 0;

	*token = strchr("-0123456789", *w->p) != NULL ? JSON_WALK_NUMBER
												  : JSON_WALK_WORD;
	while (w->p < w->end && len < JSON_WALK_TEXT - 1 && *w->p != '\0' &&
		   strchr("+-.0123456789abcdefghijklmnopqrstuvwxyzE", *w->p) != NULL)
	{
		w->value[len++] = *w->p++;
	}
	w->value[len] = '\0';
	if (*token == JSON_WALK_NUMBER)
	{
		return strspn(w->value, "+-.0123456789eE") == len;
	}
	return strcmp(w->value, words[0]) == 0 ||
		   strcmp(w->value, words[1]) == 0 || strcmp(w->value, words[2]) == 0;
}

static bool in_array(const struct json_walk *w)
{
	return (w->arrays >> (w->depth - 1)) & 1;
}

static bool enter(struct json_walk *w, bool array)
{
	if (w->depth == JSON_WALK_DEPTH_MAX)
	{
		return false;
	}
	w->p++;
	w->arrays &= ~((uint32_t)1 << w->depth);
	w->arrays |= (uint32_t)array << w->depth;
	w->depth++;
	w->more = false;
	return true;
}

static bool take_value(struct json_walk *w, enum json_token *token)
{
	skip_space(w);
	if (w->p == w->end || *w->p == '\0')
	{
		return false;
	}
	switch (*w->p)
	{
		case '{':
			*token = JSON_WALK_OBJECT;
			return enter(w, false);
		case '[':
			*token = JSON_WALK_ARRAY;
			return enter(w, true);
		case '"':
			*token = JSON_WALK_STRING;
			w->p++;
			w->more = true;
			return take_string(w, w->value);
		default:
			w->more = true;
			return take_scalar(w, token);
	}
}

/* A container's end, or what stands before the next value in it. */
static bool take_inside(struct json_walk *w, enum json_token *token)
{
	bool array = in_array(w);

	if (take(w, array ? ']' : '}'))
	{
		*token = array ? JSON_WALK_ARRAY_END : JSON_WALK_OBJECT_END;
		w->depth--;
		w->more = true;
		return true;
	}
	if (w->more && !take(w, ','))
	{
		return false;
	}
	return array || (take(w, '"') && take_string(w, w->name) && take(w, ':'));
}

int json_walk_next(struct json_walk *w, enum json_token *token)
{
	*token = JSON_WALK_END;
	w->name[0] = w->value[0] = '\0';
	if (w->depth > 0)
	{
		if (!take_inside(w, token))
		{
			return -EBADMSG;
		}
		if (*token != JSON_WALK_END)
		{
			return 0;
		}
	}
	else if (w->more)
	{
		skip_space(w);
		return w->p == w->end ? 0 : -EBADMSG;
	}
	return take_value(w, token) ? 0 : -EBADMSG;
}
