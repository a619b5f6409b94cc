/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * once.c - main() of a fuzz target without libFuzzer: runs it on each file
 * named, and on a few changes of each
 */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* in a block of exactly its size, so that ASan sees a byte too far */
static void run_exact(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static void run_changes(uint8_t *data, size_t size)
{
	static const uint8_t marks[] = { 0, '"', '\\', '{', ']', ',', '0', 0xff };
	size_t i, j, step = size / 200 + 1;

	for (i = 0; i < size; i += step)
	{
		uint8_t old = data[i];

		run_exact(data, i);
		for (j = 0; j < sizeof(marks); j++)
		{
			data[i] = marks[j];
			run_exact(data, size);
		}
		data[i] = old;
	}
}

static int run_file(const char *path)
{
	static uint8_t buf[4 << 20];
	FILE *file = fopen(path, "rb");
	size_t size;

	if (!file)
	{
		perror(path);
		return 1;
	}
	size = fread(buf, 1, sizeof(buf), file);
	fclose(file);
	run_exact(buf, size);
	run_changes(buf, size);
	return 0;
}

int main(int argc, char *argv[])
{
	int i, failed = 0;

	for (i = 1; i < argc; i++)
	{
		failed |= run_file(argv[i]);
	}
	printf("%d seeds\n", argc - 1);
	return failed || argc < 2;
}
