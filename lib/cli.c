/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * cli.c - a command's table of subcommands
 *
 * Effects: stdout, stderr of a command.
 */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "cli.h"

#define EXIT_FAILED 1
#define EXIT_USAGE 2

struct cli_args {
	const struct cli *cli;
	const struct cli_command *command;	/* NULL until its words came */
	const char *word;					/* those so far: in words; NULL: none */
	char words[64];
	bool help, version;
	bool only_args;						/* "--" came */
	unsigned count, given_count;
	const char **args;
	struct given {
		const struct cli_option *option;
		const char *value;
	} *given;
};

const char *cli_arg(const struct cli_args *args, unsigned n)
{
	return n < args->count ? args->args[n] : NULL;
}

unsigned cli_count(const struct cli_args *args)
{
	return args->count;
}

const char *cli_opt(const struct cli_args *args, const char *name)
{
	unsigned i;

	for (i = 0; i < args->given_count; i++)
	{
		if (strcmp(args->given[i].option->name, name) == 0)
		{
			return args->given[i].value;
		}
	}
	return NULL;
}

/* Help -------------------------------------------------------------------- */

static void print_row(const char *left, const char *help)
{
	/* what does not fit gets a line of its own */
	if (strlen(left) > 30)
	{
		printf("  %s\n  %-30s  %s\n", left, "", help);
		return;
	}
	printf("  %-30s  %s\n", left, help);
}

static void print_options(const char *title, const struct cli_option *option)
{
	char *left;

	if (!option || !option->name)
	{
		return;
	}
	printf("\n%s\n", title);
	for (; option->name; option++)
	{
		left = xasprintf("%s%s%s", option->name, option->arg ? " " : "",
						 option->arg ? option->arg : "");
		print_row(left, option->help);
		free(left);
	}
}

static void print_common(const struct cli *cli)
{
	print_options("Options of every command:", cli->options);
	printf("\n");
	print_row("-h, --help", "this help; after a command: its own");
	print_row("--version", "print the version");
}

static bool has_word(const struct cli_command *command, const char *word)
{
	size_t len = strlen(word);

	return strncmp(command->words, word, len) == 0 &&
		   (command->words[len] == ' ' || !command->words[len]);
}

/* of all commands, or of those that begin with word */
static void print_help(const struct cli *cli, const char *word)
{
	const struct cli_command *command;
	char *left;

	printf("%s - %s\n\nUsage: %s %s%sCOMMAND [OPTION ...] [ARGUMENT ...]\n\n"
		   "Commands:\n", cli->program, cli->summary, cli->program,
		   word ? word : "", word ? " " : "");
	for (command = cli->commands; command->words; command++)
	{
		if (word && !has_word(command, word))
		{
			continue;
		}
		left = xasprintf("%s %s", command->words, command->args);
		print_row(left, command->help);
		free(left);
	}
	print_common(cli);
}

static void print_command_help(const struct cli *cli,
							   const struct cli_command *command)
{
	printf("Usage: %s %s%s%s%s\n\n%s\n", cli->program, command->words,
		   command->options ? " [OPTION ...]" : "", *command->args ? " " : "",
		   command->args, command->help);
	print_options("Options:", command->options);
	print_common(cli);
}

