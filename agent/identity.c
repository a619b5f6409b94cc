/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * identity.c - enrolment, and what it left behind
 *
 * Effects: files below the state directory, one request to the server. Everything
 * is first written beside its place, as FILE.next; provider.next is written last
 * and decides: without it the former enrolment stands, with it the files
 * are moved to their places, by the next start if need be.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "certificate.h"
#include "daytime.h"
#include "fetch.h"
#include "file.h"
#include "identity.h"
#include "json_in.h"
#include "json_out.h"
#include "secret.h"

#define BUNDLE_MAX 65536
#define SERVERS_MAX 8
#define URL_MAX 300

static const char *const bundle_schemas[] = { "ppvpn-bundle/1", NULL };
static const char *const provider_schemas[] = { "ppvpn-provider/1", NULL };

/* what a bundle, and later the file "provider", say */
struct provider_file {
	int schema;
	char *ce;
	struct addr ce_address;
	char **servers;
	size_t server_count;
	char *enroll, *token, *ca;		/* bundle */
};

/* ---- reading --------------------------------------------------------------- */

static int read_url(struct json_in *in, struct json_object *value,
					const struct json_path *path, void *out)
{
	static const struct json_row row = {
		.kind = JSON_TEXT, .min = 9, .max = URL_MAX,
	};
	char where[128], **url = out;
	int rc = json_read_value(in, value, path, &row, out);

	if (rc == 0 && strncmp(*url, "https://", 8) != 0)
	{
		json_path_str(path, where);
		rc = err_set(in->err, -EINVAL, ERR_JSON_VALUE, where,
					 "not an https:// address");
	}
	return rc;
}

#define COMMON(schemas) \
	{ .name = "schema", .kind = JSON_ENUM, .required = true, \
	  .offset = offsetof(struct provider_file, schema), .names = schemas }, \
	{ .name = "ce", .kind = JSON_PLACE2, .required = true, \
	  .offset = offsetof(struct provider_file, ce) }, \
	{ .name = "ce-address", .kind = JSON_ADDR4, .required = true, \
	  .offset = offsetof(struct provider_file, ce_address) }, \
	{ .name = "servers", .kind = JSON_ARRAY, .required = true, .min = 1, \
	  .max = SERVERS_MAX, .fn = read_url, .elem_size = sizeof(char*), \
	  .offset = offsetof(struct provider_file, servers), \
	  .count_offset = offsetof(struct provider_file, server_count) }

static const struct json_row bundle_rows[] = {
	COMMON(bundle_schemas),
	{ .name = "enroll", .kind = JSON_TEXT, .required = true, .min = 9,
	  .max = URL_MAX, .offset = offsetof(struct provider_file, enroll) },
	{ .name = "token", .kind = JSON_HEX, .required = true, .max = 32,
	  .offset = offsetof(struct provider_file, token) },
	{ .name = "ca-data", .kind = JSON_TEXT, .required = true, .min = 64,
	  .max = 32768, .offset = offsetof(struct provider_file, ca) },
	{ .name = NULL },
};

static const struct json_row provider_rows[] = {
	COMMON(provider_schemas),
	{ .name = NULL },
};

static int read_bundle(struct json_in *in, struct json_object *value,
					   const struct json_path *path, void *out)
{
	return json_read_object(in, value, path, bundle_rows, out);
}

static int read_provider(struct json_in *in, struct json_object *value,
						 const struct json_path *path, void *out)
{
	return json_read_object(in, value, path, provider_rows, out);
}

/* A text on standard input, up to its end. */
static int read_stdin(char *buf, size_t size, size_t *len, struct err *e)
{
	ssize_t n = 1;

	if (isatty(STDIN_FILENO))
	{
		fprintf(stderr, "Paste the bundle, then press Enter and Ctrl-D.\n");
	}
	for (*len = 0; *len < size && n; *len += n > 0 ? (size_t)n : 0)
	{
		n = read(STDIN_FILENO, buf + *len, size - *len);
		if (n < 0 && errno != EINTR)
		{
			return err_set(e, -errno, ERR_IO, "-", "cannot read: %s",
						   strerror(errno));
		}
	}
	return *len < size ? 0 : err_set(e, -EFBIG, ERR_LIMIT, "-",
									 "longer than %d bytes", BUNDLE_MAX);
}

