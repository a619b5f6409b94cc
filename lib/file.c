/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * file.c - bounded reading, writing that survives a crash
 *
 * Effects: files only. Whenever the machine stops, path has the old content or
 * the new one; leftovers (path.new) are removed by the next write.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "file.h"
#include "secret.h"

/* to be called with errno set */
static int io_fault(struct err *e, const char *path, const char *what)
{
	int saved = errno;

	return err_set(e, -saved, saved == ENOENT ? ERR_NOT_FOUND : ERR_IO, path,
				   "%s: %s", what, strerror(saved));
}

/* Reading ----------------------------------------------------------------- */

static int read_all(int fd, const char *path, char *buf, size_t max,
					size_t *len, struct err *e)
{
	ssize_t n;

	*len = 0;
	while (*len <= max)
	{
		/* one byte more than allowed shows a file that is too long */
		n = read(fd, buf + *len, max + 1 - *len);
		if (n < 0 && errno == EINTR)
		{
			continue;
		}
		if (n < 0)
		{
			return io_fault(e, path, "cannot read");
		}
		if (n == 0)
		{
			buf[*len] = '\0';
			return 0;
		}
		*len += (size_t)n;
	}
	return err_set(e, -EFBIG, ERR_LIMIT, path, "longer than %zu bytes", max);
}

int file_read(const char *path, size_t max, char **buf, size_t *len,
			  struct err *e)
{
	struct stat st;
	size_t size;
	int fd, rc;

	*buf = NULL;
	*len = 0;
	/* O_NONBLOCK: a FIFO in its place must not hang us */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st))
	{
		rc = io_fault(e, path, "cannot open");
	}
	else if (!S_ISREG(st.st_mode))
	{
		rc = err_set(e, -EINVAL, ERR_IO, path, "not a regular file");
	}
	else if (st.st_size > 0 && (uintmax_t)st.st_size > max)
	{
		rc = err_set(e, -EFBIG, ERR_LIMIT, path, "longer than %zu bytes", max);
	}
	else
	{
		/* all of it at once: growing would leave copies of secrets behind */
		size = max + 2;
		*buf = xcalloc(1, size);
		rc = read_all(fd, path, *buf, max, len, e);
		if (rc)
		{
			wipe(*buf, *len);
			free(*buf);
			*buf = NULL;
			*len = 0;
		}
	}
	if (fd >= 0)
	{
		close(fd);
	}
	return rc;
}

/* Writing ----------------------------------------------------------------- */

/* the directory's entry of path is on disk only when this returned */
static int sync_directory(const char *path)
{
	char dir[PATH_MAX];
	char *slash;
	int fd, rc;

	if (snprintf(dir, sizeof(dir), "%s", path) >= (int)sizeof(dir))
	{
		errno = ENAMETOOLONG;
		return -1;
	}
	slash = strrchr(dir, '/');
	if (!slash)
	{
		strcpy(dir, ".");
	}
	else
	{
		slash[slash == dir] = '\0';
	}
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
	{
		return -1;
	}
	rc = fsync(fd);
	close(fd);
	return rc;
}

static int write_all(int fd, const char *buf, size_t len)
{
	ssize_t n;

	while (len)
	{
		n = write(fd, buf, len);
		if (n < 0 && errno == EINTR)
		{
			continue;
		}
		if (n < 0)
		{
			return -1;
		}
		buf += n;
		len -= (size_t)n;
	}
	return 0;
}

/* a complete, synced file at path, made afresh */
static int write_new(const char *path, const void *buf, size_t len,
					 mode_t mode, struct err *e)
{
	const char *what = "cannot write";
	int fd, rc;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
			  S_IRUSR | S_IWUSR);
	if (fd < 0)
	{
		return io_fault(e, path, "cannot create");
	}
	rc = write_all(fd, buf, len);
	if (!rc)
	{
		/* the mode last: no moment in which others could read half of it */
		rc = fchmod(fd, mode);
	}
	if (!rc)
	{
		rc = fsync(fd);
	}
	if (rc)
	{
		rc = io_fault(e, path, what);
		unlink(path);
	}
	if (close(fd) && !rc)
	{
		rc = io_fault(e, path, what);
		unlink(path);
	}
	return rc;
}

/*
 * Give the present content a second name, path.previous. By link and rename,
 * so that path itself never goes away.
 */
static int keep_previous(const char *path, struct err *e)
{
	char previous[PATH_MAX], made[PATH_MAX];

	if (snprintf(previous, sizeof(previous), "%s.previous", path) >=
			(int)sizeof(previous) ||
		snprintf(made, sizeof(made), "%s.previous.new", path) >=
			(int)sizeof(made))
	{
		errno = ENAMETOOLONG;
		return io_fault(e, path, "cannot keep");
	}
	unlink(made);
	if (link(path, made))
	{
		return errno == ENOENT ? 0 : io_fault(e, made, "cannot keep");
	}
	if (rename(made, previous))
	{
		return io_fault(e, previous, "cannot keep");
	}
	/* rename() of two names of one file does nothing and leaves both */
	unlink(made);
	return 0;
}

static int replace(const char *path, const void *buf, size_t len, mode_t mode,
				   int keep, struct err *e)
{
	char made[PATH_MAX];
	int rc;

	if (snprintf(made, sizeof(made), "%s.new", path) >= (int)sizeof(made))
	{
		errno = ENAMETOOLONG;
		return io_fault(e, path, "cannot write");
	}
	rc = write_new(made, buf, len, mode, e);
	if (!rc && keep)
	{
		rc = keep_previous(path, e);
	}
	if (!rc && rename(made, path))
	{
		rc = io_fault(e, path, "cannot replace");
	}
	if (rc)
	{
		unlink(made);
		return rc;
	}
	if (sync_directory(path))
	{
		return io_fault(e, path, "cannot sync directory");
	}
	return 0;
}

int file_write(const char *path, const void *buf, size_t len, mode_t mode,
			   struct err *e)
{
	return replace(path, buf, len, mode, 0, e);
}

int file_write_keep(const char *path, const void *buf, size_t len, mode_t mode,
					struct err *e)
{
	return replace(path, buf, len, mode, 1, e);
}

int dir_make(const char *path, mode_t mode, struct err *e)
{
	struct stat st;

	if (mkdir(path, S_IRWXU) == 0)
	{
		/* apart from mkdir(), which applies the umask */
		return chmod(path, mode) ? io_fault(e, path, "cannot set mode") : 0;
	}
	if (errno != EEXIST)
	{
		return io_fault(e, path, "cannot make directory");
	}
	if (stat(path, &st))
	{
		return io_fault(e, path, "cannot make directory");
	}
	return S_ISDIR(st.st_mode) ? 0 :
		   err_set(e, -ENOTDIR, ERR_IO, path, "not a directory");
}

int dir_lock(const char *path, const char *who, int *fd, struct err *e)
{
	int rc = 0;

	*fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0)
	{
		return io_fault(e, path, "cannot open");
	}
	if (flock(*fd, LOCK_EX | LOCK_NB))
	{
		rc = errno != EWOULDBLOCK ? io_fault(e, path, "cannot lock") :
			 err_set(e, -EBUSY, ERR_RUNNING, path, "%s uses it", who);
		close(*fd);
		*fd = -1;
	}
	return rc;
}
