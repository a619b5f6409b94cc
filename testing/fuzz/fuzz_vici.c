/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * fuzz_vici.c - whatever comes out of charon's socket as a VICI packet
 *
 * With libFuzzer, or by itself over the files and directories it is given, each
 * as it is, and cut and disturbed at every place.
 */
#include "config.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/facts.h"
#include "agent/resource.h"
#include "agent/vici_msg.h"
#include "agent/vici_read.h"
#include "alloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_child(void *user, const char *conn, const char *child)
{
	*(size_t *)user += strlen(conn) + strlen(child);
}

static void as_sa(struct vici_walk w)
{
	struct arena *a = arena_new();
	struct resource_set set;
	struct facts facts = { 0 };
	struct vici_sa sas[2];

	resource_set_init(&set, a);
	if (vici_read_sa(&w, a, &sas[0]) == 0)
	{
		sas[1] = sas[0];
		vici_sas_report(sas, 2, &facts, &set);
	}
	facts_done(&facts);
	resource_set_done(&set);
	arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vici_walk w, copy;
	enum vici_packet type;
	char name[256], errmsg[256];
	size_t total = 0;
	bool success;

	if (vici_open(&w, data, size, &type, name) != 0)
	{
		return 0;
	}
	as_sa(w);
	copy = w;
	vici_read_event_conn(&copy, name);
	copy = w;
	vici_read_result(&copy, &success, errmsg);
	vici_read_conn(&w, on_child, &total);
	return 0;
}

#ifndef PPVPN_FUZZER

/* The input itself, every prefix of it, and every byte changed. */
static void run(const uint8_t *data, size_t size)
{
	static const uint8_t values[] = { 0, 1, 2, 3, 4, 5, 6, 7, 0x7f, 0xff };
	uint8_t *copy;

	for (size_t len = 0; len <= size; len++)
	{
		copy = malloc(len > 0 ? len : 1);
		memcpy(copy, data, len);
		LLVMFuzzerTestOneInput(copy, len);
		free(copy);
	}
	copy = malloc(size > 0 ? size : 1);
	for (size_t i = 0; i < size * sizeof(values); i++)
	{
		memcpy(copy, data, size);
		copy[i / sizeof(values)] = values[i % sizeof(values)];
		LLVMFuzzerTestOneInput(copy, size);
	}
	free(copy);
}

static int run_file(const char *path)
{
	static uint8_t data[65536];
	FILE *f = fopen(path, "rb");
	size_t size;

	if (f == NULL)
	{
		perror(path);
		return 0;
	}
	size = fread(data, 1, sizeof(data), f);
	fclose(f);
	run(data, size);
	return 1;
}

int main(int argc, char *argv[])
{
	struct dirent *entry;
	char path[4096];
	int seeds = 0;
	DIR *dir;

	for (int i = 1; i < argc; i++)
	{
		dir = opendir(argv[i]);
		if (dir == NULL)
		{
			seeds += run_file(argv[i]);
			continue;
		}
		while ((entry = readdir(dir)) != NULL)
		{
			snprintf(path, sizeof(path), "%s/%s", argv[i], entry->d_name);
			seeds += entry->d_name[0] != '.' ? run_file(path) : 0;
		}
		closedir(dir);
	}
	printf("%d seeds\n", seeds);
	return seeds > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
