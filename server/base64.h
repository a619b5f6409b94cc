/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * base64.h - base64 (RFC 4648 section 4) as HTTP and EST use it
 *
 * Pure.
 */
#ifndef PPVPN_SERVER_BASE64_H
#define PPVPN_SERVER_BASE64_H

#include <stddef.h>
#include <stdint.h>

/**
 * Decode; white space between the digits is skipped, padding is required.
 *
 * @param out	at least 3 * len / 4 bytes, may be the memory of in
 * @return		0 or -EINVAL
 */
int base64_decode(const char *in, size_t len, uint8_t *out, size_t *out_len);

/**
 * In one line: strongSwan's client of EST takes line breaks for digits. The
 * caller frees it.
 */
char *base64_encode(const uint8_t *in, size_t len);

#endif