/* Asked for once: who waits for an approval comes again with the same. */
static int read_pasted(char **text, size_t *len, struct err *e)
{
	static char pasted[BUNDLE_MAX + 2];
	static size_t pasted_len;
	int rc = pasted_len ? 0 : read_stdin(pasted, BUNDLE_MAX + 1, &pasted_len,
										 e);

	if (rc < 0)
	{
		wipe(pasted, sizeof(pasted));
		pasted_len = 0;
		return rc;
	}
	*text = xcalloc(1, pasted_len + 1);
	memcpy(*text, pasted, pasted_len);
	*len = pasted_len;
	return 0;
}

static int read_json(const char *path, struct arena *arena, json_read_fn fn,
					 void (*prepare)(char *text), struct provider_file *out,
					 struct err *e)
{
	static const struct json_limits limits = {
		.bytes = BUNDLE_MAX, .depth = 4, .values = 64, .members = 16,
		.string = 40000,
	};
	char *buf;
	size_t len;
	int rc = strcmp(path, "-") == 0 ? read_pasted(&buf, &len, e) :
			 file_read(path, BUNDLE_MAX, &buf, &len, e);

	if (rc != 0)
	{
		return rc;
	}
	if (prepare)
	{
		prepare(buf);
	}
	rc = json_read_text(arena, buf, len, &limits, fn, out, NULL, e);
	if (rc != 0)
	{
		err_prefix(e, "%s", path);
	}
	wipe(buf, len);
	free(buf);
	return rc;
}

/*
 * Texts in JSON may have no line breaks here, but PEM has them: an escaped one
 * becomes two spaces before reading, and two spaces a line break after it. PEM
 * has no two spaces, and nothing else in a bundle has a backslash.
 */
static void hide_breaks(char *text)
{
	for (char *p = strstr(text, "\\n"); p; p = strstr(p, "\\n"))
	{
		memset(p, ' ', 2);
	}
}

static void show_breaks(char *text)
{
	char *to = text;

	for (char *from = text; *from; from++)
	{
		bool pair = from[0] == ' ' && from[1] == ' ';

		*to++ = pair ? '\n' : *from;
		from += pair;
	}
	*to = '\0';
}

/* ---- the files ------------------------------------------------------------- */

#define LEAVING "leaving"		/* what "provider" is called while we leave */
#define ASKING "enroll.key"		/* of a request that was not answered */

/* In the order in which they are moved to their places. */
enum { FILE_KEY, FILE_CERT, FILE_CA, FILE_IKE, FILE_PROVIDER, FILE_COUNT };

static const struct { const char *name; mode_t mode; } files[FILE_COUNT] = {
	[FILE_KEY] = { "management.key", 0600 },
	[FILE_CERT] = { "management.crt", 0644 },
	[FILE_CA] = { "ca.crt", 0644 },
	[FILE_IKE] = { "ike.key", 0600 },		/* ike_key.h */
	[FILE_PROVIDER] = { "provider", 0644 },
};

static char *path_of(const char *state_dir, int file)
{
	return xasprintf("%s/%s", state_dir, files[file].name);
}

static char *next_of(const char *state_dir, int file)
{
	return xasprintf("%s/%s.next", state_dir, files[file].name);
}

static int move_one(const char *state_dir, int file, struct err *e)
{
	char *from = next_of(state_dir, file), *to = path_of(state_dir, file);
	int rc = 0;

	/* one that is not there was moved before a crash */
	if (rename(from, to) < 0 && errno != ENOENT)
	{
		rc = err_set(e, -errno, ERR_IO, to, "cannot replace: %s",
					 strerror(errno));
	}
	free(from);
	free(to);
	return rc;
}

static int sync_dir(const char *state_dir, struct err *e)
{
	int fd = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;

	if (fd < 0 || fsync(fd) < 0)
	{
		rc = err_set(e, -errno, ERR_IO, state_dir, "cannot sync: %s",
					 strerror(errno));
	}
	if (fd >= 0)
	{
		close(fd);
	}
	return rc;
}

/* Finish an enrolment that was decided. */
static int finish(const char *state_dir, struct err *e)
{
	char *decided = next_of(state_dir, FILE_PROVIDER);
	int rc = 0;

	if (access(decided, F_OK) == 0)
	{
		for (int i = 0; i < FILE_COUNT && rc == 0; i++)
		{
			/* the others must be in their places for good before the last */
			rc = i == FILE_PROVIDER ? sync_dir(state_dir, e) : 0;
			if (rc == 0)
			{
				rc = move_one(state_dir, i, e);
			}
		}
		if (rc == 0)
		{
			rc = sync_dir(state_dir, e);
		}
	}
	free(decided);
	return rc;
}

