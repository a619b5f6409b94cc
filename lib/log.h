/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * log.h - log lines with a level and a subsystem token
 *
 * Owns stderr/syslog output. Pure code never logs. Lines go to stderr, with
 * "<N>" priorities when it is the journal ($JOURNAL_STREAM), else with a time.
 * Bytes that are not printable become '?'; a line is at most 1 KiB. Secrets
 * never come here: they have a type of their own (secret.h).
 */
#ifndef PPVPN_LOG_H
#define PPVPN_LOG_H

#include "err.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/** Set program name and lowest level that is printed; call once from main(). */
void log_init(const char *program, enum log_level level);
void log_set_level(enum log_level level);
/** 0, or -EINVAL for a name that is not error, warn, info or debug. */
int log_level_parse(const char *name, enum log_level *level);
/** Comma-separated tokens whose debug lines are printed; NULL: all. */
void log_set_tokens(const char *tokens);

/** token: a short subsystem word such as "fetch", "apply", "store". Thread safe. */
void log_line(enum log_level level, const char *token, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/** Log an error value as "what: where: text [code]". */
void log_err(enum log_level level, const char *token, const char *what,
			 const struct err *e);

#define log_error(token, ...) log_line(LOG_LEVEL_ERROR, token, __VA_ARGS__)
#define log_warn(token, ...) log_line(LOG_LEVEL_WARN, token, __VA_ARGS__)
#define log_info(token, ...) log_line(LOG_LEVEL_INFO, token, __VA_ARGS__)
#define log_debug(token, ...) log_line(LOG_LEVEL_DEBUG, token, __VA_ARGS__)

#endif
