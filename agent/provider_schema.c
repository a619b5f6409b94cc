/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * provider_schema.c - a server that is one version ahead, or behind
 *
 * Which report the server takes, and what is to be said when there is no version
 * in common. A document of a version that is not known is belief's.
 */
#include "config.h"

#include <string.h>
#include <stdlib.h>

#include "loop.h"
#include "provider_impl.h"
#include "schema.h"

/* Others say nothing of versions: a proxy's, a server's that goes down. */
static bool is_word(const struct fetch_answer *a)
{
	return a->rc == 0 && (a->status == 200 || a->status == 304 ||
						  a->status == 410 || a->status == 406);
}

static void no_document(struct provider *p, const struct fetch_answer *a)
{
	char ours[SCHEMA_LIST_SIZE];

	schema_list(schema_config, ours);
	provider_explain(p, a, &p->skew);
	p->skew.code = ERR_SCHEMA;
	err_prefix(&p->skew, "this router's agent takes %s", ours);
}

static void no_report(struct provider *p, const struct fetch_answer *a)
{
	char ours[SCHEMA_LIST_SIZE];

	schema_list(schema_status, ours);
	err_set(&p->skew, 0, ERR_SCHEMA, provider_server(p), "this router's agent "
			"reports in %s, the server takes %.100s: nothing is reported", ours,
			a->schema);
}

bool provider_hear_schema(struct provider *p, const struct fetch_answer *a)
{
	struct err was = p->skew;
	int report;

	if (!is_word(a))
	{
		return false;
	}
	memset(&p->skew, 0, sizeof(p->skew));
	report = schema_common(schema_status, a->schema[0] ? a->schema : NULL);
	if (report != p->report_schema)
	{	/* what waits is written in another one */
		free(p->report);
		p->report = NULL;
		p->report_schema = report;
		p->report_lost = true;
	}
	if (a->status == 406)
	{
		no_document(p, a);
	}
	else if (report < 0)
	{
		no_report(p, a);
	}
	return was.code != p->skew.code || strcmp(was.text, p->skew.text) != 0;
}
