/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * bench-server-ces.c - thousands of CEs in one thread, for bench-server
 *
 *     bench-server-ces PORT CA.crt KEYS-FILE
 *
 * Each has a TLS 1.3 connection to 127.0.0.1:PORT with a certificate of its
 * own, fetches its document and then asks again and again in long polls, as an
 * agent does; 503 is obeyed, a lost connection is made anew. Commands come on
 * standard input, one answer each, a JSON object, leaves on standard output:
 *
 *     connect N AT-ONCE     have the first N connected
 *     mark                  documents are counted from here on
 *     await WHAT N SECONDS  until WHAT (documents, parked) is at least N
 *     ce NUMBER             when the last document since mark came
 *     have REVISION N COUNT how many of the COUNT from N on have that revision's
 *                           document, or a later one
 *     stats
 *
 * Their long polls end in the first PHASE_S of every PERIOD_S of the monotonic
 * clock, so that there are times in which none ends: what costs something then
 * is not polling. Documents are read to their end; one router in 64 compares its documents
 * with the hash in their ETag.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"

#define HEAD_MAX 2048
#define READ_SIZE 65536
#define HASHED_EACH 64
#define LOST_RETRY_S 1.0
#define PERIOD_S 50		/* the server's longest long poll */
#define PHASE_S 10

enum state
{
	OFF,			/* not wanted yet */
	QUEUED,			/* for a connection */
	WAITING,		/* until retry_at */
	CONNECTING,
	HANDSHAKE,
	ASKED,			/* for the document, at once */
	PARKED			/* in a long poll */
};

struct ce
{
	char *name;
	gnutls_datum_t cert, key;
	enum state state;
	int fd;
	gnutls_session_t session;
	double retry_at;
	char etag[64];
	char *head;				/* of the answer, while it is not complete */
	size_t head_len;
	bool in_body;
	unsigned status, retry_after;
	uint64_t left, length;	/* of the body */
	char new_etag[64], last_byte;
	gnutls_hash_hd_t hash;
	uint64_t revision;		/* of its document */
	double last;			/* since mark */
};

static struct
{
	struct sockaddr_in address;
	gnutls_certificate_credentials_t credentials;
	gnutls_priority_t priorities;
	struct ce *ces;
	size_t count, wanted;
	int epoll;
	size_t *queue, queue_first, queue_count;	/* of those to connect */
	size_t at_once, under_way;
	size_t states[PARKED + 1];
	/* since mark */
	uint64_t documents, bytes, not_modified, busy, lost, bad;
	uint64_t handshakes;
	double marked, first, last;
	/* await */
	char what[16];
	uint64_t await;
	double await_until;
} sim;

static char buffer[READ_SIZE];

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void need(int rc, const char *what)
{
	if (rc < 0)
	{
		fprintf(stderr, "bench-server-ces: %s: %s\n", what,
				gnutls_strerror(rc));
		exit(1);
	}
}

static void enter(struct ce *ce, enum state state)
{
	sim.states[ce->state]--;
	sim.states[state]++;
	ce->state = state;
}

/* ---- connections ------------------------------------------------------------- */

/* Its own certificate and key; GnuTLS frees them after the handshake. */
static int give_certificate(gnutls_session_t session,
							const struct gnutls_cert_retr_st *info,
							gnutls_pcert_st **certs, unsigned *count,
							gnutls_ocsp_data_st **ocsp, unsigned *ocsp_count,
							gnutls_privkey_t *key, unsigned *flags)
{
	const struct ce *ce = gnutls_session_get_ptr(session);
	int rc;

	(void)info;
	*ocsp = NULL;
	*ocsp_count = 0;
	*count = 1;
	*flags = GNUTLS_CERT_RETR_DEINIT_ALL;
	*certs = gnutls_calloc(1, sizeof(**certs));
	rc = gnutls_pcert_import_x509_raw(*certs, &ce->cert, GNUTLS_X509_FMT_DER,
									  0);
	if (rc >= 0)
	{
		rc = gnutls_privkey_init(key);
	}
	if (rc >= 0)
	{
		rc = gnutls_privkey_import_x509_raw(*key, &ce->key,
											GNUTLS_X509_FMT_DER, NULL, 0);
	}
	return rc < 0 ? -1 : 0;
}

