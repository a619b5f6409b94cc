/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * lastconf.c - the last known configuration on disk
 *
 * Effects: files. What is sealed is the ETag, a newline, and the document as it
 * came; its place "ce-config customer/ce" binds it to the router. The ETag holds
 * epoch, revision and hash.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "file.h"
#include "json_scan.h"
#include "lastconf.h"
#include "seal.h"
#include "secret.h"
#include "text.h"

#define DOCUMENT_MAX JSON_DOCUMENT_MAX
#define ETAG_MAX 127
#define SEALED_MAX (DOCUMENT_MAX + ETAG_MAX + 1 + SEAL_OVERHEAD)

struct paths { char *config, *previous, *key; };

static struct paths paths_new(const char *state_dir)
{
	return (struct paths){
		.config = xasprintf("%s/config", state_dir),
		.previous = xasprintf("%s/config.previous", state_dir),
		.key = xasprintf("%s/seal.key", state_dir),
	};
}

static void paths_done(struct paths *p)
{
	free(p->config);
	free(p->previous);
	free(p->key);
}

/* Split what was sealed: the ETag's line, then the document. */
static int take_plain(const char *path, char *plain, size_t len,
					  struct lastconf *out, struct err *e)
{
	char *end = memchr(plain, '\n', len);
	size_t etag = end ? (size_t)(end - plain) : 0;

	if (!end || etag > ETAG_MAX)
	{
		return err_set(e, -EBADMSG, ERR_SEALED, path, "not a configuration");
	}
	memcpy(out->etag, plain, etag);
	out->etag[etag] = '\0';
	out->len = len - etag - 1;
	out->body = xcalloc(1, out->len + 1);
	memcpy(out->body, end + 1, out->len);
	return 0;
}

static int load_one(const char *path, const struct seal_key *key,
					const char *place, struct lastconf *out, struct err *e)
{
	char *sealed, *plain;
	size_t len, size;
	int rc = file_read(path, SEALED_MAX, &sealed, &len, e);

	if (rc != 0)
	{
		return rc;
	}
	if (len < SEAL_OVERHEAD)
	{
		free(sealed);
		return err_set(e, -EBADMSG, ERR_SEALED, path, "cut short");
	}
	size = len - SEAL_OVERHEAD;
	plain = xcalloc(1, size + 1);
	rc = seal_decrypt(key, place, (uint8_t*)sealed, len, plain, e);
	if (rc == 0)
	{
		rc = take_plain(path, plain, size, out, e);
	}
	else
	{
		err_prefix(e, "%s", path);
	}
	wipe(plain, size);
	free(plain);
	free(sealed);
	return rc;
}

int lastconf_load(const char *state_dir, const char *ce, struct lastconf *out,
				  struct err *e)
{
	struct paths p = paths_new(state_dir);
	char *place = xasprintf("ce-config %s", ce);
	struct seal_key key;
	struct err second;
	int rc;

	memset(out, 0, sizeof(*out));
	if (e)
	{
		memset(e, 0, sizeof(*e));
	}
	rc = seal_key_load(p.key, &key, e);
	if (rc == 0)
	{
		rc = load_one(p.config, &key, place, out, e);
		/* e keeps saying what is wrong with the newest, even if this works */
		if (rc != 0 && load_one(p.previous, &key, place, out, &second) == 0)
		{
			rc = 0;
		}
		seal_key_wipe(&key);
	}
	free(place);
	paths_done(&p);
	return rc;
}

/* The key of this router's files; made when it is not there. */
static int open_key(const char *path, struct seal_key *key, struct err *e)
{
	int rc = seal_key_load(path, key, e);

	if (rc == -EINVAL)
	{	/* a crash while it was written: nothing can have been sealed with it */
		unlink(path);
	}
	return rc == -ENOENT || rc == -EINVAL ? seal_key_create(path, key, e) : rc;
}

int lastconf_save(const char *state_dir, const char *ce,
				  const struct lastconf *in, struct err *e)
{
	struct paths p;
	char *place;
	struct seal_key key;
	struct text plain = {0};
	uint8_t *sealed;
	int rc;

	if (in->len > DOCUMENT_MAX || strchr(in->etag, '\n'))
	{
		return err_set(e, -EINVAL, ERR_INTERNAL, "config", "not fit to be kept");
	}
	p = paths_new(state_dir);
	rc = open_key(p.key, &key, e);
	if (rc == 0)
	{
		place = xasprintf("ce-config %s", ce);
		text_addf(&plain, "%s\n", in->etag);
		text_addn(&plain, in->body, in->len);
		sealed = xcalloc(1, plain.len + SEAL_OVERHEAD);
		seal_encrypt(&key, place, plain.s, plain.len, sealed);
		rc = file_write_keep(p.config, sealed, plain.len + SEAL_OVERHEAD, 0600,
							 e);
		text_done(&plain);
		free(sealed);
		free(place);
		seal_key_wipe(&key);
	}
	paths_done(&p);
	return rc;
}

