/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * frr.c - FRR: configured through vtysh, read from ospfd itself
 *
 * Owns the vtysh children, one at a time, each with a deadline, and the connection
 * to ospfd's vty socket, which is asked and tells whether ospfd is there.
 * Configuration goes in one file per batch; what became of it is read back, and
 * that decides, not the exit code. Never "write memory".
 */
#include "config.h"

#include "frr.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc.h"
#include "frr_text.h"
#include "frr_vty.h"
#include "log.h"
#include "loop.h"

#define SHOW_DEADLINE_MS 10000
#define APPLY_DEADLINE_MS 60000
#define OUTPUT_MAX ((size_t)64 * 1024 * 1024)
#define ARGUMENTS_MAX 2
/* Stanzas that are taken away after one look, each by a vtysh. */
#define FORGET_MAX 32

/* Something to do with ospfd; its owner embeds it. */
struct job
{
	struct frr *frr;
	/* begins by ask() or run_vtysh(), or ends the job */
	void (*start)(struct job *j);
	/* status: 0, an answer; -1, none: output says why; of vtysh as of
	 * loop_child_fn */
	void (*output)(struct job *j, int status, const char *output, size_t len);
	/* the object goes away: free what there is, call nobody */
	void (*cancel)(struct job *j);
	struct job *next;
};

struct frr
{
	struct backend backend;		/* first: a backend is cast to its owner */
	struct loop *loop;
	struct frr_vty *ospfd;
	struct loop_timer *next;	/* starts the first job */
	struct loop_child *child;
	char *vtysh, *vty_dir, *run_dir;
	char **vrfs;
	size_t vrf_count;
	struct text lan;			/* lines "VRF LINK" of agent.conf's */
	struct text passive;		/* lines "VRF LINK" of what was made passive */
	struct text neighbors;		/* of the last poll, to tell a change */
	struct text config;			/* ospfd's, as it was last read */
	size_t leftovers;			/* stanzas of links that are gone, in there */
	struct job *first, **last;
	const struct frr_handlers *handlers;
	void *user;
};

/* ---- jobs and their children ---------------------------------------------- */

static void job_add(struct frr *f, struct job *j)
{
	j->frr = f;
	j->next = NULL;
	*f->last = j;
	f->last = &j->next;
	if (f->first == j)
	{
		loop_timer_set(f->next, 0);
	}
}

/* The first job is over: its memory is its own again. */
static void job_end(struct job *j)
{
	struct frr *f = j->frr;

	f->first = j->next;
	if (f->first == NULL)
	{
		f->last = &f->first;
	}
	else
	{
		loop_timer_set(f->next, 0);
	}
}

static void on_next(void *user)
{
	struct frr *f = user;

	if (f->first != NULL)
	{
		f->first->start(f->first);
	}
}

static void on_child(void *user, int status, const char *output, size_t len)
{
	struct frr *f = user;

	f->child = NULL;
	f->first->output(f->first, status, output, len);
}

/* For the first job: vtysh with pairs of an option and its argument. */
static void run_vtysh(struct job *j, const char *option,
					  const char *const *arguments, uint64_t deadline_ms)
{
	static char socket_option[] = "--vty_socket", daemon_option[] = "-d";
	static char ospfd[] = "ospfd", history[] = "VTYSH_HISTFILE=/dev/null";
	char *env[] = { history, NULL };
	struct frr *f = j->frr;
	char *argv[5 + 2 * ARGUMENTS_MAX + 1] = {
		f->vtysh, socket_option, f->vty_dir, daemon_option, ospfd
	};

	for (size_t i = 0; arguments[i] != NULL && i < ARGUMENTS_MAX; i++)
	{
		argv[5 + 2 * i] = (char *)option;
		argv[6 + 2 * i] = (char *)arguments[i];
	}
	f->child = loop_child_new(f->loop, argv, env, deadline_ms, OUTPUT_MAX,
							  on_child, f);
	if (f->child == NULL)
	{
		j->output(j, -1, strerror(errno), strlen(strerror(errno)));
	}
}

static void on_answer(void *user, int rc, const char *output, size_t len)
{
	struct frr *f = user;

	f->first->output(f->first, rc < 0 ? -1 : 0, output, len);
}