static void take_identity(const char *state_dir,
						  const struct provider_file *p, struct identity *id)
{
	id->ce = xstrdup(p->ce);
	id->ce_address = p->ce_address;
	id->servers = xcalloc(p->server_count, sizeof(*id->servers));
	for (size_t i = 0; i < p->server_count; i++)
	{
		id->servers[i] = xstrdup(p->servers[i]);
	}
	id->server_count = p->server_count;
	id->key_file = path_of(state_dir, FILE_KEY);
	id->cert_file = path_of(state_dir, FILE_CERT);
	id->ca_file = path_of(state_dir, FILE_CA);
}

int identity_load(const char *state_dir, struct identity *id, struct err *e)
{
	struct provider_file p = {0};
	struct arena *arena = arena_new();
	char *path = path_of(state_dir, FILE_PROVIDER);
	char *leaving = xasprintf("%s/%s", state_dir, LEAVING);
	int rc;

	memset(id, 0, sizeof(*id));
	rc = finish(state_dir, e);
	if (rc == 0)
	{
		rc = read_json(path, arena, read_provider, NULL, &p, e);
	}
	if (rc == -ENOENT)
	{
		rc = read_json(leaving, arena, read_provider, NULL, &p, e);
		id->leaving = rc == 0;
	}
	if (rc == -ENOENT)
	{
		err_set(e, rc, ERR_NOT_ENROLLED, state_dir, "not enrolled with a "
				"provider yet");
	}
	if (rc == 0)
	{
		take_identity(state_dir, &p, id);
		if (!id->leaving && (access(id->key_file, R_OK) < 0 || access(id->cert_file, R_OK) < 0 ||
			access(id->ca_file, R_OK) < 0))
		{
			rc = err_set(e, -errno, ERR_IO, state_dir, "a file of the enrolment "
						 "cannot be read: %s", strerror(errno));
			identity_done(id);
		}
	}
	free(path);
	free(leaving);
	arena_free(arena);
	return rc;
}

/* ---- leaving --------------------------------------------------------------- */

int identity_leave(const char *state_dir, struct err *e)
{
	char *from = path_of(state_dir, FILE_PROVIDER);
	char *to = xasprintf("%s/%s", state_dir, LEAVING);
	int rc = 0;

	if (rename(from, to) < 0)
	{
		rc = err_set(e, -errno, ERR_IO, from, "cannot rename: %s",
					 strerror(errno));
	}
	if (rc == 0)
	{
		rc = sync_dir(state_dir, e);
	}
	free(from);
	free(to);
	return rc;
}

/* With what a crash left half written: file.h names it so. */
static int remove_file(char *path, struct err *e)
{
	char *half = xasprintf("%s.new", path);
	int rc = 0;

	if ((unlink(half) < 0 && errno != ENOENT) ||
		(unlink(path) < 0 && errno != ENOENT))
	{
		rc = err_set(e, -errno, ERR_IO, path, "cannot remove: %s",
					 strerror(errno));
	}
	free(half);
	free(path);
	return rc;
}

int identity_remove(const char *state_dir, struct err *e)
{
	int rc = 0;

	/* the word that an enrolment is decided goes first */
	for (int i = FILE_COUNT - 1; i >= 0 && rc == 0; i--)
	{
		rc = remove_file(next_of(state_dir, i), e);
	}
	for (int i = 0; i < FILE_COUNT && rc == 0; i++)
	{
		rc = remove_file(path_of(state_dir, i), e);
	}
	return rc == 0 ? remove_file(xasprintf("%s/" ASKING, state_dir), e) : rc;
}

int identity_left(const char *state_dir, struct err *e)
{
	int rc = remove_file(xasprintf("%s/%s", state_dir, LEAVING), e);

	return rc == 0 ? sync_dir(state_dir, e) : rc;
}

void identity_done(struct identity *id)
{
	for (size_t i = 0; i < id->server_count; i++)
	{
		free(id->servers[i]);
	}
	free(id->servers);
	free(id->ce);
	free(id->cert_file);
	free(id->key_file);
	free(id->ca_file);
	memset(id, 0, sizeof(*id));
}

/* ---- enrolment ------------------------------------------------------------- */

struct credentials { char *key, *cert, *ca, *ike; };
/* of all files; NULL: stays as it is */
struct contents { const char *of[FILE_COUNT]; };

static struct text provider_text(const struct provider_file *b)
{
	struct json_out o = {0};
	char buf[ADDR_TEXT_MAX];
	struct text text;

