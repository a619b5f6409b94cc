/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * http.c - a listener on libmicrohttpd, of which this file is the only user
 *
 * libmicrohttpd's thread accepts, receives and sends; a complete request is
 * suspended and handed to http_work.c. What 0.9.75 does not do by itself is
 * done here: requiring client certificates, limiting the time of a request,
 * refusing ambiguous ones, and never stopping it with something suspended.
 */
#include "config.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "file.h"
#include "log.h"
#include "secret.h"
#include "server/http_internal.h"

#define HEAD_SIZE (16 * 1024)	/* request line and headers, if not set */
#define PEM_MAX (256 * 1024)

void http_mhd_resume(struct MHD_Connection *connection)
{
	MHD_resume_connection(connection);
}

/* ---- a connection ------------------------------------------------------------ */

static void on_connection(void *cls, struct MHD_Connection *connection,
						  void **context,
						  enum MHD_ConnectionNotificationCode code)
{
	struct http *http = cls;
	struct http_client *client = *context;
	const union MHD_ConnectionInfo *info;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED)
	{
		/* its socket is closed after this, so the clock must forget it */
		http_deadline_off(http, client);
		free(client->key_uri);
		free(client);
		*context = NULL;
		return;
	}
	client = *context = xcalloc(1, sizeof(*client));
	info = MHD_get_connection_info(connection,
								   MHD_CONNECTION_INFO_CONNECTION_FD);
	client->fd = info->connect_fd;
	http_client_name(client, http->security == HTTP_UNIX);
	if (http->security == HTTP_MUTUAL_TLS)
	{
		info = MHD_get_connection_info(connection,
									   MHD_CONNECTION_INFO_GNUTLS_SESSION);
		http_tls_require(info->tls_session);
	}
	else if (http->asks_key)
	{
		info = MHD_get_connection_info(connection,
									   MHD_CONNECTION_INFO_GNUTLS_SESSION);
		http_tls_ask(info->tls_session);
	}
	http_deadline(http, client, http->request_deadline_ms);
}

static struct http_client *client_of(struct MHD_Connection *connection)
{
	return MHD_get_connection_info(connection,
								   MHD_CONNECTION_INFO_SOCKET_CONTEXT)
		->socket_context;
}

/* ---- a request ----------------------------------------------------------------- */

/* The target as it came, before libmicrohttpd decodes it. */
static void *on_uri(void *cls, const char *uri,
					struct MHD_Connection *connection)
{
	struct http_request *req = xcalloc(1, sizeof(*req));

	req->http = cls;
	req->connection = connection;
	req->client = client_of(connection);
	/* one byte more than is allowed is enough to refuse it */
	req->uri = strndup(uri ? uri : "", ROUTE_TARGET_MAX + 2);
	return req;
}

/* NULL is fine. */
static void free_body(void *cls)
{
	struct http_response *r = cls;

	if (r)
	{
		http_response_done(r);
		free(r);
	}
}

static void request_free(struct http_request *req)
{
	if (req->headers)
	{
		wipe(req->headers, req->headers_len);
		free(req->headers);
	}
	if (req->body)
	{
		wipe(req->body, req->body_len);
		free(req->body);
	}
	http_request_keep(req, NULL, NULL);
	free_body(req->response);
	route_target_done(&req->target);
	free(req->uri);
	free(req);
}

static void on_completed(void *cls, struct MHD_Connection *connection,
						 void **context, enum MHD_RequestTerminationCode code)
{
	struct http *http = cls;
	struct http_request *req = *context;

	(void)connection;
	if (!req)
	{
		return;
	}
	if (code == MHD_REQUEST_TERMINATED_COMPLETED_OK)
	{
		http_deadline(http, req->client, HTTP_IDLE_MS);
	}
	if (req->answered && !req->refused)
	{
		http_work_completed(http);
	}
	request_free(req);
	*context = NULL;
}

