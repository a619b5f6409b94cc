/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * cause.c - the table of causes
 *
 * Pure.
 */
#include "cause.h"

#include <string.h>

#define LATER STATUS_CLEARED

static const struct cause causes[] = {
	/* nothing comes back */
	{ "peer-init-unreachable", ERR_PEER_UNREACHABLE, CAUSE_PATH, CAUSE_STEPS,
	  CAUSE_ENDS, LATER },
	{ "retransmit-send-timeout", ERR_PEER_UNREACHABLE, CAUSE_PATH, CAUSE_STEPS,
	  CAUSE_ENDS, LATER },
	{ "peer-addr-failed", ERR_PEER_UNREACHABLE, CAUSE_PATH, CAUSE_STEPS,
	  CAUSE_ENDS, LATER },
	{ "half-open-timeout", ERR_PEER_UNREACHABLE, CAUSE_PATH, CAUSE_STEPS,
	  CAUSE_HINTS, LATER },
	{ "no-answer", ERR_PEER_UNREACHABLE, CAUSE_PATH, CAUSE_STEPS,
	  CAUSE_ENDS, LATER },				/* the agent's own deadline */
	/* keys, identities, certificates */
	{ "peer-auth-failed", ERR_AUTH_FAILED, CAUSE_CREDENTIAL, CAUSE_STEPS,
	  CAUSE_ENDS, STATUS_MAJOR },
	{ "local-auth-failed", ERR_AUTH_FAILED, CAUSE_CREDENTIAL, CAUSE_STEPS,
	  CAUSE_ENDS, STATUS_MAJOR },
	{ "authorization-failed", ERR_AUTH_FAILED, CAUSE_CREDENTIAL, CAUSE_STEPS,
	  CAUSE_ENDS, STATUS_MAJOR },
	{ "unique-keep", ERR_AUTH_FAILED, CAUSE_CREDENTIAL, CAUSE_SOON,
	  CAUSE_HINTS, LATER },
	{ "identity-mismatch", ERR_IMPERSONATION, CAUSE_CREDENTIAL, CAUSE_STEPS,
	  CAUSE_ENDS, STATUS_CRITICAL },
	{ "foreign-secret", ERR_FOREIGN_SECRET, CAUSE_CREDENTIAL, CAUSE_STEPS,
	  CAUSE_ENDS, STATUS_MAJOR },
	{ "cert-expired", ERR_CERT_EXPIRED, CAUSE_CREDENTIAL, CAUSE_SLOW,
	  CAUSE_HINTS, STATUS_MAJOR },
	{ "cert-revoked", ERR_CERT_REVOKED, CAUSE_CREDENTIAL, CAUSE_SLOW,
	  CAUSE_HINTS, STATUS_MAJOR },
	{ "cert-untrusted", ERR_CERT_UNTRUSTED, CAUSE_CREDENTIAL, CAUSE_SLOW,
	  CAUSE_HINTS, STATUS_MAJOR },
	{ "cert-unfit", ERR_CERT_UNFIT, CAUSE_CREDENTIAL, CAUSE_SLOW,
	  CAUSE_HINTS, STATUS_MAJOR },
	{ "cert-no-status", ERR_CERT_NO_STATUS, CAUSE_CREDENTIAL, CAUSE_SLOW,
	  CAUSE_HINTS, STATUS_MAJOR },
	/* the two ends are configured differently */
	{ "proposal-mismatch-ike", ERR_PROPOSAL, CAUSE_MISMATCH, CAUSE_STEPS,
	  CAUSE_ENDS, LATER },				/* or it does not know us yet */
	{ "proposal-mismatch-child", ERR_ESP_PROPOSAL, CAUSE_MISMATCH, CAUSE_STEPS,
	  CAUSE_ENDS, STATUS_MAJOR },
	{ "ts-mismatch", ERR_TRAFFIC_SELECTORS, CAUSE_MISMATCH, CAUSE_STEPS,
	  CAUSE_ENDS, STATUS_MAJOR },
	{ "invalid-ke", ERR_KEY_EXCHANGE, CAUSE_MISMATCH, CAUSE_STEPS,
	  CAUSE_HINTS, LATER },				/* it asks for another group first */
	{ "incompatible", ERR_IKE_INCOMPATIBLE, CAUSE_MISMATCH, CAUSE_SLOW,
	  CAUSE_HINTS, LATER },
	/* the peer says no */
	{ "keep-on-child-sa-failure", ERR_REFUSED, CAUSE_REFUSAL, CAUSE_STEPS,
	  CAUSE_ENDS, LATER },				/* what failed has its own word before */
	{ "refused", ERR_REFUSED, CAUSE_REFUSAL, CAUSE_STEPS,
	  CAUSE_ENDS, LATER },				/* it ended without a word */
	{ "busy", ERR_PEER_BUSY, CAUSE_PEER, CAUSE_SOON,
	  CAUSE_HINTS, LATER },
	{ "closed", ERR_PEER_CLOSED, CAUSE_PEER, CAUSE_SOON,
	  CAUSE_CLOSES, LATER },
	/* this router */
	{ "install-child-sa-failed", ERR_KERNEL, CAUSE_LOCAL, CAUSE_STEPS,
	  CAUSE_ENDS, STATUS_MAJOR },
	{ "install-child-policy-failed", ERR_KERNEL, CAUSE_LOCAL, CAUSE_STEPS,
	  CAUSE_ENDS, STATUS_MAJOR },
	{ "no-connection", ERR_NO_CONNECTION, CAUSE_LOCAL, CAUSE_SOON,
	  CAUSE_ENDS, LATER },				/* the plugin does not know it */
	{ "charon-away", ERR_CHARON, CAUSE_LOCAL, CAUSE_SOON,
	  CAUSE_ENDS, LATER },
};

static const char *const class_names[] = {
	[CAUSE_PATH] = "path", [CAUSE_REFUSAL] = "refusal",
	[CAUSE_CREDENTIAL] = "credential", [CAUSE_MISMATCH] = "mismatch",
	[CAUSE_PEER] = "peer", [CAUSE_LOCAL] = "local",
};

const struct cause *cause_find(const char *word)
{
	for (size_t i = 0; i < sizeof(causes) / sizeof(*causes); i++)
	{
		if (strcmp(causes[i].word, word) == 0)
		{
			return &causes[i];
		}
	}
	return NULL;
}

const struct cause *cause_get(size_t i)
{
	return i < sizeof(causes) / sizeof(*causes) ? &causes[i] : NULL;
}

const char *cause_class_name(enum cause_class class)
{
	return class_names[class];
}