static void watch(struct ce *ce, int op, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = ce };

	if (epoll_ctl(sim.epoll, op, ce->fd, &ev))
	{
		perror("bench-server-ces: epoll_ctl");
		exit(1);
	}
}

static void enqueue(struct ce *ce)
{
	enter(ce, QUEUED);
	sim.queue[(sim.queue_first + sim.queue_count++) % sim.count] =
		(size_t)(ce - sim.ces);
}

static void wait_until(struct ce *ce, double seconds)
{
	ce->retry_at = now() + seconds;
	enter(ce, WAITING);
}

static bool setting_up(const struct ce *ce)
{
	return ce->state == CONNECTING || ce->state == HANDSHAKE;
}

static void drop(struct ce *ce)
{
	if (setting_up(ce))
	{
		sim.under_way--;
	}
	gnutls_deinit(ce->session);
	close(ce->fd);
	free(ce->head);
	ce->head = NULL;
	ce->head_len = 0;
	ce->in_body = false;
	if (ce->hash)
	{
		gnutls_hash_deinit(ce->hash, NULL);
		ce->hash = NULL;
	}
}

/* As an agent would: later, and not all at the same moment. */
static void lose(struct ce *ce, int rc)
{
	drop(ce);
	if (sim.lost++ == 0)
	{
		fprintf(stderr, "bench-server-ces: %s: lost: %s\n", ce->name,
				gnutls_strerror(rc));
	}
	wait_until(ce, LOST_RETRY_S * (double)(rand() % 1000) / 1000);
}

static void connect_one(struct ce *ce)
{
	ce->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (ce->fd < 0)
	{
		perror("bench-server-ces: socket");
		exit(1);
	}
	need(gnutls_init(&ce->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK |
					 GNUTLS_NO_SIGNAL), "session");
	gnutls_session_set_ptr(ce->session, ce);
	need(gnutls_priority_set(ce->session, sim.priorities), "priorities");
	need(gnutls_credentials_set(ce->session, GNUTLS_CRD_CERTIFICATE,
								sim.credentials), "credentials");
	gnutls_session_set_verify_cert(ce->session, "127.0.0.1", 0);
	gnutls_transport_set_int(ce->session, ce->fd);
	gnutls_handshake_set_timeout(ce->session, 0);
	enter(ce, CONNECTING);
	sim.under_way++;
	if (connect(ce->fd, (struct sockaddr *)&sim.address,
				sizeof(sim.address)) && errno != EINPROGRESS)
	{
		lose(ce, GNUTLS_E_PUSH_ERROR);
		return;
	}
	watch(ce, EPOLL_CTL_ADD, EPOLLOUT);
}

static void connect_more(void)
{
	while (sim.queue_count && sim.under_way < sim.at_once)
	{
		struct ce *ce = &sim.ces[sim.queue[sim.queue_first]];

		sim.queue_first = (sim.queue_first + 1) % sim.count;
		sim.queue_count--;
		connect_one(ce);
	}
}

static void retry_those_due(void)
{
	const double t = now();

	for (size_t i = 0; sim.states[WAITING] && i < sim.wanted; i++)
	{
		if (sim.ces[i].state == WAITING && sim.ces[i].retry_at <= t)
		{
			enqueue(&sim.ces[i]);
		}
	}
}

/* ---- requests ------------------------------------------------------------------ */

/* Seconds until this router's moment of a period, 1 to PERIOD_S. */
static int poll_time(const struct ce *ce)
{
	const int t = (int)now(), mine = (int)((ce - sim.ces) % PHASE_S);

	return 1 + (mine + PERIOD_S - t % PERIOD_S + PERIOD_S - 1) % PERIOD_S;
}

