/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * model_encode.c - the canonical text of a document
 *
 * Pure. Members stand in the order of the schema, lists that are sets are
 * sorted, so that equal documents have equal bytes and hashes.
 */
#include "config.h"

#include <stdbool.h>
#include <stdlib.h>

#include "alloc.h"
#include "json_out.h"
#include "model_words.h"

/* Sorted pointers to the elements of a const array; the caller frees them. They
 * are sorted already where the server rendered them. */
static const void **sorted(const void *elements, size_t count, size_t size,
						   int (*compare)(const void *, const void *))
{
	const void **order = xcalloc(count, sizeof(void *));
	bool in_order = true;
	size_t i;

	for (i = 0; i < count; i++)
	{
		order[i] = (const char *)elements + i * size;
		in_order = in_order && (!i || compare(&order[i - 1], &order[i]) <= 0);
	}
	if (!in_order)
	{
		qsort(order, count, sizeof(void *), compare);
	}
	return order;
}

#define COMPARE_POINTERS(name, compare) \
	static int name(const void *a, const void *b) \
	{ \
		return compare(*(const void *const *)a, *(const void *const *)b); \
	}
COMPARE_POINTERS(by_profile, model_profile_compare)
COMPARE_POINTERS(by_vpn, model_vpn_compare)
COMPARE_POINTERS(by_peer, model_peer_compare)
COMPARE_POINTERS(by_removed, model_removed_compare)

static void encode_addr(struct json_out *o, const char *key,
						const struct addr *a)
{
	char buf[ADDR_TEXT_MAX];

	jo_str(o, key, addr_str(a, buf));
}

static void encode_identity(struct json_out *o, const char *fqdn)
{
	jo_object(o, "identity");
	jo_str(o, "fqdn-string", fqdn);
	jo_object_end(o);
}

static void encode_strings(struct json_out *o, const char *key, char **strings,
						   size_t count)
{
	size_t i;

	jo_array(o, key);
	for (i = 0; i < count; i++)
	{
		jo_str(o, NULL, strings[i]);
	}
	jo_array_end(o);
}

static void encode_management(struct json_out *o,
							  const struct model_management *m)
{
	jo_object(o, "management");
	encode_strings(o, "servers", m->servers, m->server_count);
	jo_u64(o, "poll-interval", m->poll_interval);
	jo_u64(o, "long-poll-timeout", m->long_poll_timeout);
	jo_u64(o, "report-interval", m->report_interval);
	if (m->confirm_timeout)
	{
		jo_u64(o, "confirm-timeout", m->confirm_timeout);
	}
	jo_object_end(o);
}

static void encode_profiles(struct json_out *o, const struct model_document *doc)
{
	const void **order = sorted(doc->profiles, doc->profile_count,
								sizeof(*doc->profiles), by_profile);
	size_t i;

	jo_object(o, "sa-profiles");
	for (i = 0; i < doc->profile_count; i++)
	{
		const struct model_profile *p = order[i];

		jo_object(o, p->name);
		encode_strings(o, "proposals", p->proposals, p->proposal_count);
		encode_strings(o, "esp_proposals", p->esp_proposals,
					   p->esp_proposal_count);
		jo_u64(o, "rekey_time", p->rekey_time);
		jo_u64(o, "child_rekey_time", p->child_rekey_time);
		jo_u64(o, "dpd_delay", p->dpd_delay);
		jo_object_end(o);
	}
	jo_object_end(o);
	free(order);
}

static void encode_keys(struct json_out *o, const struct model_peer *peer)
{
	size_t i;

	jo_object(o, "pre-shared");
	jo_array(o, "keys");
	for (i = 0; i < peer->key_count; i++)
	{
		jo_object(o, NULL);
		jo_str(o, "key-id", peer->keys[i].key_id);
		jo_str(o, "use", model_key_uses[peer->keys[i].use]);
		jo_secret(o, "secret", &peer->keys[i].secret);
		jo_object_end(o);
	}
	jo_array_end(o);
	jo_object_end(o);
}

static void encode_certificate(struct json_out *o,
							   const struct model_certificate *certificate)
{
	jo_object(o, "certificate");
	if (certificate->cert_data)
	{
		jo_str(o, "cert-data", certificate->cert_data);
	}
	encode_strings(o, "ca-data", certificate->ca_data, certificate->ca_count);
	encode_strings(o, "crl-data", certificate->crl_data,
				   certificate->crl_count);
	jo_str(o, "revocation", model_revocations[certificate->revocation]);
	jo_object_end(o);
}

static void encode_certificate_use(struct json_out *o,
								   const struct model_peer *peer)
{
	jo_object(o, "certificate");
	jo_str(o, "use", model_key_uses[peer->certificate_use]);
	jo_object_end(o);
}