	jo_object(&o, NULL);
	jo_str(&o, "schema", provider_schemas[0]);
	jo_str(&o, "ce", b->ce);
	jo_str(&o, "ce-address", addr_str(&b->ce_address, buf));
	jo_array(&o, "servers");
	for (size_t i = 0; i < b->server_count; i++)
	{
		jo_str(&o, NULL, b->servers[i]);
	}
	jo_array_end(&o);
	jo_object_end(&o);
	text = jo_take(&o);
	text_add(&text, "\n");
	return text;
}

static int write_next(const char *state_dir, int file, const char *text,
					  struct err *e)
{
	char *path = next_of(state_dir, file);
	int rc;

	/* one of an enrolment that was not decided is not to come with this one */
	rc = text ? file_write(path, text, strlen(text), files[file].mode, e) :
		 unlink(path) == 0 || errno == ENOENT ? 0 :
		 err_set(e, -errno, ERR_IO, path, "cannot remove: %s", strerror(errno));
	free(path);
	return rc;
}

static int keep(const char *state_dir, const struct contents *content,
				struct err *e)
{
	int rc = 0;

	for (int i = 0; i < FILE_COUNT && rc == 0; i++)
	{
		rc = write_next(state_dir, i, content->of[i], e);
	}
	if (rc == 0)
	{
		return finish(state_dir, e);
	}
	for (int i = FILE_COUNT - 1; i >= 0; i--)
	{
		char *path = next_of(state_dir, i);

		unlink(path);
		free(path);
	}
	return rc;
}

static int keep_enrolment(const char *state_dir,
						  const struct provider_file *b,
						  const struct credentials *c, struct err *e)
{
	struct text provider = provider_text(b);
	const struct contents content = { {
		[FILE_KEY] = c->key, [FILE_CERT] = c->cert, [FILE_CA] = c->ca,
		[FILE_IKE] = c->ike, [FILE_PROVIDER] = provider.s,
	} };
	int rc = keep(state_dir, &content, e);

	text_done(&provider);
	return rc;
}

/* libcurl wants the CA as a file already. */
static int ask_server(const char *state_dir, const struct provider_file *b,
					  const char *csr, char **answer, struct err *e)
{
	char *ca = xasprintf("%s/enroll-ca.crt", state_dir);
	int rc = file_write(ca, b->ca, strlen(b->ca), 0644, e);

	if (rc == 0)
	{
		rc = fetch_enroll(b->enroll, ca, b->ce, b->token, csr, answer, e);
	}
	unlink(ca);
	free(ca);
	return rc;
}

/*
 * The key is kept while it is not known whether the server has it: an answer
 * that was lost is given again to the same key only.
 */
static int take_key(const char *state_dir, char **key, struct err *e)
{
	char *path = xasprintf("%s/" ASKING, state_dir);
	char id[CERTIFICATE_KEY_ID_SIZE];
	size_t len;
	int rc = file_read(path, BUNDLE_MAX, key, &len, NULL);

	if (rc != 0 || certificate_key_id(*key, id, NULL) < 0)
	{
		if (rc == 0)
		{
			wipe(*key, len);
			free(*key);
			*key = NULL;
		}
		rc = certificate_key_new(key, e);
		if (rc == 0)
		{
			rc = file_write(path, *key, strlen(*key), 0600, e);
		}
	}
	free(path);
	return rc;
}

static void drop_key(const char *state_dir)
{
	char *path = xasprintf("%s/" ASKING, state_dir);

	unlink(path);
	free(path);
}

static bool is_lost(const struct err *e)
{
	return e->code == ERR_UNREACHABLE || e->code == ERR_TIMEOUT ||
		   e->code == ERR_APPROVAL;
}

/* What an operator compares. */
static void say_key(const char *key, struct err *e)
{
	char id[CERTIFICATE_KEY_ID_SIZE];

	if (e->code == ERR_APPROVAL && certificate_key_id(key, id, NULL) == 0)
	{
		err_set(e, -EINPROGRESS, ERR_APPROVAL, "key", "the provider's approval "
				"is waited for; this router's key is %s", id);
	}
}

static void free_key(char *key)
{
	if (key)
	{
		wipe(key, strlen(key));
	}
	free(key);
}

