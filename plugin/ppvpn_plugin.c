/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ppvpn_plugin.c - registers the parts of the plugin with charon
 *
 * Owns the order in which they come and go, and nothing else.
 */

#include "ppvpn_plugin.h"
#include "ppvpn_backend.h"
#include "ppvpn_creds.h"
#include "ppvpn_host.h"
#include "ppvpn_initiator.h"
#include "ppvpn_listener.h"
#include "ppvpn_socket.h"

typedef struct private_ppvpn_plugin_t private_ppvpn_plugin_t;

const char *ppvpn_plugin_version = VERSION;

/**
 * Private data of a ppvpn_plugin_t object.
 */
struct private_ppvpn_plugin_t {

	/**
	 * Public interface.
	 */
	ppvpn_plugin_t public;

	/**
	 * Counters of all parts.
	 */
	ppvpn_counters_t counters;

	/**
	 * Connections.
	 */
	ppvpn_table_t *table;

	/**
	 * Configurations for charon.
	 */
	ppvpn_backend_t *backend;

	/**
	 * Keys for charon.
	 */
	ppvpn_creds_t *creds;

	/**
	 * Events for the socket.
	 */
	ppvpn_events_t *events;

	/**
	 * How peers were authenticated.
	 */
	ppvpn_sas_t *sas;

	/**
	 * Watches charon.
	 */
	ppvpn_listener_t *listener;

	/**
	 * Initiates.
	 */
	ppvpn_initiator_t *initiator;

	/**
	 * Answers requests.
	 */
	ppvpn_protocol_t *protocol;

	/**
	 * Takes requests.
	 */
	ppvpn_socket_t *socket;
};

METHOD(plugin_t, get_name, char*,
	private_ppvpn_plugin_t *this)
{
	return "ppvpn";
}

/**
 * Stop using everything
 */
static void tear_down(private_ppvpn_plugin_t *this)
{
	if (this->socket)
	{
		this->socket->destroy(this->socket);
		charon->bus->remove_listener(charon->bus,
									 &this->initiator->listener);
		charon->bus->remove_listener(charon->bus, &this->listener->listener);
		charon->backends->remove_backend(charon->backends,
										 &this->backend->backend);
		lib->credmgr->remove_set(lib->credmgr, &this->creds->set);
	}
	this->protocol->destroy(this->protocol);
	this->initiator->destroy(this->initiator);
	this->listener->destroy(this->listener);
	this->sas->destroy(this->sas);
	this->events->destroy(this->events);
	this->creds->destroy(this->creds);
	this->backend->destroy(this->backend);
	this->table->destroy(this->table);
	/* charon may have kept what of it was ours */
	lib->credmgr->flush_cache(lib->credmgr, CERT_ANY);
}

/**
 * Create everything, start with the socket as it may fail
 */
static bool set_up(private_ppvpn_plugin_t *this)
{
	char *path, *group;

	this->table = ppvpn_table_create();
	this->backend = ppvpn_backend_create(this->table, &this->counters);
	this->creds = ppvpn_creds_create(this->table, &this->counters);
	this->events = ppvpn_events_create(&this->counters);
	this->sas = ppvpn_sas_create();
	this->listener = ppvpn_listener_create(this->table, this->events,
										   this->sas, &this->counters);
	this->initiator = ppvpn_initiator_create(this->table);
	this->protocol = ppvpn_protocol_create(this->table, this->initiator,
										   this->sas, &this->counters);

	path = lib->settings->get_str(lib->settings, "%s.plugins.ppvpn.socket",
								  PPVPN_SOCKET, lib->ns);
	group = lib->settings->get_str(lib->settings, "%s.plugins.ppvpn.group",
								   "ppvpn", lib->ns);
	this->socket = ppvpn_socket_create(path, group, this->protocol,
									   this->events, &this->counters);
	if (!this->socket)
	{
		tear_down(this);
		return FALSE;
	}
	lib->credmgr->add_set(lib->credmgr, &this->creds->set);
	charon->backends->add_backend(charon->backends, &this->backend->backend);
	charon->bus->add_listener(charon->bus, &this->listener->listener);
	charon->bus->add_listener(charon->bus, &this->initiator->listener);
	return TRUE;
}

/**
 * Register or unregister
 */
static bool plugin_cb(private_ppvpn_plugin_t *this,
					  plugin_feature_t *feature, bool reg, void *data)
{
	if (reg)
	{
		return set_up(this);
	}
	tear_down(this);
	return TRUE;
}

METHOD(plugin_t, get_features, int,
	private_ppvpn_plugin_t *this, plugin_feature_t *features[])
{
	static plugin_feature_t f[] = {
		PLUGIN_CALLBACK((plugin_feature_callback_t)plugin_cb, NULL),
			PLUGIN_PROVIDE(CUSTOM, "ppvpn"),
	};
	*features = f;
	return countof(f);
}

METHOD(plugin_t, destroy, void,
	private_ppvpn_plugin_t *this)
{
	free(this);
}

/**
 * Is this the charon that we are built for? Nothing of it is touched before that
 * is known, but for the way into its log.
 */
static bool fits(void)
{
	switch (ppvpn_host_check("/proc/self/exe", VERSION))
	{
		case PPVPN_HOST_SAME:
			return TRUE;
		case PPVPN_HOST_UNKNOWN:
			DBG1(DBG_CFG, "ppvpn: built for strongSwan %s; whether this is one "
				 "cannot be told: /proc/self/exe is not readable", VERSION);
			return TRUE;
		case PPVPN_HOST_OTHER:
			break;
	}
	DBG1(DBG_CFG, "ppvpn: NOT STARTED: built for strongSwan %s, this is another "
		 "version; install the package strongswan-plugin-ppvpn that belongs to "
		 "it and restart strongswan", VERSION);
	return FALSE;
}

/**
 * Described in header.
 */
plugin_t *ppvpn_plugin_create(void)
{
	private_ppvpn_plugin_t *this;

	if (!fits())
	{
		return NULL;
	}
	INIT(this,
		.public = {
			.plugin = {
				.get_name = _get_name,
				.get_features = _get_features,
				.destroy = _destroy,
			},
		},
	);
	return &this->public.plugin;
}
