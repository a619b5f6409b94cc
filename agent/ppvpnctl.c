/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ppvpnctl.c - what a router's operator asks its agent
 *
 * Effects: stdout, the agent's socket.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "cli.h"
#include "ctl_answer.h"
#include "ctl_ask.h"
#include "ctl_print.h"
#include "file.h"
#include "json_out.h"

#define SOCKET_DEFAULT "/run/ppvpn/agent.sock"
#define ANSWER_SECONDS 30
/* a document may have to be fetched and applied */
#define SYNC_SECONDS 120

static int ask(const struct cli_args *args, const char *op, unsigned seconds,
			   struct text *answer, struct err *e)
{
	const char *path = cli_opt(args, "--socket");

	return ctl_ask(path ? path : SOCKET_DEFAULT, op, seconds, answer, e);
}

static int print(struct text *t, struct err *e)
{
	int rc = 0;

	if (fputs(text_str(t), stdout) == EOF || fflush(stdout) == EOF)
	{
		rc = err_set(e, -EIO, ERR_IO, "stdout", "cannot write");
	}
	text_done(t);
	return rc;
}

/* Ask, then print as it came (--json) or by fn. */
static int show(const struct cli_args *args, const char *op, unsigned seconds,
				int (*fn)(const struct cli_args *args, struct arena *a,
						  const struct text *answer, struct text *out,
						  struct err *e), struct err *e)
{
	struct text answer = {0}, out = {0};
	struct arena *a = arena_new();
	int rc = ask(args, op, seconds, &answer, e);

	if (rc == 0 && cli_opt(args, "--json"))
	{
		text_add(&out, text_str(&answer));
	}
	else if (rc == 0)
	{
		rc = fn(args, a, &answer, &out, e);
	}
	if (rc == 0)
	{
		rc = print(&out, e);
	}
	text_done(&out);
	text_done(&answer);
	arena_free(a);
	return rc;
}

/* Which peers are not up, and what is wrong, are further questions. */
static int print_status(const struct cli_args *args, struct arena *a,
						const struct text *answer, struct text *out,
						struct err *e)
{
	struct ctl_status s;
	struct ctl_peers p;
	struct ctl_alarms alarms;
	struct text peers = {0}, list = {0};
	int rc = ctl_status_read(a, answer->s, answer->len, &s, e);

	if (rc == 0)
	{
		rc = ask(args, "peers", ANSWER_SECONDS, &peers, e);
	}
	if (rc == 0)
	{
		rc = ctl_peers_read(a, peers.s, peers.len, &p, e);
	}
	if (rc == 0)
	{
		rc = ask(args, "alarms", ANSWER_SECONDS, &list, e);
	}
	if (rc == 0)
	{
		rc = ctl_alarms_read(a, list.s, list.len, &alarms, e);
	}
	if (rc == 0)
	{
		ctl_print_status(out, &s, &p, &alarms);
	}
	text_done(&peers);
	text_done(&list);
	return rc;
}

static int print_peers(const struct cli_args *args, struct arena *a,
					   const struct text *answer, struct text *out,
					   struct err *e)
{
	struct ctl_peers p;
	int rc = ctl_peers_read(a, answer->s, answer->len, &p, e);

	if (rc == 0)
	{
		ctl_print_peers(out, &p);
	}
	return rc;
}

static int print_plan(const struct cli_args *args, struct arena *a,
					  const struct text *answer, struct text *out,
					  struct err *e)
{
	struct ctl_plan p;
	int rc = ctl_plan_read(a, answer->s, answer->len, &p, e);

	if (rc == 0)
	{
		ctl_print_plan(out, &p);
	}
	return rc;
}

static int print_alarms(const struct cli_args *args, struct arena *a,
						const struct text *answer, struct text *out,
						struct err *e)
{
	struct ctl_alarms alarms;
	int rc = ctl_alarms_read(a, answer->s, answer->len, &alarms, e);

	if (rc == 0)
	{
		ctl_print_alarms(out, &alarms);
	}
	return rc;
}

static int print_sync(const struct cli_args *args, struct arena *a,
					  const struct text *answer, struct text *out,
					  struct err *e)
{
	struct ctl_status s;
	int rc = ctl_status_read(a, answer->s, answer->len, &s, e);

	if (rc == 0)
	{
		text_addf(out, "revision %llu: %s\n", (unsigned long long)s.revision,
				  s.result);
	}
	return rc;
}

/* ---- leave ----------------------------------------------------------------- */

static int print_leave(const struct cli_args *args, struct arena *a,
					   const struct text *answer, struct text *out,
					   struct err *e)
{
	struct ctl_status s;
	int rc = ctl_status_read(a, answer->s, answer->len, &s, e);

	if (rc == 0 && strcmp(s.state, "deprovisioned") == 0)
	{
		text_addf(out, "%s is in no VPN any more; its tunnels are gone.\n", s.ce);
	}
	else if (rc == 0)
	{
		text_addf(out, "%s agreed, and has not taken %s out yet: nothing was "
				  "changed. ppvpnctl sync asks again.\n", s.server, s.ce);
	}
	return rc;
}

