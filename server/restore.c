/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * restore.c - unpacks a backup into a directory of its own inside the state
 * directory, checks it there, and moves it into place
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "file.h"
#include "secret.h"
#include "server/archive.h"
#include "server/backup.h"
#include "server/check.h"
#include "server/restore.h"
#include "server/state.h"
#include "server/store.h"
#include "text.h"

#define STAGE "restore.new"
#define KEY_FILE_MAX 65536
#define KEYS 3

struct key_file
{
	char *data;
	size_t len;
};

struct source
{
	void *map;
	size_t size;
	struct archive_file files[ARCHIVE_FILES_MAX];
	size_t count;
	struct key_file keys[KEYS];		/* in the order of backup_keys */
};

/* what a state directory has; the database last, for it makes the rest one */
static const char *const all_files[] = {
	CONF_FILE_KEK, CONF_FILE_CA_CERT, CONF_FILE_CA_KEY, CONF_FILE_CERT,
	CONF_FILE_KEY, CONF_FILE_INSTANCE, CONF_FILE_DATABASE, NULL
};
static const char *const beside_files[] = {
	CONF_FILE_DATABASE "-wal", CONF_FILE_DATABASE "-shm", STATE_FILE_KEK_NEXT,
	NULL
};

static int fail(struct err *e, const char *path, const char *what)
{
	int rc = -errno;

	return err_set(e, rc, rc == -ENOSPC || rc == -EDQUOT ? ERR_DISK_FULL
														 : ERR_IO,
				   path, "%s: %s", what, strerror(-rc));
}

/* ---- the backup ------------------------------------------------------------------------ */

/* "HEX  NAME" for every file but itself, in order. */
static int check_sums(const struct source *s, struct err *e)
{
	const struct archive_file *sums = archive_find(s->files, s->count,
												   BACKUP_FILE_SUMS);
	struct text want = { 0 };
	uint8_t hash[32];
	char hex[65];
	int rc = 0;

	for (size_t i = 0; sums && i < s->count; i++)
	{
		if (&s->files[i] != sums)
		{
			seal_sha256(s->files[i].data, s->files[i].len, hash);
			hex_encode(hash, sizeof(hash), hex);
			text_addf(&want, "%s  %s\n", hex, s->files[i].name);
		}
	}
	if (!sums || sums->len != want.len ||
		memcmp(sums->data, text_str(&want), want.len) != 0)
	{
		rc = err_set(e, -EINVAL, ERR_BACKUP, BACKUP_FILE_SUMS,
					 "the files are not those that were written: the backup "
					 "is damaged");
	}
	text_done(&want);
	return rc;
}

static int need_files(const struct source *s, const char *const *names,
					  struct err *e)
{
	for (; *names; names++)
	{
		if (!archive_find(s->files, s->count, *names))
		{
			return err_set(e, -EINVAL, ERR_BACKUP, *names,
						   "the backup does not hold it");
		}
	}
	return 0;
}

static int map_file(struct source *s, const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
	{
		rc = fail(e, path, "cannot read");
	}
	else if (!S_ISREG(st.st_mode) || st.st_size == 0)
	{
		rc = err_set(e, -EINVAL, ERR_BACKUP, path, "not a backup");
	}
	else
	{
		s->size = (size_t)st.st_size;
		s->map = mmap(NULL, s->size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (s->map == MAP_FAILED)
		{
			s->map = NULL;
			rc = fail(e, path, "cannot read");
		}
	}
	if (fd >= 0)
	{
		close(fd);
	}
	return rc;
}

static int read_backup(struct source *s, const char *path, struct err *e)
{
	static const char *const database[] = { CONF_FILE_DATABASE, NULL };
	int rc = map_file(s, path, e);

	if (!rc)
	{
		rc = archive_read(s->map, s->size, s->files, &s->count, e);
	}
	if (!rc)
	{
		rc = check_sums(s, e);
	}
	if (!rc)
	{
		rc = need_files(s, database, e);
	}
	return rc ? rc : need_files(s, backup_files, e);
}

/* Before becoming another user: who calls may read them. */
static int read_keys(struct source *s, const char *dir, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; !rc && backup_keys[i]; i++)
	{
		char *path = xasprintf("%s/%s", dir, backup_keys[i]);

		rc = file_read(path, KEY_FILE_MAX, &s->keys[i].data, &s->keys[i].len,
					   e);
		if (rc)
		{
			s->keys[i].data = NULL;
			err_prefix(e, "the backup was made without keys: give --keys DIR "
					   "with %s", backup_keys[i]);
		}
		free(path);
	}
	return rc;
}

