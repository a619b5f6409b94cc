/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * frr_vty.c - questions to ospfd, over its vty socket
 */
#include "config.h"

#include "frr_vty.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "log.h"
#include "loop.h"
#include "stream.h"
#include "text.h"

#define ANSWER_MAX ((size_t)64 * 1024 * 1024)

struct frr_vty
{
	struct stream *stream;
	struct loop_timer *deadline;
	frr_vty_state_fn state;
	void *user;
	/* the question under way */
	frr_vty_fn fn;				/* NULL: none */
	void *fn_user;
	size_t awaited;				/* answers */
	int rc;						/* of those that have come */
	struct text output;
};

static void finish(struct frr_vty *v, int rc, const char *output, size_t len)
{
	frr_vty_fn fn = v->fn;
	struct text mine = v->output;

	if (fn == NULL)
	{
		return;
	}
	v->fn = NULL;
	v->output = (struct text){ 0 };
	loop_timer_clear(v->deadline);
	fn(v->fn_user, rc, output, len);
	text_done(&mine);
}

static void fail(struct frr_vty *v, int rc, const char *why)
{
	finish(v, rc, why, strlen(why));
}

/* One command's text, and its result as the last byte. A warning is a success,
 * as it is for vtysh: there may be nothing to show. */
static bool on_frame(void *user, const uint8_t *frame, size_t len)
{
	enum { CMD_SUCCESS, CMD_WARNING };
	struct frr_vty *v = user;
	size_t text = len - STREAM_RESULT_SIZE;
	uint8_t result = frame[len - 1];

	if (v->fn == NULL || v->output.len + text > ANSWER_MAX)
	{
		return false;
	}
	text_addn(&v->output, (const char *)frame, text);
	if (result != CMD_SUCCESS && result != CMD_WARNING)
	{
		v->rc = -EIO;
	}
	if (--v->awaited == 0)
	{
		finish(v, v->rc, text_str(&v->output), v->output.len);
	}
	return true;
}

static void on_connected(void *user)
{
	struct frr_vty *v = user;

	log_info("frr", "ospfd is there");
	v->state(v->user, true);
}

static void on_lost(void *user, const char *why)
{
	struct frr_vty *v = user;

	log_warn("frr", "ospfd is gone: %s", why);
	fail(v, -ENOTCONN, why);
	v->state(v->user, false);
}

static void on_deadline(void *user)
{
	struct frr_vty *v = user;

	fail(v, -ETIMEDOUT, "no answer in time");
	stream_drop(v->stream, "it does not answer");
}

void frr_vty_ask(struct frr_vty *v, const char *const *commands,
				 uint64_t deadline_ms, frr_vty_fn fn, void *user)
{
	static const char enable[] = "enable";

	v->fn = fn;
	v->fn_user = user;
	v->awaited = 1;
	v->rc = 0;
	if (!frr_vty_connected(v))
	{
		fail(v, -ENOTCONN, "ospfd is not running");
		return;
	}
	stream_send(v->stream, enable, strlen(enable));
	for (size_t i = 0; commands[i] != NULL; i++)
	{
		v->awaited++;
		stream_send(v->stream, commands[i], strlen(commands[i]));
	}
	loop_timer_set(v->deadline, deadline_ms);
}

struct frr_vty *frr_vty_new(struct loop *loop, const char *path,
							frr_vty_state_fn fn, void *user)
{
	static const struct stream_handlers handlers = {
		.connected = on_connected, .lost = on_lost, .frame = on_frame,
	};
	struct stream_config config = {
		.path = path, .token = "frr", .max_frame = ANSWER_MAX,
		.framing = STREAM_RESULT,
	};
	struct frr_vty *v = xcalloc(1, sizeof(*v));

	v->state = fn;
	v->user = user;
	v->deadline = loop_timer_new(loop, on_deadline, v);
	v->stream = stream_new(loop, &config, &handlers, v);
	return v;
}

void frr_vty_free(struct frr_vty *v)
{
	if (v == NULL)
	{
		return;
	}
	stream_free(v->stream);
	loop_timer_free(v->deadline);
	text_done(&v->output);
	free(v);
}

bool frr_vty_connected(const struct frr_vty *v)
{
	return stream_connected(v->stream);
}