/* What it takes up, and whether there are too many. */
static enum MHD_Result measure_header(void *cls, enum MHD_ValueKind kind,
									  const char *name, const char *value)
{
	struct http_request *req = cls;

	(void)kind;
	if (req->header_count == HTTP_REQUEST_HEADERS_MAX)
	{
		req->refused = true;
		return MHD_NO;
	}
	req->header_count++;
	req->headers_len += strlen(name) + 1 + (value ? strlen(value) : 0) + 1;
	return MHD_YES;
}

static enum MHD_Result copy_header(void *cls, enum MHD_ValueKind kind,
								   const char *name, const char *value)
{
	char **at = cls;

	(void)kind;
	*at = stpcpy(*at, name) + 1;
	*at = stpcpy(*at, value ? value : "") + 1;
	return MHD_YES;
}

/* In one piece, and no larger than it is: a parked request keeps it. */
static void copy_headers(struct http_request *req)
{
	char *at;

	MHD_get_connection_values(req->connection, MHD_HEADER_KIND, measure_header,
							  req);
	if (req->refused)
	{
		req->headers_len = 0;
		return;
	}
	at = req->headers = xcalloc(1, req->headers_len + 1);
	MHD_get_connection_values(req->connection, MHD_HEADER_KIND, copy_header,
							  &at);
}

static void count_answer(struct http *http, unsigned status)
{
	if (status >= 100 && status / 100 <= HTTP_CLASSES)
	{
		atomic_fetch_add_explicit(&http->answers[status / 100 - 1], 1,
								  memory_order_relaxed);
	}
}

/* Hand the response over; libmicrohttpd sends it and then calls free_body(). */
static enum MHD_Result send_response(struct http_request *req)
{
	struct http_response *r = req->response;
	struct MHD_Response *response;
	enum MHD_Result rc;

	req->response = NULL;
	response = MHD_create_response_from_buffer_with_free_callback_cls(
		r->body_len, r->body ? r->body : (char *)"", free_body, r);
	if (!response)
	{
		free_body(r);
		return MHD_NO;
	}
	if (r->content_type)
	{
		MHD_add_response_header(response, "Content-Type", r->content_type);
	}
	for (size_t i = 0; i < r->header_count; i++)
	{
		MHD_add_response_header(response, r->headers[i].name,
								r->headers[i].value);
	}
	http_deadline(req->http, req->client, HTTP_SEND_MS);
	count_answer(req->http, r->status);
	rc = MHD_queue_response(req->connection, r->status, response);
	MHD_destroy_response(response);
	return rc;
}

/* An answer that ends the connection, from libmicrohttpd's thread. */
static enum MHD_Result refuse(struct http_request *req, unsigned status,
							  const char *allow, const struct err *e)
{
	req->refused = true;
	req->response = xcalloc(1, sizeof(*req->response));
	http_response_error(req->response, status, e);
	if (allow && *allow)
	{
		http_response_header(req->response, "Allow", "%s", allow);
	}
	http_response_header(req->response, "Connection", "close");
	return send_response(req);
}

static void read_key(struct http_request *req)
{
	struct http_client *client = req->client;
	const union MHD_ConnectionInfo *info;

	if ((req->http->security != HTTP_MUTUAL_TLS && !req->http->asks_key) ||
		client->key_read)
	{
		return;
	}
	info = MHD_get_connection_info(req->connection,
								   MHD_CONNECTION_INFO_GNUTLS_SESSION);
	client->has_key = http_tls_key(info->tls_session, client->key,
								   &client->key_uri, &client->key_serial);
	client->key_read = true;
}

static enum MHD_Result begin(struct http_request *req, const char *method)
{
	char allow[ROUTE_ALLOW_SIZE] = "";
	struct err e = { 0 };
	unsigned status;

