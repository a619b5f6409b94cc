/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * alloc.c - allocation that does not fail, and the arena
 *
 * Pure.
 */
#include "config.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "secret.h"

#ifdef __has_feature
# if __has_feature(address_sanitizer)
#  define ONE_CHUNK_EACH
# endif
#endif
#ifdef __SANITIZE_ADDRESS__
# define ONE_CHUNK_EACH
#endif

/* Under ASan every piece is a chunk of its own, so that its ends are guarded. */
#ifdef ONE_CHUNK_EACH
# define CHUNK_SIZE 1
#else
# define CHUNK_SIZE 16384
#endif

struct chunk {
	struct chunk *next;
	size_t used, size;
	alignas(max_align_t) uint8_t data[];
};

struct arena {
	struct chunk *chunks;		/* the first is the one to take from */
};

static void __attribute__((noreturn)) out_of_memory(void)
{
	static const char text[] = "out of memory\n";

	fwrite(text, 1, sizeof(text) - 1, stderr);
	abort();
}

void *xcalloc(size_t n, size_t size)
{
	size_t bytes;
	void *p;

	if (__builtin_mul_overflow(n, size, &bytes))
	{
		out_of_memory();
	}
	/* at least one byte, so that NULL means out of memory */
	p = calloc(1, bytes ? bytes : 1);
	if (!p)
	{
		out_of_memory();
	}
	return p;
}

void *xrealloc(void *p, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
	{
		out_of_memory();
	}
	p = realloc(p, bytes ? bytes : 1);
	if (!p)
	{
		out_of_memory();
	}
	return p;
}

char *xstrdup(const char *s)
{
	size_t size = strlen(s) + 1;

	return memcpy(xcalloc(1, size), s, size);
}

char *xasprintf(const char *fmt, ...)
{
	va_list args;
	char *s;

	va_start(args, fmt);
	if (vasprintf(&s, fmt, args) < 0)
	{
		out_of_memory();
	}
	va_end(args);
	return s;
}

struct arena *arena_new(void)
{
	return xcalloc(1, sizeof(struct arena));
}

void arena_free(struct arena *a)
{
	struct chunk *chunk, *next;

	if (!a)
	{
		return;
	}
	for (chunk = a->chunks; chunk; chunk = next)
	{
		next = chunk->next;
		wipe(chunk->data, chunk->used);
		free(chunk);
	}
	free(a);
}

static struct chunk *chunk_add(struct arena *a, size_t size)
{
	size_t room = size < CHUNK_SIZE ? CHUNK_SIZE : size;
	struct chunk *chunk = xcalloc(1, offsetof(struct chunk, data) + room);

	chunk->size = room;
	if (a->chunks && size > CHUNK_SIZE / 4)
	{	/* a big piece stands alone; small ones go on in the present chunk */
		chunk->next = a->chunks->next;
		a->chunks->next = chunk;
	}
	else
	{
		chunk->next = a->chunks;
		a->chunks = chunk;
	}
	return chunk;
}

void *arena_calloc(struct arena *a, size_t n, size_t size)
{
	struct chunk *chunk = a->chunks;
	size_t bytes;
	void *p;

	if (__builtin_mul_overflow(n, size, &bytes) || bytes > PTRDIFF_MAX / 2)
	{
		out_of_memory();
	}
	bytes = bytes ? bytes : 1;
	if (CHUNK_SIZE > 1)
	{
		bytes = (bytes + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	}
	if (!chunk || chunk->size - chunk->used < bytes)
	{
		chunk = chunk_add(a, bytes);
	}
	p = chunk->data + chunk->used;
	chunk->used += bytes;
	return p;
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *copy;

	len = strnlen(s, len);
	copy = arena_calloc(a, len + 1, 1);
	memcpy(copy, s, len);
	return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list args;
	char *s;
	int len;

	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len < 0)
	{
		abort();
	}
	s = arena_calloc(a, (size_t)len + 1, 1);
	va_start(args, fmt);
	vsnprintf(s, (size_t)len + 1, fmt, args);
	va_end(args);
	return s;
}
