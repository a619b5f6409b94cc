/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store.c - the database file: create, open; transactions
 *
 * Owns the tables installation, id_counter and audit.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "name.h"
#include "server/counters.h"
#include "server/store_alarm.h"
#include "server/store_work.h"
#include "text.h"

#define MARKER "ppvpn"
#define MARKER_SIZE (sizeof(MARKER) - 1 + SEAL_OVERHEAD)

int64_t store_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int store_bad_row(struct err *e, const char *where)
{
	return err_set(e, -EIO, ERR_DATABASE, where,
				   "the database holds a value that cannot be");
}

/* ---- create ---------------------------------------------------------------- */

static int install(struct store *s, struct err *e)
{
	uint8_t id[16], sealed[MARKER_SIZE];
	char hex[2 * MARKER_SIZE + 1];

	seal_random(id, sizeof(id));
	hex_encode(id, sizeof(id), s->database_id);
	seal_encrypt(&s->kek, s->database_id, MARKER, strlen(MARKER), sealed);
	hex_encode(sealed, sizeof(sealed), hex);
	return db_run(s->db, "INSERT INTO installation "
				  "(one, database_id, epoch, revision, marker, management) "
				  "VALUES (1, $1, 1, 0, $2, '')",
				  DB_ARGS(db_t(s->database_id), db_t(hex)), e);
}

static int create_content(struct store *s, struct err *e)
{
	int rc;

	rc = store_migrations_create(s->db, e);
	if (rc == 0)
	{
		rc = store_migrate(s->db, store_sql_files, e);
	}
	if (rc == 0)
	{
		rc = db_begin(s->db, true, e);
	}
	if (rc == 0)
	{
		rc = install(s, e);
	}
	return rc == 0 ? db_commit(s->db, e) : rc;
}

/* The name appears with the whole content or not at all. */
static int publish(const char *temporary, const char *path, struct err *e)
{
	char *dir = xstrdup(path), *slash = strrchr(dir, '/');
	int fd, rc = 0;

	if (link(temporary, path) < 0)
	{
		rc = -errno;
		free(dir);
		return err_set(e, rc, rc == -EEXIST ? ERR_EXISTS : ERR_IO, path,
					   "cannot create the database: %s", strerror(-rc));
	}
	if (slash)
	{
		slash[slash == dir ? 1 : 0] = '\0';
	}
	fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
	{
		rc = -errno;
		err_set(e, rc, ERR_IO, dir, "cannot sync: %s", strerror(-rc));
	}
	if (fd >= 0)
	{
		close(fd);
	}
	free(dir);
	return rc;
}

int store_create(const char *path, const struct seal_key *kek, struct err *e)
{
	struct store s = { .kek = *kek };
	char *temporary = xasprintf("%s.new", path);
	int rc;

	/* what an interrupted creation left */
	if (access(path, F_OK) == 0)
	{
		rc = err_set(e, -EEXIST, ERR_EXISTS, path, "the file exists");
	}
	else
	{
		(void)unlink(temporary);
		rc = db_create(temporary, &s.db, e);
	}
	if (rc == 0)
	{
		rc = create_content(&s, e);
		/* closing moves everything from the log into the file */
		db_close(s.db);
		if (rc == 0)
		{
			rc = publish(temporary, path, e);
		}
		(void)unlink(temporary);
	}
	seal_key_wipe(&s.kek);
	free(temporary);
	return rc;
}

/* ---- open ------------------------------------------------------------------ */

static int open_marker(const struct seal_key *kek, const char *database_id,
					   const char *hex, struct err *e)
{
	uint8_t sealed[MARKER_SIZE];
	char plain[sizeof(MARKER)];
	int rc;

	if (hex_decode(hex, sealed, sizeof(sealed)) < 0)
	{
		return store_bad_row(e, "installation");
	}
	rc = seal_decrypt(kek, database_id, sealed, sizeof(sealed), plain, e);
	if (rc < 0)
	{
		err_prefix(e, "the key does not fit the database");
		return rc;
	}
	return memcmp(plain, MARKER, strlen(MARKER)) == 0
		? 0 : store_bad_row(e, "installation");
}

