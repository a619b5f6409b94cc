/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * agent.c - wiring: which event asks for what
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agent.h"
#include "alert.h"
#include "alloc.h"
#include "charon.h"
#include "control.h"
#include "daytime.h"
#include "depart.h"
#include "event.h"
#include "file.h"
#include "first.h"
#include "fit.h"
#include "frr.h"
#include "hold.h"
#include "log.h"
#include "loop.h"
#include "moved.h"
#include "neighbors.h"
#include "negotiate.h"
#include "nft.h"
#include "nl.h"
#include "notify.h"
#include "report.h"
#include "sacheck.h"
#include "screen.h"
#include "seal.h"
#include "serve.h"
#include "standing.h"
#include "text.h"
#include "trim.h"
#include "vici.h"

/* Everything is read again at least this often. */
#define PERIODIC_MS 60000
/* Negotiations under way are looked at this often. */
#define ATTEMPTS_MS 1000
/* Changes that come close together are one report; it tells of every tunnel. */
#define REPORT_GATHER_MS 300
#define REPORT_EACH_MS 1
#define REPORT_DEFAULT_S 300
/* After so long without a change there is nothing to do. */
#define IDLE_MS 5000
/* systemd must not start us again: see RestartPreventExitStatus */
#define EXIT_REFUSED 78

/* What the agent may raise; see desired.c for what it wants of them. */
static const char *const sysctls[] = {
	"net/ipv4/ip_forward", "net/ipv4/raw_l3mdev_accept",
	"net/ipv4/igmp_max_memberships", "net/core/optmem_max", NULL,
};

/* ---- alarms and reports ---------------------------------------------------- */

void agent_alarm(struct agent *a, enum err_code code, const char *resource,
				 enum status_severity severity, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (alarm_raise(&a->alarms, code, resource, severity, loop_now_ms(), text))
	{
		event_emit(a->control, EVENT_ALARM_RAISED, resource, code, "%s", text);
		agent_changed(a);
	}
}

void agent_alarm_clear(struct agent *a, enum err_code code,
					   const char *resource)
{
	if (alarm_clear(&a->alarms, code, resource))
	{
		event_emit(a->control, EVENT_ALARM_CLEARED, resource, code, NULL);
		agent_changed(a);
	}
}

static uint64_t report_interval_ms(const struct agent *a)
{
	unsigned s = a->doc && a->doc->management.report_interval ?
					a->doc->management.report_interval : REPORT_DEFAULT_S;

	return (uint64_t)s * 1000;
}

static void on_report(void *user)
{
	struct agent *a = user;
	struct text t = report_for_server(a);

	provider_report(a->provider, t.s, t.len);
	text_done(&t);
	a->alarms.changed = false;
	a->report_soon = false;
	loop_timer_set(a->report, report_interval_ms(a));
}

void agent_changed(struct agent *a)
{
	if (a->provider && !a->report_soon)
	{	/* counted from the first: there may be one change after the other */
		a->report_soon = true;
		loop_timer_set(a->report, REPORT_GATHER_MS +
					   REPORT_EACH_MS * tunnels_count(a->tunnels));
	}
}

/* ---- rounds ---------------------------------------------------------------- */

/* Reached, or not any more: an event each time. */
static void note_server(struct agent *a)
{
	struct provider_status ps;

	provider_status(a->provider, &ps);
	if (ps.since_ms && (!a->server_noted || a->server_up != ps.connected))
	{
		a->server_noted = true;
		a->server_up = ps.connected;
		event_emit(a->control, ps.connected ? EVENT_SERVER_CONNECTED :
				   EVENT_SERVER_LOST, ps.server, ps.connected ? ERR_NONE :
				   ps.error.code, NULL);
	}
}

/* What was needed for the last change is given back. */
static void rest_if_idle(struct agent *a)
{
	if (a->changed_ms && loop_now_ms() - a->changed_ms >= IDLE_MS &&
		!cycle_busy(a->cycle))
	{
		a->changed_ms = 0;
		trim_memory();
	}
}

