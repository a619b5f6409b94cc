-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright (C) 2026 The ppvpn authors
--
-- 0011: what a VPN's tunnels authenticate with, and moves from keys to
-- certificates and back, one pair of sites at a time

-- What its tunnels are to have, and what a missing revocation list means.
ALTER TABLE vpn ADD COLUMN authentication TEXT NOT NULL DEFAULT 'pre-shared'
	CHECK (authentication IN ('pre-shared', 'certificate'));
ALTER TABLE vpn ADD COLUMN revocation TEXT NOT NULL DEFAULT 'strict'
	CHECK (revocation IN ('strict', 'relaxed'));
-- 1: some pair may have another credential than that: it is looked at until all
-- have it, or are under way to it.
ALTER TABLE vpn ADD COLUMN moving BIGINT NOT NULL DEFAULT 0
	CHECK (moving IN (0, 1));
CREATE INDEX vpn_moving ON vpn (id) WHERE moving = 1;

-- What the certificates of its two sites are for in this tunnel; '': nothing.
ALTER TABLE link ADD COLUMN certificate_use TEXT NOT NULL DEFAULT ''
	CHECK (certificate_use IN ('', 'accept-only', 'send-and-accept'));
-- The number of its newest credential: keys and certificates, in their order.
ALTER TABLE link ADD COLUMN generation BIGINT NOT NULL DEFAULT 1
	CHECK (generation >= 1);
UPDATE link SET generation = coalesce((SELECT max(generation) FROM psk k
	WHERE k.site_a = link.site_a AND k.site_b = link.site_b), 1);
-- by VPN, what it has, and age; it finds a VPN's tunnels, too
DROP INDEX link_keyed;
CREATE INDEX link_keyed ON link (vpn_id, certificate_use, keyed_ms);

-- What a pair comes to have; generation is the number of that, or of its going
-- back to what it had.
ALTER TABLE rotation ADD COLUMN target TEXT NOT NULL DEFAULT 'next-key'
	CHECK (target IN ('next-key', 'certificate', 'key'));
-- 1: it came to its step by turning round on the way to the other one.
ALTER TABLE rotation ADD COLUMN turned BIGINT NOT NULL DEFAULT 0
	CHECK (turned IN (0, 1));
