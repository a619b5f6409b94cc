/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * init.c - writes the files of the state directory, mode 0600 each, once
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "file.h"
#include "seal.h"
#include "server/ca.h"
#include "server/init.h"
#include "server/state.h"
#include "server/store.h"

static const char *const files[] = {
	CONF_FILE_KEK, CONF_FILE_DATABASE, CONF_FILE_DATABASE "-wal",
	CONF_FILE_DATABASE "-shm", CONF_FILE_CA_CERT, CONF_FILE_CA_KEY,
	CONF_FILE_CERT, CONF_FILE_KEY, CONF_FILE_INSTANCE, STATE_FILE_KEK_NEXT,
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int refuse_to_overwrite(const struct server_conf *conf, struct err *e)
{
	for (size_t i = 0; i < COUNT(files); i++)
	{
		char *path = server_conf_path(conf, files[i]);
		struct stat st;
		int rc = 0;

		if (lstat(path, &st) == 0)
		{
			rc = err_set(e, -EEXIST, ERR_EXISTS, path,
						 "a server was made here before");
		}
		free(path);
		if (rc)
		{
			return rc;
		}
	}
	return 0;
}

static void remove_all(const struct server_conf *conf)
{
	for (size_t i = 0; i < COUNT(files); i++)
	{
		char *path = server_conf_path(conf, files[i]);

		unlink(path);
		free(path);
	}
}

static int make_database(const struct server_conf *conf, struct err *e)
{
	char *kek_file = server_conf_path(conf, CONF_FILE_KEK);
	char *database = server_conf_path(conf, CONF_FILE_DATABASE);
	struct seal_key kek;
	int rc = seal_init(e);

	if (!rc)
	{
		rc = seal_key_create(kek_file, &kek, e);
	}
	if (!rc)
	{
		rc = store_create(database, &kek, e);
		seal_key_wipe(&kek);
	}
	if (!rc && chmod(database, 0600))
	{
		rc = err_set(e, -errno, ERR_IO, database, "%s", strerror(errno));
	}
	free(kek_file);
	free(database);
	return rc;
}

/* The names that CEs reach this server by, each once. */
static size_t hosts_of(const struct server_conf *conf,
					   char hosts[MODEL_SERVERS_MAX + 1][FQDN_SIZE],
					   const char *list[MODEL_SERVERS_MAX + 1])
{
	size_t count = 0;

	for (size_t i = 0; i <= conf->url_count; i++)
	{
		const char *url = i < conf->url_count ? conf->urls[i]
											  : conf->enroll_url;
		unsigned port;
		size_t k = 0;

		if (url_split(url, hosts[count], &port, NULL))
		{
			continue;
		}
		while (k < count && strcmp(hosts[k], hosts[count]) != 0)
		{
			k++;
		}
		if (k == count)
		{
			list[count] = hosts[count];
			count++;
		}
	}
	return count;
}

static int make_certificates(const struct server_conf *conf, struct err *e)
{
	char *ca_cert = server_conf_path(conf, CONF_FILE_CA_CERT);
	char *ca_key = server_conf_path(conf, CONF_FILE_CA_KEY);
	char *cert = server_conf_path(conf, CONF_FILE_CERT);
	char *key = server_conf_path(conf, CONF_FILE_KEY);
	char hosts[MODEL_SERVERS_MAX + 1][FQDN_SIZE];
	const char *list[MODEL_SERVERS_MAX + 1];
	struct ca *ca = NULL;
	int rc = ca_create(ca_cert, ca_key, e);

	if (!rc)
	{
		rc = ca_load(ca_cert, ca_key, &ca, e);
	}
	if (!rc)
	{
		rc = ca_make_server(ca, list, hosts_of(conf, hosts, list), cert, key,
							e);
	}
	ca_free(ca);
	free(ca_cert);
	free(ca_key);
	free(cert);
	free(key);
	return rc;
}

int server_init(const struct server_conf *conf, struct err *e)
{
	int rc;

	umask(077);
	rc = dir_make(conf->state_dir, 0700, e);
	if (!rc)
	{
		rc = refuse_to_overwrite(conf, e);
	}
	if (!rc)
	{
		rc = state_become_owner(conf->state_dir, e);
	}
	if (rc)
	{
		return rc;
	}
	rc = make_database(conf, e);
	if (!rc)
	{
		rc = make_certificates(conf, e);
	}
	if (!rc)
	{
		rc = server_conf_remember(conf, e);
	}
	if (rc)
	{
		remove_all(conf);
	}
	state_become_self();
	return rc;
}