static void encode_peer(struct json_out *o, const struct model_peer *peer)
{
	jo_object(o, NULL);
	jo_str(o, "peer", peer->peer);
	if (peer->role != MODEL_ANY_TO_ANY_ROLE)
	{
		jo_str(o, "role", model_roles[peer->role]);
	}
	encode_addr(o, "remote-address", &peer->remote_address);
	if (peer->behind_nat)
	{
		jo_bool(o, "behind-nat", true);
	}
	encode_identity(o, peer->identity);
	if (peer->key_count)
	{
		encode_keys(o, peer);
	}
	if (peer->certificate)
	{
		encode_certificate_use(o, peer);
	}
	jo_str(o, "sa-profile", peer->sa_profile);
	jo_str(o, "initiator", model_initiators[peer->initiator]);
	jo_object(o, "tunnel");
	jo_str(o, "establishment", model_establishments[peer->establishment]);
	jo_str(o, "ipsec-mode", model_ipsec_modes[peer->ipsec_mode]);
	jo_str(o, "routing", model_routings[peer->routing]);
	if (peer->cost)
	{
		jo_u64(o, "cost", peer->cost);
	}
	jo_object_end(o);
	jo_object_end(o);
}

static void encode_peers(struct json_out *o, const struct model_vpn *vpn)
{
	const void **order = sorted(vpn->peers, vpn->peer_count,
								sizeof(*vpn->peers), by_peer);
	size_t i;

	jo_array(o, "peers");
	for (i = 0; i < vpn->peer_count; i++)
	{
		encode_peer(o, order[i]);
	}
	jo_array_end(o);
	free(order);
}

static void encode_removed(struct json_out *o, const struct model_vpn *vpn)
{
	const void **order = sorted(vpn->removed, vpn->removed_count,
								sizeof(*vpn->removed), by_removed);
	size_t i;

	jo_array(o, "removed");
	for (i = 0; i < vpn->removed_count; i++)
	{
		const struct model_removed *removed = order[i];

		jo_object(o, NULL);
		jo_str(o, "peer", removed->peer);
		jo_u64(o, "at-revision", removed->at_revision);
		jo_str(o, "reason", removed->reason);
		jo_object_end(o);
	}
	jo_array_end(o);
	free(order);
}

static void encode_routing(struct json_out *o, const struct model_vpn *vpn)
{
	jo_object(o, "routing");
	jo_object(o, "ospf");
	encode_addr(o, "area", &vpn->ospf.area);
	jo_u64(o, "hello-interval", vpn->ospf.hello_interval);
	jo_u64(o, "dead-interval", vpn->ospf.dead_interval);
	jo_u64(o, "cost", vpn->ospf.cost);
	jo_object_end(o);
	jo_object_end(o);
}

static void encode_retry(struct json_out *o, const struct model_retry *retry)
{
	jo_object(o, "retry");
	jo_u64(o, "minimum-wait", retry->minimum_wait);
	jo_u64(o, "t1", retry->t1);
	jo_u64(o, "factor", retry->factor);
	jo_u64(o, "maximum", retry->maximum);
	jo_u64(o, "alarm-after", retry->alarm_after);
	jo_object_end(o);
}

static void encode_vpn(struct json_out *o, const struct model_vpn *vpn)
{
	jo_object(o, NULL);
	jo_str(o, "customer", vpn->customer);
	jo_str(o, "vpn", vpn->vpn);
	jo_str(o, "site", vpn->site);
	encode_addr(o, "ce-address", &vpn->ce_address);
	if (vpn->behind_nat)
	{
		jo_bool(o, "behind-nat", true);
	}
	encode_identity(o, vpn->identity);
	jo_object(o, "topology");
	jo_str(o, "type", model_topologies[vpn->topology]);
	jo_str(o, "role", model_roles[vpn->role]);
	jo_object_end(o);
	jo_object(o, "authentication");
	jo_str(o, "auth-method", model_auths[vpn->auth]);
	jo_object_end(o);
	if (vpn->certificate.ca_count)
	{
		encode_certificate(o, &vpn->certificate);
	}
	encode_addr(o, "router-id", &vpn->router_id);
	jo_u64(o, "mtu", vpn->mtu);
	encode_routing(o, vpn);
	encode_retry(o, &vpn->retry);
	encode_peers(o, vpn);
	encode_removed(o, vpn);
	jo_object_end(o);
}

/* About what it takes; a document of a thousand peers is not copied ten times. */
static size_t likely_size(const struct model_document *doc)
{
	size_t size = 4096, i;

	for (i = 0; i < doc->vpn_count; i++)
	{
		size += 2048 + 512 * doc->vpns[i].peer_count +
				128 * doc->vpns[i].removed_count;
	}
	return size;
}

struct text model_encode(const struct model_document *doc)
{
	const void **order = sorted(doc->vpns, doc->vpn_count, sizeof(*doc->vpns),
								by_vpn);
	struct json_out o = { 0 };
	size_t i;

	text_reserve(&o.text, likely_size(doc));
	jo_object(&o, NULL);
	jo_str(&o, "schema", MODEL_SCHEMA);
	jo_str(&o, "ce", doc->ce);
	jo_u64(&o, "epoch", doc->epoch);
	jo_u64(&o, "revision", doc->revision);
	if (doc->bulk_removal)
	{
		jo_u64(&o, "bulk-removal", doc->bulk_removal);
	}
	jo_str(&o, "state", model_states[doc->state]);
	encode_management(&o, &doc->management);
	encode_profiles(&o, doc);
	jo_array(&o, "vpns");
	for (i = 0; i < doc->vpn_count; i++)
	{
		encode_vpn(&o, order[i]);
	}
	jo_array_end(&o);
	jo_object_end(&o);
	free(order);
	return jo_take(&o);
}
