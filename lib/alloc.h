/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * alloc.h - allocation that does not fail, and an arena for memory that lives
 * for one cycle
 *
 * Pure. Out of memory ends the process (inputs are bounded, so no peer can
 * cause it). Not for use inside charon.
 */
#ifndef PPVPN_ALLOC_H
#define PPVPN_ALLOC_H

#include <stddef.h>

void *xcalloc(size_t n, size_t size) __attribute__((returns_nonnull));
void *xrealloc(void *p, size_t n, size_t size) __attribute__((returns_nonnull));
char *xstrdup(const char *s) __attribute__((returns_nonnull));
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2), returns_nonnull));

struct arena;

struct arena *arena_new(void);
/** Wipes (an arena may hold secrets) and frees everything; NULL is fine. */
void arena_free(struct arena *a);
/** Zeroed memory, aligned for any type, alive until arena_free(). */
void *arena_calloc(struct arena *a, size_t n, size_t size) __attribute__((returns_nonnull));
char *arena_strdup(struct arena *a, const char *s) __attribute__((returns_nonnull));
char *arena_strndup(struct arena *a, const char *s, size_t len) __attribute__((returns_nonnull));
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3), returns_nonnull));

#endif