static int read_source(const struct server_conf *conf,
					   const struct restore *r, struct source *s,
					   struct err *e)
{
	int rc = read_backup(s, r->file, e);

	if (!rc && (r->keys_dir ||
				!archive_find(s->files, s->count, CONF_FILE_KEK)))
	{
		rc = read_keys(s, r->keys_dir ? r->keys_dir : conf->state_dir, e);
	}
	return rc;
}

static void source_done(struct source *s)
{
	if (s->map)
	{
		munmap(s->map, s->size);
	}
	for (size_t i = 0; i < KEYS; i++)
	{
		if (s->keys[i].data)
		{
			wipe(s->keys[i].data, s->keys[i].len);
			free(s->keys[i].data);
		}
	}
}

/* ---- beside ------------------------------------------------------------------------------ */

static void remove_files(const char *dir, const char *const *names)
{
	for (; *names; names++)
	{
		char *path = xasprintf("%s/%s", dir, *names);

		unlink(path);
		free(path);
	}
}

static void remove_stage(const char *stage)
{
	remove_files(stage, all_files);
	remove_files(stage, beside_files);
	rmdir(stage);
}

static int unpack(const struct source *s, const char *stage, const char *name,
				  struct err *e)
{
	const struct archive_file *file = archive_find(s->files, s->count, name);
	char *path = xasprintf("%s/%s", stage, name);
	const void *data = file ? file->data : NULL;
	size_t len = file ? file->len : 0;
	int rc;

	for (size_t i = 0; backup_keys[i]; i++)
	{
		if (s->keys[i].data && strcmp(name, backup_keys[i]) == 0)
		{
			data = s->keys[i].data;
			len = s->keys[i].len;
		}
	}
	rc = data ? file_write(path, data, len, 0600, e)
			  : err_set(e, -EINVAL, ERR_BACKUP, name,
						"the backup does not hold it");
	free(path);
	return rc;
}

/* The copy is whole, and fits its keys and certificates. */
static int check_stage(const char *stage, struct err *e)
{
	struct server_conf conf;
	struct check check;
	int rc;

	server_conf_init(&conf);
	free(conf.state_dir);
	conf.state_dir = xstrdup(stage);
	rc = server_conf_instance(&conf, e);
	if (!rc)
	{
		check_run(&conf, &check);
		rc = check_verdict(&check, ERR_BACKUP, e);
		check_done(&check);
	}
	server_conf_done(&conf);
	return rc;
}

/*
 * Later than everything that CEs may have seen: the backup's, the present
 * database's, and with the clock also that of another restore of this backup.
 */
static uint64_t epoch_at_least(const struct server_conf *conf)
{
	char *path = server_conf_path(conf, CONF_FILE_DATABASE);
	uint64_t epoch = (uint64_t)time(NULL);
	struct store_facts facts;

	if (store_facts(path, &facts, NULL) == 0 && facts.epoch >= epoch)
	{
		epoch = facts.epoch + 1;
	}
	free(path);
	return epoch;
}

static int begin_epoch(const struct server_conf *conf, const char *stage,
					   struct restore *r, struct err *e)
{
	char *database = xasprintf("%s/%s", stage, CONF_FILE_DATABASE);
	char *kek_file = xasprintf("%s/%s", stage, CONF_FILE_KEK);
	struct store *store;
	struct seal_key kek;
	int rc = seal_key_load(kek_file, &kek, e);

	if (!rc)
	{
		rc = store_open(database, &kek, &store, e);
		seal_key_wipe(&kek);
	}
	if (!rc)
	{
		rc = store_epoch_begin(store, epoch_at_least(conf), r->actor, e);
		if (!rc)
		{
			rc = store_revision(store, &r->epoch, &r->revision, e);
		}
		store_close(store);
	}
	free(database);
	free(kek_file);
	return rc;
}

static int fill_stage(const struct server_conf *conf, const struct source *s,
					  const char *stage, struct restore *r, struct err *e)
{
	int rc = 0;

	for (const char *const *name = all_files; !rc && *name; name++)
	{
		rc = unpack(s, stage, *name, e);
	}
	if (!rc)
	{
		rc = check_stage(stage, e);
	}
	return rc ? rc : begin_epoch(conf, stage, r, e);
}

