/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * conf.h - server.conf, and what init wrote down in the state directory
 *
 * Effects: reads and writes files.
 */
#ifndef PPVPN_SERVER_CONF_H
#define PPVPN_SERVER_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "err.h"
#include "log.h"
#include "model.h"
#include "server/access.h"

#define CONF_PATH "/etc/ppvpn/server.conf"
#define CONF_STATE_DIR "/var/lib/ppvpn-server"
#define CONF_ADMIN_SOCKET "/run/ppvpn-server/admin.sock"
#define CONF_ADMIN_GROUP "ppvpn"
#define CONF_DOMAIN "vpn.internal"

struct server_conf
{
	char *state_dir;
	char *listen, *enroll_listen, *admin_socket;
	char *admin_listen;				/* mutual TLS; NULL: none */
	enum access_role admin_socket_role;	/* of who is no operator by name */
	char *metrics_listen;			/* NULL: none */
	char *admin_group;				/* NULL: CONF_ADMIN_GROUP where it exists */
	char *urls[MODEL_SERVERS_MAX];	/* of the CE listener */
	size_t url_count;
	char *enroll_url;
	char *domain;					/* of new VPNs' identities */
	uint32_t poll_interval, long_poll_timeout;	/* seconds */
	uint32_t report_interval, confirm_timeout;
	uint32_t connection_limit, per_ip_limit, workers;
	uint32_t request_timeout;		/* seconds */
	uint32_t certificate_life;		/* seconds, of routers' */
	/* seconds; of VPNs' authorities, and of what they sign */
	uint32_t ike_authority_life, ike_certificate_life, revocation_list_life;
	bool enrolment_approval;		/* a token alone is not enough */
	char *alarm_webhook;			/* URL, maybe with a token; NULL: none */
	char *alarm_webhook_secret_file, *alarm_webhook_ca_file;	/* or NULL */
	bool alarm_syslog;
	enum log_level log_level;
	char *log_tokens;				/* NULL: all */
};

/** All that has a default gets it; server_conf_done() frees. */
void server_conf_init(struct server_conf *conf);
void server_conf_done(struct server_conf *conf);
/** Read server.conf over the defaults. */
int server_conf_read(struct server_conf *conf, const char *path,
					 struct err *e);
/**
 * Fill url, enroll-url and domain that server.conf does not give from the
 * state directory; -ENOENT where init did not run.
 */
int server_conf_instance(struct server_conf *conf, struct err *e);
/** Write those three down; the last thing that init does. */
int server_conf_remember(const struct server_conf *conf, struct err *e);

/** What every document says of the server; points into conf. */
struct model_management server_conf_management(const struct server_conf *conf);

/** Set one of those three from the command line. */
int server_conf_set(struct server_conf *conf, const char *key,
					const char *value, struct err *e);

/** "https://HOST[:PORT]": 0 and host filled, or -EINVAL. */
int url_split(const char *url, char host[FQDN_SIZE], unsigned *port,
			  struct err *e);

/** DIR/name; the caller frees it. */
char *server_conf_path(const struct server_conf *conf, const char *name);

/* files in the state directory */
#define CONF_FILE_DATABASE "ppvpn.db"
#define CONF_FILE_KEK "kek.key"
#define CONF_FILE_CA_CERT "ca.crt"
#define CONF_FILE_CA_KEY "ca.key"
#define CONF_FILE_CERT "server.crt"
#define CONF_FILE_KEY "server.key"
#define CONF_FILE_INSTANCE "instance.conf"

#endif