/* A negotiation that fails may end without a word: look while one is under way. */
static void on_attempts(void *user)
{
	struct agent *a = user;

	if (a->checked)
	{
		negotiate_look(a);
	}
	note_server(a);
	standing_look(a);
	screen_look(a);
	renew_look(a);
	ike_look(a);
	alert_strangers(a);
	rest_if_idle(a);
	loop_timer_set(a->attempts, ATTEMPTS_MS);
}

static void on_periodic(void *user)
{
	struct agent *a = user;

	if (a->checked)
	{
		cycle_request(a->cycle);
		sacheck_request(a->sacheck);
	}
	negotiate_forget(a);
	moved_soon(a);
	loop_timer_set(a->periodic, PERIODIC_MS);
}

static void note_error(struct agent *a, const char *resource,
					   const struct err *e)
{
	if (a->error_count < AGENT_ERRORS_MAX)
	{
		struct agent_error *to = &a->errors[a->error_count++];

		snprintf(to->resource, sizeof(to->resource), "%s", resource);
		to->err = *e;
	}
}

static void note_errors(struct agent *a, const struct cycle_result *r)
{
	struct err e = {0};
	size_t count;
	const struct hold_refused *refused = hold_refused(a->hold, &count);

	a->error_count = 0;
	for (size_t i = 0; i < count; i++)
	{
		note_error(a, refused[i].place, &refused[i].err);
	}
	for (size_t i = 0; i < r->desired->error_count; i++)
	{
		note_error(a, r->desired->errors[i].resource,
				   &r->desired->errors[i].err);
	}
	for (size_t i = 0; i < r->rest->error_count; i++)
	{
		note_error(a, r->rest->errors[i].want->key, &r->rest->errors[i].err);
	}
	for (size_t i = 0; i < r->error_count; i++)
	{
		note_error(a, r->errors[i].where, &r->errors[i]);
	}
	if (r->rest->count && !r->error_count)
	{
		err_set(&e, 0, ERR_NOT_CONVERGED, r->rest->steps[0].key, "%zu steps "
				"remain, the first: %s %s", r->rest->count,
				step_op_name(r->rest->steps[0].op),
				resource_kind_name(r->rest->steps[0].kind));
		note_error(a, r->rest->steps[0].key, &e);
	}
	if (!charon_hello(a->charon))
	{
		fit_error(a, &e);
		note_error(a, "charon", &e);
	}
	if (!frr_running(a->frr))
	{
		err_set(&e, 0, ERR_FRR, a->conf.frr_dir, "ospfd is not running");
		note_error(a, "frr", &e);
	}
}

static char *boot_file(const struct agent *a)
{
	return xasprintf("%s/charon.boot", a->conf.run_dir);
}

static void save_charon_boot(struct agent *a)
{
	struct err e = {0};
	char *path = boot_file(a);

	if (file_write(path, a->charon_boot, strlen(a->charon_boot), 0600, &e) < 0)
	{
		log_err(LOG_LEVEL_WARN, "charon", "boot id", &e);
	}
	free(path);
}

/*
 * A charon that died left SAs in the kernel that its successor knows nothing
 * of. They go before it is told any connection: afterwards nobody could tell
 * them from those that it is just setting up.
 */
static void clean_after_charon(struct agent *a, const struct charon_hello *hello)
{
	struct err e = {0};
	unsigned deleted = 0;

	a->charon_new = true;
	if (hello->count == 0 &&
		nl_sa_flush(a->nl, desired_mark_out(&a->conf), &deleted, &e) < 0)
	{
		log_err(LOG_LEVEL_WARN, "charon", "stale SAs", &e);
	}
	if (deleted)
	{
		log_info("charon", "deleted %u SAs of the charon before", deleted);
	}
}

