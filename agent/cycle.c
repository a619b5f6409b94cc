/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * cycle.c - observe, plan, apply, observe …
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "cycle.h"
#include "log.h"
#include "loop.h"
#include "text.h"

/* Requests that come close together are one round. */
#define GATHER_MS 10
/* Rounds of apply and look again before waiting. */
#define PASSES_MAX 6
#define AGAIN_FIRST_MS 1000
#define AGAIN_MAX_MS 60000
/* Connections that are looked at one by one; more: look at everything. */
#define CONNS_MAX 16
#define BATCH_MAX 4096

enum phase { IDLE, OBSERVING, APPLYING };

struct cycle {
	struct loop *loop;
	const struct conf *conf;
	struct backend *const *backends;
	struct cycle_handlers handlers;
	void *user;
	struct loop_timer *gather, *again;
	uint64_t again_ms;
	enum phase phase;

	/* what was asked for */
	bool want_full;
	char *want_conns[CONNS_MAX];
	size_t want_conn_count;
	cycle_plan_fn plan_fn;
	void *plan_user;

	/* the round under way */
	bool full, only_plan;
	char *group;
	unsigned pass, applied;
	struct observation seen;
	struct desired desired;
	struct plan plan;
	unsigned kinds;				/* that could be read */
	size_t pending;				/* backends that are reading */
	size_t next_step;
	struct step **batch;
	size_t batch_count;
	const char **failed_groups;
	size_t failed_count;
	struct err errors[CYCLE_ERRORS_MAX];
	size_t error_count;
};

static void observe(struct cycle *c);
static void apply_next(struct cycle *c);

/* ---- memory of one pass ---------------------------------------------------- */

static void pass_done(struct cycle *c)
{
	plan_done(&c->plan);
	desired_done(&c->desired);
	resource_set_done(&c->seen.have);
	facts_done(&c->seen.facts);
	arena_free(c->seen.arena);
	memset(&c->seen, 0, sizeof(c->seen));
	free(c->batch);
	c->batch = NULL;
	free(c->failed_groups);
	c->failed_groups = NULL;
	c->failed_count = 0;
}

/* ---- requests -------------------------------------------------------------- */

static bool requested(const struct cycle *c)
{
	return c->want_full || c->want_conn_count || c->plan_fn;
}

static void start(struct cycle *c)
{
	c->pass = c->applied = 0;
	c->error_count = 0;
	c->only_plan = false;
	free(c->group);
	c->group = NULL;
	if (c->want_full)
	{
		c->full = true;
		c->want_full = false;
		while (c->want_conn_count)
		{
			free(c->want_conns[--c->want_conn_count]);
		}
	}
	else if (c->want_conn_count)
	{
		c->full = false;
		c->group = c->want_conns[--c->want_conn_count];
	}
	else
	{
		c->full = true;
		c->only_plan = true;
	}
	observe(c);
}

static void on_gather(void *user)
{
	struct cycle *c = user;

	if (c->phase == IDLE && requested(c))
	{
		start(c);
	}
}

static void gather(struct cycle *c)
{
	if (c->phase == IDLE && !loop_timer_armed(c->gather))
	{
		loop_timer_set(c->gather, GATHER_MS);
	}
}

void cycle_request(struct cycle *c)
{
	c->want_full = true;
	gather(c);
}

void cycle_request_conn(struct cycle *c, const char *conn)
{
	for (size_t i = 0; i < c->want_conn_count; i++)
	{
		if (strcmp(c->want_conns[i], conn) == 0)
		{
			return;
		}
	}
	if (c->want_conn_count == CONNS_MAX)
	{
		c->want_full = true;
	}
	else
	{
		c->want_conns[c->want_conn_count++] = xstrdup(conn);
	}
	gather(c);
}

void cycle_plan(struct cycle *c, cycle_plan_fn fn, void *user)
{
	c->plan_fn = fn;
	c->plan_user = user;
	gather(c);
}

bool cycle_busy(const struct cycle *c)
{
	return c->phase != IDLE || c->want_full || c->want_conn_count;
}

/* ---- the end of a round ---------------------------------------------------- */

static void on_again(void *user)
{
	cycle_request(user);
}

/* What did not converge is tried again, more and more slowly. */
static void arm_again(struct cycle *c, bool converged)
{
	if (converged)
	{
		if (c->full)
		{
			c->again_ms = 0;
			loop_timer_clear(c->again);
		}
		return;
	}
	c->again_ms = c->again_ms ? c->again_ms * 2 : AGAIN_FIRST_MS;
	if (c->again_ms > AGAIN_MAX_MS)
	{
		c->again_ms = AGAIN_MAX_MS;
	}
	loop_timer_set(c->again, c->again_ms);
}

static void report_plan(struct cycle *c)
{
	cycle_plan_fn fn = c->plan_fn;

	c->plan_fn = NULL;
	fn(c->plan_user, &c->plan, &c->desired, &c->seen);
}

static void settle(struct cycle *c)
{
	struct cycle_result result = {
		.seen = &c->seen, .desired = &c->desired, .rest = &c->plan,
		.converged = c->plan.count == 0, .full = c->full, .group = c->group,
		.applied = c->applied, .error_count = c->error_count,
	};

	memcpy(result.errors, c->errors, sizeof(result.errors));
	if (c->full && c->seen.facts.unknown_kinds)
	{	/* a daemon is away: it is looked at again when it is back */
		result.converged = false;
	}
	/* over, for those who ask from within the handler */
	c->phase = IDLE;
	if (c->only_plan)
	{
		report_plan(c);
	}
	else
	{
		arm_again(c, result.converged);
		c->handlers.settled(c->user, &result);
	}
	pass_done(c);
	if (requested(c))
	{
		gather(c);
	}
}

