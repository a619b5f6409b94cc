/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * vici.c - IKE_SAs and CHILD_SAs of our connections, over VICI
 *
 * Reads list-sas, terminates by id, tells of changes. Only names with our prefix
 * are ours; an SA of another connection is never named in a command.
 */
#include "config.h"

#include "vici.h"

#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "alloc.h"
#include "log.h"
#include "vici_conn.h"
#include "vici_read.h"

/* No more tunnels than these are negotiated anew at a time. */
#define LOST_MAX 64

struct vici
{
	struct backend backend;		/* first: a backend is cast to its owner */
	struct vici_conn *conn;
	const struct vici_handlers *handlers;
	void *user;
	uint32_t lost[LOST_MAX];	/* outgoing SPIs, the oldest is overwritten */
	size_t lost_count;
};

/* ---- reading -------------------------------------------------------------- */

struct reading
{
	struct vici_command command;	/* first */
	const struct vici *vici;
	struct observation *o;
	struct vici_sa *sas;
	size_t count, size;
	backend_done_fn done;
	void *user;
};

static bool reading_event(struct vici_command *command, struct vici_walk *w)
{
	struct reading *r = (struct reading *)command;

	if (r->count == r->size)
	{
		r->size = r->size > 0 ? 2 * r->size : 64;
		r->sas = xrealloc(r->sas, r->size, sizeof(*r->sas));
	}
	return vici_read_sa(w, r->o->arena, &r->sas[r->count++]) == 0;
}

static void reading_cancel(struct vici_command *command)
{
	struct reading *r = (struct reading *)command;

	free(r->sas);
	free(r);
}

static void reading_reply(struct vici_command *command, int rc,
						  struct vici_walk *w, const struct err *e)
{
	struct reading *r = (struct reading *)command;
	backend_done_fn done = r->done;
	void *user = r->user;
	struct vici_spis lost = {
		.spis = r->vici->lost,
		.count = r->vici->lost_count < LOST_MAX ? r->vici->lost_count : LOST_MAX,
	};

	if (rc == 0)
	{
		vici_sas_report(r->sas, r->count, &lost, &r->o->facts, &r->o->have);
	}
	else
	{
		log_err(LOG_LEVEL_DEBUG, "vici", "SAs not read", e);
		r->o->facts.unknown_kinds |= RES_BIT(RES_SA);
	}
	reading_cancel(command);
	done(user);
}

static void vici_read(struct backend *b, struct observation *o,
					  backend_done_fn done, void *user)
{
	struct vici *v = (struct vici *)b;
	struct reading *r;

	if (!(o->kinds & RES_BIT(RES_SA)))
	{
		done(user);
		return;
	}
	r = xcalloc(1, sizeof(*r));
	r->command.name = "list-sas";
	r->command.stream = "list-sa";
	r->command.event = reading_event;
	r->command.reply = reading_reply;
	r->command.cancel = reading_cancel;
	r->vici = v;
	r->o = o;
	r->done = done;
	r->user = user;
	vici_start(&r->command.packet, VICI_CMD_REQUEST, "list-sas");
	if (o->group != NULL)
	{
		vici_kv(&r->command.packet, "ike", o->group);
	}
	vici_conn_send(v->conn, &r->command);
}

/* ---- terminating ---------------------------------------------------------- */

/* A batch of steps: one terminate after the other, step by step, id by id. */
struct applying
{
	struct vici_command command;	/* first */
	struct vici_conn *conn;
	struct step *const *steps;
	size_t count, step, id;
	backend_done_fn done;
	void *user;
};

static void applying_cancel(struct vici_command *command)
{
	free(command);
}

static const struct res_sa *step_sa(const struct step *step)
{
	return step->have != NULL && step->have->origin == RES_OURS &&
		   vici_conn_is_ours(step->key) ? step->have->spec : NULL;
}

static void applying_next(struct applying *a)
{
	const struct res_sa *sa;
	backend_done_fn done = a->done;
	void *user = a->user;
	char id[16];

	for (; a->step < a->count; a->step++, a->id = 0)
	{
		sa = step_sa(a->steps[a->step]);
		if (sa != NULL && a->id < sa->unique_id_count)
		{
			snprintf(id, sizeof(id), "%u", sa->unique_ids[a->id]);
			vici_start(&a->command.packet, VICI_CMD_REQUEST, "terminate");
			vici_kv(&a->command.packet, "ike-id", id);
			vici_kv(&a->command.packet, "timeout", "-1");
			/* a DELETE to the peer, but no waiting for one that is gone */
			vici_kv(&a->command.packet, "force", "yes");
			vici_conn_send(a->conn, &a->command);
			return;
		}
	}
	free(a);
	done(user);
}