static void ask(struct ce *ce)
{
	char request[512];
	int len;
	ssize_t sent;

	len = ce->etag[0]
		? snprintf(request, sizeof(request), "GET /v1/config HTTP/1.1\r\n"
				   "Host: 127.0.0.1\r\nIf-None-Match: %s\r\n"
				   "Prefer: wait=%d\r\n\r\n", ce->etag, poll_time(ce))
		: snprintf(request, sizeof(request), "GET /v1/config HTTP/1.1\r\n"
				   "Host: 127.0.0.1\r\n\r\n");
	sent = gnutls_record_send(ce->session, request, (size_t)len);
	if (sent != len)
	{
		lose(ce, sent < 0 ? (int)sent : GNUTLS_E_PUSH_ERROR);
		return;
	}
	enter(ce, ce->etag[0] ? PARKED : ASKED);
}

static void check_document(struct ce *ce)
{
	uint8_t hash[32];
	char hex[17];

	if (ce->last_byte != '}')
	{
		sim.bad++;
	}
	if (!ce->hash)
	{
		return;
	}
	gnutls_hash_deinit(ce->hash, hash);
	ce->hash = NULL;
	for (int i = 0; i < 8; i++)
	{
		snprintf(hex + 2 * i, 3, "%02x", hash[i]);
	}
	if (!strstr(ce->etag, hex))
	{
		sim.bad++;
	}
}

static void answered(struct ce *ce)
{
	ce->in_body = false;
	switch (ce->status)
	{
		case 200:
			memcpy(ce->etag, ce->new_etag, sizeof(ce->etag));
			check_document(ce);
			sim.documents++;
			sim.bytes += ce->length;
			sim.last = now();
			sim.first = sim.first ? sim.first : sim.last;
			ce->last = sim.last;
			if (sscanf(ce->etag, "\"%*u.%" SCNu64, &ce->revision) != 1)
			{
				sim.bad++;
			}
			break;
		case 304:
			sim.not_modified++;
			break;
		case 503:
			sim.busy++;
			drop(ce);
			wait_until(ce, ce->retry_after);
			return;
		default:
			sim.bad++;
			fprintf(stderr, "bench-server-ces: %s: status %u\n", ce->name,
					ce->status);
			break;
	}
	ask(ce);
}

static const char *header(const char *head, const char *name)
{
	const char *at = strcasestr(head, name);

	return at ? at + strlen(name) : NULL;
}

static void parse_head(struct ce *ce)
{
	const char *length = header(ce->head, "\r\nContent-Length: ");
	const char *etag = header(ce->head, "\r\nETag: ");
	const char *retry = header(ce->head, "\r\nRetry-After: ");

	ce->status = strncmp(ce->head, "HTTP/1.1 ", 9) == 0
		? (unsigned)atoi(ce->head + 9) : 0;
	ce->left = ce->length = length && ce->status != 304
		? strtoull(length, NULL, 10) : 0;
	ce->retry_after = retry ? (unsigned)atoi(retry) : 1;
	ce->new_etag[0] = '\0';
	if (etag)
	{
		snprintf(ce->new_etag, sizeof(ce->new_etag), "%.*s",
				 (int)strcspn(etag, "\r"), etag);
	}
	free(ce->head);
	ce->head = NULL;
	ce->head_len = 0;
	ce->in_body = true;
	if (ce->status == 200 && (ce - sim.ces) % HASHED_EACH == 0)
	{
		need(gnutls_hash_init(&ce->hash, GNUTLS_DIG_SHA256), "hash");
	}
}

/* Bytes of data that belong to the head; it may be complete then. */
static size_t take_head(struct ce *ce, const char *data, size_t len)
{
	size_t before = ce->head_len, end;
	const char *found;

	if (!ce->head)
	{
		ce->head = xcalloc(1, HEAD_MAX + 1);
	}
	if (len > HEAD_MAX - ce->head_len)
	{
		len = HEAD_MAX - ce->head_len;
	}
	memcpy(ce->head + ce->head_len, data, len);
	ce->head_len += len;
	ce->head[ce->head_len] = '\0';
	found = strstr(ce->head, "\r\n\r\n");
	if (!found)
	{
		if (ce->head_len == HEAD_MAX)
		{
			fprintf(stderr, "bench-server-ces: %s: endless head\n", ce->name);
			exit(1);
		}
		return len;
	}
	end = (size_t)(found - ce->head) + 4;
	parse_head(ce);
	return end - before;
}

