/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_store_fault.c - crashes, full disks, damage, strangers and second
 * processes: the old state or the new one, an error, never an empty answer
 *
 * Stands in for the C library's writing calls, so that a child can be killed,
 * or a write be refused, at every single one of them.
 */
#include "config.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store_kit.h"

/* ---- the disk -------------------------------------------------------------- */

static enum { HEALTHY, KILLED, FULL } disk;
static long disk_calls, disk_at, disk_syncs;

/* 0: go on */
static int disk_call(void)
{
	disk_calls++;
	if (disk == HEALTHY || disk_calls < disk_at)
	{
		return 0;
	}
	if (disk == KILLED)
	{
		kill(getpid(), SIGKILL);
	}
	errno = ENOSPC;
	return -1;
}

ssize_t pwrite64(int fd, const void *buf, size_t len, off64_t at);
int ftruncate64(int fd, off64_t size);

ssize_t pwrite64(int fd, const void *buf, size_t len, off64_t at)
{
	/* half of it may be on the disk when the light goes out */
	if (disk == KILLED && disk_calls + 1 == disk_at && len > 1)
	{
		(void)syscall(SYS_pwrite64, fd, buf, len / 2, at);
	}
	return disk_call() < 0 ? -1 : syscall(SYS_pwrite64, fd, buf, len, at);
}

int fdatasync(int fd)
{
	disk_syncs++;
	return disk_call() < 0 ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
	disk_syncs++;
	return disk_call() < 0 ? -1 : (int)syscall(SYS_fsync, fd);
}

int ftruncate64(int fd, off64_t size)
{
	return disk_call() < 0 ? -1 : (int)syscall(SYS_ftruncate, fd, size);
}

/* ---- what is changed, and what must hold afterwards ------------------------- */

static int change(struct store *s, struct err *err)
{
	int rc;

	if ((rc = store_begin(s, "test", err)) < 0)
	{
		return rc;
	}
	if ((rc = kit_add_site(s, "acme", "corp", "metz", "metz-r1", NULL, NULL,
							 err)) < 0 ||
		(rc = store_site_remove(s, "acme", "corp", "nice", "moved", err)) < 0)
	{
		store_rollback(s);
		return rc;
	}
	return store_commit(s, "metz for nice", NULL, err);
}

/* Everything tells the same story: true, the change is there; false, not. */
static bool changed(uint64_t before)
{
	struct store_change *changes;
	struct store_audit *audits;
	struct store_tunnel *tunnels;
	struct model_document *doc;
	uint64_t revision = kit_revision();
	bool new = revision == before + 1;
	size_t count;

	ck_assert(new || revision == before);
	OK(store_check(store, &e));
	OK(store_changes_since(store, arena, before, &changes, &count, &e));
	ck_assert_uint_eq(count, new ? 4 : 0);
	OK(store_audits(store, arena, 1, &audits, &count, &e));
	ck_assert_int_eq(strcmp(audits[0].what, "metz for nice") == 0, new);
	OK(store_tunnels(store, arena, NULL, NULL, &tunnels, &count, &e));
	ck_assert_uint_eq(count, 3);
	doc = kit_document("acme", "paris-r1");
	ck_assert_uint_eq(doc->vpns[0].peer_count, 2);
	ck_assert_int_eq(kit_peer(doc, "metz") != NULL, new);
	ck_assert_int_eq(kit_peer(doc, "nice") == NULL, new);
	ck_assert_uint_eq(doc->vpns[0].removed_count, new ? 1 : 0);
	return new;
}

static void copy(const char *from, const char *to)
{
	char buf[65536];
	ssize_t n;
	int in = open(from, O_RDONLY), out;

	ck_assert_int_ge(in, 0);
	out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_ge(out, 0);
	while ((n = read(in, buf, sizeof(buf))) > 0)
	{
		ck_assert_int_eq(write(out, buf, (size_t)n), n);
	}
	close(in);
	close(out);
}

static void restore(const char *saved)
{
	char path[128];

	store_close(store);
	store = NULL;
	snprintf(path, sizeof(path), "%s-wal", kit_path);
	(void)unlink(path);
	snprintf(path, sizeof(path), "%s-shm", kit_path);
	(void)unlink(path);
	copy(saved, kit_path);
}

