/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * control.h - the Unix socket that ppvpnctl talks to
 *
 * Owns the listener. One request a connection: a line of JSON {"op":"status",…},
 * at most 4 KiB; one JSON answer, then closed. Bounded clients, deadlines. Those
 * who watch stay, and get a line for each event.
 */
#ifndef PPVPN_AGENT_CONTROL_H
#define PPVPN_AGENT_CONTROL_H

#include <stdbool.h>
#include "err.h"

struct loop;
struct control;
struct control_request;

/** op: the word; answer now or later by control_answer(), exactly once. */
typedef void (*control_fn)(void *user, struct control_request *req, const char *op);

/** mode 0660, group may be NULL. */
int control_new(struct loop *loop, const char *path, const char *group,
				control_fn fn, void *user, struct control **control, struct err *e);
void control_free(struct control *c);
/** json: copied; frees req. NULL json: e is the answer ({"error":…}). */
void control_answer(struct control_request *req, const char *json, const struct err *e);
/**
 * Instead of an answer: the client gets every line of control_tell() from now on,
 * until it goes. One that does not read is dropped. -EBUSY: too many watch.
 */
int control_watch(struct control_request *req);
/** Does anybody watch? */
bool control_watched(const struct control *c);
/** A line for all who watch: JSON, without a newline. */
void control_tell(struct control *c, const char *json);

#endif
