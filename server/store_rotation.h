/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_rotation.h - what the files of rotation share (store_rotation.c,
 * store_rotation_begin.c, store_move.c); nobody else includes it
 *
 * All within a change in course, but store_move_look() and store_move_settle().
 */
#ifndef PPVPN_SERVER_STORE_ROTATION_H
#define PPVPN_SERVER_STORE_ROTATION_H

#include "server/rotation.h"
#include "server/store_work.h"

#define ROTATION_ACTOR "server"
/* Pairs that one look begins in a VPN: some seconds of writing. */
#define ROTATION_BEGIN_MAX 50000

struct rotation_place
{
	int64_t customer_id, vpn_id;
	char *customer, *vpn;
};

/* The pairs that have come to step $2 in the change in course, revision $1. */
#define STORE_ROTATION_STEPPED "(SELECT site_a, site_b FROM rotation " \
	"WHERE revision = $1 AND step = $2)"

/**
 * Make keys and certificates of the pairs that have come to a step in the change
 * in course what they are at it (store_rotation.c).
 */
int store_rotation_write(struct store *s, enum rotation_step step,
						 struct err *e);
/** Both ends of all that took a step in the change in course are told. */
int store_rotation_touch(struct store *s, struct err *e);
/**
 * The end of a change of the server's own: rc of it, 1 where nothing was to be
 * done, and then it is rolled back.
 */
int store_rotation_end(struct store *s, int rc, struct store_rotated *out);
/** An event of a VPN. */
int store_rotation_tell(struct store *s, const struct rotation_place *place,
						int kind, const char *who, uint64_t command,
						const char *text, int64_t now_ms, struct err *e);

/* What of a VPN is yet to move from keys to certificates, or back. */
struct store_move
{
	uint64_t waiting;		/* pairs that have not begun; */
	uint64_t ready;			/* those of them that may */
	uint64_t turning;		/* pairs that are under way to the wrong side */
};
int store_move_look(struct store *s, int64_t vpn_id, int authentication,
					struct store_move *out, struct err *e);
/** Pairs under way to the wrong side turn round; *turned. */
int store_move_turn(struct store *s, int64_t vpn_id, int authentication,
					int64_t now_ms, int64_t *turned, struct err *e);
/** Those that may, begin; *begun, at most ROTATION_BEGIN_MAX. */
int store_move_begin(struct store *s, const struct rotation_place *place,
					 int authentication, int64_t now_ms, int64_t *begun,
					 struct err *e);
/** Nothing is left to be moved: it is not looked at until something is. */
int store_move_settle(struct store *s, int64_t vpn_id, int authentication,
					  struct err *e);

#endif