/* The child: one change on a disk that fails at the call of that number. */
static int child(long at)
{
	struct store *s;
	struct err err;
	int rc;

	disk_calls = 0;
	disk_at = at;
	disk = KILLED;
	rc = store_open(kit_path, &kit_kek, &s, &err);
	if (rc == 0)
	{
		rc = change(s, &err);
		store_close(s);
	}
	return rc == 0 ? 0 : 1;
}

START_TEST(survives_a_kill_at_every_write)
{
	char saved[128];
	uint64_t before;
	int status, seen_old = 0, seen_new = 0;
	long at;
	pid_t pid;

	kit_acme();
	kit_ce("acme", "metz-r1", "192.0.2.4");
	before = kit_revision();
	snprintf(saved, sizeof(saved), "%s/saved", kit_dir);
	store_close(store);
	store = NULL;
	copy(kit_path, saved);
	for (at = 1; ; at++)
	{
		restore(saved);
		pid = fork();
		if (pid == 0)
		{
			_exit(child(at));
		}
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		OK(store_open(kit_path, &kit_kek, &store, &e));
		if (changed(before))
		{
			seen_new++;
		}
		else
		{
			seen_old++;
		}
		if (WIFEXITED(status))
		{
			ck_assert_int_eq(WEXITSTATUS(status), 0);
			break;
		}
		ck_assert_int_eq(WTERMSIG(status), SIGKILL);
		ck_assert_int_lt(at, 10000);
	}
	/* both sides of the commit were hit, and more than a handful of writes */
	ck_assert_int_ge(seen_old, 3);
	ck_assert_int_ge(seen_new, 3);
	ck_assert_int_ge(at, 10);
}
END_TEST

START_TEST(a_full_disk_changes_nothing)
{
	uint64_t before;
	int rc, told_full = 0;
	long at;

	kit_acme();
	kit_ce("acme", "metz-r1", "192.0.2.4");
	before = kit_revision();
	for (at = 1; at < 1000; at++)
	{
		disk_calls = 0;
		disk_at = at;
		disk = FULL;
		rc = change(store, &e);
		disk = HEALTHY;
		if (rc == 0)
		{
			break;
		}
		ck_assert_int_eq(rc, -EIO);
		/* a sync that fails leaves more open than a write */
		ck_assert(e.code == ERR_DISK_FULL || e.code == ERR_DATABASE);
		told_full += e.code == ERR_DISK_FULL;
		ck_assert(!changed(before));
	}
	ck_assert_int_ge(at, 3);
	ck_assert_int_ge(told_full, 2);
	ck_assert(changed(before));
	kit_reopen();
	ck_assert(changed(before));
}
END_TEST

/* A commit that is only in memory would be a step back after a power cut. */
START_TEST(a_commit_waits_for_the_disk)
{
	kit_acme();
	OK(store_begin(store, "test", &e));
	OK(kit_add_customer(store, "globex", "", &e));
	disk_syncs = 0;
	OK(store_commit(store, "globex", NULL, &e));
	ck_assert_int_ge(disk_syncs, 1);
}
END_TEST

/* Between the calls of one change, too. */
START_TEST(a_death_in_mid_change_changes_nothing)
{
	int status, steps;
	pid_t pid;

	kit_acme();
	for (steps = 0; steps < 3; steps++)
	{
		store_close(store);
		store = NULL;
		pid = fork();
		if (pid == 0)
		{
			struct store *s;

			if (store_open(kit_path, &kit_kek, &s, &e) == 0 &&
				store_begin(s, "test", &e) == 0 &&
				(steps < 1 || kit_add_customer(s, "x", "", &e) == 0) &&
				(steps < 2 || store_site_remove(s, "acme", "corp", "nice",
												"moved", &e) == 0))
			{
				kill(getpid(), SIGKILL);
			}
			_exit(1);
		}
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert(WIFSIGNALED(status));
		OK(store_open(kit_path, &kit_kek, &store, &e));
		ck_assert_ptr_nonnull(kit_peer(kit_document("acme", "paris-r1"),
									   "nice"));
		OK(store_check(store, &e));
	}
	/* and nobody holds a lock */
	kit_customer("globex");
}
END_TEST