static int usage_error(const struct cli_args *args, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* What was typed, or pasted: nothing of it drives the terminal. */
static void print_typed(const char *text)
{
	for (; *text; text++)
	{
		fputc(*text < 0x20 || *text > 0x7e ? '?' : *text, stderr);
	}
}

static int usage_error(const struct cli_args *args, const char *fmt, ...)
{
	const char *words = args->command ? args->command->words : args->word;
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(stderr, "%s: ", args->cli->program);
	print_typed(text);
	fprintf(stderr, "\n  → %s%s", args->cli->program, words ? " " : "");
	print_typed(words ? words : "");
	fprintf(stderr, " --help\n");
	return EXIT_USAGE;
}

/* Parsing ----------------------------------------------------------------- */

static const struct cli_option *find_option(const struct cli_option *options,
											const char *name, size_t len)
{
	for (; options && options->name; options++)
	{
		if (strlen(options->name) == len &&
			strncmp(options->name, name, len) == 0)
		{
			return options;
		}
	}
	return NULL;
}

static int add_option(struct cli_args *args, const struct cli_option *option,
					  const char *value)
{
	if (cli_opt(args, option->name))
	{
		return usage_error(args, "%s is given twice", option->name);
	}
	args->given[args->given_count++] = (struct given){ option, value };
	return 0;
}

/* argv[*i] begins with '-'; may take the next one too */
static int parse_option(struct cli_args *args, int argc, char *argv[], int *i)
{
	const char *name = argv[*i], *equals = strchr(name, '=');
	size_t len = equals ? (size_t)(equals - name) : strlen(name);
	const struct cli_option *option = NULL;

	if (args->command)
	{
		option = find_option(args->command->options, name, len);
	}
	if (!option)
	{
		option = find_option(args->cli->options, name, len);
	}
	if (!option)
	{
		return usage_error(args, "unknown option '%.*s'%s", (int)len, name,
						   args->command ? "" : " (options of a command come "
						   "after its words)");
	}
	if (!option->arg)
	{
		return equals ? usage_error(args, "%s takes no value", option->name) :
			   add_option(args, option, "");
	}
	if (equals)
	{
		return add_option(args, option, equals + 1);
	}
	if (*i + 1 >= argc)
	{
		return usage_error(args, "%s needs %s", option->name, option->arg);
	}
	return add_option(args, option, argv[++*i]);
}

static const struct cli_command *find_command(const struct cli *cli,
											  const char *words)
{
	const struct cli_command *command;

	for (command = cli->commands; command->words; command++)
	{
		if (strcmp(command->words, words) == 0)
		{
			return command;
		}
	}
	return NULL;
}

/* of some command */
static bool are_first_words(const struct cli *cli, const char *words)
{
	const struct cli_command *command;

	for (command = cli->commands; command->words; command++)
	{
		if (has_word(command, words))
		{
			return true;
		}
	}
	return false;
}

/* a word that is no option: one of the command's words, or an argument */
static int parse_word(struct cli_args *args, const char *word)
{
	char *words;
	int rc = 0;

	if (args->command)
	{
		args->args[args->count++] = word;
		return 0;
	}
	words = xasprintf("%s%s%s", args->word ? args->word : "",
					  args->word ? " " : "", word);
	args->command = find_command(args->cli, words);
	if (!args->command && (strlen(words) >= sizeof(args->words) ||
						   !are_first_words(args->cli, words)))
	{
		rc = usage_error(args, "unknown command '%s'", words);
	}
	else if (!args->command)
	{
		strcpy(args->words, words);
		args->word = args->words;
	}
	free(words);
	return rc;
}

static int parse(struct cli_args *args, int argc, char *argv[])
{
	int i, rc = 0;

	for (i = 1; i < argc && !rc; i++)
	{
		const char *word = argv[i];

		if (args->only_args || word[0] != '-' || !word[1])
		{
			rc = parse_word(args, word);
		}
		else if (strcmp(word, "--") == 0)
		{
			args->only_args = true;
		}
		else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		{
			args->help = true;
		}
		else if (strcmp(word, "--version") == 0)
		{
			args->version = true;
		}
		else
		{
			rc = parse_option(args, argc, argv, &i);
		}
	}
	return rc;
}

static int check_count(const struct cli_args *args)
{
	const struct cli_command *command = args->command;

	if (!command)
	{
		return usage_error(args, "%s", !args->word ? "a command is missing" :
						   strchr(args->word, ' ') ?
						   "the command's third word is missing" :
						   "the command's second word is missing");
	}
	if (args->count > command->max_args)
	{
		return usage_error(args, "%s does not take '%s'", command->words,
						   args->args[command->max_args]);
	}
	if (args->count < command->min_args)
	{
		return usage_error(args, "%s needs %s", command->words, command->args);
	}
	return 0;
}

static int run(const struct cli_args *args, void *user)
{
	struct err e = { .code = ERR_INTERNAL };
	int rc;

	rc = args->command->run(args, user, &e);
	if (rc < 0)
	{
		fflush(stdout);
		err_print(args->cli->program, &e);
		return EXIT_FAILED;
	}
	return 0;
}

/* a full disk or closed pipe behind stdout is a failure too */
static int finish(const struct cli *cli, int status)
{
	if ((fflush(stdout) || ferror(stdout)) && !status)
	{
		fprintf(stderr, "%s: cannot write output: %s\n", cli->program,
				strerror(errno));
		return EXIT_FAILED;
	}
	return status;
}

int cli_main(const struct cli *cli, int argc, char *argv[], void *user)
{
	struct cli_args args = {
		.cli = cli,
		.args = xcalloc((size_t)argc, sizeof(char *)),
		.given = xcalloc((size_t)argc, sizeof(struct given)),
	};
	int status = parse(&args, argc, argv);

	if (!status && args.version)
	{
		printf("%s %s\n", cli->program, PACKAGE_VERSION);
	}
	else if (!status && args.help)
	{
		if (args.command)
		{
			print_command_help(cli, args.command);
		}
		else
		{
			print_help(cli, args.word);
		}
	}
	else if (!status)
	{
		status = check_count(&args);
		status = status ? status : run(&args, user);
	}
	free(args.args);
	free(args.given);
	return finish(cli, status);
}