static void on_settled(void *user, const struct cycle_result *r)
{
	struct agent *a = user;
	unsigned unknown = r->seen->facts.unknown_kinds;

	tunnels_observed(a->tunnels, r->seen, r->group);
	if (tunnels_spare(a->tunnels))
	{
		sacheck_spare(a->sacheck);
	}
	if (r->applied || !a->settled_ms)
	{
		a->changed_ms = loop_now_ms();
	}
	if (r->full)
	{
		if (a->converged != (r->converged && a->checked) || r->applied)
		{
			event_emit(a->control, r->converged ? EVENT_ROUTER_CONVERGED :
					   EVENT_ROUTER_DIFFERS, "", ERR_NONE, "%u steps applied",
					   r->applied);
			agent_changed(a);
		}
		a->converged = r->converged && a->checked;
		a->looked_ms = r->seen->begun_ms;
		a->settled_ms = loop_now_ms();
		note_errors(a, r);
		if (!a->checked)
		{	/* nothing was changed, only looked at */
			serve_settled(a);
			return;
		}
		if (a->leaving)
		{
			depart_settled(a, r);
			serve_settled(a);
			return;
		}
		if (a->doc_pending && !(unknown & RES_BIT(RES_CONN)))
		{
			a->doc_pending = false;
			provider_applied(a->provider);
			agent_changed(a);
		}
		/* before the first document there is nobody to negotiate with */
		if (a->charon_new && a->doc &&
			!(unknown & (RES_BIT(RES_SA) | RES_BIT(RES_CONN))))
		{
			a->charon_new = false;
			if (!a->first_doc)
			{
				log_info("charon", "a new charon: negotiating with every peer");
				tunnels_restarted(a->tunnels);
			}
			/* not before: an agent that starts meanwhile does it again */
			save_charon_boot(a);
		}
		if (!(unknown & RES_BIT(RES_CONN)))
		{
			tunnels_ready(a->tunnels);
			alert_call_back(a);
			if (a->first_doc && a->doc)
			{
				a->first_doc = false;
				tunnels_introduce(a->tunnels);
			}
		}
	}
	if (tunnels_settling(a->tunnels))
	{
		neighbors_poll(a);
	}
	serve_settled(a);
}

static const struct model_document *on_wanted(void *user)
{
	struct agent *a = user;

	/* nothing is changed before it is known that it would hurt nobody */
	return a->checked ? a->doc : NULL;
}

/* ---- the provider ---------------------------------------------------------- */

static void set_vrfs(struct agent *a)
{
	char **vrfs = xcalloc(a->conf.vpn_count + 1, sizeof(*vrfs));

	for (size_t i = 0; i < a->conf.vpn_count; i++)
	{
		vrfs[i] = a->conf.vpns[i].vrf;
		for (size_t k = 0; a->conf.vpns[i].lan[k]; k++)
		{
			frr_add_lan(a->frr, vrfs[i], a->conf.vpns[i].lan[k]);
		}
	}
	frr_set_vrfs(a->frr, vrfs, a->conf.vpn_count);
	free(vrfs);
}

/* An alarm for each VPN that is asked too much of, none for the others. */
static void policy_alarms(struct agent *a)
{
	size_t count, k;
	const struct hold_refused *refused = hold_refused(a->hold, &count);

	for (size_t i = 0; i < a->conf.vpn_count; i++)
	{
		const char *place = a->conf.vpns[i].place;

		for (k = 0; k < count && strcmp(refused[k].place, place) != 0; k++);
		if (k == count)
		{
			agent_alarm_clear(a, ERR_POLICY, place);
		}
		else
		{
			agent_alarm(a, ERR_POLICY, place, STATUS_MAJOR, "%s",
						refused[k].err.text);
		}
	}
}

