/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * conf.c - the keys of server.conf by a table, with defaults and bounds
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "conffile.h"
#include "file.h"
#include "name.h"
#include "text.h"
#include "server/conf.h"
#include "server/outlet_text.h"

#define HTTPS_PORT 443
#define DAY_S 86400u

enum kind
{
	KIND_PATH,		/* absolute */
	KIND_LISTEN,	/* ADDRESS:PORT */
	KIND_GROUP,
	KIND_URLS,		/* separated by commas */
	KIND_URL,
	KIND_DOMAIN,
	KIND_NUMBER,
	KIND_DAYS,		/* days, or with a unit; kept as seconds */
	KIND_LEVEL,
	KIND_ROLE,
	KIND_TOKENS,
	KIND_WEBHOOK,	/* a URL that is never said again: it may hold a token */
	KIND_SWITCH		/* yes or no */
};

struct row
{
	const char *key;
	enum kind kind;
	bool instance;			/* instance.conf has it too */
	size_t offset;
	uint32_t min, max, value;
	const char *text;		/* the default */
};

#define AT(member) .offset = offsetof(struct server_conf, member)
#define NUMBER(member, low, high, default_value) \
	.kind = KIND_NUMBER, AT(member), .min = (low), .max = (high), \
	.value = (default_value)

static const struct row rows[] = {
	{ "state-dir", KIND_PATH, AT(state_dir), .text = CONF_STATE_DIR },
	{ "listen", KIND_LISTEN, AT(listen), .text = "0.0.0.0:8443" },
	{ "enroll-listen", KIND_LISTEN, AT(enroll_listen),
	  .text = "0.0.0.0:8444" },
	{ "admin-socket", KIND_PATH, AT(admin_socket), .text = CONF_ADMIN_SOCKET },
	{ "admin-group", KIND_GROUP, AT(admin_group) },
	{ "admin-socket-role", KIND_ROLE, AT(admin_socket_role),
	  .value = ACCESS_ADMIN },
	{ "admin-listen", KIND_LISTEN, AT(admin_listen) },
	{ "metrics-listen", KIND_LISTEN, AT(metrics_listen) },
	{ "url", KIND_URLS, .instance = true, AT(urls) },
	{ "enroll-url", KIND_URL, .instance = true, AT(enroll_url) },
	{ "domain", KIND_DOMAIN, .instance = true, AT(domain) },
	{ "poll-interval", NUMBER(poll_interval, 5, 86400, 300) },
	{ "long-poll-timeout", NUMBER(long_poll_timeout, 0, 50, 50) },
	{ "report-interval", NUMBER(report_interval, 5, 86400, 300) },
	{ "confirm-timeout", NUMBER(confirm_timeout, 10, 3600,
								MODEL_CONFIRM_DEFAULT) },
	{ "connection-limit", NUMBER(connection_limit, 16, 200000, 16384) },
	{ "per-ip-limit", NUMBER(per_ip_limit, 1, 200000, 64) },
	{ "workers", NUMBER(workers, 1, 64, 4) },
	{ "request-timeout", NUMBER(request_timeout, 1, 120, 10) },
	{ "certificate-life", KIND_DAYS, AT(certificate_life), .min = 30,
	  .max = 3650 * DAY_S, .value = 365 * DAY_S },
	{ "ike-authority-life", KIND_DAYS, AT(ike_authority_life), .min = 60,
	  .max = 10958 * DAY_S, .value = 3652 * DAY_S },
	{ "ike-certificate-life", KIND_DAYS, AT(ike_certificate_life), .min = 30,
	  .max = 3650 * DAY_S, .value = 365 * DAY_S },
	{ "revocation-list-life", KIND_DAYS, AT(revocation_list_life), .min = 30,
	  .max = 365 * DAY_S, .value = 30 * DAY_S },
	{ "enrolment-approval", KIND_SWITCH, AT(enrolment_approval) },
	{ "alarm-webhook", KIND_WEBHOOK, AT(alarm_webhook) },
	{ "alarm-webhook-secret-file", KIND_PATH, AT(alarm_webhook_secret_file) },
	{ "alarm-webhook-ca-file", KIND_PATH, AT(alarm_webhook_ca_file) },
	{ "alarm-syslog", KIND_SWITCH, AT(alarm_syslog) },
	{ "log-level", KIND_LEVEL, AT(log_level), .value = LOG_LEVEL_INFO },
	{ "log-tokens", KIND_TOKENS, AT(log_tokens) },
	{ .key = NULL }
};

