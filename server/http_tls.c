/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * http_tls.c - what GnuTLS is told about each session of a listener
 *
 * libmicrohttpd only asks for a client certificate and takes any version of
 * TLS; both are put right here.
 */
#include "config.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "server/http_internal.h"

#define URI_SIZE 256

/* read by GnuTLS for as long as sessions live */
static gnutls_typed_vdata_st purpose[] = {
	{ .type = GNUTLS_DT_KEY_PURPOSE_OID,
	  .data = (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT },
};

/*
 * A certificate is required, and its chain, dates and purpose are verified in
 * the handshake: a client without gets no further than an alert.
 */
void http_tls_require(gnutls_session_t session)
{
	gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
	gnutls_session_set_verify_cert2(session, purpose, 1, 0);
}

/* Who shows a certificate shows a good one; who has none goes on without. */
static int check_if_shown(gnutls_session_t session)
{
	unsigned count = 0, status = 0;

	if (!gnutls_certificate_get_peers(session, &count) || !count)
	{
		return 0;
	}
	return gnutls_certificate_verify_peers(session, purpose, 1,
										   &status) < 0 || status ? -1 : 0;
}

void http_tls_ask(gnutls_session_t session)
{
	gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUEST);
	gnutls_session_set_verify_function(session, check_if_shown);
}

const char *http_tls_priorities(enum http_security security)
{
	return security == HTTP_MUTUAL_TLS ?
		"NORMAL:-VERS-ALL:+VERS-TLS1.3" :
		"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";
}

/* What the issuer says that it is. Two URIs, or what is too long, are none. */
static char *read_uri(gnutls_x509_crt_t crt)
{
	char text[URI_SIZE], *uri = NULL;
	size_t len = sizeof(text);
	unsigned i = 0;
	int type;

	while ((type = gnutls_x509_crt_get_subject_alt_name(crt, i++, text, &len,
														NULL)) >= 0)
	{
		if (type == GNUTLS_SAN_URI && (uri || len >= sizeof(text) ||
									   memchr(text, '\0', len)))
		{
			break;
		}
		if (type == GNUTLS_SAN_URI)
		{
			uri = xcalloc(1, len + 1);
			memcpy(uri, text, len);
		}
		len = sizeof(text);
	}
	if (type != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
	{
		free(uri);
		uri = NULL;
	}
	return uri;
}

static uint64_t read_serial(gnutls_x509_crt_t crt)
{
	uint8_t bytes[32];
	size_t len = sizeof(bytes), at = 0;
	uint64_t serial = 0;

	if (gnutls_x509_crt_get_serial(crt, bytes, &len) < 0)
	{
		return 0;
	}
	while (at < len && !bytes[at])
	{
		at++;
	}
	for (size_t i = at; i < len; i++)
	{
		serial = serial << 8 | bytes[i];
	}
	return len - at <= sizeof(serial) ? serial : 0;
}

bool http_tls_key(gnutls_session_t session, uint8_t hash[32], char **uri,
				  uint64_t *serial)
{
	const gnutls_datum_t *chain;
	gnutls_x509_crt_t crt;
	unsigned count = 0;
	size_t len = 32;
	bool ok;

	chain = gnutls_certificate_get_peers(session, &count);
	if (!chain || !count || gnutls_x509_crt_init(&crt) < 0)
	{
		return false;
	}
	/* the key id is the SHA-256 of SubjectPublicKeyInfo */
	ok = gnutls_x509_crt_import(crt, chain, GNUTLS_X509_FMT_DER) >= 0 &&
		 gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA256, hash,
									&len) >= 0 && len == 32;
	if (ok)
	{
		*uri = read_uri(crt);
		*serial = read_serial(crt);
	}
	gnutls_x509_crt_deinit(crt);
	return ok;
}
