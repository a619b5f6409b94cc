/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * cms.h - certificates in the form that EST has for them: CMS signed data
 * without a signature (RFC 5652, RFC 7030 4.1.3)
 *
 * Pure. GnuTLS makes one whose content is said to be digested data, which
 * strongSwan does not read.
 */
#ifndef PPVPN_SERVER_CMS_H
#define PPVPN_SERVER_CMS_H

#include <stddef.h>
#include <stdint.h>

/** One certificate in DER, of less than 16 MiB; the caller frees it. */
uint8_t *cms_certs_only(const uint8_t *certificate, size_t len,
						size_t *cms_len);

#endif