/* ---- damage ---------------------------------------------------------------- */

/* Every question must say -EIO, -EBADMSG or the truth. */
static void ask_everything(int *errors)
{
	struct store_change *changes;
	struct store_customer *customers;
	struct store_ce *ces, ce;
	struct store_vpn *vpns;
	struct store_site *sites;
	struct store_tunnel *tunnels;
	struct store_audit *audits;
	struct store_ce_status *statuses;
	const struct store_event_filter every = { NULL, NULL, NULL, false };
	const struct store_rules rules = {
		.now_ms = 1800000000000, .started_ms = 1800000000000,
		.report_interval_s = 300, .host = "vpn1",
	};
	struct store_alarm *alarms;
	struct store_event *events;
	struct model_document *doc;
	size_t raised;
	uint64_t epoch, revision;
	size_t count;
	int rc;

#define ASK(call, wanted) \
	do \
	{ \
		count = (wanted); \
		rc = (call); \
		ck_assert_msg((rc == 0 && count == (wanted)) || rc == -EIO || \
					  rc == -EBADMSG, "%s: %d, %zu of %zu", #call, rc, count, \
					  (size_t)(wanted)); \
		*errors += rc != 0; \
	} \
	while (0)
	ASK(store_revision(store, &epoch, &revision, &e), 0);
	ASK(store_changes_since(store, arena, 0, &changes, &count, &e), 3);
	ASK(store_customers(store, arena, &customers, &count, &e), 1);
	ASK(store_vpns(store, arena, NULL, &vpns, &count, &e), 1);
	ASK(store_ces(store, arena, NULL, &ces, &count, &e), 3);
	ASK(store_sites(store, arena, NULL, NULL, &sites, &count, &e), 3);
	ASK(store_tunnels(store, arena, NULL, NULL, &tunnels, &count, &e), 3);
	ASK(store_audits(store, arena, 100, &audits, &count, &e), 8);
	ASK(store_ce_statuses(store, arena, NULL, &statuses, &count, &e), 3);
	ASK(store_alarms(store, arena, NULL, NULL, NULL, true, &alarms, &count, &e),
		0);
	ASK(store_events(store, arena, 0, &every, 100, &events, &count, &e), 8);
	ASK(store_rules_apply(store, &rules, &raised, &e), 0);
	ASK(store_ce_get(store, arena, "acme", "paris-r1", &ce, &e), 0);
	ASK(store_document(store, arena, 1, &kit_management, &doc, &e), 0);
	if (rc == 0)
	{
		ck_assert_uint_eq(doc->vpns[0].peer_count, 2);
	}
}

static void overwrite(off_t at, const void *buf, size_t len)
{
	int fd = open(kit_path, O_WRONLY);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(syscall(SYS_pwrite64, fd, buf, len, at), (long)len);
	close(fd);
}

START_TEST(a_damaged_page_is_an_error)
{
	static const char zeros[4096];
	int errors = 0, refused = 0;
	struct stat st;
	char saved[128];
	off_t at;

	kit_acme();
	snprintf(saved, sizeof(saved), "%s/saved", kit_dir);
	store_close(store);
	store = NULL;
	copy(kit_path, saved);
	ck_assert_int_eq(stat(saved, &st), 0);
	for (at = 0; at < st.st_size; at += (off_t)sizeof(zeros))
	{
		restore(saved);
		overwrite(at, zeros, sizeof(zeros));
		if (store_open(kit_path, &kit_kek, &store, &e) < 0)
		{
			refused++;
			continue;
		}
		ask_everything(&errors);
		/* some pages are nobody's business above, but the check finds all */
		ck_assert_int_lt(store_check(store, &e), 0);
	}
	ck_assert_int_gt(refused, 0);
	ck_assert_int_gt(errors, 20);
}
END_TEST