int store_check_marker(struct db *db, const struct seal_key *kek,
					   char database_id[33], struct err *e)
{
	struct db_rows *rows;
	int rc;

	rc = db_query(db, "SELECT database_id, marker FROM installation", NULL,
				  &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = db_next(rows, e);
	if (rc == 0 || (rc == 1 && strlen(db_col_text(rows, 0)) != 32))
	{
		rc = store_bad_row(e, "installation");
	}
	else if (rc == 1)
	{
		memcpy(database_id, db_col_text(rows, 0), 33);
		rc = open_marker(kek, database_id, db_col_text(rows, 1), e);
	}
	db_end(rows);
	return rc;
}

int store_open(const char *path, const struct seal_key *kek,
			   struct store **store, struct err *e)
{
	struct store *s = xcalloc(1, sizeof(*s));
	int rc;

	*store = NULL;
	s->kek = *kek;
	s->lives = authority_lives_usual;
	rc = db_open(path, &s->db, e);
	if (rc == 0)
	{
		rc = store_migrate(s->db, store_sql_files, e);
	}
	if (rc == 0)
	{
		rc = store_check_marker(s->db, &s->kek, s->database_id, e);
	}
	if (rc < 0)
	{
		store_close(s);
		return rc;
	}
	*store = s;
	return 0;
}

void store_close(struct store *s)
{
	if (s)
	{
		if (s->changing)
		{
			store_rollback(s);
		}
		db_close(s->db);
		seal_key_wipe(&s->kek);
		free(s);
	}
}

int store_keep_little(struct store *s, struct err *e)
{
	return db_keep_little(s->db, e);
}

int store_check(struct store *s, struct err *e)
{
	return db_check(s->db, e);
}

/* ---- transactions ---------------------------------------------------------- */

int store_next_id(struct store *s, const char *counter, int64_t *id,
				  struct err *e)
{
	int rc = db_number(s->db, "INSERT INTO id_counter (name, last) "
					   "VALUES ($1, 1) ON CONFLICT (name) DO UPDATE "
					   "SET last = id_counter.last + 1 RETURNING last",
					   DB_ARGS(db_t(counter)), id, e);

	return rc == -ENOENT ? store_bad_row(e, "id_counter") : rc;
}

int store_audit_write(struct store *s, uint64_t revision, const char *actor,
					  const char *what, int64_t customer_id, struct err *e)
{
	int64_t id;
	int rc;

	if (!*what || strlen(what) > 1024 || !text_is_printable(what))
	{
		return err_set(e, -EINVAL, ERR_INTERNAL, "audit",
					   "a record of 1 to 1024 printable bytes is needed");
	}
	rc = store_next_id(s, "audit", &id, e);
	if (rc < 0)
	{
		return rc;
	}
	return db_run(s->db, "INSERT INTO audit (id, revision, at_ms, actor, what, "
				  "customer_id) VALUES ($1, $2, $3, $4, $5, $6)",
				  DB_ARGS(db_i(id), db_i((int64_t)revision),
						  db_i(store_now_ms()), db_t(actor), db_t(what),
						  db_i(customer_id)), e);
}

int store_begin(struct store *s, const char *actor, struct err *e)
{
	int64_t revision;
	int rc;

	if (s->changing)
	{
		return err_set(e, -EINVAL, ERR_INTERNAL, "store",
					   "a change is in course already");
	}
	if (!*actor || strlen(actor) >= sizeof(s->actor) ||
		!text_is_printable(actor))
	{
		return err_set(e, -EINVAL, ERR_INTERNAL, "store",
					   "an actor of 1 to 128 printable bytes is needed");
	}
	rc = db_begin(s->db, true, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = db_number(s->db, "SELECT revision FROM installation", NULL, &revision,
				   e);
	if (rc < 0)
	{
		db_rollback(s->db);
		return rc == -ENOENT ? store_bad_row(e, "installation") : rc;
	}
	s->revision = (uint64_t)revision + 1;
	snprintf(s->actor, sizeof(s->actor), "%s", actor);
	s->changing = true;
	s->failed = false;
	s->work = store_work_new();
	return 0;
}

static void end_work(struct store *s)
{
	store_work_free(s->work);
	s->work = NULL;
	s->changing = false;
}

static int write_commit(struct store *s, const char *what, struct err *e)
{
	int64_t customer_id = 0;
	int rc = store_whose(s, &customer_id, e);

	if (rc < 0)
	{
		return rc;
	}
	rc = db_run(s->db, "UPDATE installation SET revision = $1",
				DB_ARGS(db_i((int64_t)s->revision)), e);
	if (rc == 0)
	{
		rc = store_audit_write(s, s->revision, s->actor, what, customer_id, e);
	}
	if (rc == 0)
	{
		rc = store_audit_notes(s, e);
	}
	if (rc == 0)
	{
		rc = store_event_commit(s, what, customer_id, e);
	}
	if (rc == 0)
	{
		rc = store_psk_forget(s, e);
	}
	if (rc == 0)
	{
		rc = db_run(s->db, "UPDATE ce_change SET committed_ms = $1 "
					"WHERE revision = $2",
					DB_ARGS(db_i(store_now_ms()), db_i((int64_t)s->revision)),
					e);
	}
	return rc;
}

int store_commit(struct store *s, const char *what, uint64_t *revision,
				 struct err *e)
{
	int rc;

	rc = store_need_change(s, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = s->failed ? err_set(e, -EINVAL, ERR_INTERNAL, "store",
							 "a failed change cannot be committed")
				   : store_settle(s, e);
	if (rc == 0)
	{
		rc = write_commit(s, what, e);
	}
	if (rc < 0)
	{
		store_rollback(s);
		return rc;
	}
	rc = db_commit(s->db, e);
	end_work(s);
	if (rc < 0)
	{
		return rc;
	}
	counter_add(COUNTER_COMMITS);
	if (revision)
	{
		*revision = s->revision;
	}
	return 0;
}

void store_rollback(struct store *s)
{
	db_rollback(s->db);
	end_work(s);
	s->failed = false;
}

int store_need_change(struct store *s, struct err *e)
{
	return s->changing ? 0 : err_set(e, -EINVAL, ERR_INTERNAL, "store",
									 "no change is in course");
}

int store_changed(struct store *s, int rc)
{
	if (rc < 0)
	{
		s->failed = true;
	}
	return rc;
}

/* ---- who is touched -------------------------------------------------------- */

int store_touch_ce(struct store *s, int64_t ce_id, struct err *e)
{
	s->work->touched = true;
	return db_run(s->db, "INSERT INTO ce_change (ce_id, revision, committed_ms)"
				  " VALUES ($1, $2, 0) ON CONFLICT (ce_id) DO UPDATE "
				  "SET revision = $2, committed_ms = 0",
				  DB_ARGS(db_i(ce_id), db_i((int64_t)s->revision)), e);
}

int store_touch_site(struct store *s, int64_t site_id, struct err *e)
{
	s->work->touched = true;
	return db_run(s->db, "UPDATE ce_change SET revision = $2, committed_ms = 0 "
				  "WHERE ce_id = (SELECT ce_id FROM site WHERE id = $1)",
				  DB_ARGS(db_i(site_id), db_i((int64_t)s->revision)), e);
}

int store_touch_vpn(struct store *s, int64_t vpn_id, struct err *e)
{
	int rc = db_run(s->db, "UPDATE ce_change SET revision = $2, "
					"committed_ms = 0 WHERE ce_id IN "
					"(SELECT ce_id FROM site WHERE vpn_id = $1)",
					DB_ARGS(db_i(vpn_id), db_i((int64_t)s->revision)), e);

	s->work->touched |= db_changed(s->db) > 0;
	return rc;
}

/* ---- small checks ---------------------------------------------------------- */

int store_check_name(const char *name, const char *what, struct err *e)
{
	if (!name_is_label(name))
	{
		return err_set(e, -EINVAL, ERR_NAME, name, "not a name for a %s", what);
	}
	return 0;
}

int store_check_words(const char *description, const char *external_id,
					  struct err *e)
{
	if (description && (strlen(description) > STORE_DESCRIPTION_MAX ||
						!text_is_printable(description)))
	{
		return err_set(e, -EINVAL, ERR_USAGE, "description",
					   "at most %d printable ASCII characters",
					   STORE_DESCRIPTION_MAX);
	}
	if (external_id && (strlen(external_id) > STORE_EXTERNAL_ID_MAX ||
						!text_is_printable(external_id)))
	{
		return err_set(e, -EINVAL, ERR_USAGE, "external-id",
					   "at most %d printable ASCII characters",
					   STORE_EXTERNAL_ID_MAX);
	}
	return 0;
}

int store_word(const char *const *words, const char *text, int *index,
			   struct err *e)
{
	for (*index = 0; words[*index]; (*index)++)
	{
		if (strcmp(words[*index], text) == 0)
		{
			return 0;
		}
	}
	return store_bad_row(e, text);
}

int store_read_addr(const char *text, struct addr *out, struct err *e)
{
	return addr_parse4(text, out) < 0 ? store_bad_row(e, text) : 0;
}

void *store_array_add(struct arena *a, void **array, size_t *count, size_t size)
{
	size_t n = *count;
	void *more;

	/* room doubles at every power of two; the arena keeps the old halves */
	if ((n & (n - 1)) == 0)
	{
		more = arena_calloc(a, n ? 2 * n : 1, size);
		if (n)
		{
			memcpy(more, *array, n * size);
		}
		*array = more;
	}
	(*count)++;
	return (char *)*array + n * size;
}