/* No connection: one error for this step and all that would follow. */
static void applying_give_up(struct applying *a, int rc, const struct err *e)
{
	for (; a->step < a->count; a->step++)
	{
		if (step_sa(a->steps[a->step]) != NULL)
		{
			a->steps[a->step]->rc = rc;
			a->steps[a->step]->err = *e;
		}
	}
	applying_next(a);
}

static void applying_reply(struct vici_command *command, int rc,
						   struct vici_walk *w, const struct err *e)
{
	struct applying *a = (struct applying *)command;
	struct step *step = a->steps[a->step];
	char errmsg[256];
	bool success;

	if (rc != 0)
	{
		applying_give_up(a, rc, e);
		return;
	}
	rc = vici_read_result(w, &success, errmsg);
	/* gone by itself meanwhile: that is what was wanted */
	if (rc == 0 && !success && strncmp(errmsg, "no matching", 11) != 0)
	{
		rc = -EIO;
	}
	if (rc != 0)
	{
		step->rc = err_set(&step->err, rc, ERR_CHARON, step->key,
						   "cannot terminate: %s",
						   errmsg[0] != '\0' ? errmsg : "no reason given");
	}
	a->id++;
	applying_next(a);
}

static void vici_apply(struct backend *b, struct step *const *steps,
					   size_t count, backend_done_fn done, void *user)
{
	struct vici *v = (struct vici *)b;
	struct applying *a = xcalloc(1, sizeof(*a));

	a->command.name = "terminate";
	a->command.reply = applying_reply;
	a->command.cancel = applying_cancel;
	a->conn = v->conn;
	a->steps = steps;
	a->count = count;
	a->done = done;
	a->user = user;
	applying_next(a);
}

/* ---- giving up a negotiation ------------------------------------------------ */

static void ending_cancel(struct vici_command *command)
{
	free(command);
}

static void ending_reply(struct vici_command *command, int rc,
						 struct vici_walk *w, const struct err *e)
{
	char errmsg[256] = "";
	bool success = true;

	if (rc != 0)
	{
		log_err(LOG_LEVEL_DEBUG, "vici", "terminate", e);
	}
	else if (vici_read_result(w, &success, errmsg) != 0 || !success)
	{
		log_debug("vici", "terminate: %s", errmsg);
	}
	free(command);
}

void vici_terminate(struct vici *v, const char *conn)
{
	struct vici_command *c;

	if (!vici_conn_is_ours(conn))
	{
		return;
	}
	c = xcalloc(1, sizeof(*c));
	c->name = "terminate";
	c->reply = ending_reply;
	c->cancel = ending_cancel;
	vici_start(&c->packet, VICI_CMD_REQUEST, "terminate");
	vici_kv(&c->packet, "ike", conn);
	vici_kv(&c->packet, "timeout", "-1");
	vici_kv(&c->packet, "force", "yes");
	vici_conn_send(v->conn, c);
}

void vici_terminate_ike(struct vici *v, uint32_t unique_id)
{
	struct vici_command *c = xcalloc(1, sizeof(*c));
	char id[16];

	snprintf(id, sizeof(id), "%u", (unsigned)unique_id);
	c->name = "terminate";
	c->reply = ending_reply;
	c->cancel = ending_cancel;
	vici_start(&c->packet, VICI_CMD_REQUEST, "terminate");
	vici_kv(&c->packet, "ike-id", id);
	vici_kv(&c->packet, "timeout", "-1");
	vici_conn_send(v->conn, c);
}

/* ---- foreign connections -------------------------------------------------- */

struct listing
{
	struct vici_command command;	/* first */
	char **names;
	size_t count;
	vici_conns_fn fn;
	void *user;
};

static void listing_cancel(struct vici_command *command)
{
	struct listing *l = (struct listing *)command;

	for (size_t i = 0; i < l->count; i++)
	{
		free(l->names[i]);
	}
	free(l->names);
	free(l);
}