START_TEST(a_cut_file_is_an_error)
{
	char saved[128];
	int errors = 0;
	struct stat st;
	off_t size;

	kit_acme();
	snprintf(saved, sizeof(saved), "%s/saved", kit_dir);
	store_close(store);
	store = NULL;
	copy(kit_path, saved);
	ck_assert_int_eq(stat(saved, &st), 0);
	for (size = 0; size < st.st_size; size += 4096)
	{
		restore(saved);
		ck_assert_int_eq(truncate(kit_path, size), 0);
		if (store_open(kit_path, &kit_kek, &store, &e) == 0)
		{
			ask_everything(&errors);
			ck_assert_int_lt(store_check(store, &e), 0);
		}
		else
		{
			ck_assert_str_eq(err_code_text(e.code), "database");
		}
	}
	restore(saved);
	OK(store_open(kit_path, &kit_kek, &store, &e));
	errors = 0;
	ask_everything(&errors);
	ck_assert_int_eq(errors, 0);
}
END_TEST

/* Cut while it is open: the pages that are gone are not "nothing there". */
START_TEST(a_file_cut_while_open_is_an_error)
{
	struct store_customer *customers;
	size_t count;
	int rc;

	kit_acme();
	kit_reopen();
	store_close(store);
	OK(store_open(kit_path, &kit_kek, &store, &e));
	ck_assert_int_eq(truncate(kit_path, 0), 0);
	rc = store_customers(store, arena, &customers, &count, &e);
	ck_assert_msg(rc == -EIO || (rc == 0 && count == 1), "%d, %zu", rc, count);
}
END_TEST

START_TEST(refuses_files_that_are_none_of_ours)
{
	struct store *other = NULL;
	struct seal_key kek = kit_kek;
	struct db *db;

	ck_assert_int_eq(store_create(kit_path, &kit_kek, &e), -EEXIST);
	ck_assert_int_eq(store_open("/nonexistent/db", &kit_kek, &other, &e),
					 -ENOENT);
	ck_assert_int_lt(store_open("/etc/passwd", &kit_kek, &other, &e), 0);
	ck_assert_int_lt(store_open(kit_dir, &kit_kek, &other, &e), 0);
	/* another key */
	kek.bytes[0] ^= 1;
	ck_assert_int_eq(store_open(kit_path, &kek, &other, &e), -EBADMSG);
	ck_assert_str_eq(err_code_text(e.code), "sealed");
	kek.id++;
	ck_assert_int_eq(store_open(kit_path, &kek, &other, &e), -EBADMSG);
	/* another edition of a migration, and a newer one */
	OK(db_open(kit_path, &db, &e));
	OK(db_run(db, "INSERT INTO schema_migrations VALUES (9999, '9999-x', 'x', "
			  "1)", NULL, &e));
	ck_assert_int_eq(store_open(kit_path, &kit_kek, &other, &e), -EIO);
	ck_assert_ptr_nonnull(strstr(e.text, "newer"));
	OK(db_run(db, "DELETE FROM schema_migrations WHERE version = 9999", NULL,
			  &e));
	OK(store_open(kit_path, &kit_kek, &other, &e));
	store_close(other);
	OK(db_run(db, "UPDATE schema_migrations SET checksum = 'x'", NULL, &e));
	ck_assert_int_eq(store_open(kit_path, &kit_kek, &other, &e), -EIO);
	db_close(db);
	ck_assert_ptr_null(other);
}
END_TEST

START_TEST(a_dead_creation_can_be_repeated)
{
	char path[128], temporary[160];
	int status, created = 0;
	struct store *s;
	long at;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/second", kit_dir);
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	for (at = 1; at < 1000; at++)
	{
		pid = fork();
		if (pid == 0)
		{
			disk_calls = 0;
			disk_at = at;
			disk = KILLED;
			_exit(store_create(path, &kit_kek, &e) == 0 ? 0 : 1);
		}
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		if (access(path, F_OK) == 0)
		{
			/* whole as soon as it has its name */
			OK(store_open(path, &kit_kek, &s, &e));
			OK(store_check(s, &e));
			store_close(s);
			ck_assert_int_eq(unlink(path), 0);
			created++;
		}
		if (WIFEXITED(status))
		{
			break;
		}
	}
	ck_assert_int_ge(at, 5);
	ck_assert_int_ge(created, 1);
	ck_assert_int_eq(WEXITSTATUS(status), 0);
	ck_assert_int_ne(access(temporary, F_OK), 0);
}
END_TEST

