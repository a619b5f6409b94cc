/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * tls_kit.c - certificates and a TLS server for tests of clients
 */
#include "config.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/pkcs7.h>
#include <gnutls/x509.h>

#include "alloc.h"
#include "tls_kit.h"

#define MUST(call) do { int rc_ = (call); if (rc_ < 0) { \
	fprintf(stderr, "%s: %s\n", #call, gnutls_strerror(rc_)); abort(); } \
	} while (0)

static void save(const char *dir, const char *name, const char *suffix,
				 gnutls_datum_t *d)
{
	char *path = xasprintf("%s/%s.%s", dir, name, suffix);
	FILE *f = fopen(path, "w");

	if (!f || fwrite(d->data, 1, d->size, f) != d->size || fclose(f))
	{
		abort();
	}
	free(path);
	gnutls_free(d->data);
}

static gnutls_datum_t load(const char *dir, const char *name,
						   const char *suffix)
{
	char *path = xasprintf("%s/%s.%s", dir, name, suffix);
	gnutls_datum_t d;

	MUST(gnutls_load_file(path, &d));
	free(path);
	return d;
}

static gnutls_x509_privkey_t load_key(const char *dir, const char *name)
{
	gnutls_datum_t d = load(dir, name, "key");
	gnutls_x509_privkey_t key;

	MUST(gnutls_x509_privkey_init(&key));
	MUST(gnutls_x509_privkey_import(key, &d, GNUTLS_X509_FMT_PEM));
	gnutls_free(d.data);
	return key;
}

static gnutls_x509_crt_t load_crt(const char *dir, const char *name)
{
	gnutls_datum_t d = load(dir, name, "crt");
	gnutls_x509_crt_t crt;

	MUST(gnutls_x509_crt_init(&crt));
	MUST(gnutls_x509_crt_import(crt, &d, GNUTLS_X509_FMT_PEM));
	gnutls_free(d.data);
	return crt;
}

static gnutls_x509_crt_t crt_new(const char *name, bool ca, long begins)
{
	static const unsigned char address[4] = { 127, 0, 0, 1 };
	unsigned char serial = 1;
	gnutls_x509_crt_t crt;

	MUST(gnutls_x509_crt_init(&crt));
	MUST(gnutls_x509_crt_set_version(crt, 3));
	MUST(gnutls_x509_crt_set_serial(crt, &serial, 1));
	MUST(gnutls_x509_crt_set_activation_time(crt, time(NULL) + begins - 60));
	MUST(gnutls_x509_crt_set_expiration_time(crt, time(NULL) + begins + 3600));
	MUST(gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0,
									   name, strlen(name)));
	MUST(gnutls_x509_crt_set_basic_constraints(crt, ca, -1));
	MUST(gnutls_x509_crt_set_key_usage(crt, ca ? GNUTLS_KEY_KEY_CERT_SIGN
									   : GNUTLS_KEY_DIGITAL_SIGNATURE));
	if (!ca)
	{
		MUST(gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS,
								address, 4, GNUTLS_FSAN_SET));
	}
	return crt;
}

static void sign(gnutls_x509_crt_t crt, const char *dir, const char *issuer)
{
	gnutls_x509_privkey_t ca_key = load_key(dir, issuer);
	gnutls_x509_crt_t ca = load_crt(dir, issuer);

	MUST(gnutls_x509_crt_sign2(crt, ca, ca_key, GNUTLS_DIG_SHA256, 0));
	gnutls_x509_crt_deinit(ca);
	gnutls_x509_privkey_deinit(ca_key);
}

void kit_certificate_at(const char *dir, const char *name, const char *issuer,
						long begins)
{
	gnutls_x509_crt_t crt = crt_new(name, !issuer, begins);
	gnutls_x509_privkey_t key;
	gnutls_datum_t d;

	MUST(gnutls_x509_privkey_init(&key));
	MUST(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
					GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0));
	MUST(gnutls_x509_crt_set_key(crt, key));
	MUST(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &d));
	save(dir, name, "key", &d);
	if (issuer)
	{
		sign(crt, dir, issuer);
	}
	else
	{
		MUST(gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0));
	}
	MUST(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &d));
	save(dir, name, "crt", &d);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(key);
}

void kit_certificate(const char *dir, const char *name, const char *issuer)
{
	kit_certificate_at(dir, name, issuer, 0);
}