static void listing_child(void *user, const char *conn, const char *child)
{
	struct listing *l = user;

	if (!vici_conn_is_ours(conn))
	{
		l->names = xrealloc(l->names, l->count + 1, sizeof(*l->names));
		l->names[l->count++] = xasprintf("%s/%s", conn, child);
	}
}

static bool listing_event(struct vici_command *command, struct vici_walk *w)
{
	return vici_read_conn(w, listing_child, command) == 0;
}

static void listing_reply(struct vici_command *command, int rc,
						  struct vici_walk *w, const struct err *e)
{
	struct listing *l = (struct listing *)command;

	l->fn(l->user, rc, l->names, rc == 0 ? l->count : 0);
	listing_cancel(command);
}

void vici_foreign_conns(struct vici *v, vici_conns_fn fn, void *user)
{
	struct listing *l = xcalloc(1, sizeof(*l));

	l->command.name = "list-conns";
	l->command.stream = "list-conn";
	l->command.event = listing_event;
	l->command.reply = listing_reply;
	l->command.cancel = listing_cancel;
	l->fn = fn;
	l->user = user;
	vici_start(&l->command.packet, VICI_CMD_REQUEST, "list-conns");
	vici_conn_send(v->conn, &l->command);
}

/* ---- version --------------------------------------------------------------- */

struct versioning
{
	struct vici_command command;	/* first */
	vici_version_fn fn;
	void *user;
};

static void versioning_cancel(struct vici_command *command)
{
	free(command);
}

static void versioning_reply(struct vici_command *command, int rc,
							 struct vici_walk *w, const struct err *e)
{
	struct versioning v = *(struct versioning *)command;
	char version[32] = "";

	(void)e;
	free(command);
	if (rc == 0)
	{
		rc = vici_read_version(w, version);
	}
	v.fn(v.user, rc, rc == 0 ? version : "");
}

void vici_version(struct vici *v, vici_version_fn fn, void *user)
{
	struct versioning *c = xcalloc(1, sizeof(*c));

	c->command.name = "version";
	c->command.reply = versioning_reply;
	c->command.cancel = versioning_cancel;
	c->fn = fn;
	c->user = user;
	vici_start(&c->command.packet, VICI_CMD_REQUEST, "version");
	vici_conn_send(v->conn, &c->command);
}

/* ---- the whole ------------------------------------------------------------ */

static const char *const events[] = {
	"list-sa", "list-conn", "ike-updown", "ike-rekey", "child-updown",
	"child-rekey", NULL
};

static void on_connection(void *user, bool up)
{
	struct vici *v = user;

	v->handlers->connection(v->user, up);
}

static bool on_event(void *user, const char *event, struct vici_walk *w)
{
	struct vici *v = user;
	char conn[256];

	/* of a command that was given up with its connection, or not asked for */
	if (strncmp(event, "list-", 5) == 0)
	{
		return true;
	}
	if (vici_read_event_conn(w, conn) != 0)
	{
		return false;
	}
	if (vici_conn_is_ours(conn))
	{
		v->handlers->sa_changed(v->user, conn);
	}
	return true;
}

struct vici *vici_new(struct loop *loop, const char *path,
					  const struct vici_handlers *handlers, void *user)
{
	static const struct backend_ops ops = {
		.name = "sas", .kinds = RES_BIT(RES_SA),
		.read = vici_read, .apply = vici_apply,
	};
	static const struct vici_conn_handlers conn_handlers = {
		.connection = on_connection, .event = on_event,
	};
	struct vici *v = xcalloc(1, sizeof(*v));

	v->backend.ops = &ops;
	v->handlers = handlers;
	v->user = user;
	v->conn = vici_conn_new(loop, path, events, &conn_handlers, v);
	return v;
}

void vici_free(struct vici *v)
{
	if (v == NULL)
	{
		return;
	}
	vici_conn_free(v->conn);
	free(v);
}

void vici_lost(struct vici *v, uint32_t spi_out)
{
	v->lost[v->lost_count++ % LOST_MAX] = spi_out;
}

bool vici_connected(const struct vici *v)
{
	return vici_conn_up(v->conn);
}

struct backend *vici_backend(struct vici *v)
{
	return &v->backend;
}
