/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * backup.c - copies the database, then writes it and the other files to a tar
 * file that gets its name last
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "file.h"
#include "seal.h"
#include "secret.h"
#include "server/archive.h"
#include "server/backup.h"
#include "server/state.h"
#include "text.h"

#define SMALL_FILE_MAX 65536

const char *const backup_files[] = {
	CONF_FILE_CA_CERT, CONF_FILE_CERT, CONF_FILE_INSTANCE, NULL
};
const char *const backup_keys[] = {
	CONF_FILE_KEK, CONF_FILE_CA_KEY, CONF_FILE_KEY, NULL
};

struct writer
{
	const char *path;		/* of the tar file, for errors */
	int fd;
	int64_t now;
	struct text sums;
};

static int fail(struct err *e, const char *path, const char *what)
{
	int rc = -errno;

	return err_set(e, rc, rc == -ENOSPC || rc == -EDQUOT ? ERR_DISK_FULL
				   : rc == -EEXIST ? ERR_EXISTS : ERR_IO, path, "%s: %s", what,
				   strerror(-rc));
}

static int write_all(struct writer *w, const void *data, size_t len,
					 struct err *e)
{
	const char *p = data;
	ssize_t n;

	while (len)
	{
		n = write(w->fd, p, len);
		if (n < 0 && errno == EINTR)
		{
			continue;
		}
		if (n < 0)
		{
			return fail(e, w->path, "cannot write");
		}
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* ---- members ----------------------------------------------------------------------- */

static int add(struct writer *w, const char *name, const void *data, size_t len,
			   struct err *e)
{
	static const uint8_t zeroes[ARCHIVE_BLOCK];
	uint8_t block[ARCHIVE_BLOCK], hash[32];
	char hex[65];
	int rc;

	if (len >= ARCHIVE_SIZE_MAX)
	{
		return err_set(e, -E2BIG, ERR_LIMIT, name, "larger than 8 GiB");
	}
	seal_sha256(data, len, hash);
	hex_encode(hash, sizeof(hash), hex);
	text_addf(&w->sums, "%s  %s\n", hex, name);
	archive_header(block, name, len, w->now);
	rc = write_all(w, block, sizeof(block), e);
	if (!rc)
	{
		rc = write_all(w, data, len, e);
	}
	return rc ? rc : write_all(w, zeroes, archive_padding(len), e);
}

static int add_file(struct writer *w, const struct server_conf *conf,
					const char *name, struct err *e)
{
	char *path = server_conf_path(conf, name), *data;
	size_t len;
	int rc = file_read(path, SMALL_FILE_MAX, &data, &len, e);

	if (!rc)
	{
		rc = add(w, name, data, len, e);
		wipe(data, len);
		free(data);
	}
	free(path);
	return rc;
}

static int add_files(struct writer *w, const struct server_conf *conf,
					 const char *const *names, struct err *e)
{
	int rc = 0;

	for (; !rc && *names; names++)
	{
		rc = add_file(w, conf, *names, e);
	}
	return rc;
}

static int add_database(struct writer *w, const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), rc;
	struct stat st;
	void *data;

	if (fd < 0 || fstat(fd, &st))
	{
		rc = fail(e, path, "cannot read");
	}
	else
	{
		data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (data == MAP_FAILED)
		{
			rc = fail(e, path, "cannot read");
		}
		else
		{
			rc = add(w, CONF_FILE_DATABASE, data, (size_t)st.st_size, e);
			munmap(data, (size_t)st.st_size);
		}
	}
	if (fd >= 0)
	{
		close(fd);
	}
	return rc;
}

static int add_manifest(struct writer *w, const struct store_facts *facts,
						bool keys, struct err *e)
{
	char when[sizeof("2026-01-01T00:00:00Z")];
	struct text t = { 0 };
	time_t now = w->now;
	struct tm tm;
	int rc;

	gmtime_r(&now, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	text_addf(&t, "Backup by ppvpn-server %s, for ppvpn-server restore.\n"
			  "made      %s\ndatabase  %s\nschema    %" PRId64 "\n"
			  "epoch     %" PRIu64 "\nrevision  %" PRIu64 "\nkeys      %s\n",
			  PACKAGE_VERSION, when, facts->database_id, facts->schema,
			  facts->epoch, facts->revision,
			  keys ? "yes: whoever reads this file has every secret" : "no");
	rc = add(w, BACKUP_FILE_MANIFEST, text_str(&t), t.len, e);
	text_done(&t);
	return rc;
}

static int add_sums(struct writer *w, struct err *e)
{
	static const uint8_t end[2 * ARCHIVE_BLOCK];
	char *sums = text_take(&w->sums);
	int rc = add(w, BACKUP_FILE_SUMS, sums, strlen(sums), e);

	free(sums);
	return rc ? rc : write_all(w, end, sizeof(end), e);
}

/* ---- the file ------------------------------------------------------------------------- */

static int fill(struct writer *w, const struct server_conf *conf,
				const char *database, bool keys,
				const struct store_facts *facts, struct err *e)
{
	int rc = add_manifest(w, facts, keys, e);

	if (!rc)
	{
		rc = add_database(w, database, e);
	}
	if (!rc)
	{
		rc = add_files(w, conf, backup_files, e);
	}
	if (!rc && keys)
	{
		rc = add_files(w, conf, backup_keys, e);
	}
	if (!rc)
	{
		rc = add_sums(w, e);
	}
	if (!rc && fsync(w->fd))
	{
		rc = fail(e, w->path, "cannot sync");
	}
	text_done(&w->sums);
	return rc;
}

/* Under its name when it is whole; link() never overwrites. */
static int publish(const char *temporary, const char *file, struct err *e)
{
	char *dir = xstrdup(file), *slash = strrchr(dir, '/');
	int rc = link(temporary, file) ? fail(e, file, "cannot make the backup")
								   : 0;

	if (slash)
	{
		slash[slash == dir ? 1 : 0] = '\0';
	}
	if (!rc)
	{
		rc = state_sync_dir(slash ? dir : ".", e);
	}
	free(dir);
	return rc;
}

static int write_tar(const struct server_conf *conf, const char *file,
					 const char *database, bool keys,
					 const struct store_facts *facts, struct err *e)
{
	char *temporary = xasprintf("%s.new", file);
	struct writer w = { .path = file, .now = time(NULL) };
	int rc;

	unlink(temporary);
	w.fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
				0600);
	if (w.fd < 0)
	{
		rc = fail(e, temporary, "cannot create");
	}
	else
	{
		rc = fill(&w, conf, database, keys, facts, e);
		close(w.fd);
	}
	if (!rc)
	{
		rc = publish(temporary, file, e);
	}
	unlink(temporary);
	free(temporary);
	return rc;
}

static void remove_copy(const char *path)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-journal" };

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
	{
		char *name = xasprintf("%s%s", path, ends[i]);

		unlink(name);
		free(name);
	}
}

int backup_write(const struct server_conf *conf, const char *file, bool keys,
				 struct store_facts *facts, struct err *e)
{
	char *database = server_conf_path(conf, CONF_FILE_DATABASE);
	char *copy = xasprintf("%s.db.new", file);
	struct stat st;
	int rc = seal_init(e);

	memset(facts, 0, sizeof(*facts));
	umask(077);
	if (!rc && lstat(file, &st) == 0)
	{
		rc = err_set(e, -EEXIST, ERR_EXISTS, file, "the file exists");
	}
	if (!rc)
	{
		remove_copy(copy);
		rc = store_copy(database, copy, e);
	}
	if (!rc)
	{
		rc = store_facts(copy, facts, e);
	}
	if (!rc)
	{
		rc = write_tar(conf, file, copy, keys, facts, e);
	}
	remove_copy(copy);
	free(copy);
	free(database);
	return rc;
}
