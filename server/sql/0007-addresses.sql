-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright (C) 2026 The ppvpn authors
--
-- 0007: routers whose address (s) changes by itself, and routers behind NAT

-- Prefixes within which the database follows a router, joined by commas; '':
-- its address is static.
ALTER TABLE ce ADD COLUMN dynamic TEXT NOT NULL DEFAULT ''
	CHECK (length(dynamic) <= 1023);

-- 1: ce.address is that of the NAT, as its peers see it.
ALTER TABLE ce ADD COLUMN behind_nat BIGINT NOT NULL DEFAULT 0
	CHECK (behind_nat IN (0, 1));

-- Derived: its address is its CE's, and that is a NAT's. Kept, for who is told
-- when it changes.
ALTER TABLE site ADD COLUMN behind_nat BIGINT NOT NULL DEFAULT 0
	CHECK (behind_nat IN (0, 1));

-- When the database followed it last, wall clock; 0: never.
ALTER TABLE ce ADD COLUMN followed_ms BIGINT NOT NULL DEFAULT 0;

-- An address that a router reported and that was not followed, and why not.
CREATE TABLE address_refused (
	ce_id BIGINT PRIMARY KEY REFERENCES ce (id),
	at_ms BIGINT NOT NULL,
	address TEXT NOT NULL,
	reason TEXT NOT NULL CHECK (length(reason) BETWEEN 1 AND 255)
);