static void *member(struct server_conf *conf, const struct row *row)
{
	return (char *)conf + row->offset;
}

static bool holds_text(enum kind kind)
{
	return kind != KIND_NUMBER && kind != KIND_DAYS && kind != KIND_LEVEL && kind != KIND_ROLE &&
		   kind != KIND_URLS && kind != KIND_SWITCH;
}

void server_conf_init(struct server_conf *conf)
{
	memset(conf, 0, sizeof(*conf));
	for (const struct row *row = rows; row->key; row++)
	{
		if (row->kind == KIND_NUMBER || row->kind == KIND_DAYS)
		{
			*(uint32_t *)member(conf, row) = row->value;
		}
		else if (row->kind == KIND_LEVEL)
		{
			*(enum log_level *)member(conf, row) = (enum log_level)row->value;
		}
		else if (row->kind == KIND_ROLE)
		{
			*(enum access_role *)member(conf, row) =
				(enum access_role)row->value;
		}
		else if (row->text)
		{
			*(char **)member(conf, row) = xstrdup(row->text);
		}
	}
}

static void free_urls(struct server_conf *conf)
{
	while (conf->url_count)
	{
		free(conf->urls[--conf->url_count]);
	}
}

void server_conf_done(struct server_conf *conf)
{
	for (const struct row *row = rows; row->key; row++)
	{
		if (holds_text(row->kind))
		{
			free(*(char **)member(conf, row));
		}
	}
	free_urls(conf);
	memset(conf, 0, sizeof(*conf));
}

/* ---- values ------------------------------------------------------------------ */

static int bad(struct err *e, const char *key, const char *value,
			   const char *want)
{
	return err_set(e, -EINVAL, ERR_CONFIG, key, "%s: \"%s\" is not %s", key,
				   value, want);
}

int url_split(const char *url, char host[FQDN_SIZE], unsigned *port,
			  struct err *e)
{
	static const char scheme[] = "https://";
	const size_t skip = sizeof(scheme) - 1;
	uint64_t number = HTTPS_PORT;
	size_t len;

	if (strncmp(url, scheme, skip) != 0)
	{
		return bad(e, "url", url, "https://HOST or https://HOST:PORT");
	}
	len = strcspn(url + skip, ":");
	if (len < FQDN_SIZE)
	{
		memcpy(host, url + skip, len);
		host[len] = '\0';
	}
	/* an IPv4 address consists of labels too */
	if (len >= FQDN_SIZE || (!name_is_label(host) && !name_is_fqdn(host)) ||
		(url[skip + len] == ':' &&
		 (url[skip + len + 1] == '0' ||
		  text_to_u64(url + skip + len + 1, 1, 65535, &number))))
	{
		return bad(e, "url", url, "https://HOST or https://HOST:PORT");
	}
	*port = (unsigned)number;
	return 0;
}

static int set_urls(struct server_conf *conf, const char *value,
					struct err *e)
{
	char *copy = xstrdup(value), *save = NULL;
	int rc = 0;

	free_urls(conf);
	for (char *url = strtok_r(copy, ", ", &save); url && !rc;
		 url = strtok_r(NULL, ", ", &save))
	{
		char host[FQDN_SIZE];
		unsigned port;

		rc = url_split(url, host, &port, e);
		if (!rc && conf->url_count == MODEL_SERVERS_MAX)
		{
			rc = err_set(e, -E2BIG, ERR_CONFIG, "url", "more than %d URLs",
						 MODEL_SERVERS_MAX);
		}
		if (!rc)
		{
			conf->urls[conf->url_count++] = xstrdup(url);
		}
	}
	free(copy);
	return rc || conf->url_count ? rc : bad(e, "url", value, "a URL");
}

