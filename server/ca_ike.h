/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ca_ike.h - the authority of a VPN, and what it signs: certificates that its
 * routers show each other with IKE, and their revocation list
 *
 * Effects: GnuTLS. Everything is DER. The authority's key is ECDSA on P-256.
 * Times are the caller's, seconds since 1970; what is signed begins an hour
 * earlier (or a 24th of a shorter life), for clocks that differ. An authority
 * is used by one thread at a time.
 */
#ifndef PPVPN_SERVER_CA_IKE_H
#define PPVPN_SERVER_CA_IKE_H

#include <stddef.h>
#include <stdint.h>
#include "err.h"
#include "server/crl.h"

struct ca_ike;

/* Bytes on the heap. */
struct ca_der { uint8_t *data; size_t len; };
/** Wipes, for some are keys. */
void ca_der_done(struct ca_der *der);

/**
 * Make an authority: self-signed, for certificates and lists of one level below
 * it, with a name that no other has.
 *
 * @param cert, key		the caller ends them; key: PKCS#8 in clear
 */
int ca_ike_create(const char *customer, const char *vpn, int64_t now_s,
				  int64_t life_s, struct ca_der *cert, struct ca_der *key,
				  int64_t *ends_s, struct err *e);
/** -EINVAL where it is none, or the key is not the certificate's. */
int ca_ike_open(const uint8_t *cert, size_t cert_len, const uint8_t *key,
				size_t key_len, struct ca_ike **ca, struct err *e);
void ca_ike_close(struct ca_ike *ca);

/* Names are for people; identity is what peers look for. */
struct ca_ike_subject
{
	const char *customer, *vpn, *site;
	const char *identity;		/* a domain name: the one subjectAltName */
};
/**
 * The certificate of a site, for digital signatures with IKE and nothing else.
 *
 * @param key		SubjectPublicKeyInfo
 * @param serial	not 0
 * @param life_s	from now on, or to the authority's end if that comes before
 * @param cert		the caller ends it
 */
int ca_ike_issue(struct ca_ike *ca, const uint8_t *key, size_t key_len,
				 const struct ca_ike_subject *subject, uint64_t serial,
				 int64_t now_s, int64_t life_s, struct ca_der *cert,
				 int64_t *ends_s, struct err *e);
/**
 * The revocation list, good for life_s from now on.
 *
 * @param list		the caller ends it
 */
int ca_ike_list(struct ca_ike *ca, uint64_t number,
				const struct crl_entry *entries, size_t count, int64_t now_s,
				int64_t life_s, struct ca_der *list, int64_t *ends_s,
				struct err *e);

/** Did it sign the certificate, which is for this identity and key? */
int ca_ike_check(struct ca_ike *ca, const uint8_t *cert, size_t len,
				 const char *identity, const uint8_t spki[32], struct err *e);
/** Did it sign the list? */
int ca_ike_check_list(struct ca_ike *ca, const uint8_t *list, size_t len,
					  struct err *e);

#endif
