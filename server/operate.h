/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * operate.h - the commands that look after a state directory: check, backup,
 * restore, key rotate
 */
#ifndef PPVPN_SERVER_OPERATE_H
#define PPVPN_SERVER_OPERATE_H

#include "cli.h"
#include "server/conf.h"

extern const struct cli_option operate_check_options[];
extern const struct cli_option operate_backup_options[];
extern const struct cli_option operate_restore_options[];
extern const struct cli_option operate_key_options[];

int operate_check(const struct cli_args *args, void *user, struct err *e);
int operate_backup(const struct cli_args *args, void *user, struct err *e);
int operate_restore(const struct cli_args *args, void *user, struct err *e);
int operate_key_rotate(const struct cli_args *args, void *user, struct err *e);

/** server.conf (of --config) and instance.conf; server_conf_done() in any case. */
int operate_read_conf(const struct cli_args *args, struct server_conf *conf,
					  struct err *e);

#endif