/* ---- secrets --------------------------------------------------------------- */

static bool file_has(const char *suffix, const void *needle, size_t len)
{
	char path[128], *buf;
	struct stat st;
	bool found;
	int fd;

	snprintf(path, sizeof(path), "%s%s", kit_path, suffix);
	fd = open(path, O_RDONLY);
	if (fd < 0)
	{
		return false;
	}
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_uint_eq(st.st_mode & 077, 0);
	buf = xcalloc(1, (size_t)st.st_size + 1);
	ck_assert_int_eq(read(fd, buf, (size_t)st.st_size), st.st_size);
	found = memmem(buf, (size_t)st.st_size, needle, len) != NULL;
	free(buf);
	close(fd);
	return found;
}

static bool anywhere(const void *needle, size_t len)
{
	return file_has("", needle, len) || file_has("-wal", needle, len) ||
		   file_has("-shm", needle, len);
}

START_TEST(no_secret_lies_in_the_clear)
{
	const struct model_peer *peer;
	struct db_rows *rows;
	struct db *db;
	char hex[2 * SECRET_MAX + 1], sealed[512];
	const char *text = "0123456789abcdef0123456789abcdef";
	uint8_t hash[32];

	kit_acme();
	peer = kit_peer(kit_document("acme", "paris-r1"), "nice");
	secret_to_hex(&peer->keys[0].secret, hex);
	seal_sha256(text, strlen(text), hash);
	OK(store_token_add(store, "acme", "paris-r1", hash, 1, "test", &e));
	ck_assert(!anywhere(peer->keys[0].secret.bytes, 32));
	ck_assert(!anywhere(hex, 64));
	ck_assert(!anywhere(hex, 16));
	ck_assert(!anywhere(kit_kek.bytes, 32));
	hex_encode(kit_kek.bytes, 32, hex);
	ck_assert(!anywhere(hex, 64));
	ck_assert(!anywhere(text, strlen(text)));
	/* the search can find: the sealed form is there */
	OK(db_open(kit_path, &db, &e));
	OK(db_query(db, "SELECT sealed FROM psk", NULL, &rows, &e));
	ck_assert_int_eq(db_next(rows, &e), 1);
	snprintf(sealed, sizeof(sealed), "%s", db_col_text(rows, 0));
	db_end(rows);
	db_close(db);
	ck_assert(anywhere(sealed, strlen(sealed)));
}
END_TEST

START_TEST(sealed_keys_cannot_change_places)
{
	struct model_document *doc;
	struct db *db;

	kit_acme();
	OK(db_open(kit_path, &db, &e));
	OK(db_run(db, "UPDATE psk SET sealed = (SELECT o.sealed FROM psk o WHERE "
			  "o.site_a = 3 AND o.site_b = 1) WHERE site_a = 2 AND site_b = 1",
			  NULL, &e));
	ck_assert_int_eq(db_changed(db), 1);
	ck_assert_int_eq(store_document(store, arena,
									kit_ce_id("acme", "paris-r1"),
									&kit_management, &doc, &e), -EBADMSG);
	ck_assert_str_eq(err_code_text(e.code), "sealed");
	ck_assert_ptr_null(doc);
	/* whom it does not concern goes on */
	kit_document("acme", "nice-r1");
	OK(db_run(db, "UPDATE psk SET sealed = 'zz' || substr(sealed, 3) "
			  "WHERE site_a = 3 AND site_b = 2", NULL, &e));
	ck_assert_int_eq(store_document(store, arena, kit_ce_id("acme", "nice-r1"),
									&kit_management, &doc, &e), -EBADMSG);
	/* a tunnel that lost its key is a fault, not a tunnel less */
	OK(db_run(db, "DELETE FROM psk", NULL, &e));
	ck_assert_int_eq(store_document(store, arena, kit_ce_id("acme", "nice-r1"),
									&kit_management, &doc, &e), -EIO);
	db_close(db);
}
END_TEST

