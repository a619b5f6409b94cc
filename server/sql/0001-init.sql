-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright (C) 2026 The ppvpn authors
--
-- 0001: the database of VPNs, sites and routers
--
-- SQL that SQLite and PostgreSQL both take. Addresses and prefixes are text,
-- times are milliseconds of the wall clock, ids come from id_counter and are
-- never used twice. A file that was released is never edited: write the next.

-- what all rows share -------------------------------------------------------

-- One row. The marker is a sealed piece that tells whether the key fits.
CREATE TABLE installation (
	one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
	database_id TEXT NOT NULL CHECK (length(database_id) = 32),
	epoch BIGINT NOT NULL CHECK (epoch BETWEEN 1 AND 9007199254740991),
	revision BIGINT NOT NULL CHECK (revision BETWEEN 0 AND 9007199254740991),
	marker TEXT NOT NULL,
	management TEXT NOT NULL
);

CREATE TABLE id_counter (
	name TEXT NOT NULL PRIMARY KEY,
	last BIGINT NOT NULL CHECK (last >= 0)
);

CREATE TABLE audit (
	id BIGINT NOT NULL PRIMARY KEY,
	revision BIGINT NOT NULL,
	at_ms BIGINT NOT NULL,
	actor TEXT NOT NULL CHECK (length(actor) BETWEEN 1 AND 128),
	what TEXT NOT NULL CHECK (length(what) BETWEEN 1 AND 1024)
);
CREATE INDEX audit_revision ON audit (revision);

-- configuration -------------------------------------------------------------

-- removed_revision 0: not removed. Names may be used again after removal.
CREATE TABLE customer (
	id BIGINT NOT NULL PRIMARY KEY,
	name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 63),
	description TEXT NOT NULL CHECK (length(description) <= 255),
	removed_revision BIGINT NOT NULL CHECK (removed_revision >= 0)
);
CREATE UNIQUE INDEX customer_name ON customer (name)
	WHERE removed_revision = 0;

CREATE TABLE vpn (
	id BIGINT NOT NULL PRIMARY KEY,
	customer_id BIGINT NOT NULL REFERENCES customer (id),
	name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 63),
	description TEXT NOT NULL CHECK (length(description) <= 255),
	domain TEXT NOT NULL CHECK (length(domain) BETWEEN 3 AND 253),
	topology TEXT NOT NULL CHECK (topology IN ('any-to-any')),
	router_ids TEXT NOT NULL,
	router_id_last BIGINT NOT NULL,
	mtu BIGINT NOT NULL CHECK (mtu BETWEEN 576 AND 9000),
	ospf_area TEXT NOT NULL,
	ospf_hello BIGINT NOT NULL CHECK (ospf_hello BETWEEN 1 AND 65535),
	ospf_dead BIGINT NOT NULL CHECK (ospf_dead BETWEEN 2 AND 65535),
	ospf_cost BIGINT NOT NULL CHECK (ospf_cost BETWEEN 1 AND 65535),
	retry_minimum_wait BIGINT NOT NULL CHECK (retry_minimum_wait >= 1),
	retry_t1 BIGINT NOT NULL CHECK (retry_t1 >= 1),
	retry_factor BIGINT NOT NULL CHECK (retry_factor >= 1),
	retry_maximum BIGINT NOT NULL CHECK (retry_maximum >= 1),
	retry_alarm_after BIGINT NOT NULL CHECK (retry_alarm_after >= 1),
	proposals TEXT NOT NULL CHECK (length(proposals) >= 1),
	esp_proposals TEXT NOT NULL CHECK (length(esp_proposals) >= 1),
	rekey_time BIGINT NOT NULL CHECK (rekey_time BETWEEN 300 AND 86400),
	child_rekey_time BIGINT NOT NULL
		CHECK (child_rekey_time BETWEEN 300 AND 86400),
	dpd_delay BIGINT NOT NULL
		CHECK (dpd_delay = 0 OR dpd_delay BETWEEN 5 AND 3600),
	-- draft 3.4: dynamic routing only through permanent tunnels
	establishment TEXT NOT NULL CHECK (establishment IN ('permanent')),
	ipsec_mode TEXT NOT NULL CHECK (ipsec_mode IN ('tunnel')),
	routing TEXT NOT NULL CHECK (routing IN ('dynamic')),
	CHECK (routing <> 'dynamic' OR establishment = 'permanent'),
	CHECK (ospf_dead > ospf_hello),
	CHECK (retry_maximum >= retry_t1),
	UNIQUE (customer_id, name),
	UNIQUE (customer_id, id)
);

