/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * bench-server-fill.c - enrolled CEs in a new state directory, for bench-server
 *
 *     bench-server-fill STATE-DIR KEYS-FILE NAME:TOPOLOGY:SITES:CES ...
 *
 * For each argument a customer NAME with a VPN NAME, and CES routers c0, c1, ...
 * of which the first SITES are sites s0, s1, ... (in a hub-spoke VPN s0 is the
 * hub). Goes through the store's own functions and the CA's, as the server
 * does; every router has a key of its own. KEYS-FILE gets, for each router,
 * its name, certificate and private key (DER), each after its length in four
 * bytes, low byte first.
 */
#include "config.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alloc.h"
#include "err.h"
#include "model_words.h"
#include "seal.h"
#include "server/ca.h"
#include "server/store.h"

#define FIRST_ADDRESS 0x0a000001u

struct fill
{
	struct store *store;
	struct ca *ca;
	struct ca_csr *csr;			/* of the router being enrolled */
	FILE *keys;
	uint32_t address;			/* the next one */
};

struct spec
{
	char name[64];
	int topology;
	unsigned sites, ces;
};

static void die(const char *what, const struct err *e)
{
	fprintf(stderr, "bench-server-fill: %s: %s: %s\n", what, e->where, e->text);
	exit(1);
}

static void need(int rc, const char *what)
{
	if (rc < 0)
	{
		fprintf(stderr, "bench-server-fill: %s: %s\n", what,
				gnutls_strerror(rc));
		exit(1);
	}
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static struct spec parse_spec(const char *text)
{
	struct spec spec;
	char topology[32];

	if (sscanf(text, "%63[a-z0-9]:%31[a-z-]:%u:%u", spec.name, topology,
			   &spec.sites, &spec.ces) != 4 || spec.sites > spec.ces)
	{
		fprintf(stderr, "bench-server-fill: not NAME:TOPOLOGY:SITES:CES: %s\n",
				text);
		exit(2);
	}
	for (spec.topology = 0; model_topologies[spec.topology]; spec.topology++)
	{
		if (strcmp(model_topologies[spec.topology], topology) == 0)
		{
			return spec;
		}
	}
	fprintf(stderr, "bench-server-fill: no topology %s\n", topology);
	exit(2);
}

/* ---- configuration ---------------------------------------------------------- */

static void add_ces(struct fill *f, const struct spec *spec)
{
	struct store_customer customer = { .customer = (char *)spec->name };
	struct err e = { 0 };
	struct store_vpn vpn;

	store_vpn_defaults(&vpn);
	vpn.customer = vpn.vpn = (char *)spec->name;
	vpn.topology = spec->topology;
	if (store_customer_add(f->store, &customer, &e) ||
		store_vpn_add(f->store, &vpn, &e))
	{
		die(spec->name, &e);
	}
	for (unsigned i = 0; i < spec->ces; i++)
	{
		char name[16];
		struct store_ce ce = {
			.customer = (char *)spec->name, .ce = name,
			.address = addr_from_u32(f->address++),
		};

		snprintf(name, sizeof(name), "c%u", i);
		if (store_ce_add(f->store, &ce, &e))
		{
			die(name, &e);
		}
	}
}

static void add_sites(struct fill *f, const struct spec *spec)
{
	struct err e = { 0 };

	for (unsigned i = 0; i < spec->sites; i++)
	{
		const bool hub = i == 0 && spec->topology == MODEL_HUB_SPOKE;
		char ce[16], name[16];
		struct store_site site = {
			.customer = (char *)spec->name, .vpn = (char *)spec->name,
			.site = name, .ce = ce, .role = hub ? MODEL_HUB_ROLE : -1,
		};

		snprintf(ce, sizeof(ce), "c%u", i);
		snprintf(name, sizeof(name), "s%u", i);
		if (store_site_add(f->store, &site, &e))
		{
			die(name, &e);
		}
	}
}

/* A VPN is a change: of thousands of sites in one transaction. */
static void configure(struct fill *f, const struct spec *spec)
{
	struct err e = { 0 };

	if (store_begin(f->store, "bench", &e))
	{
		die("begin", &e);
	}
	add_ces(f, spec);
	add_sites(f, spec);
	if (store_commit(f->store, spec->name, NULL, &e))
	{
		die("commit", &e);
	}
}

/* ---- enrolment ---------------------------------------------------------------- */

static gnutls_x509_privkey_t make_key(struct fill *f)
{
	gnutls_datum_t der = { 0 };
	gnutls_x509_privkey_t key;
	gnutls_x509_crq_t crq;
	gnutls_privkey_t signer;
	struct err e = { 0 };

	need(gnutls_x509_privkey_init(&key), "key");
	need(gnutls_x509_privkey_generate(
			 key, GNUTLS_PK_ECDSA,
			 GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0), "key");
	need(gnutls_privkey_init(&signer), "signer");
	need(gnutls_privkey_import_x509(signer, key, 0), "signer");
	need(gnutls_x509_crq_init(&crq), "csr");
	need(gnutls_x509_crq_set_version(crq, 1), "csr");
	need(gnutls_x509_crq_set_key(crq, key), "csr");
	need(gnutls_x509_crq_privkey_sign(crq, signer, GNUTLS_DIG_SHA256, 0),
		 "csr");
	need(gnutls_x509_crq_export2(crq, GNUTLS_X509_FMT_DER, &der), "csr");
	if (ca_csr_read(der.data, der.size, &f->csr, &e))
	{
		die("csr", &e);
	}
	gnutls_free(der.data);
	gnutls_x509_crq_deinit(crq);
	gnutls_privkey_deinit(signer);
	return key;
}

static int issue(void *user, const struct store_ce *ce, uint64_t serial,
				 struct arena *a, struct store_issued *issued, struct err *e)
{
	struct fill *f = user;
	char *name = arena_printf(a, "%s/%s", ce->customer, ce->ce), *pem;
	int64_t ends_s;
	int rc = ca_issue_ce(f->ca, f->csr, name, serial, 365 * 86400, &pem,
						 &ends_s, e);

	if (!rc)
	{
		issued->pem = arena_strdup(a, pem);
		issued->ends_ms = ends_s * 1000;
		free(pem);
	}
	return rc;
}

static void put(FILE *file, const void *data, size_t len)
{
	const uint8_t size[4] = { len & 255, len >> 8 & 255, len >> 16 & 255, 0 };

	if (fwrite(size, 4, 1, file) != 1 || fwrite(data, len, 1, file) != 1)
	{
		perror("bench-server-fill: keys file");
		exit(1);
	}
}

static void write_keys(struct fill *f, const char *name, const char *cert_pem,
					   gnutls_x509_privkey_t key)
{
	const gnutls_datum_t pem = { (unsigned char *)cert_pem,
								 (unsigned)strlen(cert_pem) };
	gnutls_datum_t cert, der;

	need(gnutls_pem_base64_decode2("CERTIFICATE", &pem, &cert), "certificate");
	need(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_DER, &der), "key");
	put(f->keys, name, strlen(name));
	put(f->keys, cert.data, cert.size);
	put(f->keys, der.data, der.size);
	gnutls_free(cert.data);
	gnutls_free(der.data);
}