void lastconf_done(struct lastconf *l)
{
	if (l->body)
	{
		wipe(l->body, l->len);
		free(l->body);
	}
	memset(l, 0, sizeof(*l));
}

static int remove_one(const char *path, struct err *e)
{
	if (unlink(path) < 0 && errno != ENOENT)
	{
		return err_set(e, -errno, ERR_IO, path, "cannot remove: %s",
					   strerror(errno));
	}
	return 0;
}

/* ---- the trial --------------------------------------------------------------- */

#define TRIAL_MAX 512
#define TRIAL_FORM "ppvpn-trial/2"

#define TRIAL_COUNT_MAX 1000000
/* enum lastconf_fate */
static const char *const fates[] = { "running", "back", "condemned" };
#define FATES (sizeof(fates) / sizeof(*fates))

/* FATES: no such word. */
static unsigned fate_of(const char *word)
{
	unsigned fate = 0;

	while (fate < FATES && strcmp(word, fates[fate]) != 0)
	{
		fate++;
	}
	return fate;
}

/* TRIAL_FORM ETAG EPOCH REVISION TRIES INTERRUPTED FATE */
static int take_trial(char *text, struct lastconf_trial *out)
{
	char *word[7] = {0}, *save = NULL;
	uint64_t tries, interrupted;
	unsigned n = 0, fate;

	for (char *w = strtok_r(text, " \n", &save); w;
		 w = strtok_r(NULL, " \n", &save))
	{
		if (n == 7)
		{
			return -EBADMSG;
		}
		word[n++] = w;
	}
	if (n != 7 || strcmp(word[0], TRIAL_FORM) != 0 ||
		strlen(word[1]) >= sizeof(out->etag) ||
		text_to_u64(word[2], 0, UINT64_MAX, &out->epoch) < 0 ||
		text_to_u64(word[3], 0, UINT64_MAX, &out->revision) < 0 ||
		text_to_u64(word[4], 0, TRIAL_COUNT_MAX, &tries) < 0 ||
		text_to_u64(word[5], 0, TRIAL_COUNT_MAX, &interrupted) < 0 ||
		(fate = fate_of(word[6])) == FATES ||
		(fate == LASTCONF_RUNNING && tries == 0))
	{
		return -EBADMSG;
	}
	memcpy(out->etag, word[1], strlen(word[1]) + 1);
	out->tries = (unsigned)tries;
	out->interrupted = (unsigned)interrupted;
	out->fate = fate;
	return 0;
}

int lastconf_trial_load(const char *state_dir, struct lastconf_trial *out,
						struct err *e)
{
	char *path = xasprintf("%s/trial", state_dir), *text;
	size_t len;
	int rc = file_read(path, TRIAL_MAX, &text, &len, e);

	memset(out, 0, sizeof(*out));
	if (rc == 0)
	{
		rc = take_trial(text, out);
		if (rc < 0)
		{
			memset(out, 0, sizeof(*out));
			err_set(e, rc, ERR_IO, path, "not what the agent wrote");
		}
		free(text);
	}
	free(path);
	return rc;
}

int lastconf_trial_save(const char *state_dir, const struct lastconf_trial *in,
						struct err *e)
{
	char *path = xasprintf("%s/trial", state_dir);
	struct text t = {0};
	int rc;

	text_addf(&t, "%s %s %llu %llu %u %u %s\n", TRIAL_FORM, in->etag,
			  (unsigned long long)in->epoch, (unsigned long long)in->revision,
			  in->tries, in->interrupted, fates[in->fate]);
	rc = file_write(path, t.s, t.len, 0600, e);
	text_done(&t);
	free(path);
	return rc;
}

/* ---- the end ----------------------------------------------------------------- */

/* The names in that order; those that are not there are fine. */
static int remove_all(const char *dir, const char *const *names, size_t count,
					  struct err *e)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < count; i++)
	{
		char *path = xasprintf("%s/%s", dir, names[i]);

		rc = remove_one(path, e);
		free(path);
	}
	return rc;
}

/* The older one first: a crash in between must not bring it back to life. What a
 * crash left half written goes, too: file.h names it so. */
int lastconf_remove(const char *state_dir, struct err *e)
{
	static const char *const names[] = {
		"config.previous.new", "config.previous", "config.new", "config",
	};

	return remove_all(state_dir, names, sizeof(names) / sizeof(*names), e);
}

int lastconf_remove_key(const char *state_dir, struct err *e)
{
	static const char *const names[] = { "seal.key.new", "seal.key" };

	return remove_all(state_dir, names, sizeof(names) / sizeof(*names), e);
}

int lastconf_trial_remove(const char *state_dir, struct err *e)
{
	static const char *const names[] = { "trial.new", "trial" };

	return remove_all(state_dir, names, sizeof(names) / sizeof(*names), e);
}
