/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ppvpn_revocation.c - serial numbers of revocation lists, by issuer
 *
 * Owns the rule that a list that is stale, or not valid yet, still revokes:
 * the clock may be wrong.  A list belongs to the key that signed it, not to a
 * name.  Looks at no cache of charon's and at nothing that a peer sent.
 */

#include "ppvpn_revocation.h"

#include <collections/array.h>

typedef struct private_ppvpn_revocation_t private_ppvpn_revocation_t;

/**
 * Private data of a ppvpn_revocation_t object.
 */
struct private_ppvpn_revocation_t {

	/**
	 * Public interface.
	 */
	ppvpn_revocation_t public;

	/**
	 * Lists, as list_t.
	 */
	array_t *lists;
};

/**
 * A revocation list
 */
typedef struct {
	/** the list */
	certificate_t *crl;
	/** fingerprint of the key that signed it */
	chunk_t signer;
	/** serial numbers, sorted; they are crl's memory */
	chunk_t *serials;
	/** number of them */
	u_int count;
} list_t;

static void destroy_list(list_t *list)
{
	list->crl->destroy(list->crl);
	chunk_free(&list->signer);
	free(list->serials);
	free(list);
}

/**
 * Fingerprint of a certificate's key, to be freed
 */
static bool get_fingerprint(certificate_t *cert, chunk_t *fingerprint)
{
	public_key_t *key;
	bool found = FALSE;
	chunk_t chunk;

	key = cert->get_public_key(cert);
	if (key && key->get_fingerprint(key, KEYID_PUBKEY_SHA1, &chunk))
	{
		*fingerprint = chunk_clone(chunk);
		found = TRUE;
	}
	DESTROY_IF(key);
	return found;
}

static int compare_serials(const void *a, const void *b)
{
	return chunk_compare(*(const chunk_t*)a, *(const chunk_t*)b);
}

/**
 * Collect the serial numbers of a list, as numbers: without leading zeros
 */
static void read_serials(list_t *list)
{
	crl_t *crl = (crl_t*)list->crl;
	enumerator_t *enumerator;
	crl_reason_t reason;
	chunk_t serial;
	time_t date;
	u_int size = 0;

	enumerator = crl->create_enumerator(crl);
	while (enumerator->enumerate(enumerator, &serial, &date, &reason))
	{
		if (list->count == size)
		{
			size = size ? 2 * size : 16;
			list->serials = realloc(list->serials, size * sizeof(chunk_t));
		}
		list->serials[list->count++] = chunk_skip_zero(serial);
	}
	enumerator->destroy(enumerator);
	if (list->count)
	{
		qsort(list->serials, list->count, sizeof(chunk_t), compare_serials);
	}
}

METHOD(ppvpn_revocation_t, add, bool,
	private_ppvpn_revocation_t *this, certificate_t *crl,
	certificate_t *issuer)
{
	crl_t *x509 = (crl_t*)crl;
	chunk_t signer;
	list_t *list;

	if (crl->get_type(crl) != CERT_X509_CRL ||
		x509->is_delta_crl(x509, NULL) || !get_fingerprint(issuer, &signer))
	{
		return FALSE;
	}
	INIT(list,
		.crl = crl->get_ref(crl),
		.signer = signer,
	);
	read_serials(list);
	array_insert(this->lists, ARRAY_TAIL, list);
	return TRUE;
}

/**
 * Does a list name a serial number?
 */
static bool names(list_t *list, chunk_t serial)
{
	return list->count && bsearch(&serial, list->serials, list->count,
								  sizeof(chunk_t), compare_serials);
}

METHOD(ppvpn_revocation_t, check, ppvpn_revoked_t,
	private_ppvpn_revocation_t *this, x509_t *subject, certificate_t *issuer,
	time_t now)
{
	ppvpn_revoked_t revoked = PPVPN_REVOKED_UNKNOWN;
	chunk_t serial, signer;
	list_t *list;
	int i;

	if (!get_fingerprint(issuer, &signer))
	{
		return PPVPN_REVOKED_UNKNOWN;
	}
	serial = chunk_skip_zero(subject->get_serial(subject));
	for (i = 0; i < array_count(this->lists); i++)
	{
		array_get(this->lists, i, &list);
		if (!chunk_equals(list->signer, signer))
		{
			continue;
		}
		if (names(list, serial))
		{
			revoked = PPVPN_REVOKED_YES;
			break;
		}
		if (list->crl->get_validity(list->crl, &now, NULL, NULL))
		{
			revoked = PPVPN_REVOKED_NO;
		}
	}
	chunk_free(&signer);
	return revoked;
}

METHOD(ppvpn_revocation_t, destroy, void,
	private_ppvpn_revocation_t *this)
{
	array_destroy_function(this->lists, (void*)destroy_list, NULL);
	free(this);
}

/**
 * Described in header.
 */
ppvpn_revocation_t *ppvpn_revocation_create(void)
{
	private_ppvpn_revocation_t *this;

	INIT(this,
		.public = {
			.add = _add,
			.check = _check,
			.destroy = _destroy,
		},
		.lists = array_create(0, 0),
	);
	return &this->public;
}
