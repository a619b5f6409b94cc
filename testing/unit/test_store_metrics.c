/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_store_metrics.c - numbers for monitoring: right, and few
 */
#include "config.h"

#include "store_kit.h"

#define DAYS_MS(n) ((int64_t)(n) * 86400000)
#define MESH 200

static struct store_metrics m;
static int64_t now;

static void look(void)
{
	OK(store_metrics(store, arena, now, now - 900000, &m, &e));
}

static struct status_peer peer_of(const char *peer, const char *state)
{
	return (struct status_peer){
		.customer = (char *)"acme", .vpn = (char *)"corp",
		.peer = (char *)peer, .state = (char *)state, .ike = (char *)"",
		.child = (char *)"", .proposal = (char *)"", .ospf = (char *)"",
		.last_error = (char *)"none"
	};
}

static void report(const char *ce, struct status_peer *peers, size_t count,
				   int64_t at_ms)
{
	static uint64_t seq;
	struct status_report r = {
		.ce = (char *)"", .boot_id = (char *)"00", .seq = ++seq,
		.agent_version = (char *)"0.1.0", .epoch = 1,
		.revision = kit_revision(), .result = STATUS_APPLIED, .peers = peers,
		.peer_count = count
	};

	OK(store_report(store, kit_ce_id("acme", ce), &r, at_ms, &e));
}

/* lyon, nice and paris in full mesh; lyon-nice alone is down */
static void one_down(int64_t at_ms)
{
	struct status_peer peers[2];

	peers[0] = peer_of("nice", "waiting");
	peers[1] = peer_of("paris", "up");
	report("lyon-r1", peers, 2, at_ms);
	peers[0] = peer_of("lyon", "up");
	report("nice-r1", peers, 2, at_ms);
	peers[1] = peer_of("nice", "up");
	report("paris-r1", peers, 2, at_ms);
}

START_TEST(counts_tunnels_by_site)
{
	struct status_peer left_out = peer_of("lyon", "up");
	struct status_peer down_too[2] = {
		peer_of("lyon", "alarm"), peer_of("paris", "up")
	};

	kit_acme();
	now = kit_now_ms();
	look();
	ck_assert_uint_eq(m.epoch, 1);
	ck_assert_uint_eq(m.revision, kit_revision());
	ck_assert_uint_eq(m.site_count, 3);
	ck_assert_uint_eq(m.ce_count, 3);
	ck_assert_uint_eq(m.down_count, 3);		/* nobody has reported */
	ck_assert(!m.sites[0].active);
	ck_assert_int_eq(m.ces[0].reported_ms, -1);
	ck_assert_str_eq(m.ces[0].result, "");
	one_down(now - 1000);
	look();
	ck_assert_str_eq(m.sites[0].site, "lyon");
	ck_assert_str_eq(m.sites[0].ce, "lyon-r1");
	ck_assert_str_eq(m.sites[2].site, "paris");
	ck_assert_uint_eq(m.sites[0].tunnels, 2);
	ck_assert_uint_eq(m.sites[0].down, 1);
	ck_assert_uint_eq(m.sites[1].down, 1);
	ck_assert_uint_eq(m.sites[2].tunnels, 2);
	ck_assert_uint_eq(m.sites[2].down, 0);
	ck_assert(m.sites[0].active && m.sites[1].active && m.sites[2].active);
	ck_assert_uint_eq(m.down_count, 1);
	ck_assert_uint_eq(m.down_omitted, 0);
	ck_assert_str_eq(m.sites[m.down[0].site].site, "lyon");
	ck_assert_str_eq(m.sites[m.down[0].peer].site, "nice");
	/* what one end does not tell of is not up; told down twice is one */
	report("paris-r1", &left_out, 1, now - 1000);
	report("nice-r1", down_too, 2, now - 1000);
	look();
	ck_assert_uint_eq(m.down_count, 2);
	ck_assert_str_eq(m.sites[m.down[1].site].site, "nice");
	ck_assert_str_eq(m.sites[m.down[1].peer].site, "paris");
	ck_assert_uint_eq(m.sites[1].down, 2);
	one_down(now - 1000);
	look();
	ck_assert_uint_eq(m.down_count, 1);
	/* a report that is too old says nothing */
	now += 900000 - 1000;
	look();
	ck_assert_uint_eq(m.down_count, 1);
	now++;
	look();
	ck_assert_uint_eq(m.down_count, 3);
	ck_assert(!m.sites[0].active);
}
END_TEST

