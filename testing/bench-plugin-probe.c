/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * bench-plugin-probe.c - a charon plugin that measures look-ups from inside
 *
 * Owns a socket that takes "ike|peer COUNT LOOPS COLD" and answers with the
 * microseconds of one look-up among COUNT peers, through charon's own backend
 * manager, with COLD bytes of other memory touched before each.  Also stands in for the kernel, so that the daemon needs no
 * privilege and installs nothing.  For the bench only, never installed.
 */

#include "ppvpn_compat.h"

#include <kernel/kernel_ipsec.h>
#include <kernel/kernel_net.h>
#include <networking/streams/stream_service.h>
#include <plugins/plugin.h>

#include <time.h>

#define EXPORT __attribute__((visibility("default")))

/** Most look-ups of one measurement. */
#define MAX_LOOPS 20000

/** Most bytes touched between two look-ups. */
#define MAX_COLD (256 * 1024 * 1024)

EXPORT plugin_t *bench_probe_plugin_create(void);
EXPORT extern const char *bench_probe_plugin_version;
const char *bench_probe_plugin_version = VERSION;

/** What one look-up needs, made before the clock runs. */
typedef struct {
	host_t *me, *other;
	identification_t *my_id, *other_id;
} lookup_t;

static stream_service_t *service;

/**
 * A packet from peer number i, as testing/bench-plugin loads them
 */
static lookup_t make_packet(u_int i)
{
	lookup_t packet;
	char text[64];

	packet.me = host_create_from_string("127.0.0.1", 500);
	snprintf(text, sizeof(text), "127.1.%u.%u", i / 250, 1 + i % 250);
	packet.other = host_create_from_string(text, 500);
	packet.my_id = identification_create_from_encoding(ID_FQDN,
								chunk_from_str("hub.corp.acme.example"));
	snprintf(text, sizeof(text), "s%u.corp.acme.example", i);
	packet.other_id = identification_create_from_encoding(ID_FQDN,
								chunk_from_str(text));
	return packet;
}

static void destroy_packet(lookup_t *packet)
{
	packet->me->destroy(packet->me);
	packet->other->destroy(packet->other);
	packet->my_id->destroy(packet->my_id);
	packet->other_id->destroy(packet->other_id);
}

/**
 * As for an IKE_SA_INIT request
 */
static bool lookup_ike(lookup_t *packet)
{
	ike_cfg_t *cfg;

	cfg = charon->backends->get_ike_cfg(charon->backends, packet->me,
										packet->other, IKEV2);
	DESTROY_IF(cfg);
	return cfg != NULL;
}

/**
 * As for an IKE_AUTH request
 */
static bool lookup_peer(lookup_t *packet)
{
	enumerator_t *enumerator;
	peer_cfg_t *cfg;
	u_int found = 0;

	enumerator = charon->backends->create_peer_cfg_enumerator(
						charon->backends, packet->me, packet->other,
						packet->my_id, packet->other_id, IKEV2);
	while (enumerator->enumerate(enumerator, &cfg))
	{
		found++;
	}
	enumerator->destroy(enumerator);
	return found == 1;
}

/**
 * Leave the processor's caches as a packet finds them: charon has done other
 * work since the last look-up.  Looking up again and again, a hundred peers
 * would fit into the caches and ten thousand not, and that would be measured.
 */
static void cool_down(uint8_t *memory, size_t size)
{
	size_t i;

	for (i = 0; i < size; i += 64)
	{
		memory[i]++;
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double*)a, y = *(const double*)b;

	return x < y ? -1 : x > y;
}

/**
 * Microseconds of one look-up (median), -1 if one found nothing
 */
static double measure(bool (*lookup)(lookup_t*), u_int count, u_int loops,
					  size_t cold)
{
	struct timespec begin, end;
	uint8_t *memory;
	double *us, median;
	lookup_t packet;
	bool good = TRUE;
	u_int i;

	us = calloc(loops, sizeof(*us));
	memory = calloc(1, cold + 1);
	for (i = 0; i < loops; i++)
	{
		packet = make_packet((i * 2654435761u >> 8) % count);
		cool_down(memory, cold);
		clock_gettime(CLOCK_MONOTONIC, &begin);
		good &= lookup(&packet);
		clock_gettime(CLOCK_MONOTONIC, &end);
		us[i] = (end.tv_sec - begin.tv_sec) * 1e6 +
				(end.tv_nsec - begin.tv_nsec) / 1e3;
		destroy_packet(&packet);
	}
	qsort(us, loops, sizeof(*us), compare);
	median = us[loops / 2];
	free(memory);
	free(us);
	return good ? median : -1;
}

