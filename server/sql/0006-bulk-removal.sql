-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright (C) 2026 The ppvpn authors
--
-- 0006: tunnels that were taken away on purpose without a lasting explanation

-- Up to this revision. 0: none. Routers that lost a site of their own, or
-- whose explanations are older than 30 days.
ALTER TABLE ce ADD COLUMN bulk_revision BIGINT NOT NULL DEFAULT 0
	CHECK (bulk_revision >= 0);

-- What was said before the epoch began counts no more. 0: the first epoch.
ALTER TABLE installation ADD COLUMN epoch_revision BIGINT NOT NULL DEFAULT 0
	CHECK (epoch_revision >= 0);