static void on_document(void *user, const struct provider_document *d)
{
	struct agent *a = user;
	struct provider_document bounded = *d;

	if (a->leaving)
	{
		return;
	}
	a->first_doc |= !a->doc && !d->from_disk;
	a->doc = bounded.doc = hold_document(a->hold, d->doc);
	a->doc_pending = true;
	event_emit(a->control, EVENT_DOCUMENT_ACCEPTED, "", ERR_NONE, "revision "
			   "%llu, epoch %llu%s", (unsigned long long)d->doc->revision,
			   (unsigned long long)d->doc->epoch,
			   d->from_disk ? ", from disk" : "");
	policy_alarms(a);
	ike_document(a, d->doc);
	moved_document(a);
	tunnels_document(a->tunnels, &a->conf, &bounded);
	cycle_request(a->cycle);
	moved_soon(a);
}

static void on_kept(void *user)
{
	struct agent *a = user;

	hold_kept(a->hold);
	ike_kept(a);
	agent_changed(a);		/* the server waits for it with a rotation */
}

static void on_provider_state(void *user)
{
	struct agent *a = user;

	alert_document(a);
	negotiate_answered(a);
	agent_changed(a);
	moved_soon(a);
	serve_settled(a);
}

static void on_answered(void *user, const struct fetch_answer *answer)
{
	struct agent *a = user;

	daytime_answered(a->daytime, answer);
	alert_clock(a);
	screen_answered(a, answer);
}

/* ---- charon ---------------------------------------------------------------- */

static void refuse(struct agent *a, const char *where, const char *text)
{
	struct err e = {0};

	err_set(&e, 0, ERR_CHARON_SETTING, where, "%s", text);
	if (a->checked)
	{	/* at work already: an alarm, nothing is torn down */
		agent_alarm(a, ERR_CHARON_SETTING, where, STATUS_MAJOR, "%s", text);
		return;
	}
	log_err(LOG_LEVEL_ERROR, "charon", "refusing to start", &e);
	err_print("ppvpn-agent", &e);
	a->exit_status = EXIT_REFUSED;
	loop_stop(a->loop);
}

static bool acknowledged(const struct agent *a, const char *conn)
{
	for (size_t i = 0; i < a->conf.routes_not_needed_count; i++)
	{
		if (strcmp(a->conf.routes_not_needed[i], conn) == 0)
		{
			return true;
		}
	}
	return false;
}

static void begin_work(struct agent *a)
{
	a->checked = true;
	cycle_request(a->cycle);
}

/* charon.install_routes = no, which our VTIs need, takes the routes away that
 * policy-based connections may rely on. */
static void on_foreign_conns(void *user, int rc, char *const *names,
							 size_t count)
{
	struct agent *a = user;
	char *text;

	if (rc < 0)
	{	/* charon went away: asked again when it is back */
		return;
	}
	for (size_t i = 0; i < count; i++)
	{
		if (!acknowledged(a, names[i]))
		{
			text = xasprintf("charon.install_routes = no, which tunnel links "
					"need, takes away the route that charon would install for "
					"this connection; if it does without, say "
					"\"routes-not-needed = %s\" in agent.conf", names[i]);
			refuse(a, names[i], text);
			free(text);
			if (!a->checked)
			{
				return;
			}
		}
	}
	begin_work(a);
}

static void check_charon(struct agent *a)
{
	const struct charon_hello *hello = charon_hello(a->charon);

	if (!hello || !vici_connected(a->vici))
	{
		return;
	}
	if (a->leaving)
	{
		cycle_request(a->cycle);
		return;
	}
	if (hello->install_routes)
	{
		refuse(a, "charon.install_routes", "it is yes: charon would install a "
			   "default route for every tunnel link; set it to no in "
			   "strongswan.d and restart strongswan");
	}
	else if (hello->connmark)
	{
		refuse(a, "charon.plugins.connmark", "the plugin is loaded, and it "
			   "breaks the marks of tunnel links; set load = no in "
			   "strongswan.d/charon/connmark.conf and restart strongswan");
	}
	else
	{
		vici_foreign_conns(a->vici, on_foreign_conns, a);
	}
}