static int print_left(const struct cli_args *args, struct arena *a,
					  const struct text *answer, struct text *out,
					  struct err *e)
{
	struct ctl_status s;
	int rc = ctl_status_read(a, answer->s, answer->len, &s, e);

	if (rc == 0 && strcmp(s.state, "left") == 0)
	{
		text_addf(out, "%s has left its VPNs: tunnels, routes, keys and "
				  "credentials are gone, the agent has ended. The provider was "
				  "not told.\n", s.ce);
	}
	else if (rc == 0)
	{
		text_addf(out, "%s is leaving, and %s not running: the agent finishes "
				  "when %s back.\n", s.ce,
				  s.charon ? "FRR is" : s.frr ? "charon is" :
				  "charon and FRR are",
				  s.charon || s.frr ? "it is" : "they are");
	}
	return rc;
}

/* A yes of somebody who has read what goes. */
static int confirm_leave(const struct cli_args *args, struct err *e)
{
	struct text answer = {0};
	struct arena *a = arena_new();
	struct ctl_status s;
	char line[16] = "";
	int rc = ask(args, "status", ANSWER_SECONDS, &answer, e);

	if (rc == 0)
	{
		rc = ctl_status_read(a, answer.s, answer.len, &s, e);
	}
	if (rc == 0)
	{
		printf("%s leaves all its VPNs:\n", s.ce);
		for (size_t i = 0; i < s.vpn_count; i++)
		{
			printf("  %s/%s: %llu peers\n", s.vpns[i].customer, s.vpns[i].vpn,
				   (unsigned long long)s.vpns[i].peers);
		}
		printf(cli_opt(args, "--local") ?
			   "The provider is not told. Its credentials on this router are "
			   "deleted, too; without a new bundle it cannot come back. Go on? "
			   "[yes/no] " :
			   "Only the provider can take it in again. Go on? [yes/no] ");
		(void)fflush(stdout);
		if (!fgets(line, sizeof(line), stdin) || strcmp(line, "yes\n") != 0)
		{
			rc = err_set(e, -ECANCELED, ERR_USAGE, "leave", "not confirmed: "
						 "nothing was changed");
		}
	}
	text_done(&answer);
	arena_free(a);
	return rc;
}

static int cmd_leave(const struct cli_args *args, void *user, struct err *e)
{
	int rc = 0;

	if (!cli_opt(args, "--yes"))
	{
		if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		{
			return err_set(e, -EINVAL, ERR_USAGE, "leave", "not on a terminal: "
						   "say --yes to take this router out of its VPNs");
		}
		rc = confirm_leave(args, e);
	}
	if (rc == 0 && cli_opt(args, "--local"))
	{
		return show(args, "leave-local", SYNC_SECONDS, print_left, e);
	}
	return rc ? rc : show(args, "leave", SYNC_SECONDS, print_leave, e);
}

static int print_diag(const struct cli_args *args, struct arena *a,
					  const struct text *answer, struct text *out,
					  struct err *e)
{
	text_add(out, text_str(answer));
	return 0;
}

static int cmd_diag(const struct cli_args *args, void *user, struct err *e)
{
	return show(args, "diag", SYNC_SECONDS, print_diag, e);
}

/* ---- watch ----------------------------------------------------------------- */

static int print_event(void *user, const char *line, size_t len, struct err *e)
{
	const struct cli_args *args = user;
	struct text out = {0};
	struct arena *a = arena_new();
	struct ctl_event event;
	int rc = ctl_answer_error(line, len, e);

	if (rc == 0 && cli_opt(args, "--json"))
	{
		text_addf(&out, "%s\n", line);
	}
	else if (rc == 0)
	{
		rc = ctl_event_read(a, line, len, &event, e);
		if (rc == 0)
		{
			ctl_print_event(&out, &event);
		}
	}
	if (rc == 0)
	{
		rc = print(&out, e);
	}
	text_done(&out);
	arena_free(a);
	return rc;
}

static int cmd_watch(const struct cli_args *args, void *user, struct err *e)
{
	const char *path = cli_opt(args, "--socket");

	return ctl_watch(path ? path : SOCKET_DEFAULT, print_event, (void*)args, e);
}

/* ---- metrics --------------------------------------------------------------- */

static int print_metrics(const struct cli_args *args, struct arena *a,
						 const struct text *answer, struct text *out,
						 struct err *e)
{
	const char *file = cli_opt(args, "--output");
	struct ctl_metrics m;
	int rc = ctl_metrics_read(a, answer->s, answer->len, &m, e);

	if (rc == 0)
	{
		ctl_print_metrics(out, &m);
	}
	if (rc == 0 && file)
	{
		rc = file_write(file, out->s, out->len, 0644, e);
		text_done(out);
		memset(out, 0, sizeof(*out));
	}
	return rc;
}

static int cmd_metrics(const struct cli_args *args, void *user, struct err *e)
{
	return show(args, "metrics", ANSWER_SECONDS, print_metrics, e);
}

