-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright (C) 2026 The ppvpn authors
--
-- 0004: operators with their roles, and whose each record of the audit is

-- What a change changed, with operators among the kinds. First, so that no page
-- of a new database is left free.
CREATE TABLE audit_object_0004 (
	revision BIGINT NOT NULL,
	position BIGINT NOT NULL,
	kind TEXT NOT NULL CHECK (kind IN
		('customer', 'vpn', 'sa-profile', 'ce', 'site', 'link', 'operator')),
	place TEXT NOT NULL,
	id BIGINT NOT NULL,
	before TEXT NOT NULL,
	after TEXT NOT NULL,
	PRIMARY KEY (revision, position)
);
INSERT INTO audit_object_0004 (revision, position, kind, place, id, before,
	after) SELECT revision, position, kind, place, id, before, after
	FROM audit_object;
DROP TABLE audit_object;
ALTER TABLE audit_object_0004 RENAME TO audit_object;
CREATE INDEX audit_object_place ON audit_object (kind, place);

-- 0: of no single customer, or of before this was known.
ALTER TABLE audit ADD COLUMN customer_id BIGINT NOT NULL DEFAULT 0
	CHECK (customer_id >= 0);
CREATE INDEX audit_customer ON audit (customer_id, id);

-- role: for all customers. unix_user, spki '': none. spki: hex of SHA-256 of the
-- public key of the certificate of this serial; no other certificate opens.
CREATE TABLE operator (
	id BIGINT NOT NULL PRIMARY KEY,
	name TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 63),
	description TEXT NOT NULL CHECK (length(description) <= 255),
	unix_user TEXT NOT NULL CHECK (length(unix_user) <= 32),
	role TEXT NOT NULL CHECK (role IN
		('none', 'viewer', 'operator', 'admin')),
	spki TEXT NOT NULL CHECK (length(spki) IN (0, 64)),
	serial BIGINT NOT NULL CHECK (serial >= 0),
	expires_ms BIGINT NOT NULL CHECK (expires_ms >= 0)
);
CREATE UNIQUE INDEX operator_unix_user ON operator (unix_user)
	WHERE unix_user <> '';
CREATE UNIQUE INDEX operator_spki ON operator (spki) WHERE spki <> '';

-- What somebody has more for single customers.
CREATE TABLE operator_grant (
	operator_id BIGINT NOT NULL REFERENCES operator (id) ON DELETE CASCADE,
	customer_id BIGINT NOT NULL REFERENCES customer (id),
	role TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
	PRIMARY KEY (operator_id, customer_id)
);
CREATE INDEX operator_grant_customer ON operator_grant (customer_id);