/* ---- into place ---------------------------------------------------------------------------- */

static int move(const char *from, const char *to, const char *name,
				struct err *e)
{
	char *a = xasprintf("%s/%s", from, name), *b = xasprintf("%s/%s", to, name);
	int rc = rename(a, b) && errno != ENOENT ? fail(e, a, "cannot move") : 0;

	free(a);
	free(b);
	return rc;
}

static int move_all(const char *from, const char *to,
					const char *const *names, struct err *e)
{
	int rc = 0;

	for (; !rc && *names; names++)
	{
		rc = move(from, to, *names, e);
	}
	return rc ? rc : state_sync_dir(to, e);
}

static bool is_there(const char *dir, const char *name)
{
	char *path = xasprintf("%s/%s", dir, name);
	struct stat st;
	bool is = lstat(path, &st) == 0;

	free(path);
	return is;
}

static bool any_there(const char *dir)
{
	for (const char *const *name = all_files; *name; name++)
	{
		if (is_there(dir, *name))
		{
			return true;
		}
	}
	return false;
}

/* A new directory, named by the time; several in a second are numbered. */
static int make_aside(const struct server_conf *conf, struct restore *r,
					  struct err *e)
{
	char when[32], number[16] = "";
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm);
	for (unsigned i = 2; i < 100; i++)
	{
		snprintf(r->aside, sizeof(r->aside), "%s/before-restore-%s%s",
				 conf->state_dir, when, number);
		if (mkdir(r->aside, 0700) == 0)
		{
			return 0;
		}
		if (errno != EEXIST)
		{
			break;
		}
		snprintf(number, sizeof(number), "-%u", i);
	}
	return fail(e, r->aside, "cannot make it");
}

/* The database goes first: without one no server starts on what is left. */
static int put_aside(const struct server_conf *conf, struct restore *r,
					 struct err *e)
{
	static const char *const first[] = {
		CONF_FILE_DATABASE, CONF_FILE_DATABASE "-wal",
		CONF_FILE_DATABASE "-shm", NULL
	};
	int rc = make_aside(conf, r, e);

	if (!rc)
	{
		rc = move_all(conf->state_dir, r->aside, first, e);
	}
	if (!rc)
	{
		rc = move_all(conf->state_dir, r->aside, all_files, e);
	}
	return rc ? rc : move_all(conf->state_dir, r->aside, beside_files, e);
}

static int into_place(const struct server_conf *conf, const char *stage,
					  struct restore *r, struct err *e)
{
	int rc = any_there(conf->state_dir) ? put_aside(conf, r, e) : 0;

	if (!rc)
	{
		rc = move_all(stage, conf->state_dir, all_files, e);
	}
	return rc;
}

static int restore_locked(const struct server_conf *conf,
						  const struct source *s, struct restore *r,
						  struct err *e)
{
	char *stage = server_conf_path(conf, STAGE);
	int rc;

	remove_stage(stage);
	rc = dir_make(stage, 0700, e);
	if (!rc)
	{
		rc = fill_stage(conf, s, stage, r, e);
	}
	if (!rc)
	{
		rc = into_place(conf, stage, r, e);
	}
	remove_stage(stage);
	free(stage);
	return rc;
}

static int restore_as_owner(const struct server_conf *conf,
							const struct source *s, struct restore *r,
							struct err *e)
{
	int lock, rc = state_become_owner(conf->state_dir, e);

	if (!rc)
	{
		rc = state_lock(conf, true, &lock, e);
	}
	if (!rc)
	{
		rc = !r->force && any_there(conf->state_dir)
			? err_set(e, -EEXIST, ERR_EXISTS, conf->state_dir,
					  "a server was made here before: --force puts its files "
					  "aside")
			: restore_locked(conf, s, r, e);
		close(lock);
	}
	state_become_self();
	return rc;
}

int restore_run(const struct server_conf *conf, struct restore *r,
				struct err *e)
{
	struct source s = { 0 };
	int rc = seal_init(e);

	umask(077);
	r->aside[0] = '\0';
	if (!rc)
	{
		rc = read_source(conf, r, &s, e);
	}
	if (!rc)
	{
		rc = dir_make(conf->state_dir, 0700, e);
	}
	if (!rc)
	{
		rc = restore_as_owner(conf, &s, r, e);
	}
	source_done(&s);
	return rc;
}
