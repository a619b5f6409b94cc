/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * limiter.c - failures by address in a table of sets; the oldest row of a set
 * makes room
 */
#include "config.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "server/limiter.h"

#define SETS 1024
#define WAYS 4

struct row
{
	uint8_t key[8];
	uint64_t begun_ms;
	unsigned failures;		/* 0: a free row */
};

struct limiter
{
	pthread_mutex_t lock;
	struct row rows[SETS][WAYS];
};

struct limiter *limiter_new(void)
{
	struct limiter *l = xcalloc(1, sizeof(*l));

	pthread_mutex_init(&l->lock, NULL);
	return l;
}

void limiter_free(struct limiter *l)
{
	if (l)
	{
		pthread_mutex_destroy(&l->lock);
		free(l);
	}
}

/* ::ffff:a.b.c.d is a.b.c.d */
static void key_of(const char *address, uint8_t key[8])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	uint8_t ip[16] = { 0 };

	memset(key, 0, 8);
	if (inet_pton(AF_INET, address, ip) == 1)
	{
		memcpy(key + 4, ip, 4);
	}
	else if (inet_pton(AF_INET6, address, ip) == 1)
	{
		if (memcmp(ip, mapped, sizeof(mapped)) == 0)
		{
			memcpy(key + 4, ip + 12, 4);
		}
		else
		{
			memcpy(key, ip, 8);
		}
	}
}

static struct row *set_of(struct limiter *l, const uint8_t key[8])
{
	uint64_t n;

	memcpy(&n, key, sizeof(n));
	return l->rows[(n * 0x9e3779b97f4a7c15ull) >> 54];
}

static struct row *find(struct row *set, const uint8_t key[8], uint64_t now_ms)
{
	for (unsigned i = 0; i < WAYS; i++)
	{
		if (set[i].failures && memcmp(set[i].key, key, 8) == 0 &&
			now_ms < set[i].begun_ms + LIMITER_WINDOW_MS)
		{
			return &set[i];
		}
	}
	return NULL;
}

bool limiter_allows(struct limiter *l, const char *address, uint64_t now_ms)
{
	uint8_t key[8];
	const struct row *row;
	bool allows;

	key_of(address, key);
	pthread_mutex_lock(&l->lock);
	row = find(set_of(l, key), key, now_ms);
	allows = !row || row->failures < LIMITER_FAILURES;
	pthread_mutex_unlock(&l->lock);
	return allows;
}

void limiter_failed(struct limiter *l, const char *address, uint64_t now_ms)
{
	uint8_t key[8];
	struct row *set, *row;

	key_of(address, key);
	pthread_mutex_lock(&l->lock);
	set = set_of(l, key);
	row = find(set, key, now_ms);
	if (!row)
	{
		row = set;
		for (unsigned i = 1; i < WAYS; i++)
		{
			if (set[i].begun_ms < row->begun_ms)
			{
				row = &set[i];
			}
		}
		memcpy(row->key, key, 8);
		row->begun_ms = now_ms;
		row->failures = 0;
	}
	row->failures++;
	pthread_mutex_unlock(&l->lock);
}
