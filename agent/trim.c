/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * trim.c - memory that the work needed and the waiting does not
 *
 * Effects: this process's mappings.
 */
#include "config.h"

#include <elf.h>
#include <link.h>
#include <malloc.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "trim.h"

/* Was this object's text written to, by relocations? Then it is not its file's. */
static bool has_text_relocations(const struct dl_phdr_info *info)
{
	for (ElfW(Half) i = 0; i < info->dlpi_phnum; i++)
	{
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
		const ElfW(Dyn) *d = (const ElfW(Dyn)*)(info->dlpi_addr + ph->p_vaddr);

		for (; ph->p_type == PT_DYNAMIC && d->d_tag != DT_NULL; d++)
		{
			if (d->d_tag == DT_TEXTREL ||
				(d->d_tag == DT_FLAGS && d->d_un.d_val & DF_TEXTREL))
			{
				return true;
			}
		}
	}
	return false;
}

/* Whole pages of a segment that nobody may write to, and nobody has. */
static void drop_segment(const struct dl_phdr_info *info,
						 const ElfW(Phdr) *ph)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t begin = info->dlpi_addr + ph->p_vaddr;
	uintptr_t end = (begin + ph->p_filesz) & ~(page - 1);

	begin = (begin + page - 1) & ~(page - 1);
	if (begin < end)
	{	/* refused, it stays as it is */
		madvise((void*)begin, end - begin, MADV_DONTNEED);
	}
}

static int drop_object(struct dl_phdr_info *info, size_t size, void *user)
{
	/* the kernel's own page is no file's */
	bool vdso = strncmp(info->dlpi_name, "linux-vdso", 10) == 0 ||
				strncmp(info->dlpi_name, "linux-gate", 10) == 0;

	if (vdso || has_text_relocations(info))
	{
		return 0;
	}
	for (ElfW(Half) i = 0; i < info->dlpi_phnum; i++)
	{
		if (info->dlpi_phdr[i].p_type == PT_LOAD &&
			!(info->dlpi_phdr[i].p_flags & PF_W))
		{
			drop_segment(info, &info->dlpi_phdr[i]);
		}
	}
	return 0;
}

void trim_memory(void)
{
	malloc_trim(0);
	dl_iterate_phdr(drop_object, NULL);
}
