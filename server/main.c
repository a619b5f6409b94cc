/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * main.c - ppvpn-server's commands: init, run, and those of operate.h
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "cli.h"
#include "log.h"
#include "server/conf.h"
#include "server/init.h"
#include "server/operate.h"
#include "server/sd_notify.h"
#include "server/server.h"
#include "server/state.h"

#define ENROLL_PORT 8444

/* ---- init ---------------------------------------------------------------------- */

static int default_enroll_url(struct server_conf *conf, struct err *e)
{
	char host[FQDN_SIZE];
	unsigned port;
	int rc = url_split(conf->urls[0], host, &port, e);

	if (!rc && port == ENROLL_PORT)
	{
		return err_set(e, -EINVAL, ERR_USAGE, "--url",
					   "port %d is that of enrolment: give --enroll-url too",
					   ENROLL_PORT);
	}
	if (!rc)
	{
		conf->enroll_url = xasprintf("https://%s:%d", host, ENROLL_PORT);
	}
	return rc;
}

static int conf_of_args(const struct cli_args *args, struct server_conf *conf,
						struct err *e)
{
	static const char *const keys[] = { "state-dir", "url", "enroll-url",
										"domain" };
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof(keys) / sizeof(*keys); i++)
	{
		char option[32];
		const char *value;

		snprintf(option, sizeof(option), "--%s", keys[i]);
		value = cli_opt(args, option);
		rc = value ? server_conf_set(conf, keys[i], value, e) : 0;
	}
	if (!rc && !conf->url_count)
	{
		rc = err_set(e, -EINVAL, ERR_USAGE, "--url",
					 "needed: https://HOST:8443, as routers reach this server");
	}
	if (!rc && !conf->enroll_url)
	{
		rc = default_enroll_url(conf, e);
	}
	if (!rc && !conf->domain)
	{
		conf->domain = xstrdup(CONF_DOMAIN);
	}
	return rc;
}

static void tell_what_next(const struct server_conf *conf)
{
	printf("A new provider is in %s:\n", conf->state_dir);
	printf("  %-14s the database; secrets in it are sealed with %s\n",
		   CONF_FILE_DATABASE, CONF_FILE_KEK);
	printf("  %-14s the certificate authority, its key in %s\n",
		   CONF_FILE_CA_CERT, CONF_FILE_CA_KEY);
	printf("  %-14s this server's certificate, its key in %s\n",
		   CONF_FILE_CERT, CONF_FILE_KEY);
	printf("Routers reach it at %s, enrol at %s;\n"
		   "identities of sites end in .%s\n\n", conf->urls[0],
		   conf->enroll_url, conf->domain);
	printf("Keep a copy of %s, %s and %s in a safe place, and make\n"
		   "backups (ppvpn-server backup). Then:\n", CONF_FILE_KEK,
		   CONF_FILE_CA_KEY, CONF_FILE_KEY);
	if (strcmp(conf->state_dir, CONF_STATE_DIR) == 0)
	{
		printf("  systemctl enable --now ppvpn-server\n");
	}
	else
	{
		printf("  set state-dir = %s in %s\n"
			   "  ppvpn-server run --config %s\n", conf->state_dir, CONF_PATH,
			   CONF_PATH);
	}
	printf("  ppvpn-admin customer add NAME\n");
}

static int run_init(const struct cli_args *args, void *user, struct err *e)
{
	struct server_conf conf;
	int rc;

	(void)user;
	server_conf_init(&conf);
	rc = conf_of_args(args, &conf, e);
	if (!rc)
	{
		rc = server_init(&conf, e);
	}
	if (!rc)
	{
		tell_what_next(&conf);
	}
	server_conf_done(&conf);
	return rc;
}

/* ---- run ------------------------------------------------------------------------ */

/* SIGHUP: what can change while others wait is how much is logged. */
static void reread(const struct cli_args *args)
{
	struct server_conf conf;
	struct err e = { 0 };

	if (operate_read_conf(args, &conf, &e))
	{
		log_err(LOG_LEVEL_ERROR, "server", "configuration not read again", &e);
	}
	else
	{
		log_set_level(conf.log_level);
		log_info("server", "log level read again; other settings need a "
				 "restart");
	}
	server_conf_done(&conf);
}