static int enroll(const char *state_dir, const struct provider_file *b,
				  bool may_set_clock, struct err *e)
{
	struct credentials c = { .ca = b->ca };
	char *csr = NULL, *answer = NULL;
	int rc = certificate_check_ca(b->ca, e);

	if (rc == 0)
	{
		rc = daytime_after_ca(b->ca, may_set_clock, NULL, e);
	}
	if (rc == 0)
	{
		rc = take_key(state_dir, &c.key, e);
	}
	if (rc == 0)
	{
		rc = certificate_request(c.key, b->ce, &csr, e);
	}
	if (rc == 0)
	{
		rc = ask_server(state_dir, b, csr, &answer, e);
	}
	if (rc == -EINPROGRESS)
	{
		say_key(c.key, e);
	}
	if (rc == 0)
	{
		rc = certificate_take(answer, c.key, b->ca, &c.cert, e);
	}
	if (rc == 0)
	{
		rc = certificate_key_new(&c.ike, e);
	}
	if (rc == 0)
	{
		rc = keep_enrolment(state_dir, b, &c, e);
	}
	if (rc == 0 || !is_lost(e))
	{
		drop_key(state_dir);
	}
	free_key(c.key);
	free_key(c.ike);
	free(c.cert);
	free(csr);
	free(answer);
	return rc;
}

static int check_bundle(const struct provider_file *b, struct err *e)
{
	if (!addr_is_host(&b->ce_address))
	{
		return err_set(e, -EINVAL, ERR_ADDRESS, "/ce-address",
					   "not a router's address");
	}
	return strncmp(b->enroll, "https://", 8) == 0 ? 0 :
		   err_set(e, -EINVAL, ERR_JSON_VALUE, "/enroll",
				   "not an https:// address");
}

int identity_enroll(const char *state_dir, const char *bundle_path, bool force,
					bool may_set_clock, struct err *e)
{
	struct provider_file b = {0};
	struct identity id;
	struct arena *arena;
	int rc, lock;

	if (identity_load(state_dir, &id, NULL) == 0)
	{
		rc = id.leaving ?
			 err_set(e, -EBUSY, ERR_ENROLLED, state_dir, "%s is leaving, and "
					 "something of it is left: see ppvpnctl status", id.ce) :
			 force ? 0 :
			 err_set(e, -EEXIST, ERR_ENROLLED, state_dir, "enrolled as %s "
					 "already", id.ce);
		identity_done(&id);
		if (rc < 0)
		{
			return rc;
		}
	}
	arena = arena_new();
	rc = read_json(bundle_path, arena, read_bundle, hide_breaks, &b, e);
	if (rc == 0)
	{
		show_breaks(b.ca);
		rc = check_bundle(&b, e);
	}
	if (rc == 0)
	{
		rc = dir_make(state_dir, 0700, e);
	}
	if (rc == 0)
	{
		rc = dir_lock(state_dir, "another enrolment", &lock, e);
	}
	if (rc == 0)
	{
		rc = enroll(state_dir, &b, may_set_clock, e);
		close(lock);
	}
	arena_free(arena);
	return rc;
}

/* ---- renewal --------------------------------------------------------------- */

static int read_file(const char *state_dir, int file, char **text,
					 struct err *e)
{
	char *path = path_of(state_dir, file);
	size_t len;
	int rc = file_read(path, BUNDLE_MAX, text, &len, e);

	free(path);
	return rc;
}

/* What is not renewed stays as it is, byte for byte. */
static int renew(const char *state_dir, const char *from, const char *key_pem,
				 const char *cert_pem, struct err *e)
{
	char *cert = NULL, *provider = NULL;
	int rc = finish(state_dir, e);

	if (rc == 0)
	{
		rc = read_file(state_dir, FILE_CERT, &cert, e);
	}
	if (rc == 0 && strcmp(cert, from) != 0)
	{
		rc = err_set(e, -ESTALE, ERR_CONFLICT, state_dir, "this router was "
					 "enrolled anew meanwhile: restart ppvpn-agent");
	}
	if (rc == 0)
	{
		rc = read_file(state_dir, FILE_PROVIDER, &provider, e);
	}
	if (rc == 0)
	{
		const struct contents content = { {
			[FILE_KEY] = key_pem, [FILE_CERT] = cert_pem,
			[FILE_PROVIDER] = provider,
		} };

		rc = keep(state_dir, &content, e);
	}
	free(cert);
	free(provider);
	return rc;
}

int identity_renew(const char *state_dir, const char *from,
				   const char *key_pem, const char *cert_pem, struct err *e)
{
	int rc, lock;

	rc = dir_lock(state_dir, "an enrolment", &lock, e);
	if (rc == 0)
	{
		rc = renew(state_dir, from, key_pem, cert_pem, e);
		close(lock);
	}
	return rc;
}
