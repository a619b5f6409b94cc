/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ppvpn_cred.c - from PEM to charon's objects, and who is let in by them
 *
 * Owns what a certificate for IKE is.  charon parses and verifies; it does not
 * look at extended key usage, and it believes the first valid revocation list
 * that it finds, be it in its cache or from the peer.  Takes no lock.
 */

#include "ppvpn_cred.h"

typedef struct private_ppvpn_cred_t private_ppvpn_cred_t;

/** What no certificate of an IKE peer is for. */
#define UNFIT (X509_CA | X509_SERVER_AUTH | X509_CLIENT_AUTH | X509_OCSP_SIGNER)

/**
 * Private data of a ppvpn_cred_t object.
 */
struct private_ppvpn_cred_t {

	/**
	 * Public members.
	 */
	ppvpn_cred_t public;

	/**
	 * What the lists say.
	 */
	ppvpn_revocation_t *revocation;

	/**
	 * Reference count.
	 */
	refcount_t ref;
};

/**
 * Is a certificate one for IKE, and nothing else?
 */
static bool is_fit(certificate_t *cert)
{
	x509_flag_t flags = ((x509_t*)cert)->get_flags((x509_t*)cert);

	return !(flags & UNFIT) && (flags & X509_IKE_COMPLIANT);
}

/**
 * Does a certificate have an identity, byte by byte, as subjectAltName?
 */
static bool has_identity(certificate_t *cert, identification_t *identity)
{
	x509_t *x509 = (x509_t*)cert;
	enumerator_t *enumerator;
	identification_t *id;
	bool found = FALSE;

	enumerator = x509->create_subjectAltName_enumerator(x509);
	while (enumerator->enumerate(enumerator, &id))
	{
		found |= id->get_type(id) == identity->get_type(identity) &&
				 chunk_equals(id->get_encoding(id),
							  identity->get_encoding(identity));
	}
	enumerator->destroy(enumerator);
	return found;
}

/**
 * Is a certificate one of the authorities?
 */
static bool is_authority(private_ppvpn_cred_t *this, certificate_t *cert)
{
	u_int i;

	for (i = 0; i < this->public.authority_count; i++)
	{
		if (cert->equals(cert, this->public.authorities[i]))
		{
			return TRUE;
		}
	}
	return FALSE;
}

/**
 * What is wrong with the way from the peer's certificate to the authority, as
 * charon went it: the issuers are in auth in that order
 */
static const char *check_path(private_ppvpn_cred_t *this, auth_cfg_t *auth,
							  certificate_t *subject, time_t now)
{
	ppvpn_revoked_t revoked, worst = PPVPN_REVOKED_NO;
	certificate_t *issuer, *current = subject, *anchor = NULL;
	enumerator_t *enumerator;
	auth_rule_t rule;

	enumerator = auth->create_enumerator(auth);
	while (!anchor && enumerator->enumerate(enumerator, &rule, &issuer))
	{
		if (rule != AUTH_RULE_IM_CERT && rule != AUTH_RULE_CA_CERT)
		{
			continue;
		}
		revoked = this->revocation->check(this->revocation, (x509_t*)current,
										  issuer, now);
		worst = max(worst, revoked);
		current = issuer;
		anchor = rule == AUTH_RULE_CA_CERT ? issuer : NULL;
	}
	enumerator->destroy(enumerator);
	if (!anchor || !is_authority(this, anchor))
	{
		return "cert-untrusted";
	}
	if (worst == PPVPN_REVOKED_YES)
	{
		return "cert-revoked";
	}
	return worst == PPVPN_REVOKED_UNKNOWN && this->public.strict ?
												"cert-no-status" : NULL;
}

METHOD(ppvpn_cred_t, find_objection, const char*,
	private_ppvpn_cred_t *this, auth_cfg_t *auth, identification_t *identity,
	time_t now)
{
	certificate_t *subject;
	const char *objection;

	subject = auth->get(auth, AUTH_RULE_SUBJECT_CERT);
	if (!subject || subject->get_type(subject) != CERT_X509)
	{
		return "cert-untrusted";
	}
	objection = check_path(this, auth, subject, now);
	if (objection)
	{
		return objection;
	}
	if (!is_fit(subject))
	{
		return "cert-unfit";
	}
	return has_identity(subject, identity) ? NULL : "identity-mismatch";
}

/**
 * Is a certificate what is asked for?
 */
static bool is_wanted(certificate_t *cert, certificate_type_t type,
					  key_type_t key, identification_t *id)
{
	public_key_t *public;
	bool wanted;

	if ((type != CERT_ANY && type != CERT_X509) ||
		(id && !cert->has_subject(cert, id)))
	{
		return FALSE;
	}
	if (key == KEY_ANY)
	{
		return TRUE;
	}
	public = cert->get_public_key(cert);
	wanted = public && public->get_type(public) == key;
	DESTROY_IF(public);
	return wanted;
}

/**
 * Is a revocation list what is asked for? charon asks by the key identifier of
 * who signed it, which the list itself need not say
 */