static int cmd_status(const struct cli_args *args, void *user, struct err *e)
{
	return show(args, "status", ANSWER_SECONDS, print_status, e);
}

static int cmd_peers(const struct cli_args *args, void *user, struct err *e)
{
	return show(args, "peers", ANSWER_SECONDS, print_peers, e);
}

static int cmd_plan(const struct cli_args *args, void *user, struct err *e)
{
	return show(args, "plan", ANSWER_SECONDS, print_plan, e);
}

static int cmd_sync(const struct cli_args *args, void *user, struct err *e)
{
	const char *op = cli_opt(args, "--accept-removal") ? "accept-removal" :
					 cli_opt(args, "--retry") ? "retry" : "sync";

	if (cli_opt(args, "--accept-removal") && cli_opt(args, "--retry"))
	{
		return err_set(e, -EINVAL, ERR_USAGE, "sync", "one word at a time");
	}
	return show(args, op, SYNC_SECONDS, print_sync, e);
}

static int cmd_alarms(const struct cli_args *args, void *user, struct err *e)
{
	return show(args, "alarms", ANSWER_SECONDS, print_alarms, e);
}

/* ---- explain: needs no agent ----------------------------------------------- */

static void code_json(struct json_out *o, enum err_code code)
{
	jo_object(o, NULL);
	jo_str(o, "code", err_code_text(code));
	jo_str(o, "title", err_code_title(code));
	jo_str(o, "meaning", err_code_meaning(code));
	jo_str(o, "remedy", err_code_remedy(code));
	jo_object_end(o);
}

static struct text codes_json(const char *word, enum err_code code)
{
	struct json_out o = {0};
	struct text t;

	if (word)
	{
		code_json(&o, code);
	}
	else
	{
		jo_array(&o, NULL);
		for (int c = ERR_NONE + 1; c < ERR_CODE_COUNT; c++)
		{
			code_json(&o, c);
		}
		jo_array_end(&o);
	}
	t = jo_take(&o);
	text_add(&t, "\n");
	return t;
}

static int cmd_explain(const struct cli_args *args, void *user, struct err *e)
{
	const char *word = cli_arg(args, 0);
	enum err_code code = ERR_NONE;
	struct text t = {0};

	if (word && err_code_parse(word, &code) != 0)
	{
		return err_set(e, -ENOENT, ERR_NOT_FOUND, word, "there is no such code; "
					   "ppvpnctl explain lists them all");
	}
	if (cli_opt(args, "--json"))
	{
		t = codes_json(word, code);
	}
	else if (word)
	{
		ctl_print_code(&t, code);
	}
	else
	{
		ctl_print_codes(&t);
	}
	return print(&t, e);
}

static const struct cli_option common[] = {
	{ "--json", NULL, "the answer as JSON, for programs" },
	{ "--socket", "PATH", "the agent's socket (default " SOCKET_DEFAULT ")" },
	{ NULL, NULL, NULL },
};

static const struct cli_option sync_options[] = {
	{ "--accept-removal", NULL, "take the mass removal that is held back" },
	{ "--retry", NULL, "try the revision again that was taken back" },
	{ NULL, NULL, NULL },
};

static const struct cli_option leave_options[] = {
	{ "--local", NULL, "without the server: delete everything of them here" },
	{ "--yes", NULL, "do not ask" },
	{ NULL, NULL, NULL },
};

static const struct cli_option metrics_options[] = {
	{ "--output", "FILE", "replace this file, for node_exporter's textfile "
	  "collector" },
	{ NULL, NULL, NULL },
};

static const struct cli_command commands[] = {
	{ "status", "", 0, 0, "am I provisioned, what is up, what is wrong", NULL,
	  cmd_status },
	{ "peers", "", 0, 0, "every tunnel: state, OSPF, traffic", NULL, cmd_peers },
	{ "plan", "", 0, 0, "what the agent would change now", NULL, cmd_plan },
	{ "sync", "", 0, 0, "ask the server now, wait until it is applied",
	  sync_options, cmd_sync },
	{ "alarms", "", 0, 0, "what needs attention", NULL, cmd_alarms },
	{ "watch", "", 0, 0, "every event as it comes, until interrupted", NULL,
	  cmd_watch },
	{ "metrics", "", 0, 0, "the router's state for Prometheus", metrics_options,
	  cmd_metrics },
	{ "diag", "", 0, 0, "all of it as one JSON text, without secrets", NULL,
	  cmd_diag },
	{ "leave", "", 0, 0, "take this router out of all its VPNs", leave_options,
	  cmd_leave },
	{ "explain", "[CODE]", 0, 1, "what an error code means, what to do", NULL,
	  cmd_explain },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL },
};

int main(int argc, char *argv[])
{
	static const struct cli cli = {
		.program = "ppvpnctl",
		.summary = "ask the provisioning agent of this router",
		.options = common, .commands = commands,
	};

	return cli_main(&cli, argc, argv, NULL);
}
