/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * vici_msg.c - VICI packets: build and walk
 *
 * Pure. Names have 8-bit lengths, values 16-bit ones. What the other side sent
 * may be anything: every length is checked against what is left, nesting is
 * bounded, and texts come out as printable ASCII.
 */
#include "config.h"

#include "vici_msg.h"

#include <errno.h>
#include <string.h>

#define DEPTH_MAX 16

/* ---- building ------------------------------------------------------------- */

static void add_byte(struct text *t, unsigned byte)
{
	char c = (char)byte;

	text_addn(t, &c, 1);
}

static void add_name(struct text *t, const char *name)
{
	size_t len = strnlen(name, UINT8_MAX);

	add_byte(t, (unsigned)len);
	text_addn(t, name, len);
}

static void add_value(struct text *t, const char *value)
{
	size_t len = strnlen(value, UINT16_MAX);

	add_byte(t, (unsigned)(len >> 8));
	add_byte(t, (unsigned)(len & 0xff));
	text_addn(t, value, len);
}

void vici_start(struct text *t, enum vici_packet type, const char *name)
{
	add_byte(t, type);
	if (name != NULL)
	{
		add_name(t, name);
	}
}

void vici_kv(struct text *t, const char *key, const char *value)
{
	add_byte(t, VICI_KV);
	add_name(t, key);
	add_value(t, value);
}

void vici_section(struct text *t, const char *name)
{
	add_byte(t, VICI_SECTION);
	add_name(t, name);
}

void vici_section_end(struct text *t)
{
	add_byte(t, VICI_SECTION_END);
}

void vici_list(struct text *t, const char *name, const char *const *items)
{
	/* on the wire 4, 5, 6: list, item, end */
	add_byte(t, VICI_LIST);
	add_name(t, name);
	for (; *items != NULL; items++)
	{
		add_byte(t, VICI_LIST_ITEM);
		add_value(t, *items);
	}
	add_byte(t, VICI_LIST_END);
}

/* ---- walking -------------------------------------------------------------- */

/* Copy len bytes of input as text; false when they are not there. */
static bool take_text(struct vici_walk *w, size_t len, char *out, size_t size)
{
	size_t i;

	if ((size_t)(w->end - w->p) < len)
	{
		return false;
	}
	for (i = 0; i < len && i < size - 1; i++)
	{
		out[i] = w->p[i] >= 0x20 && w->p[i] <= 0x7e ? (char)w->p[i] : '?';
	}
	out[i] = '\0';
	w->p += len;
	return true;
}

static bool take_name(struct vici_walk *w, char out[256])
{
	size_t len;

	if (w->p == w->end)
	{
		return false;
	}
	len = *w->p++;
	return take_text(w, len, out, 256);
}

static bool take_value(struct vici_walk *w)
{
	size_t len;

	if (w->end - w->p < 2)
	{
		return false;
	}
	len = (size_t)w->p[0] << 8 | w->p[1];
	w->p += 2;
	return take_text(w, len, w->value, sizeof(w->value));
}

int vici_open(struct vici_walk *w, const uint8_t *packet, size_t len,
			  enum vici_packet *type, char name[256])
{
	memset(w, 0, sizeof(*w));
	w->p = packet;
	w->end = packet + len;
	name[0] = '\0';
	if (len == 0 || packet[0] > VICI_EVENT)
	{
		return -EBADMSG;
	}
	*type = (enum vici_packet)*w->p++;
	switch (*type)
	{
		case VICI_CMD_REQUEST:
		case VICI_EVENT_REGISTER:
		case VICI_EVENT_UNREGISTER:
		case VICI_EVENT:
			return take_name(w, name) ? 0 : -EBADMSG;
		case VICI_CMD_RESPONSE:
		case VICI_CMD_UNKNOWN:
		case VICI_EVENT_CONFIRM:
		case VICI_EVENT_UNKNOWN:
			break;
	}
	return 0;
}

/* The element's own bytes, behind its type. */
static bool take_element(struct vici_walk *w, enum vici_element element)
{
	switch (element)
	{
		case VICI_SECTION:
			return !w->in_list && w->depth++ < DEPTH_MAX &&
				   take_name(w, w->name);
		case VICI_SECTION_END:
			return !w->in_list && w->depth-- > 0;
		case VICI_KV:
			return !w->in_list && take_name(w, w->name) && take_value(w);
		case VICI_LIST:
			if (w->in_list)
			{
				return false;
			}
			w->in_list = true;
			return take_name(w, w->name);
		case VICI_LIST_ITEM:
			return w->in_list && take_value(w);
		case VICI_LIST_END:
			if (!w->in_list)
			{
				return false;
			}
			w->in_list = false;
			return true;
		case VICI_END:
			break;
	}
	return false;
}

int vici_next(struct vici_walk *w, enum vici_element *element)
{
	*element = VICI_END;
	w->value[0] = '\0';
	if (w->p == w->end)
	{
		return w->depth == 0 && !w->in_list ? 0 : -EBADMSG;
	}
	if (*w->p < VICI_SECTION || *w->p > VICI_LIST_END)
	{
		return -EBADMSG;
	}
	*element = (enum vici_element)*w->p++;
	return take_element(w, *element) ? 0 : -EBADMSG;
}