static bool is_wanted_list(certificate_t *list, certificate_t *signer,
						   identification_t *id)
{
	x509_t *x509 = (x509_t*)signer;

	return !id || list->has_issuer(list, id) ||
		   (id->get_type(id) == ID_KEY_ID &&
			chunk_equals(x509->get_subjectKeyIdentifier(x509),
						 id->get_encoding(id)));
}

METHOD(ppvpn_cred_t, get_certs, void,
	private_ppvpn_cred_t *this, certificate_type_t type, key_type_t key,
	identification_t *id, bool trusted, array_t *array)
{
	certificate_t *cert;
	u_int i;

	for (i = 0; i < this->public.authority_count; i++)
	{
		cert = this->public.authorities[i];
		if (is_wanted(cert, type, key, id))
		{
			array_insert(array, ARRAY_TAIL, cert->get_ref(cert));
		}
	}
	for (i = 0; !trusted && i < this->public.certificate_count; i++)
	{
		cert = this->public.certificates[i];
		if (is_wanted(cert, type, key, id))
		{
			array_insert(array, ARRAY_TAIL, cert->get_ref(cert));
		}
	}
	for (i = 0; !trusted && type == CERT_X509_CRL && key == KEY_ANY &&
				i < this->public.list_count; i++)
	{
		cert = this->public.lists[i];
		if (is_wanted_list(cert, this->public.signers[i], id))
		{
			array_insert(array, ARRAY_TAIL, cert->get_ref(cert));
		}
	}
}

METHOD(ppvpn_cred_t, get_private, private_key_t*,
	private_ppvpn_cred_t *this, key_type_t type, identification_t *id)
{
	private_key_t *key = this->public.key;

	if ((type != KEY_ANY && key->get_type(key) != type) ||
		!id->equals(id, this->public.keyid))
	{
		return NULL;
	}
	return key->get_ref(key);
}

METHOD(ppvpn_cred_t, get_ref, ppvpn_cred_t*,
	private_ppvpn_cred_t *this)
{
	ref_get(&this->ref);
	return &this->public;
}

static void destroy_certs(certificate_t **certs, u_int count)
{
	u_int i;

	for (i = 0; i < count; i++)
	{
		certs[i]->destroy(certs[i]);
	}
}

METHOD(ppvpn_cred_t, destroy, void,
	private_ppvpn_cred_t *this)
{
	if (!ref_put(&this->ref))
	{
		return;
	}
	this->revocation->destroy(this->revocation);
	destroy_certs(this->public.certificates, this->public.certificate_count);
	destroy_certs(this->public.authorities, this->public.authority_count);
	destroy_certs(this->public.lists, this->public.list_count);
	DESTROY_IF(this->public.key);
	DESTROY_IF(this->public.keyid);
	free(this->public.name);
	free(this->public.tag);
	free(this);
}

/**
 * Have charon parse texts of one type
 *
 * @param count		receives how many it understands
 */
static bool parse(private_ppvpn_cred_t *this, ppvpn_pems_t *pems,
				  certificate_type_t type, certificate_t **certs, u_int *count)
{
	for (*count = 0; *count < pems->count; (*count)++)
	{
		certs[*count] = lib->creds->create(lib->creds, CRED_CERTIFICATE, type,
						BUILD_BLOB_PEM, chunk_from_str(pems->pem[*count]),
						BUILD_END);
		if (!certs[*count])
		{
			return FALSE;
		}
		this->public.size += strlen(pems->pem[*count]);
	}
	return TRUE;
}

/**
 * Read certificates, own one first
 */
static const char *read_certificates(private_ppvpn_cred_t *this,
									 ppvpn_cred_spec_t *spec, u_int *index)
{
	certificate_t **certs = this->public.certificates;
	x509_t *x509;

	if (!parse(this, &spec->certificates, CERT_X509, certs,
			   &this->public.certificate_count))
	{
		*index = this->public.certificate_count;
		return "charon does not understand this certificate";
	}
	for (*index = 1; *index < spec->certificates.count; (*index)++)
	{
		x509 = (x509_t*)certs[*index];
		if (!(x509->get_flags(x509) & X509_CA))
		{
			return "not a certificate of a CA";
		}
	}
	*index = 0;
	return is_fit(certs[0]) ? NULL : "not a certificate for IKE: a CA's, not "
								"for digital signatures, or for TLS or OCSP";
}

/**
 * The bytes of one block of PEM, as ppvpn_cred_decode.c takes it
 */
static chunk_t from_pem(const char *pem)
{
	chunk_t text = chunk_alloc(strlen(pem)), der;
	const char *from = strchr(pem, '\n');

	for (text.len = 0; *from && *from != '-'; from++)
	{
		if (*from != '\n')
		{
			text.ptr[text.len++] = *from;
		}
	}
	der = chunk_from_base64(text, NULL);
	chunk_clear(&text);
	return der;
}

/**
 * Read the private key, which must be that of the own certificate
 */