/* For the first job: what ospfd shows. */
static void ask(struct job *j, const char *const *shows)
{
	frr_vty_ask(j->frr->ospfd, shows, SHOW_DEADLINE_MS, on_answer, j->frr);
}

static bool succeeded(int status)
{
	return status != -1 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Parse what ospfd showed; e when it did not. */
static int take_output(struct arena *a, int status, const char *output,
					   size_t len, struct frr_state *state, struct err *e)
{
	if (!succeeded(status))
	{
		memset(state, 0, sizeof(*state));
		state->arena = a;
		return err_set(e, -EIO, ERR_FRR, "ospfd", "it did not answer: %.*s",
					   len < 150 ? (int)len : 150, output);
	}
	return frr_read(a, output, len, state, e);
}

static struct frr_view view_of(const struct frr *f)
{
	struct frr_view view = {
		.vrfs = f->vrfs, .vrf_count = f->vrf_count,
		.passive = f->passive.len > 0 ? f->passive.s : NULL,
		.lan = f->lan.len > 0 ? f->lan.s : NULL,
	};

	return view;
}

/* ---- forgetting stanzas of links that are gone ----------------------------- */

struct forgetting
{
	struct job job;				/* first */
	struct text commands;
};

static void forgetting_cancel(struct job *j)
{
	struct forgetting *g = (struct forgetting *)j;

	text_done(&g->commands);
	free(g);
}

static void forgetting_output(struct job *j, int status, const char *output,
							  size_t len)
{
	if (!succeeded(status))
	{
		log_debug("frr", "stanzas of links that are gone were not removed");
	}
	job_end(j);
	forgetting_cancel(j);
}

static void forgetting_start(struct job *j)
{
	struct forgetting *g = (struct forgetting *)j;
	const char *arguments[] = { "configure terminal", text_str(&g->commands),
								NULL };

	run_vtysh(j, "-c", arguments, SHOW_DEADLINE_MS);
}

static void forget_link(struct frr *f, const char *name)
{
	struct forgetting *g = xcalloc(1, sizeof(*g));

	g->job.start = forgetting_start;
	g->job.output = forgetting_output;
	g->job.cancel = forgetting_cancel;
	if (frr_render_forget(&g->commands, name, NULL) != 0)
	{
		forgetting_cancel(&g->job);
		return;
	}
	g->commands.s[--g->commands.len] = '\0';	/* the newline */
	job_add(f, &g->job);
}

/* Each by itself: refused for one, vtysh refuses all that stand together. */
static void forget_links(struct frr *f, const struct frr_state *state)
{
	f->leftovers = 0;
	for (size_t i = 0; i < state->stanza_count; i++)
	{
		if (frr_link_is_ours(state->stanzas[i].name) &&
			if_nametoindex(state->stanzas[i].name) == 0 &&
			++f->leftovers <= FORGET_MAX)
		{
			forget_link(f, state->stanzas[i].name);
		}
	}
}

/* ---- what somebody else configures ------------------------------------------ */

static void remember_config(struct frr *f, const char *output, size_t len)
{
	text_done(&f->config);
	text_addn(&f->config, output, frr_config_len(output, len));
}

static bool config_differs(const struct frr *f, const char *output, size_t len)
{
	len = frr_config_len(output, len);
	return f->config.len > 0 && len > 0 &&
		   (len != f->config.len || memcmp(output, f->config.s, len) != 0);
}

/* ---- reading -------------------------------------------------------------- */

struct reading
{
	struct job job;				/* first */
	struct observation *o;
	backend_done_fn done;
	void *user;
};

static void reading_cancel(struct job *j)
{
	free(j);
}

static unsigned our_kinds(const struct observation *o)
{
	return o->kinds & (RES_BIT(RES_OSPF) | RES_BIT(RES_OSPF_LINK));
}

static void reading_output(struct job *j, int status, const char *output,
						   size_t len)
{
	struct reading *r = (struct reading *)j;
	struct observation *o = r->o;
	struct frr *f = j->frr;
	struct frr_view view = view_of(f);
	struct arena *a = arena_new();
	backend_done_fn done = r->done;
	void *user = r->user;
	struct frr_state state;
	struct err e;

	if (take_output(a, status, output, len, &state, &e) == 0)
	{
		frr_report(&state, &view, our_kinds(o), &o->have, &o->facts);
		forget_links(f, &state);
		remember_config(f, output, len);
	}
	else
	{
		log_err(LOG_LEVEL_WARN, "frr", "OSPF not read", &e);
		o->facts.unknown_kinds |= our_kinds(o);
	}
	arena_free(a);
	job_end(j);
	free(r);
	done(user);
}

static void reading_start(struct job *j)
{
	static const char *const shows[] = {
		FRR_SHOW_CONFIG, FRR_SHOW_INTERFACES, FRR_SHOW_NEIGHBORS, NULL
	};

	ask(j, shows);
}

static void frr_backend_read(struct backend *b, struct observation *o,
							 backend_done_fn done, void *user)
{
	struct frr *f = (struct frr *)b;
	struct reading *r;

	if (our_kinds(o) == 0 || !frr_running(f))
	{
		o->facts.unknown_kinds |= our_kinds(o);
		done(user);
		return;
	}
	r = xcalloc(1, sizeof(*r));
	r->job.start = reading_start;
	r->job.output = reading_output;
	r->job.cancel = reading_cancel;
	r->o = o;
	r->done = done;
	r->user = user;
	job_add(f, &r->job);
}

/* ---- applying ------------------------------------------------------------- */

struct applying
{
	struct job job;				/* first */
	struct step *const *steps;
	size_t count;
	unsigned *lines;			/* of each step: the first, [count]: behind all */
	struct text file;
	char path[256];
	char *said;					/* by vtysh */
	backend_done_fn done;
	void *user;
};

static void applying_release(struct applying *a)
{
	if (a->path[0] != '\0')
	{
		unlink(a->path);
	}
	text_done(&a->file);
	free(a->lines);
	free(a->said);
	free(a);
}

static void applying_cancel(struct job *j)
{
	applying_release((struct applying *)j);
}

static void applying_end(struct applying *a)
{
	backend_done_fn done = a->done;
	void *user = a->user;

	job_end(&a->job);
	applying_release(a);
	done(user);
}

static void applying_fail(struct applying *a, int rc, const struct err *e)
{
	for (size_t i = 0; i < a->count; i++)
	{
		if (a->steps[i]->rc == 0)
		{
			a->steps[i]->rc = rc;
			a->steps[i]->err = *e;
		}
	}
	applying_end(a);
}

/* What is passive in a VRF from now on; ospfd may see the link there later. */
static void remember_passive(struct frr *f, const struct step *step)
{
	const struct res_ospf *o = step->want != NULL ? step->want->spec : NULL;
	struct text kept = { 0 };
	const char *line, *end;
	size_t len = strlen(step->key);

	text_add(&kept, "\n");
	for (line = text_str(&f->passive); *line != '\0'; line = end)
	{
		line += strspn(line, "\n");
		end = strchrnul(line, '\n');
		if (*line != '\0' &&
			(strncmp(line, step->key, len) != 0 || line[len] != ' '))
		{
			text_addn(&kept, line, (size_t)(end - line));
			text_add(&kept, "\n");
		}
	}
	for (size_t i = 0; o != NULL && i < o->passive_count; i++)
	{
		text_addf(&kept, "%s %s\n", step->key, o->passive[i]);
	}
	text_done(&f->passive);
	f->passive = kept;
}

/* Read back: each step is what is there now, whatever vtysh said. */
static void applying_verify(struct job *j, int status, const char *output,
							size_t len)
{
	struct applying *a = (struct applying *)j;
	struct frr_view view = view_of(j->frr);
	struct arena *arena = arena_new();
	struct frr_state state;
	struct step *step;
	char said[200];
	struct err e;
	int rc = take_output(arena, status, output, len, &state, &e);

	for (size_t i = 0; rc == 0 && i < a->count; i++)
	{
		step = a->steps[i];
		if (step->rc != 0)
		{
			continue;
		}
		step->rc = frr_verify(&state, &view, step, &step->err);
		frr_complaint(a->said, a->lines[i], a->lines[i + 1] - 1, said);
		if (step->rc != 0 && said[0] != '\0')
		{
			err_prefix(&step->err, "%s", said);
		}
	}
	arena_free(arena);
	if (rc != 0)
	{
		applying_fail(a, rc, &e);
		return;
	}
	applying_end(a);
}

static void applying_said(struct job *j, int status, const char *output,
						  size_t len)
{
	static const char *const shows[] = {
		FRR_SHOW_CONFIG, FRR_SHOW_INTERFACES, NULL
	};
	struct applying *a = (struct applying *)j;
	struct err e;

	if (status == -1)
	{
		err_set(&e, -ETIMEDOUT, ERR_TIMEOUT, "ospfd", "vtysh did not start, or "
				"not end within %u s: %.100s", APPLY_DEADLINE_MS / 1000,
				output);
		applying_fail(a, -ETIMEDOUT, &e);
		return;
	}
	a->said = xstrdup(output);
	j->output = applying_verify;
	ask(j, shows);
}

/* A real file: of a pipe each of vtysh's children would read a part. */
static int write_file(struct frr *f, const struct text *t, char path[256])
{
	size_t done = 0;
	ssize_t n = 0;
	int fd, rc;

	snprintf(path, 256, "%s/frr.XXXXXX", f->run_dir);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
	{
		rc = -errno;
		path[0] = '\0';
		return rc;
	}
	while (done < t->len && (n = write(fd, t->s + done, t->len - done)) > 0)
	{
		done += (size_t)n;
	}
	rc = n < 0 ? -errno : 0;
	close(fd);
	return rc;
}

static unsigned count_lines(const struct text *t, size_t from)
{
	unsigned lines = 0;

	for (size_t i = from; i < t->len; i++)
	{
		lines += t->s[i] == '\n';
	}
	return lines;
}

static void applying_start(struct job *j)
{
	struct applying *a = (struct applying *)j;
	const char *arguments[] = { a->path, NULL };
	struct step *step;
	struct err e;
	size_t from;
	int rc;

	a->lines[0] = 1;
	for (size_t i = 0; i < a->count; i++)
	{
		step = a->steps[i];
		from = a->file.len;
		step->rc = frr_render(&a->file, step, &step->err);
		if (step->rc == 0 && step->kind == RES_OSPF)
		{
			remember_passive(j->frr, step);
		}
		a->lines[i + 1] = a->lines[i] + count_lines(&a->file, from);
	}
	if (a->file.len == 0)
	{
		applying_end(a);
		return;
	}
	rc = frr_running(j->frr) ? write_file(j->frr, &a->file, a->path)
							 : -ENOTCONN;
	if (rc != 0)
	{
		err_set(&e, rc, ERR_FRR, "ospfd", "nothing was configured: %s",
				rc == -ENOTCONN ? "ospfd is not running" : strerror(-rc));
		applying_fail(a, rc, &e);
		return;
	}
	j->output = applying_said;
	run_vtysh(j, "-f", arguments, APPLY_DEADLINE_MS);
}

static void frr_backend_apply(struct backend *b, struct step *const *steps,
							  size_t count, backend_done_fn done, void *user)
{
	struct applying *a = xcalloc(1, sizeof(*a));

	a->job.start = applying_start;
	a->job.cancel = applying_cancel;
	a->steps = steps;
	a->count = count;
	a->lines = xcalloc(count + 1, sizeof(*a->lines));
	a->done = done;
	a->user = user;
	job_add((struct frr *)b, &a->job);
}

/* ---- neighbours ----------------------------------------------------------- */

struct polling
{
	struct job job;				/* first */
	void (*fn)(void *user, const char *link, const char *state);
	void *user;
};

static void polling_cancel(struct job *j)
{
	free(j);
}

/* Remember them as text; true when it is another than last time. */
static bool neighbors_differ(struct frr *f, const struct facts *facts)
{
	struct text now = { 0 };
	bool differ;

	for (size_t i = 0; i < facts->neighbor_count; i++)
	{
		text_addf(&now, "%s %s\n", facts->neighbors[i].link,
				  facts->neighbors[i].state);
	}
	differ = strcmp(text_str(&now), text_str(&f->neighbors)) != 0;
	text_done(&f->neighbors);
	f->neighbors = now;
	return differ;
}

static void polling_output(struct job *j, int status, const char *output,
						   size_t len)
{
	struct polling p = *(struct polling *)j;
	struct frr *f = j->frr;
	struct frr_view view = view_of(f);
	struct arena *a = arena_new();
	struct resource_set none;
	struct facts facts = { .sa_count = 0 };
	struct frr_state state;
	bool differ, configured = false;

	resource_set_init(&none, a);
	if (take_output(a, status, output, len, &state, NULL) == 0)
	{
		frr_report(&state, &view, 0, &none, &facts);
		configured = config_differs(f, output, len);
	}
	differ = neighbors_differ(f, &facts);
	job_end(j);
	free(j);
	for (size_t i = 0; p.fn != NULL && i < facts.neighbor_count; i++)
	{
		p.fn(p.user, facts.neighbors[i].link, facts.neighbors[i].state);
	}
	facts_done(&facts);
	resource_set_done(&none);
	arena_free(a);
	if (p.fn != NULL)
	{
		p.fn(p.user, NULL, NULL);
	}
	if (differ && f->handlers->neighbors_changed != NULL)
	{
		f->handlers->neighbors_changed(f->user);
	}
	if (configured && f->handlers->config_changed != NULL)
	{
		f->handlers->config_changed(f->user);
	}
}

static void polling_start(struct job *j)
{
	static const char *const shows[] = {
		FRR_SHOW_CONFIG, FRR_SHOW_NEIGHBORS, NULL
	};

	ask(j, shows);
}

void frr_poll_neighbors(struct frr *f,
						void (*fn)(void *user, const char *link,
								   const char *state), void *user)
{
	struct polling *p = xcalloc(1, sizeof(*p));

	p->job.start = polling_start;
	p->job.output = polling_output;
	p->job.cancel = polling_cancel;
	p->fn = fn;
	p->user = user;
	job_add(f, &p->job);
}

/* ---- the whole ------------------------------------------------------------ */

static void on_ospfd(void *user, bool running)
{
	struct frr *f = user;

	f->handlers->connection(f->user, running);
}

struct frr *frr_new(struct loop *loop, const struct frr_config *config,
					const struct frr_handlers *handlers, void *user)
{
	static const struct backend_ops ops = {
		.name = "frr", .kinds = RES_BIT(RES_OSPF) | RES_BIT(RES_OSPF_LINK),
		.read = frr_backend_read, .apply = frr_backend_apply,
	};
	struct frr *f = xcalloc(1, sizeof(*f));
	char *path = xasprintf("%s/ospfd.vty", config->vty_dir);

	f->backend.ops = &ops;
	f->loop = loop;
	f->vtysh = xstrdup(config->vtysh);
	f->vty_dir = xstrdup(config->vty_dir);
	f->run_dir = xstrdup(config->run_dir);
	f->handlers = handlers;
	f->user = user;
	f->last = &f->first;
	f->next = loop_timer_new(loop, on_next, f);
	f->ospfd = frr_vty_new(loop, path, on_ospfd, f);
	free(path);
	return f;
}

void frr_free(struct frr *f)
{
	struct job *j;

	if (f == NULL)
	{
		return;
	}
	frr_vty_free(f->ospfd);
	loop_child_free(f->child);
	loop_timer_free(f->next);
	while ((j = f->first) != NULL)
	{
		f->first = j->next;
		j->cancel(j);
	}
	frr_set_vrfs(f, NULL, 0);
	free(f->vrfs);
	free(f->vtysh);
	free(f->vty_dir);
	free(f->run_dir);
	text_done(&f->lan);
	text_done(&f->passive);
	text_done(&f->neighbors);
	text_done(&f->config);
	free(f);
}

bool frr_running(const struct frr *f)
{
	return frr_vty_connected(f->ospfd);
}

size_t frr_leftovers(const struct frr *f)
{
	return f->leftovers;
}

struct backend *frr_backend(struct frr *f)
{
	return &f->backend;
}

void frr_set_vrfs(struct frr *f, char *const *vrfs, size_t count)
{
	for (size_t i = 0; i < f->vrf_count; i++)
	{
		free(f->vrfs[i]);
	}
	f->vrf_count = count;
	f->vrfs = xrealloc(f->vrfs, count > 0 ? count : 1, sizeof(*f->vrfs));
	for (size_t i = 0; i < count; i++)
	{
		f->vrfs[i] = xstrdup(vrfs[i]);
	}
}

void frr_add_lan(struct frr *f, const char *vrf, const char *link)
{
	text_addf(&f->lan, "%s%s %s\n", f->lan.len > 0 ? "" : "\n", vrf, link);
}
