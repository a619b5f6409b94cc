/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * hold.c - what a refused VPN was before
 *
 * Effects: files, through lastconf. A VPN is kept as a document of its own, with
 * no other VPN in it.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "file.h"
#include "hold.h"
#include "lastconf.h"
#include "log.h"
#include "policy.h"
#include "secret.h"
#include "text.h"

/* what the document in force makes of a VPN */
enum fate {
	FATE_NONE,					/* no document yet */
	FATE_WITHIN,				/* its bounds: next */
	FATE_HELD,					/* as it was: body, on disk too */
	FATE_GONE,					/* this router is no site of it any more */
};

/* a VPN that agent.conf bounds */
struct entry {
	const struct conf_vpn *place;
	struct text body;			/* the last form within the bounds; empty: none */
	struct text next;			/* a newer one, while its document is not kept */
	enum fate fate;
	bool saved;					/* body, on disk */
};

struct hold {
	const struct conf *conf;
	char *dir, *ce;
	struct entry *entries;		/* as conf->vpns */
	struct hold_refused *refused;
	size_t refused_count;
	struct arena *arena;		/* of the last answer, NULL */
};

/* STATE/held/CUSTOMER.VPN: no label has a dot */
static char *entry_dir(const struct hold *h, const struct entry *n)
{
	char *dir = xasprintf("%s/%s", h->dir, n->place->place);

	*strrchr(dir, '/') = '.';
	return dir;
}

static void forget(struct text *form)
{
	if (form->s)
	{
		wipe(form->s, form->len);
	}
	text_done(form);
}

/* ---- disk ------------------------------------------------------------------ */

static int remove_dir(const char *dir, struct err *e)
{
	int rc = lastconf_remove(dir, e);

	if (rc == 0)
	{
		rc = lastconf_remove_key(dir, e);
	}
	if (rc == 0 && rmdir(dir) < 0 && errno != ENOENT)
	{
		rc = err_set(e, -errno, ERR_IO, dir, "cannot remove: %s",
					 strerror(errno));
	}
	return rc;
}

static void warn(const struct entry *n, const struct err *e)
{
	log_err(LOG_LEVEL_WARN, "policy", n->place->place, e);
}

static void save(struct hold *h, struct entry *n)
{
	struct lastconf last = { .body = n->body.s, .len = n->body.len };
	char *dir = entry_dir(h, n);
	struct err e = {0};
	int rc = dir_make(h->dir, 0700, &e);

	if (rc == 0)
	{
		rc = dir_make(dir, 0700, &e);
	}
	if (rc == 0)
	{
		rc = lastconf_save(dir, h->ce, &last, &e);
	}
	if (rc < 0)
	{
		warn(n, &e);
	}
	n->saved = rc == 0;
	free(dir);
}

static void load(struct hold *h, struct entry *n)
{
	struct lastconf last = {0};
	char *dir = entry_dir(h, n);
	struct err e = {0};
	int rc = lastconf_load(dir, h->ce, &last, &e);

	if (rc == 0)
	{
		text_addn(&n->body, last.body, last.len);
		n->saved = true;
	}
	else if (rc != -ENOENT)
	{
		warn(n, &e);
	}
	lastconf_done(&last);
	free(dir);
}

static void unsave(struct hold *h, struct entry *n)
{
	char *dir = entry_dir(h, n);
	struct err e = {0};

	if (remove_dir(dir, &e) < 0)
	{
		warn(n, &e);
	}
	rmdir(h->dir);		/* the last one's */
	n->saved = false;
	free(dir);
}

int hold_remove(const char *state_dir, struct err *e)
{
	char *dir = xasprintf("%s/held", state_dir), *one;
	DIR *d = opendir(dir);
	struct dirent *entry;
	int rc = 0;

	while (d && rc == 0 && (entry = readdir(d)) != NULL)
	{
		if (entry->d_name[0] != '.')
		{
			one = xasprintf("%s/%s", dir, entry->d_name);
			rc = remove_dir(one, e);
			free(one);
		}
	}
	if (d)
	{
		closedir(d);
	}
	if (rc == 0 && rmdir(dir) < 0 && errno != ENOENT)
	{
		rc = err_set(e, -errno, ERR_IO, dir, "cannot remove: %s",
					 strerror(errno));
	}
	free(dir);
	return rc;
}

/* ---- one VPN --------------------------------------------------------------- */

static struct entry *entry_of(struct hold *h, const struct model_vpn *vpn)
{
	const struct conf_vpn *place = conf_vpn(h->conf, vpn->customer, vpn->vpn);

	return place && policy_has_bounds(place) ?
		   &h->entries[place - h->conf->vpns] : NULL;
}

/* Within its bounds: this is what it goes back to, once it is kept. */
static void remember(struct entry *n, const struct model_document *doc,
					 const struct model_vpn *vpn)
{
	struct model_document alone = *doc;
	struct model_vpn copy = *vpn;

	alone.vpns = &copy;
	alone.vpn_count = 1;
	forget(&n->next);
	n->next = model_encode(&alone);
	n->fate = FATE_WITHIN;
}