CREATE TABLE ce (
	id BIGINT NOT NULL PRIMARY KEY,
	customer_id BIGINT NOT NULL REFERENCES customer (id),
	name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 63),
	address TEXT NOT NULL,
	description TEXT NOT NULL CHECK (length(description) <= 255),
	removed_revision BIGINT NOT NULL CHECK (removed_revision >= 0),
	UNIQUE (customer_id, id)
);
CREATE UNIQUE INDEX ce_name ON ce (customer_id, name)
	WHERE removed_revision = 0;

-- Every address (s) in use, and whose it is: no two routers share one.
CREATE TABLE ce_address (
	address TEXT NOT NULL PRIMARY KEY,
	ce_id BIGINT NOT NULL REFERENCES ce (id)
);
CREATE INDEX ce_address_ce ON ce_address (ce_id);

-- A router's membership in a VPN. The keys over (customer_id, ...) make sure
-- that nothing ever joins what belongs to two customers.
CREATE TABLE site (
	id BIGINT NOT NULL PRIMARY KEY,
	customer_id BIGINT NOT NULL,
	vpn_id BIGINT NOT NULL,
	ce_id BIGINT NOT NULL,
	name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 63),
	ce_address TEXT NOT NULL REFERENCES ce_address (address),
	router_id TEXT NOT NULL,
	role TEXT NOT NULL CHECK (role IN ('any-to-any-role')),
	revision BIGINT NOT NULL CHECK (revision >= 1),
	FOREIGN KEY (customer_id, vpn_id) REFERENCES vpn (customer_id, id),
	FOREIGN KEY (customer_id, ce_id) REFERENCES ce (customer_id, id),
	UNIQUE (vpn_id, name),
	UNIQUE (vpn_id, ce_id),
	UNIQUE (vpn_id, router_id),
	UNIQUE (vpn_id, id)
);
CREATE INDEX site_ce ON site (ce_id);
CREATE INDEX site_address ON site (ce_address);

-- A site that is gone, explained to its peers for 30 days at least.
CREATE TABLE site_removed (
	vpn_id BIGINT NOT NULL REFERENCES vpn (id),
	name TEXT NOT NULL,
	revision BIGINT NOT NULL,
	at_ms BIGINT NOT NULL,
	reason TEXT NOT NULL CHECK (length(reason) BETWEEN 1 AND 63),
	PRIMARY KEY (vpn_id, name)
);

-- One tunnel; site_a is the newer site, so that the tunnels of a new one lie side
-- by side. address_low and address_high are its ends' addresses in order:
-- a VTI carries one tunnel per pair of addresses, whatever the VPN.
CREATE TABLE link (
	vpn_id BIGINT NOT NULL,
	site_a BIGINT NOT NULL,
	site_b BIGINT NOT NULL,
	address_low TEXT NOT NULL,
	address_high TEXT NOT NULL,
	initiator BIGINT NOT NULL,
	revision BIGINT NOT NULL CHECK (revision >= 1),
	PRIMARY KEY (site_a, site_b),
	FOREIGN KEY (vpn_id, site_a) REFERENCES site (vpn_id, id),
	FOREIGN KEY (vpn_id, site_b) REFERENCES site (vpn_id, id),
	CHECK (site_a > site_b),
	CHECK (initiator IN (site_a, site_b)),
	CHECK (address_low <> address_high),
	CONSTRAINT link_address_pair UNIQUE (address_low, address_high)
);
CREATE INDEX link_a ON link (site_a, revision);
CREATE INDEX link_b ON link (site_b, revision);

-- sealed: hex of a piece bound to (database, site_a, site_b, generation)
CREATE TABLE psk (
	site_a BIGINT NOT NULL,
	site_b BIGINT NOT NULL,
	generation BIGINT NOT NULL CHECK (generation >= 1),
	key_use TEXT NOT NULL CHECK (key_use IN ('send-and-accept', 'accept-only')),
	sealed TEXT NOT NULL CHECK (length(sealed) >= 90),
	PRIMARY KEY (site_a, site_b, generation),
	FOREIGN KEY (site_a, site_b) REFERENCES link (site_a, site_b)
		ON DELETE CASCADE
);
CREATE UNIQUE INDEX psk_one_to_send ON psk (site_a, site_b)
	WHERE key_use = 'send-and-accept';

-- whose documents changed when ----------------------------------------------