static void on_charon(void *user, const struct charon_hello *hello)
{
	struct agent *a = user;

	if (strcmp(a->charon_boot, hello->boot_id) != 0)
	{
		snprintf(a->charon_boot, sizeof(a->charon_boot), "%s", hello->boot_id);
		clean_after_charon(a, hello);
	}
	nl_xfrm_charon(a->nl, hello->pid);
	event_emit(a->control, EVENT_CHARON_CONNECTED, "charon", ERR_NONE,
			   "the plugin in strongSwan %s", hello->version);
	fit_look(a);
	check_charon(a);
	agent_changed(a);
}

static void on_charon_lost(void *user)
{
	struct agent *a = user;

	event_emit(a->control, EVENT_CHARON_LOST, "charon", ERR_CHARON,
			   "tunnels stay as they are in the kernel");
	fit_look(a);
	tunnels_pause(a->tunnels);
	cycle_request(a->cycle);
	agent_changed(a);
}

static void on_unknown_peer(void *user, const char *address,
							const char *identity, uint64_t count)
{
	alert_unknown_peer(user, address, identity, count);
}

static void on_alert(void *user, const struct charon_alert *alert)
{
	alert_handle(user, alert);
}

static void on_vici(void *user, bool connected)
{
	struct agent *a = user;

	if (!connected)
	{
		fit_look(a);
		return;
	}
	fit_charon(a);
	check_charon(a);
}

static void on_sa_changed(void *user, const char *conn)
{
	struct agent *a = user;

	if (a->checked)
	{
		cycle_request_conn(a->cycle, conn);
	}
}

/* ---- kernel and FRR -------------------------------------------------------- */

static void on_nl(void *user, enum nl_event event, const char *link,
				  bool present)
{
	struct agent *a = user;

	if (event == NL_ROUTE)
	{
		/* that one went says nothing of the others: the next round counts */
		if (present)
		{
			tunnels_route(a->tunnels, link, true);
		}
		else if (frr_running(a->frr))
		{	/* somebody may have touched what it came from */
			neighbors_soon(a);
		}
		return;
	}
	if (event == NL_ADDRESS || event == NL_OVERFLOW)
	{
		moved_soon(a);
	}
	if (event == NL_XFRM || event == NL_OVERFLOW)
	{
		sacheck_request(a->sacheck);
	}
	if (a->checked && event != NL_XFRM && event != NL_ADDRESS)
	{
		cycle_request(a->cycle);
	}
}

static void on_frr(void *user, bool running)
{
	struct agent *a = user;

	a->frr_ms = loop_now_ms();
	event_emit(a->control, running ? EVENT_FRR_CONNECTED : EVENT_FRR_LOST,
			   "frr", running ? ERR_NONE : ERR_FRR, NULL);
	if (a->checked)
	{
		cycle_request(a->cycle);
	}
	agent_changed(a);
}

static void on_frr_config(void *user)
{
	struct agent *a = user;

	if (a->checked)
	{
		cycle_request(a->cycle);
	}
}

/* ---- life ------------------------------------------------------------------ */

static void on_signal(void *user, int signo)
{
	struct agent *a = user;

	event_emit(a->control, EVENT_AGENT_STOPPED, "agent", ERR_NONE,
			   "signal %d; tunnels stay as they are", signo);
	loop_stop(a->loop);
}

static void load_charon_boot(struct agent *a)
{
	char *path = boot_file(a), *text = NULL;
	size_t len;

	if (file_read(path, sizeof(a->charon_boot) - 1, &text, &len, NULL) == 0)
	{
		snprintf(a->charon_boot, sizeof(a->charon_boot), "%s", text);
	}
	free(text);
	free(path);
}

static char **lan_links(const struct conf *conf)
{
	char **links = xcalloc(conf->vpn_count * CONF_LAN_MAX + 1, sizeof(*links));
	size_t n = 0;

	for (size_t i = 0; i < conf->vpn_count; i++)
	{
		for (size_t k = 0; conf->vpns[i].lan[k]; k++)
		{
			links[n++] = conf->vpns[i].lan[k];
		}
	}
	return links;
}

