/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * daytime.c - the time of day, for certificates only
 *
 * Effects: the system's clock, STATE/clock.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alloc.h"
#include "certificate.h"
#include "daytime.h"
#include "fetch.h"
#include "file.h"
#include "log.h"
#include "text.h"

#define CA_MAX 65536
/* Written when it has moved by so much, for the sake of flash memory. */
#define SAVE_S 3600
/* How far a clock may be off the server's: to be left alone; to be silent. */
#define CORRECT_S 60
#define SILENT_S 300

struct daytime {
	char *path, *ca_pem;
	bool may_set;
	bool ours;				/* we set it, and have not heard the time since */
	struct daytime_system system;
	int64_t proven_s;		/* it is later: certificates say so */
	int64_t until_s;		/* the CA's end: no server can say more */
	int64_t heard_s;		/* what a server said last; 0: nothing yet */
	uint64_t heard_ms;		/* when, loop_now_ms(); 0: not since the start */
	int64_t saved_s;
	struct err trouble;
};

static int64_t system_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec;
}

static int system_set(int64_t s)
{
	struct timespec t = { .tv_sec = s };

	return clock_settime(CLOCK_REALTIME, &t) < 0 ? -errno : 0;
}

static const char *time_text(char out[32], int64_t s)
{
	time_t t = s;
	struct tm tm;

	if (!gmtime_r(&t, &tm) ||
		!strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm))
	{
		snprintf(out, 32, "a time without a date");
	}
	return out;
}

static void all_well(struct daytime *d)
{
	memset(&d->trouble, 0, sizeof(d->trouble));
}

static void step(struct daytime *d, int64_t to, const char *why)
{
	int64_t from = d->system.now();
	char a[32], b[32];
	int rc;

	time_text(a, from);
	time_text(b, to);
	if (!d->may_set)
	{
		err_set(&d->trouble, -EPERM, ERR_CLOCK, "clock", "it says %s, and is "
				"%s at least (%s); set-clock = no", a, b, why);
		return;
	}
	rc = d->system.set(to);
	if (rc < 0)
	{
		err_set(&d->trouble, rc, ERR_CLOCK, "clock", "it says %s, and is %s at "
				"least (%s); cannot set it: %s", a, b, why, strerror(-rc));
		return;
	}
	log_warn("clock", "set from %s to %s: %s", a, b, why);
	d->ours = true;
	all_well(d);
}

/* ---- what is known from before -------------------------------------------------- */

static int64_t floor_s(const struct daytime *d)
{
	return d->heard_s > d->proven_s ? d->heard_s : d->proven_s;
}

static void load(struct daytime *d)
{
	char *text, *end;
	struct err e = {0};
	uint64_t s;
	size_t len;
	int rc = file_read(d->path, 32, &text, &len, &e);

	if (rc == 0)
	{
		end = strchr(text, '\n');
		if (!end || (*end = '\0', text_to_u64(text, 1, INT32_MAX * 4ull, &s)) < 0 ||
			(int64_t)s > d->until_s)
		{
			err_set(&e, -EBADMSG, ERR_IO, d->path, "not a time that can be");
			rc = -EBADMSG;
		}
		else
		{
			d->heard_s = d->saved_s = (int64_t)s;
		}
		free(text);
	}
	if (rc < 0 && rc != -ENOENT)
	{
		log_err(LOG_LEVEL_WARN, "clock", "last time known", &e);
	}
}

static void save(struct daytime *d)
{
	int64_t s = floor_s(d);
	struct err e = {0};
	char text[32];

	if (s >= d->saved_s && s - d->saved_s < SAVE_S)
	{
		return;
	}
	snprintf(text, sizeof(text), "%lld\n", (long long)s);
	if (file_write(d->path, text, strlen(text), 0600, &e) < 0)
	{
		log_err(LOG_LEVEL_WARN, "clock", "last time known", &e);
		return;
	}
	d->saved_s = s;
}

