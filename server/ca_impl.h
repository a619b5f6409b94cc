/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ca_impl.h - what the authorities share: ca.c, which has it, and ca_ike.c
 */
#ifndef PPVPN_SERVER_CA_IMPL_H
#define PPVPN_SERVER_CA_IMPL_H

#include <gnutls/x509.h>
#include <stdint.h>
#include "err.h"

/** An error of GnuTLS's, said: -ENOMEM or -EINVAL. */
int ca_fail(struct err *e, const char *where, const char *what, int rc);
/** A positive INTEGER of the shortest form. @return GnuTLS's */
int ca_set_serial(gnutls_x509_crt_t crt, uint64_t serial);

#endif
