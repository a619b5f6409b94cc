/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * first.c - a router that is not enrolled yet and finds its bundle
 */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "conf.h"
#include "first.h"
#include "identity.h"
#include "log.h"
#include "notify.h"
#include "seal.h"

#define WAIT_FIRST_MS 2000
#define WAIT_MAX_MS (5 * 60 * 1000)

/* May it be otherwise in a while without anybody doing something here? */
static bool passes(const struct err *e)
{
	static const enum err_code codes[] = {
		ERR_UNREACHABLE, ERR_TIMEOUT, ERR_TLS, ERR_HTTP, ERR_CLOCK, ERR_RUNNING,
		ERR_APPROVAL,
	};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
	{
		if (e->code == codes[i])
		{
			return true;
		}
	}
	return false;
}

/* Longer each time, and not together with others that have just got power. */
static void wait_a_while(unsigned tries)
{
	uint64_t ms = WAIT_FIRST_MS;
	struct timespec t;
	uint32_t chance;

	while (tries-- && ms < WAIT_MAX_MS)
	{
		ms *= 2;
	}
	ms = ms < WAIT_MAX_MS ? ms : WAIT_MAX_MS;
	seal_random(&chance, sizeof(chance));
	ms += chance % (ms / 4);
	t = (struct timespec){ (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };
	while (nanosleep(&t, &t) < 0 && errno == EINTR)
	{
	}
}

int first_enroll(const struct conf *conf, struct err *e)
{
	struct stat st;
	unsigned tries = 0;
	int rc;

	if (stat(conf->bundle, &st) < 0)
	{
		return -ENOENT;
	}
	if (st.st_mode & 077)
	{
		log_warn("enroll", "%s: others than its owner may use it (chmod 600)",
				 conf->bundle);
	}
	log_info("enroll", "not enrolled yet: with %s", conf->bundle);
	while ((rc = identity_enroll(conf->state_dir, conf->bundle, false,
								 !conf->keep_clock, e)) < 0 && passes(e))
	{
		log_err(LOG_LEVEL_WARN, "enroll", conf->bundle, e);
		notify_ready();
		wait_a_while(tries++);
	}
	if (rc == 0)
	{
		log_info("enroll", "enrolled");
	}
	/* a file that vanished meanwhile is none */
	return rc == -ENOENT ? -EIO : rc;
}