	req->begun = true;
	copy_headers(req);
	if (req->refused)
	{
		err_set(&e, -E2BIG, ERR_LIMIT, "", "too many headers");
		return refuse(req, 431, NULL, &e);
	}
	status = http_check(req->http->routes, method, req, allow, &e);
	free(req->uri);
	req->uri = NULL;
	if (status)
	{
		return refuse(req, status, allow, &e);
	}
	read_key(req);
	if (req->http->security == HTTP_MUTUAL_TLS && !req->client->has_key)
	{
		return MHD_NO;		/* the handshake should have seen to it */
	}
	if (req->http->need_key_uri && !req->client->key_uri)
	{
		log_info("http", "%s: a certificate of another kind",
				 req->client->peer);
		err_set(&e, -EACCES, ERR_DENIED, "",
				"the certificate is of another kind");
		return refuse(req, 403, NULL, &e);
	}
	return MHD_YES;
}

/* Content-Length was checked, so more than max_body cannot come. */
static enum MHD_Result append(struct http_request *req, const char *data,
							  size_t *len)
{
	if (*len > req->route->max_body - req->body_len)
	{
		return MHD_NO;
	}
	if (!req->body)
	{
		size_t at = 0;
		const char *length = http_header_from(req, "Content-Length", &at);

		req->body = xcalloc(1, length ? strtoull(length, NULL, 10) + 1 : 1);
	}
	memcpy(req->body + req->body_len, data, *len);
	req->body_len += *len;
	*len = 0;
	return MHD_YES;
}

/* The request is complete: suspend it and let a worker have it. */
static enum MHD_Result hand_over(struct http_request *req)
{
	unsigned retry_s;

	http_deadline_off(req->http, req->client);
	if (!http_work_ready(req->http, &retry_s))
	{
		req->refused = true;
		req->response = xcalloc(1, sizeof(*req->response));
		http_response_busy(req->response, retry_s);
		http_response_header(req->response, "Connection", "close");
		return send_response(req);
	}
	MHD_suspend_connection(req->connection);
	http_work_give(req);
	return MHD_YES;
}

static enum MHD_Result on_access(void *cls, struct MHD_Connection *connection,
								 const char *url, const char *method,
								 const char *version, const char *data,
								 size_t *len, void **context)
{
	struct http_request *req = *context;

	(void)cls;
	(void)connection;
	(void)url;
	(void)version;
	if (!req->begun)
	{
		return begin(req, method);
	}
	if (req->refused)
	{
		*len = 0;
		return MHD_YES;
	}
	if (*len)
	{
		return append(req, data, len);
	}
	return req->answered ? send_response(req) : hand_over(req);
}

/* ---- start and stop ---------------------------------------------------------------- */

static void on_log(void *cls, const char *fmt, va_list args)
	__attribute__((format(printf, 2, 0)));
static void on_log(void *cls, const char *fmt, va_list args)
{
	char line[512];

	(void)cls;
	vsnprintf(line, sizeof(line), fmt, args);
	line[strcspn(line, "\n")] = '\0';
	log_debug("http", "%s", line);
}

struct pems
{
	char *cert, *key, *ca;
	size_t key_len;
};

static bool has_tls(enum http_security security)
{
	return security == HTTP_MUTUAL_TLS || security == HTTP_TLS;
}

static int read_pems(const struct http_config *config, struct pems *pems,
					 struct err *e)
{
	size_t len;
	int rc = 0;

	if (!has_tls(config->security))
	{
		return 0;
	}
	rc = file_read(config->cert_file, PEM_MAX, &pems->cert, &len, e);
	if (!rc)
	{
		rc = file_read(config->key_file, PEM_MAX, &pems->key, &pems->key_len,
					   e);
	}
	if (!rc && (config->security == HTTP_MUTUAL_TLS || config->ca_file))
	{
		rc = file_read(config->ca_file, PEM_MAX, &pems->ca, &len, e);
	}
	return rc;
}

static void pems_done(struct pems *pems)
{
	if (pems->key)
	{
		wipe(pems->key, pems->key_len);
	}
	free(pems->cert);
	free(pems->key);
	free(pems->ca);
}