/* As it was, into out; false when it never was within its bounds. */
static bool recall(struct hold *h, struct entry *n, const struct model_vpn *vpn,
				   struct model_vpn *out)
{
	struct model_document *doc;
	struct err e = {0};

	n->fate = FATE_HELD;
	if (!n->body.len)
	{
		load(h, n);
	}
	if (!n->body.len)
	{	/* its document could not be kept: better than nothing */
		n->body = n->next;
		n->next = (struct text){0};
	}
	if (!n->body.len)
	{
		return false;
	}
	if (!n->saved)
	{
		save(h, n);
	}
	if (model_decode(h->arena, n->body.s, n->body.len, &doc, &e) < 0)
	{
		warn(n, &e);
		return false;
	}
	if (doc->vpn_count != 1 || strcmp(doc->vpns->customer, vpn->customer) ||
		strcmp(doc->vpns->vpn, vpn->vpn) ||
		policy_check(n->place, doc->vpns, &e) < 0)
	{	/* the owner has drawn the bounds closer since */
		return false;
	}
	*out = doc->vpns[0];
	return true;
}

static void refuse(struct hold *h, const struct entry *n, const struct err *e)
{
	struct hold_refused *r = &h->refused[h->refused_count++];

	snprintf(r->place, sizeof(r->place), "%s", n->place->place);
	r->err = *e;
}

/* ---- the whole ------------------------------------------------------------- */

static bool wanted(const struct model_document *doc, const struct entry *n)
{
	for (size_t i = 0; i < doc->vpn_count; i++)
	{
		char place[PLACE_SIZE];

		snprintf(place, sizeof(place), "%s/%s", doc->vpns[i].customer,
				 doc->vpns[i].vpn);
		if (strcmp(place, n->place->place) == 0)
		{
			return true;
		}
	}
	return false;
}

static void find_gone(struct hold *h, const struct model_document *doc)
{
	for (size_t i = 0; i < h->conf->vpn_count; i++)
	{
		struct entry *n = &h->entries[i];

		if (policy_has_bounds(n->place) && !wanted(doc, n))
		{
			n->fate = FATE_GONE;
		}
	}
}

const struct model_document *hold_document(struct hold *h,
										   const struct model_document *doc)
{
	struct model_document *out;
	struct err e;

	arena_free(h->arena);
	h->arena = arena_new();
	h->refused_count = 0;
	find_gone(h, doc);
	out = arena_calloc(h->arena, 1, sizeof(*out));
	*out = *doc;
	out->vpns = arena_calloc(h->arena, doc->vpn_count + 1, sizeof(*out->vpns));
	out->vpn_count = 0;
	for (size_t i = 0; i < doc->vpn_count; i++)
	{
		const struct model_vpn *vpn = &doc->vpns[i];
		struct entry *n = entry_of(h, vpn);

		if (!n || policy_check(n->place, vpn, &e) == 0)
		{
			out->vpns[out->vpn_count++] = *vpn;
			if (n)
			{
				remember(n, doc, vpn);
			}
			continue;
		}
		refuse(h, n, &e);
		if (recall(h, n, vpn, &out->vpns[out->vpn_count]))
		{
			out->vpn_count++;
		}
	}
	return h->refused_count ? out : doc;
}

void hold_kept(struct hold *h)
{
	for (size_t i = 0; i < h->conf->vpn_count; i++)
	{
		struct entry *n = &h->entries[i];

		if (n->fate == FATE_WITHIN || n->fate == FATE_GONE)
		{
			forget(&n->body);
			unsave(h, n);
		}
		if (n->fate == FATE_WITHIN)
		{
			n->body = n->next;
			n->next = (struct text){0};
		}
		forget(&n->next);
		n->fate = n->fate == FATE_HELD ? FATE_HELD : FATE_NONE;
	}
}

const struct hold_refused *hold_refused(const struct hold *h, size_t *count)
{
	*count = h->refused_count;
	return h->refused;
}

struct hold *hold_new(const struct conf *conf, const char *state_dir,
					  const char *ce)
{
	struct hold *h = xcalloc(1, sizeof(*h));

	h->conf = conf;
	h->dir = xasprintf("%s/held", state_dir);
	h->ce = xstrdup(ce);
	h->entries = xcalloc(conf->vpn_count + 1, sizeof(*h->entries));
	h->refused = xcalloc(conf->vpn_count + 1, sizeof(*h->refused));
	for (size_t i = 0; i < conf->vpn_count; i++)
	{
		h->entries[i].place = &conf->vpns[i];
	}
	return h;
}

void hold_free(struct hold *h)
{
	if (!h)
	{
		return;
	}
	for (size_t i = 0; i < h->conf->vpn_count; i++)
	{
		forget(&h->entries[i].body);
		forget(&h->entries[i].next);
	}
	arena_free(h->arena);
	free(h->refused);
	free(h->entries);
	free(h->dir);
	free(h->ce);
	free(h);
}
