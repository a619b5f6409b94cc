/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * server.c - wiring: opens what the state directory holds and starts the
 * listeners, with notify between the database and those who wait
 */
#include "config.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "alloc.h"
#include "log.h"
#include "seal.h"
#include "server/alarms.h"
#include "server/api_admin.h"
#include "server/api_ce.h"
#include "server/api_enroll.h"
#include "server/api_metrics.h"
#include "server/authority.h"
#include "server/ca.h"
#include "server/delivery.h"
#include "server/etag.h"
#include "server/http.h"
#include "server/limiter.h"
#include "server/notify.h"
#include "server/outlet.h"
#include "server/server.h"
#include "server/state.h"
#include "server/store.h"
#include "server/store_mesh.h"

#define CE_HEAD_SIZE 3072		/* an agent's are some 300 bytes */
#define ENROLL_CONNECTIONS 512
#define ADMIN_CONNECTIONS 64
#define ADMIN_CONNECTIONS_EACH 16	/* from one address, by TLS */
#define METRICS_CONNECTIONS 16
#define OTHER_FILES 256			/* beside connections */
#define CERT_WARN_DAYS 60
#define HOST_SIZE 256

struct server
{
	const struct server_conf *conf;
	char *database, *cert, *key, *ca_cert;
	struct seal_key kek;
	struct ca *ca;
	struct etags *etags;
	struct store_meshes *meshes;
	struct limiter *limiter;
	struct delivery *delivery;
	struct store *follow;			/* notify's, until it starts */
	uint64_t epoch, revision;
	struct notify *notify;
	uint64_t built, trimmed;		/* documents, at the last tick; last trim */
	char host[HOST_SIZE];
	struct alarms *_Atomic alarms;	/* handlers may be there before it */
	struct alarms_source *alarms_source;
	struct outlet *outlet;
	struct api_ce api_ce;
	struct api_enroll api_enroll;
	struct api_admin api_admin;
	struct api_metrics api_metrics;
	struct http *ce, *enroll, *admin, *admin_tls, *metrics;
};

/* ---- for the listeners ---------------------------------------------------------- */

static int open_store(struct server *s, struct store **store, struct err *e)
{
	const struct authority_lives lives = {
		.certificate_s = s->conf->ike_certificate_life,
		.list_s = s->conf->revocation_list_life,
		.authority_s = s->conf->ike_authority_life,
	};
	int rc = store_open(s->database, &s->kek, store, e);

	if (!rc)
	{
		store_authority_lives(*store, &lives);
	}
	return rc;
}

/* For who reads and writes single rows: there are many of them. */
static int open_small_store(struct server *s, struct store **store,
							struct err *e)
{
	int rc = open_store(s, store, e);

	if (!rc && (rc = store_keep_little(*store, e)))
	{
		store_close(*store);
		*store = NULL;
	}
	return rc;
}

static int ce_store_open(void *user, struct store **store, struct err *e)
{
	struct server *s = ((struct api_ce *)user)->server;
	int rc = open_small_store(s, store, e);

	if (!rc)
	{
		store_meshes_use(*store, s->meshes);
	}
	return rc;
}

static int enroll_store_open(void *user, struct store **store, struct err *e)
{
	return open_small_store(((struct api_enroll *)user)->server, store, e);
}

static int admin_store_open(void *user, struct store **store, struct err *e)
{
	return open_store(((struct api_admin *)user)->server, store, e);
}

static int metrics_store_open(void *user, struct store **store, struct err *e)
{
	return open_small_store(((struct api_metrics *)user)->server, store, e);
}

static void on_changed(void *server)
{
	struct server *s = server;

	notify_changed(s->notify);
	alarms_changed(s->alarms);
}

static void on_counters(void *user, struct api_admin_counters *counters)
{
	counters->documents_built = api_ce_documents_built();
	counters->parked = http_parked(((struct server *)user)->ce);
}

static void on_wake(void *user, const uint64_t *ce_ids, size_t count)
{
	http_wake(((struct server *)user)->ce, ce_ids, count);
}

static size_t on_waiting(void *user)
{
	return http_queued(((struct server *)user)->ce);
}