/* ---- apply ----------------------------------------------------------------- */

static struct backend *backend_of(const struct cycle *c,
								  enum resource_kind kind)
{
	for (size_t i = 0; c->backends[i]; i++)
	{
		if (c->backends[i]->ops->kinds & RES_BIT(kind))
		{
			return c->backends[i];
		}
	}
	return NULL;
}

static bool group_failed(const struct cycle *c, const char *group)
{
	for (size_t i = 0; group[0] && i < c->failed_count; i++)
	{
		if (strcmp(c->failed_groups[i], group) == 0)
		{
			return true;
		}
	}
	return false;
}

static void note_failure(struct cycle *c, const struct step *s)
{
	struct err e = s->err;

	if (e.code == ERR_NONE)
	{
		err_set(&e, 0, ERR_INTERNAL, s->key, "%s", strerror(-s->rc));
	}
	err_prefix(&e, "%s %s %s", step_op_name(s->op),
			   resource_kind_name(s->kind), s->key);
	log_err(c->pass ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN, "apply", "step", &e);
	if (c->error_count < CYCLE_ERRORS_MAX)
	{
		c->errors[c->error_count++] = e;
	}
	c->failed_groups[c->failed_count++] = s->group;
}

static void on_applied(void *user)
{
	struct cycle *c = user;

	for (size_t i = 0; i < c->batch_count; i++)
	{
		if (c->batch[i]->rc < 0)
		{
			note_failure(c, c->batch[i]);
		}
		else
		{
			c->applied++;
		}
	}
	apply_next(c);
}

/* The next run of steps that one backend does. */
static void apply_next(struct cycle *c)
{
	struct backend *b = NULL;

	c->batch_count = 0;
	while (c->next_step < c->plan.count && c->batch_count < BATCH_MAX)
	{
		struct step *s = &c->plan.steps[c->next_step];
		struct backend *mine = backend_of(c, s->kind);

		if (b && mine != b)
		{
			break;
		}
		c->next_step++;
		if (!group_failed(c, s->group))
		{
			b = mine;
			c->batch[c->batch_count++] = s;
		}
	}
	if (!c->batch_count)
	{
		c->pass++;
		pass_done(c);
		observe(c);
		return;
	}
	b->ops->apply(b, c->batch, c->batch_count, on_applied, c);
}

static void log_plan(const struct cycle *c)
{
	struct text t = {0};
	char *line, *save = NULL;

	plan_print(&c->plan, &t);
	log_info("apply", "plan of %zu steps, pass %u", c->plan.count, c->pass + 1);
	for (line = strtok_r(t.s, "\n", &save); line;
		 line = strtok_r(NULL, "\n", &save))
	{
		log_debug("apply", "%s", line);
	}
	text_done(&t);
}

static void apply(struct cycle *c)
{
	c->phase = APPLYING;
	c->next_step = 0;
	c->error_count = 0;
	c->batch = xcalloc(c->plan.count, sizeof(*c->batch));
	c->failed_groups = xcalloc(c->plan.count, sizeof(*c->failed_groups));
	log_plan(c);
	apply_next(c);
}

/* ---- observe and plan ------------------------------------------------------ */

static void on_observed(struct cycle *c)
{
	const struct model_document *doc = c->handlers.document(c->user);
	unsigned kinds = c->kinds & ~c->seen.facts.unknown_kinds;

	if (!doc)
	{	/* nobody has said yet what is wanted: that is not "nothing" */
		kinds = 0;
	}
	facts_sort(&c->seen.facts);
	desired_build(c->conf, doc, c->group, &c->seen.have, &c->seen.facts,
				  c->seen.arena, &c->desired);
	plan_build(&c->desired.want, &c->seen.have, kinds, c->group, &c->plan);
	if (c->plan.count && !c->only_plan && c->pass < PASSES_MAX)
	{
		apply(c);
		return;
	}
	settle(c);
}

static void on_read(void *user)
{
	struct cycle *c = user;

	if (--c->pending == 0)
	{
		on_observed(c);
	}
}

static void observe(struct cycle *c)
{
	c->phase = OBSERVING;
	c->kinds = c->full ? RES_ALL : RES_BIT(RES_SA) | RES_BIT(RES_LINK);
	c->seen.arena = arena_new();
	c->seen.begun_ms = loop_now_ms();
	resource_set_init(&c->seen.have, c->seen.arena);
	c->seen.kinds = c->kinds;
	c->seen.group = c->group;
	/* one more than the backends, so that those that answer at once do not
	 * end the phase before all were asked */
	c->pending = 1;
	for (size_t i = 0; c->backends[i]; i++)
	{
		if (c->backends[i]->ops->kinds & c->kinds)
		{
			c->pending++;
			c->backends[i]->ops->read(c->backends[i], &c->seen, on_read, c);
		}
	}
	on_read(c);
}

/* ---- life ------------------------------------------------------------------ */

struct cycle *cycle_new(struct loop *loop, const struct conf *conf,
						struct backend *const *backends,
						const struct cycle_handlers *handlers, void *user)
{
	struct cycle *c = xcalloc(1, sizeof(*c));

	c->loop = loop;
	c->conf = conf;
	c->backends = backends;
	c->handlers = *handlers;
	c->user = user;
	c->gather = loop_timer_new(loop, on_gather, c);
	c->again = loop_timer_new(loop, on_again, c);
	return c;
}

void cycle_free(struct cycle *c)
{
	if (c)
	{
		pass_done(c);
		while (c->want_conn_count)
		{
			free(c->want_conns[--c->want_conn_count]);
		}
		free(c->group);
		loop_timer_free(c->gather);
		loop_timer_free(c->again);
		free(c);
	}
}