/* ---- several at once -------------------------------------------------------- */

#define WRITERS 4
#define CHANGES 20

static void *writer(void *user)
{
	int number = *(int *)user, i, rc = 0;
	struct store *s;
	struct err err;
	char name[32];

	*(int *)user = store_open(kit_path, &kit_kek, &s, &err);
	if (*(int *)user < 0)
	{
		return NULL;
	}
	for (i = 0; rc == 0 && i < CHANGES; i++)
	{
		snprintf(name, sizeof(name), "c%d-%d", number, i);
		if ((rc = store_begin(s, "test", &err)) == 0 &&
			(rc = kit_add_customer(s, name, "", &err)) == 0)
		{
			rc = store_commit(s, name, NULL, &err);
		}
	}
	*(int *)user = rc;
	store_close(s);
	return NULL;
}

START_TEST(many_writers_share_a_database)
{
	struct store_customer *list;
	struct store_audit *audits;
	pthread_t threads[WRITERS];
	int numbers[WRITERS], i, status;
	size_t count, k;
	pid_t pid;

	/* another process among them */
	store_close(store);
	store = NULL;
	pid = fork();
	if (pid == 0)
	{
		i = WRITERS;
		writer(&i);
		_exit(i == 0 ? 0 : 1);
	}
	for (i = 0; i < WRITERS; i++)
	{
		numbers[i] = i;
		ck_assert_int_eq(pthread_create(&threads[i], NULL, writer,
										&numbers[i]), 0);
	}
	for (i = 0; i < WRITERS; i++)
	{
		pthread_join(threads[i], NULL);
		ck_assert_int_eq(numbers[i], 0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	OK(store_open(kit_path, &kit_kek, &store, &e));
	ck_assert_uint_eq(kit_revision(), (WRITERS + 1) * CHANGES);
	OK(store_customers(store, arena, &list, &count, &e));
	ck_assert_uint_eq(count, (WRITERS + 1) * CHANGES);
	OK(store_audits(store, arena, 1000, &audits, &count, &e));
	ck_assert_uint_eq(count, (WRITERS + 1) * CHANGES);
	for (k = 0; k < count; k++)
	{
		ck_assert_uint_eq(audits[k].revision, k + 1);
	}
}
END_TEST

START_TEST(a_second_connection_sees_what_was_committed)
{
	struct store_customer *list;
	struct store *other;
	size_t count;

	OK(store_open(kit_path, &kit_kek, &other, &e));
	OK(store_begin(store, "test", &e));
	OK(kit_add_customer(store, "acme", "", &e));
	OK(store_customers(other, arena, &list, &count, &e));
	ck_assert_uint_eq(count, 0);
	OK(store_commit(store, "acme", NULL, &e));
	OK(store_customers(other, arena, &list, &count, &e));
	ck_assert_uint_eq(count, 1);
	store_close(other);
}
END_TEST

TCase *store_fault_case(void)
{
	TCase *tc = tcase_create("fault");

	tcase_set_timeout(tc, 300);
	tcase_add_checked_fixture(tc, kit_setup, kit_teardown);
	tcase_add_test(tc, survives_a_kill_at_every_write);
	tcase_add_test(tc, a_full_disk_changes_nothing);
	tcase_add_test(tc, a_commit_waits_for_the_disk);
	tcase_add_test(tc, a_death_in_mid_change_changes_nothing);
	tcase_add_test(tc, a_damaged_page_is_an_error);
	tcase_add_test(tc, a_cut_file_is_an_error);
	tcase_add_test(tc, a_file_cut_while_open_is_an_error);
	tcase_add_test(tc, refuses_files_that_are_none_of_ours);
	tcase_add_test(tc, a_dead_creation_can_be_repeated);
	tcase_add_test(tc, no_secret_lies_in_the_clear);
	tcase_add_test(tc, sealed_keys_cannot_change_places);
	tcase_add_test(tc, many_writers_share_a_database);
	tcase_add_test(tc, a_second_connection_sees_what_was_committed);
	return tc;
}