static void on_committed(void *user)
{
	notify_changed(((struct server *)user)->notify);
}

/* Those that wait over the socket, and over TLS where that is listened for. */
static void wake_operators(struct server *s, const uint64_t *tag)
{
	http_wake(s->admin, tag, 1);
	if (s->admin_tls)
	{
		http_wake(s->admin_tls, tag, 1);
	}
}

static void on_events(void *user)
{
	static const uint64_t tag = API_ADMIN_TAG_EVENTS;
	struct server *s = user;

	wake_operators(s, &tag);
	outlet_changed(s->outlet);
}

static void on_alarms_tick(void *user)
{
	static const uint64_t tag = API_ADMIN_TAG_DIAGS;

	wake_operators(user, &tag);
}

static void on_tick(void *user)
{
	struct server *s = user;
	const uint64_t built = api_ce_documents_built();

	store_meshes_expire(s->meshes);
	/* documents come by the thousand and take memory by the hundred megabytes:
	 * it is given back when they have gone */
	if (built == s->built && built != s->trimmed)
	{
		malloc_trim(0);
		s->trimmed = built;
	}
	s->built = built;
}

/* ---- state ------------------------------------------------------------------------ */

static int load_keys(struct server *s, struct err *e)
{
	char *ca_key = server_conf_path(s->conf, CONF_FILE_CA_KEY);
	long days = 0;
	int rc = seal_init(e);

	if (!rc)
	{
		rc = state_kek(s->conf, &s->kek, e);
	}
	if (!rc)
	{
		rc = ca_load(s->ca_cert, ca_key, &s->ca, e);
	}
	if (!rc)
	{
		rc = ca_days_left(s->cert, &days, e);
	}
	if (!rc)
	{
		rc = ca_expires(s->cert, &s->api_metrics.server_expires_s, e);
	}
	if (!rc)
	{
		rc = ca_expires(s->ca_cert, &s->api_metrics.ca_expires_s, e);
	}
	if (!rc && days < CERT_WARN_DAYS)
	{
		log_warn("server", "%s: the certificate ends in %ld days", s->cert,
				 days);
	}
	free(ca_key);
	return rc;
}

static struct server *server_new(const struct server_conf *conf)
{
	struct server *s = xcalloc(1, sizeof(*s));

	s->conf = conf;
	if (gethostname(s->host, sizeof(s->host) - 1) || !s->host[0])
	{
		strcpy(s->host, "localhost");
	}
	s->database = server_conf_path(conf, CONF_FILE_DATABASE);
	s->cert = server_conf_path(conf, CONF_FILE_CERT);
	s->key = server_conf_path(conf, CONF_FILE_KEY);
	s->ca_cert = server_conf_path(conf, CONF_FILE_CA_CERT);
	return s;
}

static void server_free(struct server *s)
{
	ca_free(s->ca);
	etags_free(s->etags);
	store_meshes_free(s->meshes);
	limiter_free(s->limiter);
	api_metrics_done(&s->api_metrics);
	seal_key_wipe(&s->kek);
	free(s->database);
	free(s->cert);
	free(s->key);
	free(s->ca_cert);
	free(s);
}

/* Check the database, and see where it stands before anybody can wait. */
static int open_database(struct server *s, struct err *e)
{
	struct store *store;
	int rc;

	rc = open_small_store(s, &s->follow, e);
	if (!rc)
	{
		rc = store_check(s->follow, e);
	}
	if (!rc)
	{
		rc = store_management_set(s->follow, &s->api_ce.management, e);
	}
	if (!rc)
	{
		rc = store_revision(s->follow, &s->epoch, &s->revision, e);
	}
	if (!rc)
	{
		rc = open_small_store(s, &store, e);
	}
	if (!rc)
	{
		rc = delivery_start(store, &s->delivery, e);
	}
	s->api_ce.delivery = s->delivery;
	malloc_trim(0);		/* the check read all of it */
	if (!rc)
	{
		log_info("server", "database: epoch %" PRIu64 ", revision %" PRIu64,
				 s->epoch, s->revision);
	}
	return rc;
}