/* whichever end of the tunnel it is */
START_TEST(what_a_silent_router_has_is_down)
{
	static const char *const names[3] = { "lyon", "nice", "paris" };
	struct status_peer peers[2];
	char ce[16];
	int silent, i, count;

	kit_acme();
	now = kit_now_ms();
	for (silent = 0; silent < 3; silent++)
	{
		for (i = 0; i < 3; i++)
		{
			peers[0] = peer_of(names[(i + 1) % 3], "up");
			peers[1] = peer_of(names[(i + 2) % 3], "up");
			snprintf(ce, sizeof(ce), "%s-r1", names[i]);
			report(ce, peers, 2, i == silent ? now - 900001 : now);
		}
		look();
		ck_assert_uint_eq(m.down_count, 2);
		for (i = 0, count = 0; i < 3; i++)
		{
			count += m.sites[i].active;
			ck_assert_uint_eq(m.sites[i].down, i == silent ? 2 : 1);
		}
		ck_assert_int_eq(count, 2);
	}
}
END_TEST

START_TEST(knows_who_is_behind)
{
	kit_acme();
	now = kit_now_ms();
	one_down(now);
	look();
	/* paris and lyon have the newest; adding a site raises all three */
	ck_assert_uint_eq(m.ces[0].lag, 0);
	ck_assert_str_eq(m.ces[0].result, "applied");
	ck_assert_uint_eq(m.open_notifications, 0);
	ck_assert_int_eq(m.oldest_open_ms, -1);
	kit_ce("acme", "metz-r1", "192.0.2.4");
	kit_site("acme", "corp", "metz", "metz-r1");
	look();
	ck_assert_uint_eq(m.ce_count, 4);
	ck_assert_str_eq(m.ces[0].ce, "lyon-r1");
	ck_assert_uint_ge(m.ces[0].lag, 1);
	ck_assert_uint_eq(m.ces[1].lag, 0);		/* metz says nothing yet */
	ck_assert(!m.ces[1].enrolled);
	ck_assert_uint_eq(m.open_notifications, 3);
	ck_assert_int_gt(m.oldest_open_ms, now - 60000);
	OK(store_delivered(store, m.ces[0].id, kit_revision(), now, &e));
	look();
	ck_assert_uint_eq(m.open_notifications, 2);
}
END_TEST

START_TEST(counts_alarms)
{
	struct status_alarm alarms[] = {
		{ (char *)"a", (char *)"x", STATUS_MAJOR, 1, 1, (char *)"" },
		{ (char *)"b", (char *)"y", STATUS_MAJOR, 1, 1, (char *)"" },
		{ (char *)"c", (char *)"z", STATUS_CRITICAL, 1, 1, (char *)"" },
		{ (char *)"d", (char *)"z", STATUS_CLEARED, 1, 1, (char *)"" },
	};
	struct status_report r = {
		.ce = (char *)"", .boot_id = (char *)"00", .seq = 1,
		.agent_version = (char *)"", .epoch = 7, .result = STATUS_REJECTED,
		.alarms = alarms, .alarm_count = 4
	};

	kit_acme();
	now = kit_now_ms();
	OK(store_report(store, kit_ce_id("acme", "nice-r1"), &r, now, &e));
	look();
	ck_assert_str_eq(m.ces[1].ce, "nice-r1");
	ck_assert_uint_eq(m.ces[1].alarms[STATUS_MAJOR], 2);
	ck_assert_uint_eq(m.ces[1].alarms[STATUS_CRITICAL], 1);
	ck_assert_uint_eq(m.ces[1].alarms[STATUS_MINOR], 0);
	ck_assert_uint_eq(m.ces[0].alarms[STATUS_MAJOR], 0);
	ck_assert_str_eq(m.ces[1].result, "rejected");
	/* of another incarnation of the database: it has nothing of this one */
	ck_assert_uint_eq(m.ces[1].lag, kit_ce_revision("acme", "nice-r1"));
}
END_TEST