int daytime_new(const char *state_dir, const char *ca_file, bool may_set,
				const struct daytime_system *system, struct daytime **out,
				struct err *e)
{
	struct daytime *d = xcalloc(1, sizeof(*d));
	size_t len;
	int rc;

	d->path = xasprintf("%s/clock", state_dir);
	d->may_set = may_set;
	d->system = system ? *system
					   : (struct daytime_system){ system_now, system_set };
	rc = file_read(ca_file, CA_MAX, &d->ca_pem, &len, e);
	if (rc == 0)
	{
		rc = certificate_ca_times(d->ca_pem, &d->proven_s, &d->until_s, e);
	}
	if (rc < 0)
	{
		daytime_free(d);
		return rc;
	}
	load(d);
	if (d->system.now() < floor_s(d))
	{
		step(d, floor_s(d), d->heard_s > d->proven_s ?
			 "the provider's server said it last" : "the provider's CA began");
	}
	*out = d;
	return 0;
}

void daytime_free(struct daytime *d)
{
	if (d)
	{
		free(d->path);
		free(d->ca_pem);
		free(d);
	}
}

int daytime_after_ca(const char *ca_pem, bool may_set,
					 const struct daytime_system *system, struct err *e)
{
	struct daytime d = {
		.may_set = may_set,
		.system = system ? *system
						 : (struct daytime_system){ system_now, system_set },
	};
	int rc = certificate_ca_times(ca_pem, &d.proven_s, &d.until_s, e);

	if (rc == 0 && d.system.now() < d.proven_s)
	{
		step(&d, d.proven_s, "the provider's CA began");
		if (d.trouble.code != ERR_NONE)
		{
			*e = d.trouble;
			rc = -EPERM;
		}
	}
	return rc;
}

/* ---- what is heard ---------------------------------------------------------------- */

/* A server's word, over a channel that was checked. */
static void hear(struct daytime *d, int64_t s, uint64_t at_ms)
{
	int64_t off = d->system.now() - s;
	char text[32];

	if (s < d->proven_s || s > d->until_s)
	{
		err_set(&d->trouble, -ERANGE, ERR_CLOCK, "server", "it says %s, which "
				"its own CA's time rules out", time_text(text, s));
		return;
	}
	d->heard_s = s;
	d->heard_ms = at_ms;
	save(d);
	off = off < 0 ? -off : off;
	if (d->ours && off > CORRECT_S)
	{
		step(d, s, "the provider's server says it");
	}
	else if (off > SILENT_S)
	{
		err_set(&d->trouble, 0, ERR_CLOCK, "clock", "it is %lld s off the "
				"provider's server", (long long)off);
	}
	else
	{
		all_well(d);
	}
	d->ours = false;
}

/* A certificate of our CA was shown; not valid yet, perhaps. */
static void see(struct daytime *d, const char *chain)
{
	int64_t s = certificate_proves_time(d->ca_pem, chain);

	if (s <= d->proven_s || s > d->until_s)
	{
		return;
	}
	d->proven_s = s;
	save(d);
	if (d->system.now() < s)
	{
		step(d, s, "the server's certificate began");
	}
}

void daytime_answered(struct daytime *d, const struct fetch_answer *a)
{
	if (!d)
	{
		return;
	}
	if (a->rc == 0 && a->date_s > 0)
	{
		hear(d, a->date_s, a->first_byte_ms);
	}
	else if (a->rc < 0 && a->chain)
	{
		see(d, a->chain);
	}
}

int64_t daytime_now_s(const struct daytime *d, uint64_t now_ms)
{
	int64_t s;

	if (!d)
	{
		return 0;
	}
	if (d->heard_ms)
	{
		return d->heard_s + (int64_t)((now_ms - d->heard_ms) / 1000);
	}
	s = d->system.now();
	/* what we set it to is the least that it can be */
	return d->trouble.code == ERR_NONE && !d->ours && s >= floor_s(d) ? s : 0;
}

const struct err *daytime_trouble(const struct daytime *d)
{
	static const struct err none;

	return d ? &d->trouble : &none;
}