static int check_text(const struct row *row, const char *value, struct err *e)
{
	char host[FQDN_SIZE], webhook[OUTLET_HOST_SIZE];
	unsigned port;

	if (row->kind == KIND_PATH && value[0] != '/')
	{
		return bad(e, row->key, value, "an absolute path");
	}
	if (row->kind == KIND_LISTEN && !strchr(value, ':'))
	{
		return bad(e, row->key, value, "ADDRESS:PORT");
	}
	if (row->kind == KIND_DOMAIN && !name_is_fqdn(value))
	{
		return bad(e, row->key, value, "a domain of two labels or more");
	}
	if (row->kind == KIND_URL)
	{
		return url_split(value, host, &port, e);
	}
	if (row->kind == KIND_WEBHOOK)
	{
		return outlet_url_is_good(value, webhook) ? 0
			: err_set(e, -EINVAL, ERR_CONFIG, row->key, "%s: not https://..., "
					  "nor http:// to a loopback address", row->key);
	}
	return *value ? 0 : bad(e, row->key, value, "a value");
}

static int set_number(struct server_conf *conf, const struct row *row,
					  const char *value, struct err *e)
{
	uint64_t number;

	if (text_to_u64(value, row->min, row->max, &number))
	{
		return err_set(e, -EINVAL, ERR_CONFIG, row->key,
					   "%s: \"%s\" is not a number from %u to %u", row->key,
					   value, row->min, row->max);
	}
	*(uint32_t *)member(conf, row) = (uint32_t)number;
	return 0;
}