static void wait_for_end(const struct cli_args *args, const sigset_t *signals)
{
	int sig;

	while (sigwait(signals, &sig) == 0)
	{
		if (sig != SIGHUP)
		{
			log_info("server", "signal %d: stopping", sig);
			return;
		}
		reread(args);
	}
}

static int serve(const struct cli_args *args, const struct server_conf *conf,
				 struct err *e)
{
	struct server *server;
	sigset_t signals;
	int lock, rc;

	/* before any thread starts, so that all inherit it */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	umask(077);
#ifndef __SANITIZE_ADDRESS__	/* looks for leaks by ptrace */
	/* keys in memory: no core file, no ptrace by the same user */
	prctl(PR_SET_DUMPABLE, 0);
#endif

	/* to the end: nothing may be restored under a server's feet */
	rc = state_lock(conf, false, &lock, e);
	if (!rc)
	{
		rc = server_start(conf, &server, e);
	}
	if (rc)
	{
		return rc;
	}
	log_info("server", "ready");
	sd_notify_send("READY=1");
	wait_for_end(args, &signals);
	sd_notify_send("STOPPING=1");
	server_stop(server);
	log_info("server", "stopped");
	return 0;
}

static int check_conf(const struct server_conf *conf, struct err *e)
{
	int lock, rc = state_lock(conf, false, &lock, e);

	if (!rc)
	{
		rc = server_check(conf, e);
		close(lock);
	}
	return rc;
}

static int run_run(const struct cli_args *args, void *user, struct err *e)
{
	struct server_conf conf;
	int rc = operate_read_conf(args, &conf, e);

	(void)user;
	if (!rc)
	{
		log_init("ppvpn-server", conf.log_level);
		log_set_tokens(conf.log_tokens);
		if (cli_opt(args, "--check"))
		{
			rc = check_conf(&conf, e);
			if (!rc)
			{
				printf("OK\n");
			}
		}
		else
		{
			rc = serve(args, &conf, e);
		}
	}
	server_conf_done(&conf);
	return rc;
}

/* ---- commands --------------------------------------------------------------------- */

static const struct cli_option init_options[] = {
	{ "--state-dir", "DIR", "where to make it (" CONF_STATE_DIR ")" },
	{ "--url", "URL", "https://HOST:8443 as routers reach it; several: URL,URL" },
	{ "--enroll-url", "URL", "where they enrol (https://HOST:8444)" },
	{ "--domain", "DOMAIN", "end of the sites' identities (" CONF_DOMAIN ")" },
	{ NULL, NULL, NULL },
};

static const struct cli_option run_options[] = {
	{ "--config", "FILE", "configuration file (" CONF_PATH ")" },
	{ "--check", NULL, "only check configuration and state, say OK" },
	{ NULL, NULL, NULL },
};

static const struct cli_command commands[] = {
	{ "init", "", 0, 0, "make database, certificate authority and keys",
	  init_options, run_init },
	{ "run", "", 0, 0, "serve routers and operators", run_options, run_run },
	{ "check", "", 0, 0, "look whether everything in the state directory is whole",
	  operate_check_options, operate_check },
	{ "backup", "FILE", 1, 1, "write a backup, also while the server runs",
	  operate_backup_options, operate_backup },
	{ "restore", "FILE", 1, 1, "make a state directory of a backup",
	  operate_restore_options, operate_restore },
	{ "key rotate", "", 0, 0, "seal all secrets with a new key; server stopped",
	  operate_key_options, operate_key_rotate },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL },
};

static const struct cli cli = {
	.program = "ppvpn-server",
	.summary = "the provider's server: VPN database, CA, configurations of routers",
	.options = NULL,
	.commands = commands,
};

int main(int argc, char *argv[])
{
	log_init("ppvpn-server", LOG_LEVEL_INFO);
	return cli_main(&cli, argc, argv, NULL);
}