START_TEST(takes_times_of_recent_tunnels)
{
	struct status_peer peer = peer_of("lyon", "up");

	kit_acme();
	now = kit_now_ms();
	peer.has_service = true;
	peer.service = (struct status_service){
		kit_revision(), 2, { 10, 20, 0, 0, 0 }
	};
	report("paris-r1", &peer, 1, now);
	look();
	ck_assert_uint_eq(m.recent_count, 3);
	now += DAYS_MS(1) + 60000;
	look();
	ck_assert_uint_eq(m.recent_count, 0);
}
END_TEST

/* all peers of a site, up but for skip */
static void report_mesh(int self, int skip)
{
	static char names[MESH][8];
	static struct status_peer peers[MESH];
	char ce[16];
	size_t count = 0;
	int i;

	for (i = 0; i < MESH; i++)
	{
		snprintf(names[i], sizeof(names[i]), "s%03d", i);
		if (i != self)
		{
			peers[count++] = peer_of(names[i], i == skip ? "alarm" : "up");
		}
	}
	snprintf(ce, sizeof(ce), "r%03d", self);
	report(ce, peers, count, now);
}

/* 19,900 tunnels: what is read grows with sites and what is down */
START_TEST(reads_no_row_for_a_tunnel_that_is_up)
{
	char ce[16], site[16], address[24];
	int i;

	kit_customer("acme");
	kit_vpn("acme", "corp");
	now = kit_now_ms() + DAYS_MS(2);
	for (i = 0; i < MESH; i++)
	{
		snprintf(ce, sizeof(ce), "r%03d", i);
		snprintf(site, sizeof(site), "s%03d", i);
		snprintf(address, sizeof(address), "192.0.2.%d", i + 1);
		kit_ce("acme", ce, address);
		kit_site("acme", "corp", site, ce);
	}
	/* nobody is there: all are down, a thousand are named */
	look();
	ck_assert_uint_eq(m.down_count, STORE_METRICS_DOWN_MAX);
	ck_assert_uint_eq(m.down_omitted,
					  MESH * (MESH - 1) / 2 - STORE_METRICS_DOWN_MAX);
	/* two sites are there: theirs is named first */
	report_mesh(198, 199);
	report_mesh(199, -1);
	look();
	ck_assert_str_eq(m.sites[m.down[0].site].site, "s198");
	ck_assert_str_eq(m.sites[m.down[0].peer].site, "s199");
	ck_assert_str_eq(m.sites[m.down[1].site].site, "s000");
	for (i = 0; i < MESH; i++)
	{
		report_mesh(i, i == 0 ? 1 : i == 5 ? 6 : -1);
	}
	look();
	ck_assert_uint_eq(m.down_count, 2);
	ck_assert_str_eq(m.sites[m.down[1].site].site, "s005");
	ck_assert_uint_eq(m.sites[0].tunnels, MESH - 1);
	ck_assert_uint_eq(m.sites[0].down, 1);
	/* sites, CEs, those two, and one of open notifications */
	ck_assert_uint_eq(m.rows, MESH + MESH + 2 + 1);
}
END_TEST

/* a fault is one, whatever it strikes */
START_TEST(a_fault_is_no_small_number)
{
	static const char *const tables[] = {
		"ce_key", "ce_alarm", "tunnel_notify", "ce_delivery"
	};
	struct db *db;
	char *sql;
	size_t i;

	now = kit_now_ms();
	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
	{
		OK(db_open(kit_path, &db, &e));
		sql = xasprintf("ALTER TABLE %s RENAME TO away", tables[i]);
		OK(db_script(db, sql, &e));
		free(sql);
		ck_assert_int_eq(store_metrics(store, arena, now, now, &m, &e), -EIO);
		sql = xasprintf("ALTER TABLE away RENAME TO %s", tables[i]);
		OK(db_script(db, sql, &e));
		free(sql);
		db_close(db);
		look();
	}
}
END_TEST

TCase *store_metrics_case(void)
{
	TCase *tc = tcase_create("metrics");

	tcase_add_checked_fixture(tc, kit_setup, kit_teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, counts_tunnels_by_site);
	tcase_add_test(tc, what_a_silent_router_has_is_down);
	tcase_add_test(tc, knows_who_is_behind);
	tcase_add_test(tc, counts_alarms);
	tcase_add_test(tc, takes_times_of_recent_tunnels);
	tcase_add_test(tc, reads_no_row_for_a_tunnel_that_is_up);
	tcase_add_test(tc, a_fault_is_no_small_number);
	return tc;
}
