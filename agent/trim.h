/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * trim.h - memory that the work needed and the waiting does not
 */
#ifndef PPVPN_AGENT_TRIM_H
#define PPVPN_AGENT_TRIM_H

/**
 * Give back freed heap, and the mapped pages of programs and libraries: what an
 * idle agent runs through again is mapped again from the page cache, at the cost
 * of some hundred minor faults; the rest, which only a start or a change needs
 * (four fifths of what curl brings along), is the kernel's to use. Nothing that
 * was written to is touched. Call it when there is nothing to do.
 */
void trim_memory(void);

#endif