static int start_mhd(struct http *http, const struct http_config *config,
					 struct pems *pems, struct err *e)
{
	struct MHD_OptionItem tls[5];
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
					 MHD_USE_ERROR_LOG;
	size_t n = 0;

#define OPTION(opt, v, p) \
	tls[n++] = (struct MHD_OptionItem){ .option = (opt), .value = (v), \
										.ptr_value = (p) }
	if (has_tls(http->security))
	{
		flags |= MHD_USE_TLS;
		OPTION(MHD_OPTION_HTTPS_PRIORITIES, 0,
			   (char *)http_tls_priorities(http->security));
		OPTION(MHD_OPTION_HTTPS_MEM_CERT, 0, pems->cert);
		OPTION(MHD_OPTION_HTTPS_MEM_KEY, 0, pems->key);
		if (pems->ca)
		{
			OPTION(MHD_OPTION_HTTPS_MEM_TRUST, 0, pems->ca);
		}
	}
	OPTION(MHD_OPTION_END, 0, NULL);
#undef OPTION
	http->mhd = MHD_start_daemon(
		flags, 0, NULL, NULL, on_access, http,
		MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
		MHD_OPTION_LISTEN_SOCKET, http->fd,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		config->head_size ? config->head_size : (size_t)HEAD_SIZE,
		MHD_OPTION_CONNECTION_LIMIT,
		http->connection_limit,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, config->per_ip_limit,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)(HTTP_IDLE_MS / 1000),
		MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, http,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, http,
		MHD_OPTION_URI_LOG_CALLBACK, on_uri, http,
		MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
	if (!http->mhd)
	{
		http->fd = -1;	/* in most of its error paths it was closed there */
		return err_set(e, -EIO, ERR_TLS, http->listen,
					   "the listener cannot be started (certificate, key?)");
	}
	return 0;
}

int http_start(const struct http_config *config, struct http **out,
			   struct err *e)
{
	struct http *http = xcalloc(1, sizeof(*http));
	struct pems pems = { 0 };
	int rc;

	*out = NULL;
	http->security = config->security;
	http->asks_key = config->security == HTTP_TLS && config->ca_file;
	http->need_key_uri = config->need_key_uri;
	http->listen = xstrdup(config->listen);
	http->routes = config->routes;
	http->admit = config->admit;
	http->user = config->user;
	http->store_close = config->store_close;
	http->request_deadline_ms =
		config->request_deadline_ms ? config->request_deadline_ms : 10000;
	http->connection_limit =
		config->connection_limit ? config->connection_limit : 256u;
	http->fd = -1;
	rc = http_work_start(http, config, e);
	if (!rc)
	{
		rc = read_pems(config, &pems, e);
	}
	if (!rc)
	{
		rc = http_listen(config, &http->fd, &http->port, e);
	}
	if (!rc)
	{
		rc = start_mhd(http, config, &pems, e);
	}
	pems_done(&pems);
	if (rc)
	{
		http_stop(http);
		return rc;
	}
	*out = http;
	return 0;
}

void http_stop(struct http *http)
{
	if (!http)
	{
		return;
	}
	if (http->mhd)
	{
		/* takes the listening socket out; it is ours again */
		MHD_quiesce_daemon(http->mhd);
		http_work_drain(http);
		MHD_stop_daemon(http->mhd);
	}
	if (http->fd >= 0)
	{
		if (http->security == HTTP_UNIX)
		{
			unlink(http->listen);
		}
		close(http->fd);
	}
	http_work_stop(http);
	free(http->listen);
	free(http);
}

unsigned http_port(const struct http *http)
{
	return http->port;
}

void http_stats(struct http *http, struct http_stats *stats)
{
	const union MHD_DaemonInfo *info;

	stats->parked = http_parked(http);
	info = MHD_get_daemon_info(http->mhd, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
	stats->connections = info ? info->num_connections : 0;
	stats->connection_limit = http->connection_limit;
	for (int i = 0; i < HTTP_CLASSES; i++)
	{
		stats->answers[i] = atomic_load_explicit(&http->answers[i],
												 memory_order_relaxed);
	}
}
