/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * vici_msg.h - VICI packets: build and walk
 *
 * Pure. The format of strongSwan's VICI protocol: packets with a type, an
 * optional name, and sections, key/values and lists. Walks hostile bytes safely.
 */
#ifndef PPVPN_AGENT_VICI_MSG_H
#define PPVPN_AGENT_VICI_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "text.h"

enum vici_packet {
	VICI_CMD_REQUEST, VICI_CMD_RESPONSE, VICI_CMD_UNKNOWN,
	VICI_EVENT_REGISTER, VICI_EVENT_UNREGISTER, VICI_EVENT_CONFIRM,
	VICI_EVENT_UNKNOWN, VICI_EVENT
};

/* building: a text whose bytes are the packet without its length */
void vici_start(struct text *t, enum vici_packet type, const char *name);
void vici_kv(struct text *t, const char *key, const char *value);
void vici_section(struct text *t, const char *name);
void vici_section_end(struct text *t);
void vici_list(struct text *t, const char *name, const char *const *items);

enum vici_element {
	VICI_END, VICI_SECTION, VICI_SECTION_END, VICI_KV, VICI_LIST, VICI_LIST_ITEM, VICI_LIST_END
};

struct vici_walk {
	const uint8_t *p, *end;
	unsigned depth;
	bool in_list;
	/* of the element last returned; NUL-terminated copies, printable ASCII only */
	char name[256];
	char value[1024];		/* longer values are cut */
};

/** Type and (if it has one) name of a packet; the walk starts behind them. */
int vici_open(struct vici_walk *w, const uint8_t *packet, size_t len,
			  enum vici_packet *type, char name[256]);
/** Next element; -EBADMSG when the bytes are not a message. */
int vici_next(struct vici_walk *w, enum vici_element *element);

#endif
