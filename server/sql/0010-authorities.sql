-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright (C) 2026 The ppvpn authors
--
-- 0010: authorities of VPNs, and what they sign for routers that prove
-- themselves to each other by certificates

-- What signs in a VPN: one that is current; while that changes, also the next
-- one, which is only believed yet, or the old one, which is still believed.
-- cert and list: base64 of DER. sealed: hex of its key, bound to (database, id).
-- revision: that gave it its state.
CREATE TABLE vpn_authority (
	id BIGINT NOT NULL PRIMARY KEY,
	vpn_id BIGINT NOT NULL REFERENCES vpn (id),
	state TEXT NOT NULL CHECK (state IN ('next', 'current', 'old')),
	revision BIGINT NOT NULL CHECK (revision >= 1),
	state_ms BIGINT NOT NULL,
	issued_ms BIGINT NOT NULL,
	ends_ms BIGINT NOT NULL,
	-- another one is due then
	roll_ms BIGINT NOT NULL,
	-- of its revocation list; refresh_ms: another one is due then
	list_number BIGINT NOT NULL CHECK (list_number >= 0),
	list_entries BIGINT NOT NULL CHECK (list_entries >= 0),
	list_issued_ms BIGINT NOT NULL,
	list_ends_ms BIGINT NOT NULL,
	refresh_ms BIGINT NOT NULL,
	-- 1: within a change, something was revoked
	list_stale BIGINT NOT NULL CHECK (list_stale IN (0, 1)),
	cert TEXT NOT NULL CHECK (length(cert) BETWEEN 4 AND 8192),
	sealed TEXT NOT NULL CHECK (length(sealed) >= 90),
	list TEXT NOT NULL CHECK (length(list) <= 65536),
	UNIQUE (vpn_id, state)
);
CREATE INDEX vpn_authority_refresh ON vpn_authority (refresh_ms);
CREATE INDEX vpn_authority_roll ON vpn_authority (roll_ms);

-- The key that a router proves itself with to others: made there, and not the
-- one for the management channel. public_key: base64 of its
-- SubjectPublicKeyInfo; spki: hex of that one's SHA-256.
CREATE TABLE ike_key (
	ce_id BIGINT NOT NULL PRIMARY KEY REFERENCES ce (id),
	spki TEXT NOT NULL UNIQUE CHECK (length(spki) = 64),
	public_key TEXT NOT NULL CHECK (length(public_key) BETWEEN 4 AND 4096),
	registered_ms BIGINT NOT NULL
);

-- Keys that were a router's before: nobody else's ever, and not even its own
-- when it was revoked.
CREATE TABLE ike_key_past (
	spki TEXT NOT NULL PRIMARY KEY CHECK (length(spki) = 64),
	ce_id BIGINT NOT NULL REFERENCES ce (id),
	revoked BIGINT NOT NULL CHECK (revoked IN (0, 1)),
	at_ms BIGINT NOT NULL
);
CREATE INDEX ike_key_past_ce ON ike_key_past (ce_id);

-- Certificates until they end. The site may be gone. identity: what it is for.
-- superseded: its site's documents have another one, or none; revision: of the
-- first document with it; reason: as RFC 5280 numbers them.
CREATE TABLE ike_certificate (
	authority_id BIGINT NOT NULL REFERENCES vpn_authority (id),
	serial BIGINT NOT NULL CHECK (serial >= 1),
	site_id BIGINT NOT NULL,
	ce_id BIGINT NOT NULL REFERENCES ce (id),
	spki TEXT NOT NULL CHECK (length(spki) = 64),
	identity TEXT NOT NULL,
	issued_ms BIGINT NOT NULL,
	ends_ms BIGINT NOT NULL,
	-- another one is due then
	renew_ms BIGINT NOT NULL,
	revision BIGINT NOT NULL CHECK (revision >= 1),
	superseded BIGINT NOT NULL CHECK (superseded IN (0, 1)),
	revoked_ms BIGINT NOT NULL CHECK (revoked_ms >= 0),
	reason BIGINT NOT NULL CHECK (reason BETWEEN 0 AND 10),
	cert TEXT NOT NULL CHECK (length(cert) BETWEEN 4 AND 8192),
	PRIMARY KEY (authority_id, serial)
);
CREATE UNIQUE INDEX ike_certificate_present ON ike_certificate (site_id)
	WHERE superseded = 0;
CREATE INDEX ike_certificate_site ON ike_certificate (site_id);
CREATE INDEX ike_certificate_ce ON ike_certificate (ce_id);
CREATE INDEX ike_certificate_renew ON ike_certificate (renew_ms)
	WHERE superseded = 0;
CREATE INDEX ike_certificate_revoked ON ike_certificate (authority_id)
	WHERE revoked_ms > 0;
CREATE INDEX ike_certificate_ends ON ike_certificate (ends_ms);
