-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright (C) 2026 The ppvpn authors
--
-- 0003: the ledger of alarms, what happens as a stream of events, how far
-- alarms have left the server, and diagnostic bundles of routers
--
-- Alarms and events name things, and do not refer to them: they outlive them.

-- One row for each alarm that is or lately was: an alarm is (resource, code) of
-- who says it. origin: the id of the CE whose report says so, or 0: the server
-- itself. cleared_ms 0: it is raised. site_a and site_b: the tunnel that the
-- server finds down, else 0.
CREATE TABLE alarm (
	id BIGINT NOT NULL PRIMARY KEY,
	origin BIGINT NOT NULL,
	source TEXT NOT NULL CHECK (length(source) BETWEEN 1 AND 127),
	resource TEXT NOT NULL CHECK (length(resource) BETWEEN 1 AND 511),
	code TEXT NOT NULL CHECK (length(code) BETWEEN 1 AND 63),
	severity TEXT NOT NULL CHECK (severity IN
		('warning', 'minor', 'major', 'critical')),
	raised_ms BIGINT NOT NULL,
	changed_ms BIGINT NOT NULL,
	cleared_ms BIGINT NOT NULL CHECK (cleared_ms >= 0),
	times BIGINT NOT NULL CHECK (times >= 1),
	message TEXT NOT NULL CHECK (length(message) <= 512),
	customer TEXT NOT NULL,
	vpn TEXT NOT NULL,
	site TEXT NOT NULL,
	peer TEXT NOT NULL,
	ce TEXT NOT NULL,
	site_a BIGINT NOT NULL,
	site_b BIGINT NOT NULL,
	UNIQUE (origin, resource, code)
);
CREATE INDEX alarm_raised ON alarm (code, site_a, site_b)
	WHERE cleared_ms = 0;
CREATE INDEX alarm_cleared ON alarm (cleared_ms) WHERE cleared_ms > 0;
CREATE INDEX alarm_place ON alarm (customer, vpn, site);

-- What a CE may still raise before hour_ms + 1 h.
CREATE TABLE alarm_budget (
	ce_id BIGINT NOT NULL PRIMARY KEY REFERENCES ce (id) ON DELETE CASCADE,
	hour_ms BIGINT NOT NULL,
	spent BIGINT NOT NULL
);

-- What happened, in the order of the ids, which rise and are never used twice.
CREATE TABLE event (
	id BIGINT NOT NULL PRIMARY KEY,
	at_ms BIGINT NOT NULL,
	kind TEXT NOT NULL CHECK (kind IN ('alarm-raised', 'alarm-changed',
		'alarm-cleared', 'commit', 'enrolled', 'applied')),
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
CREATE INDEX event_alarm ON event (id)
	WHERE kind IN ('alarm-raised', 'alarm-changed', 'alarm-cleared');

-- How far a way out has delivered, and which server process delivers now.
CREATE TABLE outlet (
	way TEXT NOT NULL PRIMARY KEY CHECK (way IN ('webhook', 'syslog')),
	position BIGINT NOT NULL CHECK (position >= 0),
	holder TEXT NOT NULL,
	until_ms BIGINT NOT NULL
);

-- Ends that did not say "up" in the last report of their CE, and since when.
CREATE TABLE tunnel_down (
	site_id BIGINT NOT NULL REFERENCES site (id) ON DELETE CASCADE,
	peer_id BIGINT NOT NULL REFERENCES site (id) ON DELETE CASCADE,
	since_ms BIGINT NOT NULL,
	PRIMARY KEY (site_id, peer_id)
);
CREATE INDEX tunnel_down_peer ON tunnel_down (peer_id);
CREATE INDEX tunnel_down_since ON tunnel_down (since_ms);

-- What the rules that look at all routers are asked by.
CREATE INDEX ce_status_reported ON ce_status (reported_ms);
CREATE INDEX ce_token_unused ON ce_token (expires_ms) WHERE used_ms = 0;

-- One bundle of a CE at most: asked for, told to the CE, taken ('' before).
CREATE TABLE diag (
	ce_id BIGINT NOT NULL PRIMARY KEY REFERENCES ce (id) ON DELETE CASCADE,
	id BIGINT NOT NULL UNIQUE,
	actor TEXT NOT NULL,
	asked_ms BIGINT NOT NULL,
	until_ms BIGINT NOT NULL,
	told_ms BIGINT NOT NULL,
	taken_ms BIGINT NOT NULL,
	bundle TEXT NOT NULL CHECK (length(bundle) <= 262144)
);
CREATE INDEX diag_taken ON diag (taken_ms) WHERE taken_ms > 0;
