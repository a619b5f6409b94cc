-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright (C) 2026 The ppvpn authors
--
-- 0009: routers renew their certificates; keys are taken back

-- When the certificate of a key was issued and when it ends, wall clock. Until
-- now all of them were for a year.
ALTER TABLE ce_key ADD COLUMN issued_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE ce_key ADD COLUMN ends_ms BIGINT NOT NULL DEFAULT 0;
UPDATE ce_key SET issued_ms = enrolled_ms,
	ends_ms = enrolled_ms + 31536000000;
CREATE INDEX ce_key_ends ON ce_key (ends_ms) WHERE superseded = 0;

-- A certificate that a router asked for and has not used yet: its key, which
-- may be the one it has, becomes the current one when it is first seen.
CREATE TABLE ce_renewal (
	ce_id BIGINT NOT NULL PRIMARY KEY REFERENCES ce (id),
	spki TEXT NOT NULL UNIQUE CHECK (length(spki) = 64),
	serial BIGINT NOT NULL UNIQUE,
	issued_ms BIGINT NOT NULL,
	ends_ms BIGINT NOT NULL,
	cert_pem TEXT NOT NULL
);

-- Where an operator approves of keys: the one that asked with the token, since
-- when, and the one that may have a certificate; '': none.
ALTER TABLE ce_token ADD COLUMN waiting_spki TEXT NOT NULL DEFAULT '';
ALTER TABLE ce_token ADD COLUMN waiting_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE ce_token ADD COLUMN approved_spki TEXT NOT NULL DEFAULT '';

-- 1: its key was taken back, and it was suspended with that: it is a member
-- again when it is enrolled anew.
ALTER TABLE ce ADD COLUMN revoked BIGINT NOT NULL DEFAULT 0
	CHECK (revoked IN (0, 1));