/* With the CE listener there; what was committed meanwhile is seen. */
static int start_notify(struct server *s, struct err *e)
{
	const struct notify_calls calls = {
		.wake = on_wake, .waiting = on_waiting, .tick = on_tick, .user = s,
	};
	struct store *store = s->follow;

	s->follow = NULL;
	return notify_start(store, s->epoch, s->revision, &calls, &s->notify, e);
}

/* ---- alarms ------------------------------------------------------------------------- */

static int open_source(struct server *s, struct err *e)
{
	struct store *stores[OUTLET_WAYS] = { NULL };
	int i, rc = 0;

	for (i = 0; !rc && i < OUTLET_WAYS; i++)
	{
		rc = open_store(s, &stores[i], e);
	}
	if (!rc)
	{
		s->alarms_source = alarms_source_new(stores);
		return 0;
	}
	for (i = 0; i < OUTLET_WAYS; i++)
	{
		if (stores[i])
		{
			store_close(stores[i]);
		}
	}
	return rc;
}

static int start_outlet(struct server *s, struct err *e)
{
	const struct outlet_conf conf = {
		.webhook = s->conf->alarm_webhook,
		.secret_file = s->conf->alarm_webhook_secret_file,
		.ca_file = s->conf->alarm_webhook_ca_file,
		.syslog = s->conf->alarm_syslog,
	};
	struct outlet_source source;
	int rc;

	if (!conf.webhook && !conf.syslog)
	{
		return 0;
	}
	rc = open_source(s, e);
	if (!rc)
	{
		source = alarms_source_calls(s->alarms_source);
		rc = outlet_start(&conf, &source, &s->outlet, e);
	}
	if (!rc)
	{
		log_info("server", "alarms leave by%s%s", conf.webhook ? " webhook" : "",
				 conf.syslog ? " syslog" : "");
	}
	return rc;
}

/* With the listeners there that it wakes. */
static int start_alarms(struct server *s, struct err *e)
{
	const struct store_rules rules = {
		.report_interval_s = s->conf->report_interval,
		.host = s->host,
		.server_expires_s = s->api_metrics.server_expires_s,
		.ca_expires_s = s->api_metrics.ca_expires_s,
	};
	const struct alarms_calls calls = {
		.wake_ces = on_wake, .committed = on_committed, .events = on_events,
		.tick = on_alarms_tick,
		.user = s,
	};
	struct alarms *alarms = NULL;
	struct store *store;
	int rc = start_outlet(s, e);

	s->api_metrics.outlet = s->outlet;
	if (!rc)
	{
		rc = open_store(s, &store, e);
	}
	if (!rc)
	{
		rc = alarms_start(store, &rules, &calls, &alarms, e);
	}
	s->alarms = alarms;
	return rc;
}

static void stop_alarms(struct server *s)
{
	alarms_stop(s->alarms);
	outlet_stop(s->outlet);
	alarms_source_free(s->alarms_source);
}

/* ---- listeners ---------------------------------------------------------------------- */

static void log_listening(const char *what, const char *where)
{
	log_info("server", "%s on %s", what, where);
}

static int start_ce(struct server *s, struct err *e)
{
	const struct http_config config = {
		.security = HTTP_MUTUAL_TLS,
		.listen = s->conf->listen,
		.cert_file = s->cert,
		.key_file = s->key,
		.ca_file = s->ca_cert,
		.connection_limit = s->conf->connection_limit,
		.per_ip_limit = s->conf->per_ip_limit,
		.head_size = CE_HEAD_SIZE,
		.request_deadline_ms = s->conf->request_timeout * 1000,
		.workers = s->conf->workers,
		.routes = api_ce_routes,
		.user = &s->api_ce,
		.store_open = ce_store_open,
		.store_close = store_close,
	};
	int rc = http_start(&config, &s->ce, e);

	if (!rc)
	{
		log_listening("routers", s->conf->listen);
	}
	return rc;
}

