-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright (C) 2026 The ppvpn authors
--
-- 0008: rotation of pre-shared keys, one pair of sites at a time

-- More kinds of events; that of 0009, too, so that the table is copied once.
CREATE TABLE event_0008 (
	id BIGINT NOT NULL PRIMARY KEY,
	at_ms BIGINT NOT NULL,
	kind TEXT NOT NULL CHECK (kind IN ('alarm-raised', 'alarm-changed',
		'alarm-cleared', 'commit', 'enrolled', 'applied', 'rotation-begun',
		'rotation-done', 'renewed')),
	source TEXT NOT NULL,
	resource TEXT NOT NULL,
	code TEXT NOT NULL,
	severity TEXT NOT NULL,
	revision BIGINT NOT NULL,
	message TEXT NOT NULL,
	customer TEXT NOT NULL,
	vpn TEXT NOT NULL,
	site TEXT NOT NULL,
	peer TEXT NOT NULL,
	ce TEXT NOT NULL
);
INSERT INTO event_0008 (id, at_ms, kind, source, resource, code, severity,
	revision, message, customer, vpn, site, peer, ce)
	SELECT id, at_ms, kind, source, resource, code, severity, revision,
	message, customer, vpn, site, peer, ce FROM event;
DROP TABLE event;
ALTER TABLE event_0008 RENAME TO event;
CREATE INDEX event_alarm ON event (id)
	WHERE kind IN ('alarm-raised', 'alarm-changed', 'alarm-cleared');

-- When the newest key of a tunnel was made, wall clock; 0: not known.
ALTER TABLE link ADD COLUMN keyed_ms BIGINT NOT NULL DEFAULT 0;
UPDATE link SET keyed_ms = coalesce((SELECT min(at_ms) FROM audit
	WHERE audit.revision = link.revision), 0);
-- by VPN and age; it finds a VPN's tunnels, too
DROP INDEX link_vpn;
CREATE INDEX link_keyed ON link (vpn_id, keyed_ms);
ALTER TABLE psk_retired ADD COLUMN keyed_ms BIGINT NOT NULL DEFAULT 0;
UPDATE psk_retired SET keyed_ms = at_ms;

-- So often every tunnel's key is changed, in days; 0: by command only.
ALTER TABLE vpn ADD COLUMN psk_rotation_days BIGINT NOT NULL DEFAULT 0
	CHECK (psk_rotation_days BETWEEN 0 AND 3650);

-- A pair whose key is being changed: how far it is (server/rotation.h), and the
-- revision of that step. generation: of the new key. command: the revision that
-- began it, with others perhaps.
CREATE TABLE rotation (
	site_a BIGINT NOT NULL,
	site_b BIGINT NOT NULL,
	vpn_id BIGINT NOT NULL REFERENCES vpn (id),
	generation BIGINT NOT NULL CHECK (generation >= 2),
	step TEXT NOT NULL CHECK (step IN ('accept', 'send', 'forget')),
	revision BIGINT NOT NULL CHECK (revision >= 1),
	begun_ms BIGINT NOT NULL,
	step_ms BIGINT NOT NULL,
	command BIGINT NOT NULL CHECK (command >= 1),
	PRIMARY KEY (site_a, site_b),
	FOREIGN KEY (site_a, site_b) REFERENCES link (site_a, site_b)
		ON DELETE CASCADE
);
CREATE INDEX rotation_vpn ON rotation (vpn_id, step);
CREATE INDEX rotation_revision ON rotation (revision);
CREATE INDEX rotation_command ON rotation (command);
