-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright (C) 2026 The ppvpn authors
--
-- 0005: prefixes (v) of sites, and VPNs that offer Internet access

-- draft 6.1: where it is offered, no two sites' prefixes overlap
ALTER TABLE vpn ADD COLUMN internet_access BIGINT NOT NULL DEFAULT 0
	CHECK (internet_access IN (0, 1));

CREATE TABLE site_prefix (
	site_id BIGINT NOT NULL REFERENCES site (id) ON DELETE CASCADE,
	prefix TEXT NOT NULL CHECK (length(prefix) BETWEEN 4 AND 43),
	PRIMARY KEY (site_id, prefix)
);