char *kit_sign(const char *dir, const char *issuer, const char *csr,
			   long begins)
{
	gnutls_datum_t in = { (unsigned char*)csr, strlen(csr) }, der, out, base64;
	gnutls_x509_crt_t crt = crt_new("ce", false, begins);
	gnutls_x509_crq_t crq;
	gnutls_pkcs7_t p7;
	char *text;

	MUST(gnutls_base64_decode2(&in, &der));
	MUST(gnutls_x509_crq_init(&crq));
	MUST(gnutls_x509_crq_import(crq, &der, GNUTLS_X509_FMT_DER));
	MUST(gnutls_x509_crq_verify(crq, 0));
	MUST(gnutls_x509_crt_set_crq(crt, crq));
	sign(crt, dir, issuer);
	MUST(gnutls_pkcs7_init(&p7));
	MUST(gnutls_pkcs7_set_crt(p7, crt));
	MUST(gnutls_pkcs7_export2(p7, GNUTLS_X509_FMT_DER, &out));
	MUST(gnutls_base64_encode2(&out, &base64));
	text = xcalloc(1, base64.size + 2);
	memcpy(text, base64.data, base64.size);
	/* line breaks are allowed */
	memmove(text + 65, text + 64, base64.size - 64);
	text[64] = '\n';
	gnutls_free(der.data);
	gnutls_free(out.data);
	gnutls_free(base64.data);
	gnutls_pkcs7_deinit(p7);
	gnutls_x509_crq_deinit(crq);
	gnutls_x509_crt_deinit(crt);
	return text;
}

/* ---- the server ------------------------------------------------------------ */

struct kit_connection {
	gnutls_session_t tls;
	unsigned number;
};

void kit_send(struct kit_connection *c, const void *data, size_t len)
{
	const char *p = data;
	ssize_t n;

	while (len && (n = gnutls_record_send(c->tls, p, len)) > 0)
	{
		p += n;
		len -= n;
	}
}

void kit_sendf(struct kit_connection *c, const char *fmt, ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, fmt);
	len = vasprintf(&text, fmt, args);
	va_end(args);
	kit_send(c, text, len);
	free(text);
}

unsigned kit_connections(const struct kit_connection *c)
{
	return c->number;
}

/* Head and body into buf; the body's place, NULL at the end. */
static char *read_request(struct kit_connection *c, char *buf, size_t size)
{
	size_t len = 0, want = 0;
	char *body = NULL, *length;
	ssize_t n;

	while (!body || len < want)
	{
		n = gnutls_record_recv(c->tls, buf + len, size - 1 - len);
		if (n <= 0)
		{
			return NULL;
		}
		len += n;
		buf[len] = '\0';
		if (!body && (body = strstr(buf, "\r\n\r\n")))
		{
			length = strcasestr(buf, "content-length:");
			body[2] = '\0';
			body += 4;
			want = body - buf + (length ? strtoul(length + 15, NULL, 10) : 0);
		}
	}
	return body;
}

static void serve_one(int fd, gnutls_certificate_credentials_t cred,
					  const char *priority, bool ask, unsigned number,
					  kit_fn fn, void *user)
{
	static char buf[1 << 20];
	struct kit_connection c = { .number = number };
	char *body;

	MUST(gnutls_init(&c.tls, GNUTLS_SERVER));
	MUST(gnutls_priority_set_direct(c.tls, priority, NULL));
	MUST(gnutls_credentials_set(c.tls, GNUTLS_CRD_CERTIFICATE, cred));
	if (ask)
	{
		gnutls_certificate_server_set_request(c.tls, GNUTLS_CERT_REQUIRE);
		gnutls_session_set_verify_cert(c.tls, NULL, 0);
	}
	gnutls_transport_set_int(c.tls, fd);
	if (gnutls_handshake(c.tls) >= 0)
	{
		while ((body = read_request(&c, buf, sizeof(buf))) &&
			   fn(&c, buf, body, user))
		{
		}
	}
	gnutls_deinit(c.tls);
	close(fd);
}

static void serve(int listener, const char *dir, const char *certificate,
				  const char *client_ca, const char *priority, kit_fn fn,
				  void *user)
{
	gnutls_certificate_credentials_t cred;
	char *crt = xasprintf("%s/%s.crt", dir, certificate);
	char *key = xasprintf("%s/%s.key", dir, certificate);
	char *ca = xasprintf("%s/%s.crt", dir, client_ca ? client_ca : certificate);
	unsigned n = 0;

	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	MUST(gnutls_certificate_allocate_credentials(&cred));
	MUST(gnutls_certificate_set_x509_key_file(cred, crt, key,
											  GNUTLS_X509_FMT_PEM));
	MUST(gnutls_certificate_set_x509_trust_file(cred, ca, GNUTLS_X509_FMT_PEM));
	for (;;)
	{
		int fd = accept(listener, NULL, NULL);

		if (fd >= 0)
		{
			serve_one(fd, cred, priority, client_ca != NULL, ++n, fn, user);
		}
	}
}

struct kit_server kit_serve(const char *dir, const char *certificate,
							const char *client_ca, const char *priority,
							kit_fn fn, void *user)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(a);
	struct kit_server s;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr*)&a, len) < 0 ||
		listen(fd, 16) < 0 || getsockname(fd, (struct sockaddr*)&a, &len) < 0)
	{
		abort();
	}
	s.port = ntohs(a.sin_port);
	s.pid = fork();
	if (s.pid == 0)
	{
		serve(fd, dir, certificate, client_ca, priority, fn, user);
		_exit(0);
	}
	close(fd);
	return s;
}

void kit_stop(struct kit_server *s)
{
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
}
