-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright (C) 2026 The ppvpn authors
--
-- 0002: every topology, grades, named SA profiles, settings of single tunnels,
-- suspended and replaced routers, and what each change changed
--
-- Tables whose CHECKs change are made anew under their name: foreign keys are
-- not enforced while migrations run, and checked before they are committed.

ALTER TABLE customer ADD COLUMN external_id TEXT NOT NULL DEFAULT ''
	CHECK (length(external_id) <= 63);

-- suspended_revision 0: not suspended.
ALTER TABLE ce ADD COLUMN external_id TEXT NOT NULL DEFAULT ''
	CHECK (length(external_id) <= 63);
ALTER TABLE ce ADD COLUMN suspended_revision BIGINT NOT NULL DEFAULT 0
	CHECK (suspended_revision >= 0);

-- A revoked key gets a tombstone: its router was replaced. 0: it was not.
ALTER TABLE ce_key ADD COLUMN revoked_ms BIGINT NOT NULL DEFAULT 0
	CHECK (revoked_ms >= 0);

CREATE TABLE vpn_0002 (
	id BIGINT NOT NULL PRIMARY KEY,
	customer_id BIGINT NOT NULL REFERENCES customer (id),
	name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 63),
	description TEXT NOT NULL CHECK (length(description) <= 255),
	external_id TEXT NOT NULL CHECK (length(external_id) <= 63),
	domain TEXT NOT NULL CHECK (length(domain) BETWEEN 3 AND 253),
	topology TEXT NOT NULL CHECK (topology IN
		('any-to-any', 'hub-spoke', 'hub-spoke-disjoint', 'custom')),
	grade TEXT NOT NULL CHECK (grade IN ('basic', 'standard', 'high')),
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
INSERT INTO vpn_0002 (id, customer_id, name, description, external_id, domain,
	topology, grade, router_ids, router_id_last, mtu, ospf_area, ospf_hello,
	ospf_dead, ospf_cost, retry_minimum_wait, retry_t1, retry_factor,
	retry_maximum, retry_alarm_after, proposals, esp_proposals, rekey_time,
	child_rekey_time, dpd_delay, establishment, ipsec_mode, routing)
	SELECT id, customer_id, name, description, '', domain, topology,
	'basic', router_ids, router_id_last, mtu, ospf_area, ospf_hello,
	ospf_dead, ospf_cost, retry_minimum_wait, retry_t1, retry_factor,
	retry_maximum, retry_alarm_after, proposals, esp_proposals, rekey_time,
	child_rekey_time, dpd_delay, establishment, ipsec_mode, routing FROM vpn;
DROP TABLE vpn;
ALTER TABLE vpn_0002 RENAME TO vpn;

CREATE TABLE site_0002 (
	id BIGINT NOT NULL PRIMARY KEY,
	customer_id BIGINT NOT NULL,
	vpn_id BIGINT NOT NULL,
	ce_id BIGINT NOT NULL,
	name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 63),
	description TEXT NOT NULL CHECK (length(description) <= 255),
	external_id TEXT NOT NULL CHECK (length(external_id) <= 63),
	ce_address TEXT NOT NULL REFERENCES ce_address (address),
	router_id TEXT NOT NULL,
	role TEXT NOT NULL CHECK (role IN
		('any-to-any-role', 'hub-role', 'spoke-role', 'custom-role')),
	revision BIGINT NOT NULL CHECK (revision >= 1),
	FOREIGN KEY (customer_id, vpn_id) REFERENCES vpn (customer_id, id),
	FOREIGN KEY (customer_id, ce_id) REFERENCES ce (customer_id, id),
	UNIQUE (vpn_id, name),
	UNIQUE (vpn_id, ce_id),
	UNIQUE (vpn_id, router_id),
	UNIQUE (vpn_id, id)
);
INSERT INTO site_0002 (id, customer_id, vpn_id, ce_id, name, description,
	external_id, ce_address, router_id, role, revision)
	SELECT id, customer_id, vpn_id, ce_id, name, '', '', ce_address,
	router_id, role, revision FROM site;
DROP TABLE site;
ALTER TABLE site_0002 RENAME TO site;
CREATE INDEX site_ce ON site (ce_id);
CREATE INDEX site_address ON site (ce_address);

