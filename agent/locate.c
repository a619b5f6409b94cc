/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * locate.c - the addresses (s) of this router against its document
 *
 * Pure.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "locate.h"

#define SCHEME "https://"

bool locate_lacks(const struct model_vpn *vpn, locate_here_fn here, void *user)
{
	return !vpn->behind_nat && !here(user, &vpn->ce_address);
}

bool locate_report(const struct model_document *doc, locate_here_fn here,
				   void *user, const struct addr *source,
				   struct status_address *out)
{
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; doc && i < doc->vpn_count; i++)
	{
		if (locate_lacks(&doc->vpns[i], here, user))
		{
			out->missing = doc->vpns[i].ce_address;
			out->present = *source;
			return true;
		}
	}
	return false;
}

/* The host of a URL, where that is an address. */
static bool url_address(const char *url, struct addr *to)
{
	char host[ADDR_TEXT_MAX];
	size_t len;

	if (!url || strncmp(url, SCHEME, strlen(SCHEME)) != 0)
	{
		return false;
	}
	url += strlen(SCHEME);
	len = strcspn(url, ":/");
	if (len >= sizeof(host))
	{
		return false;
	}
	memcpy(host, url, len);
	host[len] = '\0';
	return addr_parse4(host, to) == 0;
}

bool locate_target(const struct model_document *doc, const char *server,
				   struct addr *to)
{
	for (size_t i = 0; doc && i < doc->vpn_count; i++)
	{
		if (doc->vpns[i].peer_count)
		{
			*to = doc->vpns[i].peers[0].remote_address;
			return true;
		}
	}
	return url_address(server, to);
}

bool locate_behind_nat(const struct model_document *doc)
{
	for (size_t i = 0; doc && i < doc->vpn_count; i++)
	{
		if (doc->vpns[i].behind_nat)
		{
			return true;
		}
	}
	return false;
}

unsigned locate_again_ms(unsigned last_ms, unsigned most_ms)
{
	const unsigned most = most_ms > LOCATE_FIRST_MS ? most_ms : LOCATE_FIRST_MS;
	unsigned ms = last_ms ? last_ms * 2 : LOCATE_FIRST_MS;

	return ms < most ? ms : most;
}