/* False: the connection is gone. */
static bool take(struct ce *ce, const char *data, size_t len)
{
	while (len || (ce->in_body && !ce->left))
	{
		size_t n;

		if (!ce->in_body)
		{
			n = take_head(ce, data, len);
		}
		else if (ce->left)
		{
			n = len < ce->left ? len : ce->left;
			if (ce->hash)
			{
				gnutls_hash(ce->hash, data, n);
			}
			ce->left -= n;
			ce->last_byte = data[n - 1];
		}
		else
		{
			n = 0;
			answered(ce);
			if (ce->state != ASKED && ce->state != PARKED)
			{
				return false;
			}
		}
		data += n;
		len -= n;
	}
	return true;
}

static void receive(struct ce *ce)
{
	for (;;)
	{
		ssize_t n = gnutls_record_recv(ce->session, buffer, sizeof(buffer));

		if (n > 0)
		{
			if (!take(ce, buffer, (size_t)n))
			{
				return;
			}
		}
		else if (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED)
		{
			return;
		}
		else if (n == 0 || gnutls_error_is_fatal((int)n))
		{
			lose(ce, (int)n);
			return;
		}
	}
}

static void handshake(struct ce *ce)
{
	int rc = gnutls_handshake(ce->session);

	if (rc == GNUTLS_E_SUCCESS)
	{
		sim.under_way--;
		sim.handshakes++;
		enter(ce, ASKED);
		ask(ce);
	}
	else if (gnutls_error_is_fatal(rc))
	{
		lose(ce, rc);
	}
}

static void on_event(struct ce *ce)
{
	if (ce->state == CONNECTING)
	{
		enter(ce, HANDSHAKE);
		watch(ce, EPOLL_CTL_MOD, EPOLLIN);
	}
	if (ce->state == HANDSHAKE)
	{
		handshake(ce);
		/* what came with the last flight is in the session's buffer */
		if (ce->state != ASKED && ce->state != PARKED)
		{
			return;
		}
	}
	receive(ce);
}

/* ---- commands ------------------------------------------------------------------ */

static void print_stats(void)
{
	printf("{\"time\": %.6f, \"parked\": %zu, \"asked\": %zu, \"waiting\": %zu,"
		   " \"documents\": %ju, \"bytes\": %ju, \"not_modified\": %ju, "
		   "\"busy\": %ju, \"lost\": %ju, \"bad\": %ju, \"handshakes\": %ju, "
		   "\"first\": %.6f, \"last\": %.6f}\n", now(), sim.states[PARKED],
		   sim.states[ASKED], sim.states[WAITING], (uintmax_t)sim.documents,
		   (uintmax_t)sim.bytes, (uintmax_t)sim.not_modified,
		   (uintmax_t)sim.busy, (uintmax_t)sim.lost, (uintmax_t)sim.bad,
		   (uintmax_t)sim.handshakes, sim.first, sim.last);
	fflush(stdout);
}

static void mark(void)
{
	sim.documents = sim.bytes = sim.not_modified = sim.busy = sim.lost = 0;
	sim.bad = sim.handshakes = 0;
	sim.first = sim.last = 0;
	for (size_t i = 0; i < sim.count; i++)
	{
		sim.ces[i].last = 0;
	}
}

static void print_have(uint64_t revision, size_t first, size_t count)
{
	size_t have = 0;

	for (size_t i = first; i < first + count && i < sim.count; i++)
	{
		have += sim.ces[i].revision >= revision;
	}
	printf("{\"have\": %zu}\n", have);
	fflush(stdout);
}

