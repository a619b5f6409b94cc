/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * cli.h - a command's table of subcommands, which is also its help text
 *
 * Effects: stdout, stderr of a command.
 */
#ifndef PPVPN_CLI_H
#define PPVPN_CLI_H

#include <stdbool.h>
#include "err.h"

struct cli_option {
	const char *name;		/* "--topology" */
	const char *arg;		/* "TYPE", NULL: a flag */
	const char *help;
};

struct cli_args;

struct cli_command {
	const char *words;		/* "site add": one or two words */
	const char *args;		/* "CUSTOMER/VPN/SITE" for the help; "" none */
	unsigned min_args, max_args;
	const char *help;		/* one line */
	const struct cli_option *options;	/* ended by name NULL; may be NULL */
	/* returns 0 or -errno with e filled */
	int (*run)(const struct cli_args *args, void *user, struct err *e);
};

struct cli {
	const char *program;
	const char *summary;				/* one line */
	const struct cli_option *options;	/* of every command */
	const struct cli_command *commands;	/* ended by words NULL */
};

/** Positional argument n (from 0), NULL when absent. */
const char *cli_arg(const struct cli_args *args, unsigned n);
unsigned cli_count(const struct cli_args *args);
/** Value of an option ("" for a flag), NULL when absent. */
const char *cli_opt(const struct cli_args *args, const char *name);

/**
 * Parse argv, run the command, print errors. --help, -h and --version are
 * known everywhere ("site add --help" too); an unknown word or option names
 * itself and says --help.
 *
 * @return		exit status: 0, 1 (the command failed), 2 (usage)
 */
int cli_main(const struct cli *cli, int argc, char *argv[], void *user);

#endif
