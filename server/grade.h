/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * grade.h - named grades of security, and what is strong enough for them
 *
 * Pure. All tunnels of a VPN have the same grade (draft-ietf-l3vpn-ce-based-03
 * section 7): what offers anything weaker is refused, for a peer may choose the
 * weakest of what is offered. Strengths are bits in the sense of NIST SP 800-57
 * Part 1; where they are from stands at the table in grade.c.
 */
#ifndef PPVPN_GRADE_H
#define PPVPN_GRADE_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct model_profile;

/* ascending */
enum grade
{
	GRADE_BASIC,		/* 112 bit */
	GRADE_STANDARD,		/* 128 bit */
	GRADE_HIGH,			/* 192 bit */
	GRADE_COUNT
};

/* whose proposal it is */
enum grade_sa { GRADE_IKE, GRADE_ESP };

/** "basic", "standard", "high", NULL: for JSON_ENUM and options. */
extern const char *const grade_names[];
/** What every part of a proposal has to have at least. */
unsigned grade_bits(enum grade grade);

/**
 * Is all that a profile offers of the grade? Every IKE and every ESP proposal
 * (swanctl's words joined by '-') has encryption, integrity unless the
 * encryption brings it, and a key exchange (for ESP: the group of perfect
 * forward secrecy); IKE has a PRF, which charon takes from integrity if no word
 * names one. The weakest word counts. Lifetimes are within the grade's bounds.
 *
 * @return		0; -EINVAL with code ERR_GRADE: which proposal (where), which
 *				word, its strength and what the grade needs
 */
int grade_check(enum grade grade, const struct model_profile *profile,
				struct err *e);

/** The same of one proposal. */
int grade_check_proposal(enum grade grade, enum grade_sa sa,
						 const char *proposal, struct err *e);

/**
 * Those of the proposals in list that satisfy the grade, in their order.
 *
 * @param out	room for count; pointers into list
 * @return		how many
 */
size_t grade_keep(enum grade grade, enum grade_sa sa, char *const *list,
				  size_t count, char **out);

/**
 * The highest grade of what was negotiated, as agents report it for the newest
 * CHILD_SA: "AES_GCM_16_256/ECP_384", "AES_CBC_256/HMAC_SHA2_256_128/MODP_3072".
 * The first CHILD_SA of an IKE_SA has no group of its own: its keys come from
 * IKE's key exchange, which the text does not show and which is not judged. PRFs
 * ("PRF_HMAC_SHA2_384") are known, too.
 *
 * @return		0, -ERANGE: weaker than every grade, -EINVAL: a word or form that
 *				is not known, or an empty text; *grade is set only on 0
 */
int grade_of_sa(const char *negotiated, enum grade *grade);

#endif