static int start_system(struct agent *a, struct err *e)
{
	static const struct vici_handlers vici = { on_vici, on_sa_changed };
	static const struct charon_handlers charon = {
		on_charon, on_charon_lost, on_unknown_peer, on_alert,
	};
	static const struct frr_handlers frr = { on_frr, NULL, on_frr_config };
	struct frr_config frr_config = {
		.vtysh = a->conf.vtysh, .vty_dir = a->conf.frr_dir,
		.run_dir = a->conf.run_dir,
	};
	char **lan = lan_links(&a->conf);
	int rc;

	rc = nl_new(a->loop, sysctls, lan, on_nl, a, &a->nl, e);
	free(lan);
	if (rc < 0)
	{
		return rc;
	}
	a->vici = vici_new(a->loop, a->conf.vici_socket, &vici, a);
	a->charon = charon_new(a->loop, a->conf.plugin_socket, &charon, a);
	a->frr = frr_new(a->loop, &frr_config, &frr, a);
	a->backends[0] = nl_backend(a->nl);
	a->backends[1] = frr_backend(a->frr);
	a->backends[2] = vici_backend(a->vici);
	a->backends[3] = charon_backend(a->charon);
	screen_start(a);
	a->backends[4] = nft_backend(a->nft);
	set_vrfs(a);
	return 0;
}

/* Tunnels need no clock: whatever is wrong here holds nothing up. */
static void start_daytime(struct agent *a)
{
	struct err e = {0};

	if (daytime_new(a->conf.state_dir, a->identity.ca_file,
					!a->conf.keep_clock, NULL, &a->daytime, &e) < 0)
	{
		log_err(LOG_LEVEL_WARN, "clock", "what is known", &e);
	}
	alert_clock(a);
}

static int start_agent(struct agent *a, struct err *e)
{
	static const struct provider_handlers provider = {
		on_document, on_provider_state, serve_diag, on_answered, on_kept,
	};
	static const struct cycle_handlers cycle = { on_wanted, on_settled };
	uint8_t id[16];
	int rc;

	seal_random(id, sizeof(id));
	hex_encode(id, sizeof(id), a->boot_id);
	a->started_ms = loop_now_ms();
	a->periodic = loop_timer_new(a->loop, on_periodic, a);
	a->neighbors = loop_timer_new(a->loop, neighbors_look, a);
	a->attempts = loop_timer_new(a->loop, on_attempts, a);
	a->report = loop_timer_new(a->loop, on_report, a);
	a->fit = loop_timer_new(a->loop, fit_late, a);
	a->moved = loop_timer_new(a->loop, moved_look, a);
	a->renewed = loop_timer_new(a->loop, renew_use, a);
	a->tunnels = tunnels_new(a->loop, &negotiate_handlers, a);
	a->hold = hold_new(&a->conf, a->conf.state_dir, a->identity.ce);
	load_charon_boot(a);
	start_daytime(a);
	renew_load(a);
	ike_load(a);
	rc = start_system(a, e);
	if (rc == 0)
	{
		a->cycle = cycle_new(a->loop, &a->conf, a->backends, &cycle, a);
		a->sacheck = sacheck_new(a->loop, a->nl, a->vici, a->tunnels, a->cycle);
		rc = provider_new(a->loop, a->conf.state_dir, &a->identity, &provider,
						  a, &a->provider, e);
	}
	if (rc == 0)
	{
		rc = control_new(a->loop, a->conf.control_socket, a->conf.control_group,
						 serve_request, a, &a->control, e);
	}
	if (rc == 0 && a->identity.leaving)
	{
		depart_resume(a);
	}
	loop_timer_set(a->periodic, PERIODIC_MS);
	loop_timer_set(a->attempts, ATTEMPTS_MS);
	neighbors_poll(a);
	if (rc == 0 && !a->leaving)
	{	/* with charon away, too: the provider is to know that it is */
		provider_start(a->provider);
		cycle_request(a->cycle);
	}
	return rc;
}

