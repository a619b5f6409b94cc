/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * der.c - writing DER, from its end to its beginning
 *
 * Pure.
 */
#include "config.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "server/der.h"

#define DAY_S 86400

void der_init(struct der *d, size_t room)
{
	d->start = xcalloc(room + 1, 1);
	d->at = d->end = d->start + room;
}

void der_done(struct der *d)
{
	free(d->start);
	memset(d, 0, sizeof(*d));
}

uint8_t *der_take(struct der *d, size_t *len)
{
	uint8_t *start = d->start;

	*len = (size_t)(d->end - d->at);
	memmove(start, d->at, *len);
	memset(d, 0, sizeof(*d));
	return start;
}

const uint8_t *der_mark(const struct der *d)
{
	return d->at;
}

void der_put(struct der *d, const void *data, size_t len)
{
	/* who counted too little must not write elsewhere */
	if (len > (size_t)(d->at - d->start))
	{
		abort();
	}
	d->at -= len;
	if (len)
	{
		memcpy(d->at, data, len);
	}
}

void der_wrap(struct der *d, uint8_t tag, const uint8_t *there)
{
	const size_t len = (size_t)(there - d->at);
	uint8_t head[DER_HEAD_MAX] = { tag };
	size_t n = 0;

	while (len >= 0x80 && n < 4 && len >> (8 * n))
	{
		n++;
	}
	head[1] = (uint8_t)(n ? 0x80 | n : len);
	for (size_t i = 0; i < n; i++)
	{
		head[2 + i] = (uint8_t)(len >> (8 * (n - 1 - i)));
	}
	der_put(d, head, 2 + n);
}

void der_put_as(struct der *d, uint8_t tag, const void *data, size_t len)
{
	const uint8_t *there = der_mark(d);

	der_put(d, data, len);
	der_wrap(d, tag, there);
}

void der_put_number(struct der *d, uint64_t number)
{
	uint8_t bytes[9] = { 0 };
	size_t from = 0;

	for (size_t i = 0; i < 8; i++)
	{
		bytes[8 - i] = (uint8_t)(number >> (8 * i));
	}
	while (from < 8 && bytes[from] == 0 && !(bytes[from + 1] & 0x80))
	{
		from++;
	}
	der_put_as(d, DER_INTEGER, bytes + from, sizeof(bytes) - from);
}

/* Year, month and day of days since 1970, by the rule of the Gregorian calendar
 * in cycles of 400 years that begin in March. */
static void civil(int64_t days, int64_t *year, int *month, int *day)
{
	const int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
	const int64_t of_era = z - era * 146097;
	const int64_t years = (of_era - of_era / 1460 + of_era / 36524 -
						   of_era / 146096) / 365;
	const int64_t of_year = of_era - (365 * years + years / 4 - years / 100);
	const int64_t m = (5 * of_year + 2) / 153;

	*day = (int)(of_year - (153 * m + 2) / 5 + 1);
	*month = (int)(m < 10 ? m + 3 : m - 9);
	*year = years + era * 400 + (*month <= 2);
}

void der_put_time(struct der *d, int64_t seconds)
{
	int64_t days = seconds / DAY_S, rest = seconds % DAY_S, year;
	int month, day;
	char text[32];
	bool is_short;

	if (rest < 0)
	{
		rest += DAY_S;
		days--;
	}
	civil(days, &year, &month, &day);
	/* RFC 5280 4.1.2.5 */
	is_short = year >= 1950 && year < 2050;
	snprintf(text, sizeof(text), "%0*d%02d%02d%02d%02d%02dZ", is_short ? 2 : 4,
			 (int)(is_short ? year % 100 : year), month, day,
			 (int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60));
	der_put_as(d, is_short ? DER_UTC_TIME : DER_GENERALIZED_TIME, text,
			   strlen(text));
}
