/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * in_memory.h - does a secret stand anywhere in the memory of this process?
 */
#ifndef PPVPN_TEST_IN_MEMORY_H
#define PPVPN_TEST_IN_MEMORY_H

#include <check.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define WINDOW (1 << 16)

/* Every bit of len bytes the other way: a pattern that is looked for must not be
 * found itself. */
static inline void memory_flip(void *bytes, size_t len)
{
	uint8_t *p = bytes;

	for (size_t i = 0; i < len; i++)
	{
		p[i] = (uint8_t)~p[i];
	}
}

static inline unsigned memory_count_in(const uint8_t *p, size_t len,
									   const uint8_t *flipped, size_t want)
{
	unsigned found = 0;
	size_t i, j;

	for (i = 0; i + want <= len; i++)
	{
		for (j = 0; j < want && (p[i + j] ^ flipped[j]) == 0xff; j++)
		{
		}
		found += j == want;
	}
	return found;
}

/*
 * How often a pattern of want bytes, given flipped, stands in all that this
 * process can read and write; ASan's shadow, a mapping of more than 1 GiB, is
 * left out. Windows share want - 1 bytes, so that nothing hides on an edge: not
 * on the edge of two mappings either, as those of a program's data and bss.
 */
static inline unsigned memory_count(const uint8_t *flipped, size_t want)
{
	/* shared, so that it is a mapping of its own, which is left out */
	uint8_t *page = mmap(NULL, WINDOW, PROT_READ | PROT_WRITE,
						 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned long long start, end, at, before = 0;
	FILE *maps = fopen("/proc/self/maps", "r");
	int mem = open("/proc/self/mem", O_RDONLY);
	char line[512], mode[8];
	unsigned found = 0;
	ssize_t n;

	ck_assert(page != MAP_FAILED && maps && mem >= 0);
	while (fgets(line, sizeof(line), maps))
	{
		if (sscanf(line, "%llx-%llx %7s", &start, &end, mode) != 3 ||
			mode[0] != 'r' || mode[1] != 'w' || start == (uintptr_t)page ||
			end - start > 1ull << 30)
		{
			continue;
		}
		at = start == before ? start - (want - 1) : start;
		before = end;
		for (; at + want <= end; at += WINDOW - (want - 1))
		{
			n = pread(mem, page, at + WINDOW < end ? WINDOW
														: end - at, (off_t)at);
			if (n > 0)
			{
				found += memory_count_in(page, (size_t)n, flipped, want);
			}
		}
	}
	munmap(page, WINDOW);
	fclose(maps);
	close(mem);
	return found;
}

#endif
