-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright (C) 2026 The ppvpn authors
--
-- 0012: what a router has in force, and would not start with yet

-- 1: as its last report said: that document is on trial there, or not on disk.
ALTER TABLE ce_status ADD COLUMN on_trial BIGINT NOT NULL DEFAULT 0
	CHECK (on_trial IN (0, 1));