/**
 * Answer one line
 */
static bool on_accept(void *data, stream_t *stream)
{
	char line[64] = "", kind[8] = "";
	u_int count = 0, loops = 0, cold = 0;
	double us = -1;
	ssize_t len;

	len = stream->read(stream, line, sizeof(line) - 1, TRUE);
	if (len > 0 && sscanf(line, "%7s %u %u %u", kind, &count, &loops, &cold) == 4 &&
		count && loops && loops <= MAX_LOOPS && cold <= MAX_COLD)
	{
		us = measure(streq(kind, "ike") ? lookup_ike : lookup_peer, count,
					 loops, cold);
	}
	len = snprintf(line, sizeof(line), "%.3f\n", us);
	stream->write_all(stream, line, len);
	return FALSE;
}

METHOD(kernel_ipsec_t, get_spi, status_t,
	kernel_ipsec_t *this, host_t *src, host_t *dst, uint8_t protocol,
	uint32_t *spi)
{
	static refcount_t next = 0xc0000000;

	*spi = htonl(ref_get(&next));
	return SUCCESS;
}

static kernel_ipsec_t *ipsec_create(void)
{
	kernel_ipsec_t *this;

	INIT(this,
		.get_features = (void*)return_null,
		.get_spi = _get_spi,
		.get_cpi = (void*)return_failed,
		.add_sa = (void*)return_success,
		.update_sa = (void*)return_success,
		.query_sa = (void*)return_failed,
		.del_sa = (void*)return_success,
		.flush_sas = (void*)return_success,
		.add_policy = (void*)return_success,
		.query_policy = (void*)return_failed,
		.del_policy = (void*)return_success,
		.flush_policies = (void*)return_success,
		.bypass_socket = (void*)return_true,
		.enable_udp_decap = (void*)return_true,
		.destroy = (void*)free,
	);
	return this;
}

METHOD(kernel_net_t, get_interface, bool,
	kernel_net_t *this, host_t *host, char **name)
{
	if (name)
	{
		*name = strdup("lo");
	}
	return TRUE;
}

static kernel_net_t *net_create(void)
{
	kernel_net_t *this;

	INIT(this,
		.get_features = (void*)return_null,
		.get_source_addr = (void*)return_null,
		.get_nexthop = (void*)return_null,
		.get_interface = _get_interface,
		.create_address_enumerator = (void*)enumerator_create_empty,
		.create_local_subnet_enumerator = (void*)enumerator_create_empty,
		.add_ip = (void*)return_failed,
		.del_ip = (void*)return_failed,
		.add_route = (void*)return_failed,
		.del_route = (void*)return_failed,
		.destroy = (void*)free,
	);
	return this;
}

/**
 * Open and close the probe's socket
 */
static bool plugin_cb(plugin_t *this, plugin_feature_t *feature, bool reg,
					  void *data)
{
	if (!reg)
	{
		DESTROY_IF(service);
		return TRUE;
	}
	service = lib->streams->create_service(lib->streams,
					lib->settings->get_str(lib->settings,
						"%s.plugins.bench-probe.socket", NULL, lib->ns), 3);
	if (!service)
	{
		return FALSE;
	}
	service->on_accept(service, on_accept, NULL, JOB_PRIO_CRITICAL, 1);
	return TRUE;
}

METHOD(plugin_t, get_name, char*,
	plugin_t *this)
{
	return "bench-probe";
}

METHOD(plugin_t, get_features, int,
	plugin_t *this, plugin_feature_t *features[])
{
	static plugin_feature_t f[] = {
		PLUGIN_CALLBACK(kernel_ipsec_register, ipsec_create),
			PLUGIN_PROVIDE(CUSTOM, "kernel-ipsec"),
		PLUGIN_CALLBACK(kernel_net_register, net_create),
			PLUGIN_PROVIDE(CUSTOM, "kernel-net"),
		PLUGIN_CALLBACK((plugin_feature_callback_t)plugin_cb, NULL),
			PLUGIN_PROVIDE(CUSTOM, "bench-probe"),
	};
	*features = f;
	return countof(f);
}

plugin_t *bench_probe_plugin_create(void)
{
	plugin_t *this;

	INIT(this,
		.get_name = _get_name,
		.get_features = _get_features,
		.destroy = (void*)free,
	);
	return this;
}