CREATE TABLE ce_change (
	ce_id BIGINT NOT NULL PRIMARY KEY REFERENCES ce (id),
	revision BIGINT NOT NULL,
	committed_ms BIGINT NOT NULL
);
CREATE INDEX ce_change_revision ON ce_change (revision);

-- identity of routers -------------------------------------------------------

-- spki: hex of SHA-256 of the public key; superseded ones open nothing.
CREATE TABLE ce_key (
	spki TEXT NOT NULL PRIMARY KEY CHECK (length(spki) = 64),
	ce_id BIGINT NOT NULL REFERENCES ce (id),
	serial BIGINT NOT NULL UNIQUE,
	superseded BIGINT NOT NULL CHECK (superseded IN (0, 1)),
	enrolled_ms BIGINT NOT NULL,
	cert_pem TEXT NOT NULL
);
CREATE UNIQUE INDEX ce_key_current ON ce_key (ce_id) WHERE superseded = 0;

CREATE TABLE ce_token (
	ce_id BIGINT NOT NULL PRIMARY KEY REFERENCES ce (id),
	hash TEXT NOT NULL CHECK (length(hash) = 64),
	expires_ms BIGINT NOT NULL,
	used_ms BIGINT NOT NULL,
	used_spki TEXT NOT NULL
);

-- status: what routers say and what was handed to them ----------------------

CREATE TABLE ce_delivery (
	ce_id BIGINT NOT NULL PRIMARY KEY REFERENCES ce (id),
	revision BIGINT NOT NULL,
	at_ms BIGINT NOT NULL
);

CREATE TABLE ce_status (
	ce_id BIGINT NOT NULL PRIMARY KEY REFERENCES ce (id),
	reported_ms BIGINT NOT NULL,
	boot_id TEXT NOT NULL,
	seq BIGINT NOT NULL,
	epoch BIGINT NOT NULL,
	revision BIGINT NOT NULL,
	result TEXT NOT NULL,
	agent_version TEXT NOT NULL
);

CREATE TABLE ce_error (
	ce_id BIGINT NOT NULL REFERENCES ce_status (ce_id) ON DELETE CASCADE,
	position BIGINT NOT NULL,
	code TEXT NOT NULL,
	place TEXT NOT NULL,
	message TEXT NOT NULL,
	PRIMARY KEY (ce_id, position)
);

CREATE TABLE ce_alarm (
	ce_id BIGINT NOT NULL REFERENCES ce_status (ce_id) ON DELETE CASCADE,
	position BIGINT NOT NULL,
	code TEXT NOT NULL,
	resource TEXT NOT NULL,
	severity TEXT NOT NULL,
	times BIGINT NOT NULL,
	age BIGINT NOT NULL,
	message TEXT NOT NULL,
	PRIMARY KEY (ce_id, position)
);

-- One end of a tunnel: what the router of site says about the one to peer.
CREATE TABLE tunnel_status (
	site_id BIGINT NOT NULL REFERENCES site (id) ON DELETE CASCADE,
	peer_id BIGINT NOT NULL REFERENCES site (id) ON DELETE CASCADE,
	reported_ms BIGINT NOT NULL,
	state TEXT NOT NULL,
	ike TEXT NOT NULL,
	child TEXT NOT NULL,
	proposal TEXT NOT NULL,
	ospf TEXT NOT NULL,
	route BIGINT NOT NULL,
	since BIGINT NOT NULL,
	attempts BIGINT NOT NULL,
	in_bytes BIGINT NOT NULL,
	out_bytes BIGINT NOT NULL,
	last_error TEXT NOT NULL,
	service_revision BIGINT NOT NULL,
	service_done BIGINT NOT NULL,
	service_fetch BIGINT NOT NULL,
	service_apply BIGINT NOT NULL,
	service_ike BIGINT NOT NULL,
	service_ospf BIGINT NOT NULL,
	service_route BIGINT NOT NULL,
	PRIMARY KEY (site_id, peer_id)
);
CREATE INDEX tunnel_status_peer ON tunnel_status (peer_id);

CREATE TABLE tunnel_notify (
	site_id BIGINT NOT NULL REFERENCES site (id) ON DELETE CASCADE,
	peer_id BIGINT NOT NULL REFERENCES site (id) ON DELETE CASCADE,
	notify_ms BIGINT NOT NULL,
	PRIMARY KEY (site_id, peer_id)
);
CREATE INDEX tunnel_notify_peer ON tunnel_notify (peer_id);