-- SA profiles of a VPN beside its own one (draft 3.3: SA information).
CREATE TABLE sa_profile (
	id BIGINT NOT NULL PRIMARY KEY,
	vpn_id BIGINT NOT NULL REFERENCES vpn (id),
	name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 63),
	proposals TEXT NOT NULL CHECK (length(proposals) >= 1),
	esp_proposals TEXT NOT NULL CHECK (length(esp_proposals) >= 1),
	rekey_time BIGINT NOT NULL CHECK (rekey_time BETWEEN 300 AND 86400),
	child_rekey_time BIGINT NOT NULL
		CHECK (child_rekey_time BETWEEN 300 AND 86400),
	dpd_delay BIGINT NOT NULL
		CHECK (dpd_delay = 0 OR dpd_delay BETWEEN 5 AND 3600),
	UNIQUE (vpn_id, name),
	UNIQUE (vpn_id, id)
);

-- What an operator says of two sites: a tunnel that the topology does not give
-- (wanted 1), and what differs there from the VPN's. It may wait for a tunnel
-- that is not there. cost 0, initiator 0, profile null: the VPN's.
CREATE TABLE link_setting (
	vpn_id BIGINT NOT NULL,
	site_a BIGINT NOT NULL,
	site_b BIGINT NOT NULL,
	wanted BIGINT NOT NULL CHECK (wanted IN (0, 1)),
	profile_id BIGINT,
	cost BIGINT NOT NULL CHECK (cost BETWEEN 0 AND 65535),
	initiator BIGINT NOT NULL CHECK (initiator IN (0, site_a, site_b)),
	PRIMARY KEY (site_a, site_b),
	FOREIGN KEY (vpn_id, site_a) REFERENCES site (vpn_id, id),
	FOREIGN KEY (vpn_id, site_b) REFERENCES site (vpn_id, id),
	FOREIGN KEY (vpn_id, profile_id) REFERENCES sa_profile (vpn_id, id),
	CHECK (site_a > site_b)
);
CREATE INDEX link_setting_b ON link_setting (site_b);
CREATE INDEX link_setting_vpn ON link_setting (vpn_id);
CREATE INDEX link_setting_profile ON link_setting (profile_id);

ALTER TABLE link ADD COLUMN profile_id BIGINT REFERENCES sa_profile (id);
ALTER TABLE link ADD COLUMN cost BIGINT NOT NULL DEFAULT 0
	CHECK (cost BETWEEN 0 AND 65535);
CREATE INDEX link_vpn ON link (vpn_id);
CREATE INDEX link_profile ON link (profile_id);

-- Why a tunnel of site is gone, told to it for 30 days at least.
CREATE TABLE link_removed (
	site_id BIGINT NOT NULL REFERENCES site (id) ON DELETE CASCADE,
	peer TEXT NOT NULL,
	revision BIGINT NOT NULL,
	at_ms BIGINT NOT NULL,
	reason TEXT NOT NULL CHECK (length(reason) BETWEEN 1 AND 63),
	PRIMARY KEY (site_id, peer)
);
INSERT INTO link_removed (site_id, peer, revision, at_ms, reason)
	SELECT t.id, r.name, r.revision, r.at_ms, r.reason FROM site_removed r
	JOIN site t ON t.vpn_id = r.vpn_id WHERE r.revision > t.revision;
DROP TABLE site_removed;

-- Keys of tunnels that are gone, for 30 days: who takes back the change that
-- removed a tunnel has the same tunnel again.
CREATE TABLE psk_retired (
	site_a BIGINT NOT NULL,
	site_b BIGINT NOT NULL,
	generation BIGINT NOT NULL,
	key_use TEXT NOT NULL,
	sealed TEXT NOT NULL,
	revision BIGINT NOT NULL,
	at_ms BIGINT NOT NULL,
	PRIMARY KEY (site_a, site_b, generation, revision)
);
CREATE INDEX psk_retired_at ON psk_retired (at_ms);
CREATE INDEX psk_retired_revision ON psk_retired (revision);

-- What a change changed, thing by thing; before and after are JSON, '' where
-- there was or is nothing. Never a secret.
CREATE TABLE audit_object (
	revision BIGINT NOT NULL,
	position BIGINT NOT NULL,
	kind TEXT NOT NULL CHECK (kind IN
		('customer', 'vpn', 'sa-profile', 'ce', 'site', 'link')),
	place TEXT NOT NULL,
	id BIGINT NOT NULL,
	before TEXT NOT NULL,
	after TEXT NOT NULL,
	PRIMARY KEY (revision, position)
);
CREATE INDEX audit_object_place ON audit_object (kind, place);