static int start_enroll(struct server *s, struct err *e)
{
	const struct http_config config = {
		.security = HTTP_TLS,
		.listen = s->conf->enroll_listen,
		.cert_file = s->cert,
		.key_file = s->key,
		.ca_file = s->ca_cert,		/* to renew, a router shows what it has */
		.connection_limit = ENROLL_CONNECTIONS,
		.per_ip_limit = s->conf->per_ip_limit,
		.request_deadline_ms = s->conf->request_timeout * 1000,
		.workers = 2,
		.routes = api_enroll_routes,
		.user = &s->api_enroll,
		.store_open = enroll_store_open,
		.store_close = store_close,
	};
	int rc = http_start(&config, &s->enroll, e);

	if (!rc)
	{
		log_listening("enrolment", s->conf->enroll_listen);
	}
	return rc;
}

static bool may_give_to(gid_t gid)
{
	gid_t groups[256];
	int count = getgroups(256, groups);

	for (int i = 0; i < count; i++)
	{
		if (groups[i] == gid)
		{
			return true;
		}
	}
	return geteuid() == 0 || getegid() == gid;
}

/* The group of the socket: as configured, or the usual one where there is one. */
static const char *admin_group(const struct server_conf *conf)
{
	const struct group *group;

	if (conf->admin_group)
	{
		return conf->admin_group;
	}
	group = getgrnam(CONF_ADMIN_GROUP);
	return group && may_give_to(group->gr_gid) ? CONF_ADMIN_GROUP : NULL;
}

static int start_admin(struct server *s, struct err *e)
{
	const struct http_config config = {
		.security = HTTP_UNIX,
		.listen = s->conf->admin_socket,
		.unix_group = admin_group(s->conf),
		.connection_limit = ADMIN_CONNECTIONS,
		.request_deadline_ms = s->conf->request_timeout * 1000,
		.workers = 2,
		.routes = api_admin_routes,
		.admit = api_admin_admit,
		.user = &s->api_admin,
		.store_open = admin_store_open,
		.store_close = store_close,
	};
	int rc = http_start(&config, &s->admin, e);

	if (!rc)
	{
		log_listening("operators", s->conf->admin_socket);
	}
	return rc;
}

/* The same for operators with certificates, where it is asked for. */
static int start_admin_tls(struct server *s, struct err *e)
{
	const struct http_config config = {
		.security = HTTP_MUTUAL_TLS,
		.listen = s->conf->admin_listen,
		.need_key_uri = true,		/* routers know the CA, too */
		.cert_file = s->cert,
		.key_file = s->key,
		.ca_file = s->ca_cert,
		.connection_limit = ADMIN_CONNECTIONS,
		.per_ip_limit = ADMIN_CONNECTIONS_EACH,
		.request_deadline_ms = s->conf->request_timeout * 1000,
		.workers = 2,
		.routes = api_admin_routes,
		.admit = api_admin_admit,
		.user = &s->api_admin,
		.store_open = admin_store_open,
		.store_close = store_close,
	};
	int rc;

	if (!config.listen)
	{
		return 0;
	}
	rc = http_start(&config, &s->admin_tls, e);
	if (!rc)
	{
		log_listening("operators with certificates", config.listen);
	}
	return rc;
}

/* Where it is asked for; last, since it tells of the others. */
static int start_metrics(struct server *s, struct err *e)
{
	const struct http_config config = {
		.security = HTTP_PLAIN,
		.listen = s->conf->metrics_listen,
		.connection_limit = METRICS_CONNECTIONS,
		.request_deadline_ms = s->conf->request_timeout * 1000,
		.workers = 1,
		.routes = api_metrics_routes,
		.user = &s->api_metrics,
		.store_open = metrics_store_open,
		.store_close = store_close,
	};
	int rc;

	if (!config.listen)
	{
		return 0;
	}
	api_metrics_listener(&s->api_metrics, "ce", s->ce);
	api_metrics_listener(&s->api_metrics, "enroll", s->enroll);
	api_metrics_listener(&s->api_metrics, "admin", s->admin);
	if (s->admin_tls)
	{
		api_metrics_listener(&s->api_metrics, "admin-tls", s->admin_tls);
	}
	rc = http_start(&config, &s->metrics, e);
	if (!rc)
	{
		log_listening("metrics", config.listen);
	}
	return rc;
}

