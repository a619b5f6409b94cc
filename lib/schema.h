/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * schema.h - versions of what passes between agent and server, and which of
 * them both sides have
 *
 * Pure. Whoever reads something says in a header which versions of it he takes;
 * whoever writes it chooses the newest that he has, too. A version that was
 * released once never changes: an unknown member in it is an error.
 */
#ifndef PPVPN_SCHEMA_H
#define PPVPN_SCHEMA_H

#include <stddef.h>

/** In requests: the documents that the CE takes. In answers to it: the reports
 * that the server takes. Names, with commas; absent: version 1. */
#define SCHEMA_HEADER "Ppvpn-Schema"
#define SCHEMA_HEADER_MAX 1024	/* bytes of one that is read */
#define SCHEMA_LIST_SIZE 128	/* of what we say */

/* The tables: a row is a version, the newest first. X(name, encoder) */
#define SCHEMA_CONFIG(X) \
	X(MODEL_SCHEMA, model_encode)
#define SCHEMA_STATUS(X) \
	X(STATUS_SCHEMA, status_encode)

/* their names, ended by NULL; an index into one is one into the encoders, too */
extern const char *const schema_config[];
extern const char *const schema_status[];

/**
 * The newest of ours that theirs, a header's value, names. What is not a name of
 * ours is passed over; more than SCHEMA_HEADER_MAX bytes name nothing.
 *
 * @param ours		names of one kind, newest first, ended by NULL
 * @param theirs	NULL: nothing was said, which means version 1
 * @return			index into ours, -1: none in common
 */
int schema_common(const char *const *ours, const char *theirs);

/** All of ours, as a header or a person has them; cut at a whole name. */
void schema_list(const char *const *ours, char out[SCHEMA_LIST_SIZE]);

#endif