static void enroll(struct fill *f, const char *customer, const char *ce)
{
	gnutls_x509_privkey_t key = make_key(f);
	struct arena *a = arena_new();
	struct err e = { 0 };
	char *name = arena_printf(a, "%s/%s", customer, ce), *pem;
	const int64_t now = (int64_t)time(NULL) * 1000;
	uint8_t hash[32];
	bool again;

	/* a token that nobody else learns: its hash is all there is of it */
	seal_random(hash, sizeof(hash));
	if (store_token_add(f->store, customer, ce, hash, now + 60000, "bench",
						&e) ||
		store_enroll(f->store, a, customer, ce, hash, ca_csr_spki(f->csr), now,
					 issue, f, &pem, &again, &e))
	{
		die(name, &e);
	}
	write_keys(f, name, pem, key);
	ca_csr_free(f->csr);
	gnutls_x509_privkey_deinit(key);
	arena_free(a);
}

static void open_state(struct fill *f, const char *dir, const char *keys)
{
	char *db = xasprintf("%s/ppvpn.db", dir);
	char *kek_file = xasprintf("%s/kek.key", dir);
	char *ca_cert = xasprintf("%s/ca.crt", dir);
	char *ca_key = xasprintf("%s/ca.key", dir);
	struct seal_key kek;
	struct err e = { 0 };

	if (seal_init(&e) || seal_key_load(kek_file, &kek, &e) ||
		store_open(db, &kek, &f->store, &e) ||
		ca_load(ca_cert, ca_key, &f->ca, &e))
	{
		die(dir, &e);
	}
	f->keys = fopen(keys, "we");
	if (!f->keys)
	{
		perror(keys);
		exit(1);
	}
	free(db);
	free(kek_file);
	free(ca_cert);
	free(ca_key);
}

int main(int argc, char *argv[])
{
	struct fill f = { .address = FIRST_ADDRESS };
	double begun = seconds(), configured;
	unsigned total = 0;

	if (argc < 4)
	{
		fprintf(stderr, "Usage: bench-server-fill STATE-DIR KEYS-FILE "
				"NAME:TOPOLOGY:SITES:CES ...\n");
		return 2;
	}
	open_state(&f, argv[1], argv[2]);
	for (int i = 3; i < argc; i++)
	{
		struct spec spec = parse_spec(argv[i]);

		configure(&f, &spec);
	}
	configured = seconds();
	for (int i = 3; i < argc; i++)
	{
		struct spec spec = parse_spec(argv[i]);

		for (unsigned k = 0; k < spec.ces; k++, total++)
		{
			char ce[16];

			snprintf(ce, sizeof(ce), "c%u", k);
			enroll(&f, spec.name, ce);
		}
	}
	ca_free(f.ca);
	store_close(f.store);
	if (fclose(f.keys))
	{
		perror(argv[2]);
		return 1;
	}
	printf("{\"ces\": %u, \"configure_s\": %.2f, \"enroll_s\": %.2f}\n", total,
		   configured - begun, seconds() - configured);
	return 0;
}