static const char *read_key(private_ppvpn_cred_t *this,
							ppvpn_cred_spec_t *spec, u_int *index)
{
	private_key_t *key;
	public_key_t *public;
	chunk_t fingerprint, der;
	bool belongs;

	/* not BUILD_BLOB_PEM: charon decodes its copy in place, and of what is then
	 * behind the bytes it wipes nothing */
	der = from_pem(spec->private_key);
	key = lib->creds->create(lib->creds, CRED_PRIVATE_KEY, KEY_ANY,
							 BUILD_BLOB_ASN1_DER, der, BUILD_END);
	chunk_clear(&der);
	if (!key)
	{
		return "charon does not understand this private key";
	}
	this->public.key = key;
	this->public.size += strlen(spec->private_key);
	public = this->public.certificates[0]->get_public_key(
											this->public.certificates[0]);
	belongs = public && key->belongs_to(key, public);
	DESTROY_IF(public);
	if (!belongs)
	{
		return "not the private key of the first certificate";
	}
	if (!key->get_fingerprint(key, KEYID_PUBKEY_SHA1, &fingerprint))
	{
		return "charon has no fingerprint of this private key";
	}
	this->public.keyid = identification_create_from_encoding(ID_KEY_ID,
															 fingerprint);
	return NULL;
}

/**
 * Read authorities: where a way up ends
 */
static const char *read_authorities(private_ppvpn_cred_t *this,
									ppvpn_cred_spec_t *spec, u_int *index)
{
	certificate_t **certs = this->public.authorities, *cert;
	x509_t *x509;

	if (!parse(this, &spec->authorities, CERT_X509, certs,
			   &this->public.authority_count))
	{
		*index = this->public.authority_count;
		return "charon does not understand this certificate";
	}
	for (*index = 0; *index < spec->authorities.count; (*index)++)
	{
		cert = certs[*index];
		x509 = (x509_t*)cert;
		if (!(x509->get_flags(x509) & X509_CA) ||
			!cert->issued_by(cert, cert, NULL))
		{
			return "not a self-signed certificate of a CA";
		}
	}
	return NULL;
}

/**
 * Who of us signed a revocation list?
 */
static certificate_t *find_signer(private_ppvpn_cred_t *this,
								  certificate_t *crl)
{
	u_int i;

	for (i = 0; i < this->public.authority_count; i++)
	{
		if (crl->issued_by(crl, this->public.authorities[i], NULL))
		{
			return this->public.authorities[i];
		}
	}
	for (i = 1; i < this->public.certificate_count; i++)
	{
		if (crl->issued_by(crl, this->public.certificates[i], NULL))
		{
			return this->public.certificates[i];
		}
	}
	return NULL;
}

/**
 * Read revocation lists
 */
static const char *read_lists(private_ppvpn_cred_t *this,
							  ppvpn_cred_spec_t *spec, u_int *index)
{
	certificate_t **lists = this->public.lists, *signer;

	if (!parse(this, &spec->lists, CERT_X509_CRL, lists,
			   &this->public.list_count))
	{
		*index = this->public.list_count;
		return "charon does not understand this revocation list";
	}
	for (*index = 0; *index < spec->lists.count; (*index)++)
	{
		signer = find_signer(this, lists[*index]);
		if (!signer)
		{
			return "not signed by an authority, or one of the chain";
		}
		if (!this->revocation->add(this->revocation, lists[*index], signer))
		{
			return "not a complete revocation list";
		}
		this->public.signers[*index] = signer;
	}
	return NULL;
}

/**
 * Described in header.
 */
ppvpn_cred_t *ppvpn_cred_create(ppvpn_cred_spec_t *spec,
								ppvpn_cred_part_t *part, u_int *index,
								const char **reason)
{
	static const struct {
		ppvpn_cred_part_t part;
		const char *(*read)(private_ppvpn_cred_t *this,
							ppvpn_cred_spec_t *spec, u_int *index);
	} steps[] = {
		{ PPVPN_CRED_CERTIFICATES,	read_certificates	},
		{ PPVPN_CRED_PRIVATE_KEY,	read_key			},
		{ PPVPN_CRED_AUTHORITIES,	read_authorities	},
		{ PPVPN_CRED_LISTS,			read_lists			},
	};
	private_ppvpn_cred_t *this;
	int i;

	INIT(this,
		.public = {
			.name = strdup(spec->name),
			.tag = strdup(spec->tag),
			.strict = spec->strict,
			.find_objection = _find_objection,
			.get_certs = _get_certs,
			.get_private = _get_private,
			.get_ref = _get_ref,
			.destroy = _destroy,
		},
		.revocation = ppvpn_revocation_create(),
		.ref = 1,
	);
	*reason = NULL;
	for (i = 0; i < countof(steps) && !*reason; i++)
	{
		*part = steps[i].part;
		*index = 0;
		*reason = steps[i].read(this, spec, index);
	}
	if (*reason)
	{
		destroy(this);
		return NULL;
	}
	return &this->public;
}