/* Every connection is a file; too few of them is said, not suffered. */
static int raise_file_limit(const struct server_conf *conf, struct err *e)
{
	const rlim_t want = conf->connection_limit + ENROLL_CONNECTIONS +
						2 * ADMIN_CONNECTIONS + METRICS_CONNECTIONS +
						OTHER_FILES;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < want)
	{
		limit.rlim_cur = want;
		if (limit.rlim_max < want)
		{
			limit.rlim_max = want;
		}
		if (setrlimit(RLIMIT_NOFILE, &limit))
		{
			return err_set(e, -errno, ERR_LIMIT, "connection-limit",
						   "needs %lu open files, which are not allowed: "
						   "lower it or raise LimitNOFILE",
						   (unsigned long)want);
		}
	}
	return 0;
}

static void fill_apis(struct server *s)
{
	s->api_ce.management = server_conf_management(s->conf);
	s->etags = etags_new();
	s->meshes = store_meshes_new();
	s->api_ce.etags = s->etags;
	s->api_ce.changed = on_changed;
	s->api_ce.server = s;
	s->limiter = limiter_new();
	s->api_ce.est = (struct est){ s->ca, s->conf->certificate_life };
	s->api_enroll.est = s->api_ce.est;
	s->api_enroll.changed = on_changed;
	s->api_enroll.approval = s->conf->enrolment_approval;
	s->api_enroll.limiter = s->limiter;
	s->api_enroll.server = s;
	s->api_admin.domain = s->conf->domain;
	s->api_admin.servers = (const char *const *)s->conf->urls;
	s->api_admin.server_count = s->conf->url_count;
	s->api_admin.enroll = s->conf->enroll_url;
	s->api_admin.ca_pem = ca_pem(s->ca);
	s->api_admin.ca = s->ca;
	s->api_admin.socket_role = s->conf->admin_socket_role;
	s->api_admin.report_interval_s = s->conf->report_interval;
	s->api_admin.changed = on_changed;
	s->api_admin.counters = on_counters;
	s->api_admin.server = s;
	api_metrics_init(&s->api_metrics);
	s->api_metrics.report_interval_s = s->conf->report_interval;
	s->api_metrics.server = s;
}

int server_start(const struct server_conf *conf, struct server **out,
				 struct err *e)
{
	struct server *s = server_new(conf);
	int rc;

	*out = NULL;
	rc = raise_file_limit(conf, e);
	if (!rc)
	{
		rc = load_keys(s, e);
	}
	if (!rc)
	{
		fill_apis(s);
		rc = open_database(s, e);
	}
	if (!rc)
	{
		rc = start_ce(s, e);
	}
	if (!rc)
	{
		rc = start_notify(s, e);
	}
	if (!rc)
	{
		rc = start_enroll(s, e);
	}
	if (!rc)
	{
		rc = start_admin(s, e);
	}
	if (!rc)
	{
		rc = start_admin_tls(s, e);
	}
	if (!rc)
	{
		rc = start_alarms(s, e);
	}
	if (!rc)
	{
		rc = start_metrics(s, e);
	}
	if (rc)
	{
		server_stop(s);
		return rc;
	}
	*out = s;
	return 0;
}

void server_stop(struct server *s)
{
	if (!s)
	{
		return;
	}
	http_stop(s->metrics);
	/* it wakes who waits at either */
	stop_alarms(s);
	http_stop(s->admin_tls);
	http_stop(s->admin);
	http_stop(s->enroll);
	notify_stop(s->notify);
	http_stop(s->ce);
	alarms_free(s->alarms);
	delivery_stop(s->delivery);
	if (s->follow)
	{
		store_close(s->follow);
	}
	server_free(s);
}

int server_check(const struct server_conf *conf, struct err *e)
{
	struct server *s = server_new(conf);
	struct store *store = NULL;
	int rc = load_keys(s, e);

	if (!rc)
	{
		rc = open_store(s, &store, e);
	}
	if (!rc)
	{
		rc = store_check(store, e);
		store_close(store);
	}
	server_free(s);
	return rc;
}
