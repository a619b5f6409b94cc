/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * json_walk.h - one token after the other of JSON whose shape is not ours
 *
 * Pure. For what other programs print: any member may come, in any number, and
 * nothing is kept. What is ours is read by json_in.h instead. Walks hostile
 * bytes safely; needs no memory.
 */
#ifndef PPVPN_AGENT_JSON_WALK_H
#define PPVPN_AGENT_JSON_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_WALK_DEPTH_MAX 32
#define JSON_WALK_TEXT 256

enum json_token {
	JSON_WALK_END, JSON_WALK_OBJECT, JSON_WALK_OBJECT_END, JSON_WALK_ARRAY,
	JSON_WALK_ARRAY_END, JSON_WALK_STRING, JSON_WALK_NUMBER, JSON_WALK_WORD
};

struct json_walk {
	const char *p, *end;
	unsigned depth;			/* after the token last returned */
	uint32_t arrays;		/* bit n: the container at depth n + 1 is an array */
	bool more;				/* something stands before in this container */
	/* of the token last returned; printable ASCII, longer ones are cut */
	char name[JSON_WALK_TEXT];	/* member's, "" in arrays */
	char value[JSON_WALK_TEXT];	/* string, number; "true", "false", "null" */
};

void json_walk_start(struct json_walk *w, const char *text, size_t len);
/** Next token; -EBADMSG where it is not JSON. */
int json_walk_next(struct json_walk *w, enum json_token *token);

#endif