static void command(const char *line)
{
	size_t n, at_once;
	unsigned seconds;
	uint64_t revision;

	if (sscanf(line, "connect %zu %zu", &n, &at_once) == 2 && n <= sim.count)
	{
		sim.at_once = at_once;
		while (sim.wanted < n)
		{
			enqueue(&sim.ces[sim.wanted++]);
		}
		print_stats();
	}
	else if (sscanf(line, "await %15s %zu %u", sim.what, &n, &seconds) == 3)
	{
		sim.await = n;
		sim.await_until = now() + seconds;
	}
	else if (sscanf(line, "ce %zu", &n) == 1 && n < sim.count)
	{
		printf("{\"last\": %.6f}\n", sim.ces[n].last);
		fflush(stdout);
	}
	else if (sscanf(line, "have %" SCNu64 " %zu %zu", &revision, &n,
					&at_once) == 3)
	{
		print_have(revision, n, at_once);
	}
	else if (strcmp(line, "mark") == 0)
	{
		mark();
		print_stats();
	}
	else if (strcmp(line, "stats") == 0)
	{
		print_stats();
	}
	else
	{
		fprintf(stderr, "bench-server-ces: no command: %s\n", line);
		exit(2);
	}
}

static void read_command(void)
{
	static char line[256];
	static size_t len;
	ssize_t n = read(0, line + len, sizeof(line) - 1 - len);
	char *end;

	if (n <= 0)
	{
		exit(0);
	}
	len += (size_t)n;
	while ((end = memchr(line, '\n', len)))
	{
		*end = '\0';
		command(line);
		len -= (size_t)(end + 1 - line);
		memmove(line, end + 1, len);
	}
}

static void answer_await(void)
{
	const uint64_t have = strcmp(sim.what, "parked") == 0
		? sim.states[PARKED] : sim.documents;

	if (sim.await_until && (have >= sim.await || now() >= sim.await_until))
	{
		sim.await_until = 0;
		print_stats();
	}
}

/* ---- start ---------------------------------------------------------------------- */

static bool get(FILE *file, gnutls_datum_t *out)
{
	uint8_t size[4];

	if (fread(size, 4, 1, file) != 1)
	{
		return false;
	}
	out->size = size[0] | (unsigned)size[1] << 8 | (unsigned)size[2] << 16;
	out->data = xcalloc(1, out->size + 1);
	return fread(out->data, out->size, 1, file) == 1;
}

static void read_keys(const char *path)
{
	FILE *file = fopen(path, "re");
	struct ce ce = { .fd = -1 };
	gnutls_datum_t name;

	if (!file)
	{
		perror(path);
		exit(1);
	}
	while (get(file, &name) && get(file, &ce.cert) && get(file, &ce.key))
	{
		if ((sim.count & (sim.count - 1)) == 0)
		{
			sim.ces = xrealloc(sim.ces, sim.count ? 2 * sim.count : 1,
							   sizeof(*sim.ces));
		}
		ce.name = (char *)name.data;
		sim.ces[sim.count++] = ce;
	}
	fclose(file);
	sim.states[OFF] = sim.count;
	sim.queue = xcalloc(sim.count + 1, sizeof(*sim.queue));
}

static void set_up(char *argv[])
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = NULL };

	need(gnutls_certificate_allocate_credentials(&sim.credentials), "GnuTLS");
	need(gnutls_certificate_set_x509_trust_file(sim.credentials, argv[2],
												GNUTLS_X509_FMT_PEM), argv[2]);
	gnutls_certificate_set_retrieve_function3(sim.credentials,
											  give_certificate);
	need(gnutls_priority_init(&sim.priorities,
							  "NORMAL:-VERS-ALL:+VERS-TLS1.3", NULL),
		 "priorities");
	sim.address = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(argv[1])),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	read_keys(argv[3]);
	sim.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (sim.epoll < 0 || epoll_ctl(sim.epoll, EPOLL_CTL_ADD, 0, &ev))
	{
		perror("bench-server-ces: epoll");
		exit(1);
	}
}

int main(int argc, char *argv[])
{
	struct epoll_event events[256];

	if (argc != 4)
	{
		fprintf(stderr, "Usage: bench-server-ces PORT CA.crt KEYS-FILE\n");
		return 2;
	}
	set_up(argv);
	print_stats();
	for (;;)
	{
		const bool clock = sim.await_until || sim.states[WAITING];
		int n = epoll_wait(sim.epoll, events, 256, clock ? 50 : -1);

		for (int i = 0; i < n; i++)
		{
			if (events[i].data.ptr)
			{
				on_event(events[i].data.ptr);
			}
			else
			{
				read_command();
			}
		}
		retry_those_due();
		connect_more();
		answer_await();
	}
}