static void stop(struct agent *a)
{
	if (a->control)
	{
		serve_stop(a);
	}
	control_free(a->control);
	sacheck_free(a->sacheck);
	cycle_free(a->cycle);
	provider_free(a->provider);
	a->provider = NULL;
	daytime_free(a->daytime);
	hold_free(a->hold);
	tunnels_free(a->tunnels);
	frr_free(a->frr);
	charon_free(a->charon);
	vici_free(a->vici);
	nft_free(a->nft);
	nl_free(a->nl);
	loop_timer_free(a->periodic);
	loop_timer_free(a->neighbors);
	loop_timer_free(a->attempts);
	loop_timer_free(a->report);
	loop_timer_free(a->fit);
	loop_timer_free(a->moved);
	loop_timer_free(a->renewed);
	renew_done(a);
	ike_done(a);
	loop_free(a->loop);
	identity_done(&a->identity);
	conf_done(&a->conf);
}

/* Since when this router has had the provider's credentials. */
static void note_enrolled(struct agent *a)
{
	struct stat st;

	if (stat(a->identity.ca_file, &st) == 0 && st.st_mtime > 0)
	{
		a->enrolled = st.st_mtime;
	}
}

/* refused: it is of no use to start again before somebody did something */
static int load(struct agent *a, const char *conf_path, bool *refused,
				struct err *e)
{
	int rc = conf_read(conf_path, &a->conf, e), lock;

	if (rc == 0)
	{
		log_set_level(a->conf.log_level);
		rc = seal_init(e);
	}
	if (rc == 0)
	{
		rc = identity_load(a->conf.state_dir, &a->identity, e);
	}
	if (rc == -ENOENT && e->code == ERR_NOT_ENROLLED)
	{
		rc = first_enroll(&a->conf, e);
		rc = rc == 0 ? identity_load(a->conf.state_dir, &a->identity, e) : rc;
		*refused = rc < 0;
	}
	if (rc == 0)
	{
		note_enrolled(a);
		rc = dir_make(a->conf.run_dir, 0755, e);
	}
	if (rc == 0)
	{	/* two would take each other's connections away; held to the end */
		rc = dir_lock(a->conf.run_dir, "another ppvpn-agent", &lock, e);
	}
	return rc;
}

int agent_run(const char *conf_path)
{
	struct agent *a = xcalloc(1, sizeof(*a));
	struct loop_signal *term, *interrupt;
	struct err e = {0};
	bool refused = false;
	int rc, status;

	signal(SIGPIPE, SIG_IGN);
	rc = load(a, conf_path, &refused, &e);
	if (rc < 0)
	{
		err_print("ppvpn-agent", &e);
		conf_done(&a->conf);
		free(a);
		return refused || rc == -ENOENT || e.code == ERR_CONFIG
			   ? EXIT_REFUSED : EXIT_FAILURE;
	}
	a->loop = loop_new();
	term = loop_signal_new(a->loop, SIGTERM, on_signal, a);
	interrupt = loop_signal_new(a->loop, SIGINT, on_signal, a);
	rc = start_agent(a, &e);
	if (rc < 0)
	{
		log_err(LOG_LEVEL_ERROR, "agent", "cannot start", &e);
		err_print("ppvpn-agent", &e);
		a->exit_status = EXIT_FAILURE;
	}
	else
	{
		event_emit(a->control, EVENT_AGENT_STARTED, a->identity.ce, ERR_NONE,
				   "version %s", PACKAGE_VERSION);
		notify_ready();
		loop_run(a->loop);
	}
	loop_signal_free(term);
	loop_signal_free(interrupt);
	status = a->exit_status;
	stop(a);
	free(a);
	return status;
}