/* "365", or a number with its unit: "12h". */
static int set_days(struct server_conf *conf, const struct row *row,
					const char *value, struct err *e)
{
	static const struct { char letter; uint32_t seconds; } units[] = {
		{ 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', DAY_S },
	};
	const size_t len = strlen(value);
	uint32_t unit = DAY_S;
	char digits[16];
	uint64_t number;
	size_t i, cut = 0;

	for (i = 0; len && i < sizeof(units) / sizeof(units[0]); i++)
	{
		if (value[len - 1] == units[i].letter)
		{
			unit = units[i].seconds;
			cut = 1;
		}
	}
	snprintf(digits, sizeof(digits), "%.*s", (int)(len - cut), value);
	if (len - cut >= sizeof(digits) ||
		text_to_u64(digits, 1, UINT32_MAX, &number) ||
		number * unit < row->min || number * unit > row->max)
	{
		return err_set(e, -EINVAL, ERR_CONFIG, row->key, "%s: \"%s\" is not a "
					   "number of days from 1 to %u, nor a shorter time "
					   "(12h, 90m) from %u s on", row->key, value,
					   row->max / DAY_S, row->min);
	}
	*(uint32_t *)member(conf, row) = (uint32_t)(number * unit);
	return 0;
}

static int set_role(struct server_conf *conf, const struct row *row,
					const char *value, struct err *e)
{
	int role;

	for (role = 0; access_roles[role]; role++)
	{
		if (strcmp(access_roles[role], value) == 0)
		{
			*(enum access_role *)member(conf, row) = (enum access_role)role;
			return 0;
		}
	}
	return bad(e, row->key, value, "admin, operator, viewer or none");
}

static int set_value(struct server_conf *conf, const struct row *row,
					 const char *value, struct err *e)
{
	char **text = member(conf, row);
	int rc;

	if (row->kind == KIND_NUMBER)
	{
		return set_number(conf, row, value, e);
	}
	if (row->kind == KIND_DAYS)
	{
		return set_days(conf, row, value, e);
	}
	if (row->kind == KIND_ROLE)
	{
		return set_role(conf, row, value, e);
	}
	if (row->kind == KIND_URLS)
	{
		return set_urls(conf, value, e);
	}
	if (row->kind == KIND_LEVEL)
	{
		return log_level_parse(value, member(conf, row)) ?
			bad(e, row->key, value, "error, warn, info or debug") : 0;
	}
	if (row->kind == KIND_SWITCH)
	{
		*(bool *)member(conf, row) = strcmp(value, "yes") == 0;
		return strcmp(value, "yes") == 0 || strcmp(value, "no") == 0 ? 0
			: bad(e, row->key, value, "yes or no");
	}
	rc = check_text(row, value, e);
	if (!rc)
	{
		free(*text);
		*text = xstrdup(value);
	}
	return rc;
}

static const struct row *find(const char *key)
{
	for (const struct row *row = rows; row->key; row++)
	{
		if (strcmp(row->key, key) == 0)
		{
			return row;
		}
	}
	return NULL;
}

int server_conf_set(struct server_conf *conf, const char *key,
					const char *value, struct err *e)
{
	return set_value(conf, find(key), value, e);
}

/* ---- files --------------------------------------------------------------------- */

static int on_server(void *user, const char *section, const char *arg,
					 const char *key, const char *value, struct err *e)
{
	const struct row *row = find(key);

	if (strcmp(section, "server") != 0 || *arg)
	{
		return err_set(e, -EINVAL, ERR_CONFIG, section,
					   "no section of this file: %s", section);
	}
	if (!row)
	{
		return err_set(e, -EINVAL, ERR_CONFIG, key, "no key of [server]: %s",
					   key);
	}
	return set_value(user, row, value, e);
}

int server_conf_read(struct server_conf *conf, const char *path,
					 struct err *e)
{
	return conffile_read(path, on_server, conf, e);
}

static bool is_given(struct server_conf *conf, const struct row *row)
{
	return row->kind == KIND_URLS ? conf->url_count
								  : *(char **)member(conf, row) != NULL;
}

/* What server.conf says goes before. */
static int on_instance(void *user, const char *section, const char *arg,
					   const char *key, const char *value, struct err *e)
{
	const struct row *row = find(key);

	if (strcmp(section, "instance") != 0 || *arg || !row || !row->instance)
	{
		return err_set(e, -EINVAL, ERR_CONFIG, key, "not written by init: %s",
					   key);
	}
	return is_given(user, row) ? 0 : set_value(user, row, value, e);
}

int server_conf_instance(struct server_conf *conf, struct err *e)
{
	char *path = server_conf_path(conf, CONF_FILE_INSTANCE);
	int rc = conffile_read(path, on_instance, conf, e);

	if (rc == -ENOENT)
	{
		err_set(e, rc, ERR_CONFIG, conf->state_dir,
				"no server was made here yet (ppvpn-server init)");
	}
	free(path);
	if (!rc && (!conf->url_count || !conf->enroll_url || !conf->domain))
	{
		rc = err_set(e, -EINVAL, ERR_CONFIG, conf->state_dir,
					 "url, enroll-url or domain is missing");
	}
	return rc;
}

int server_conf_remember(const struct server_conf *conf, struct err *e)
{
	char *path = server_conf_path(conf, CONF_FILE_INSTANCE);
	struct text t = { 0 };
	int rc;

	text_add(&t, "# Written by ppvpn-server init. What server.conf says goes "
			 "before this.\n[instance]\nurl = ");
	for (size_t i = 0; i < conf->url_count; i++)
	{
		text_addf(&t, "%s%s", i ? ", " : "", conf->urls[i]);
	}
	text_addf(&t, "\nenroll-url = %s\ndomain = %s\n", conf->enroll_url,
			  conf->domain);
	rc = file_write(path, t.s, t.len, 0600, e);
	text_done(&t);
	free(path);
	return rc;
}

char *server_conf_path(const struct server_conf *conf, const char *name)
{
	return xasprintf("%s/%s", conf->state_dir, name);
}

struct model_management server_conf_management(const struct server_conf *conf)
{
	return (struct model_management){
		.servers = (char **)conf->urls,
		.server_count = conf->url_count,
		.poll_interval = conf->poll_interval,
		.long_poll_timeout = conf->long_poll_timeout,
		.report_interval = conf->report_interval,
		.confirm_timeout = conf->confirm_timeout,
	};
}
