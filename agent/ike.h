/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ike.h - this router's key for IKE, and the certificates that documents bring
 * for it
 *
 * Wiring. Level-triggered: as long as a document has a VPN with authorities and
 * without a certificate of this key, the server is told the key: once, and
 * again when another document lacks one still. Certificates are the server's to
 * renew; what is asked here of each is whose it is and when it ends.
 */
#ifndef PPVPN_AGENT_IKE_H
#define PPVPN_AGENT_IKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "certificate.h"
#include "err.h"
#include "lifetime.h"
#include "name.h"

struct agent;
struct model_document;

/* a VPN of the document in force that has authorities */
struct ike_vpn {
	char place[2 * NAME_SIZE];		/* "customer/vpn" */
	bool own;						/* its certificate is of our key */
	bool ended;						/* ... and is out of date */
	struct lifetime life;			/* of that */
	enum status_severity said;
};

struct ike {
	char *key;						/* PEM; NULL: there is none yet */
	char id[CERTIFICATE_KEY_ID_SIZE];	/* "": the same */
	struct ike_vpn *vpns;
	size_t count;
	char **certified;				/* what charon.h was told */
	size_t certified_count;
	bool lacking;					/* a document wants a certificate and has none */
	bool asking;
	bool told;						/* the server knows it: now a document is to come */
	unsigned asked;					/* since the last one that lacked nothing */
	uint64_t next_ms;				/* not before, loop_now_ms() */
	struct err error;				/* why the server does not know it */
	bool gone;						/* a tombstone is kept: the file is to go */
};

/** Read the key; at the start, before a document is handed on. */
void ike_load(struct agent *a);
void ike_done(struct agent *a);
/**
 * Another document is in force: before anything is built of it.
 *
 * @param given		as it came; a->doc may be within bounds of an older one
 */
void ike_document(struct agent *a, const struct model_document *given);
/** What is in force is on disk: after a tombstone there is no key. */
void ike_kept(struct agent *a);
/** Every second: a few comparisons. */
void ike_look(struct agent *a);
/** That of the document in force, by "customer/vpn"; NULL: it has no authorities. */
const struct ike_vpn *ike_vpn(const struct agent *a, const char *customer,
							  const char *vpn);
/** What is wrong with getting certificates; ERR_NONE: nothing. text: why. */
enum err_code ike_trouble(const struct agent *a, const char **text);

#endif
