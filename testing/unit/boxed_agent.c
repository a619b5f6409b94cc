/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * boxed_agent.c - the whole agent, its files and its wiring; kernel, charon, ospfd
 * (box_router.h), the server and time are in the box
 *
 * boxed-agent CONF WORLD SECONDS [OP]: runs for so many seconds, of a clock that
 * does not wait, and prints how it ended. After half of them the operation OP
 * of the control socket. WORLD has
 *   journal		the router
 *   offer			what the server says: "STATUS ETAG\n" and a document; no such
 *					file: it is not reached
 *   cut			a resource of the router; while it is there, neither
 *   no-charon		it never answers
 *   told			the keys for IKE that the server was told: a request each
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/charon.h"
#include "agent/charon_msg.h"
#include "agent/control.h"
#include "agent/fetch.h"
#include "agent/frr.h"
#include "agent/nft.h"
#include "agent/nl.h"
#include "agent/vici.h"
#include "alloc.h"
#include "box_router.h"
#include "fake_loop.h"
#include "file.h"
#include "log.h"

#define OFFER_MAX (1 << 20)
#define ANSWER_MS 20

static struct box_router router;
static const char *world, *op;
static unsigned seconds;
static bool stopped;

static char *world_file(const char *name)
{
	return xasprintf("%s/%s", world, name);
}

static bool world_has(const char *name)
{
	char *path = world_file(name);
	bool there = access(path, F_OK) == 0;

	free(path);
	return there;
}

/* What is in a file of the world; NULL: it is not there. */
static char *world_text(const char *name)
{
	char *path = world_file(name), *text = NULL;
	size_t len;

	if (file_read(path, OFFER_MAX, &text, &len, NULL) < 0)
	{
		text = NULL;
	}
	free(path);
	return text;
}

/* ---- back ends: all of them are the router ------------------------------------ */

struct part {
	struct backend backend;
	struct backend_ops ops;
};

static void part_read(struct backend *b, struct observation *o,
					  backend_done_fn done, void *user)
{
	unsigned asked = o->kinds;

	o->kinds &= b->ops->kinds;
	router.fake.backend.ops->read(&router.fake.backend, o, done, user);
	o->kinds = asked;
}

/* Facts come with the first. */
static void nothing(void *user)
{
	(void)user;
}

static void nl_read(struct backend *b, struct observation *o,
					backend_done_fn done, void *user)
{
	part_read(b, o, nothing, NULL);
	box_router_facts(&router, o);
	done(user);
}

static void away_read(struct backend *b, struct observation *o,
					  backend_done_fn done, void *user)
{
	if (world_has("no-charon"))
	{
		o->facts.unknown_kinds |= b->ops->kinds;
		done(user);
		return;
	}
	part_read(b, o, done, user);
}

static void part_apply(struct backend *b, struct step *const *steps,
					   size_t count, backend_done_fn done, void *user)
{
	(void)b;
	for (size_t i = 0; i < count; i++)
	{
		steps[i]->rc = box_router_step(&router, steps[i]);
	}
	done(user);
}

#define PART(var, what, bits, read) \
	static struct part var = { \
		.ops = { what, bits, read, part_apply }, \
	}

PART(kernel, "kernel", RES_BIT(RES_SYSCTL) | RES_BIT(RES_RULE) |
	 RES_BIT(RES_VRF) | RES_BIT(RES_MEMBER) | RES_BIT(RES_ROUTE) |
	 RES_BIT(RES_LINK), nl_read);
PART(ospfd, "ospfd", RES_BIT(RES_OSPF) | RES_BIT(RES_OSPF_LINK), part_read);
PART(sas, "sas", RES_BIT(RES_SA), away_read);
static void conns_read(struct backend *b, struct observation *o,
					   backend_done_fn done, void *user);
PART(conns, "conns", RES_BIT(RES_CREDENTIALS) | RES_BIT(RES_CONN), conns_read);

static struct backend *backend_of(struct part *part)
{
	part->backend.ops = &part->ops;
	return &part->backend;
}

/* ---- the firewall: this kernel has none ------------------------------------------ */

struct nft { struct part part; };

static void nft_read(struct backend *b, struct observation *o,
					 backend_done_fn done, void *user)
{
	(void)b;
	(void)o;
	done(user);
}

struct nft *nft_new(struct loop *l, const char *state_dir,
					const struct nft_handlers *handlers, void *user)
{
	static struct nft none = {
		.part.ops = { "nftables", RES_BIT(RES_FIREWALL), nft_read, part_apply },
	};

	(void)l;
	(void)state_dir;
	(void)handlers;
	(void)user;
	none.part.backend.ops = &none.part.ops;
	return &none;
}

void nft_free(struct nft *n)
{
	(void)n;
}

struct backend *nft_backend(struct nft *n)
{
	return &n->part.backend;
}

void nft_hold(struct nft *n, bool held)
{
	(void)n;
	(void)held;
}

bool nft_counters(struct nft *n, struct firewall_counters *out)
{
	(void)n;
	(void)out;
	return false;
}

const char *nft_mode(const struct nft *n)
{
	(void)n;
	return NULL;
}

bool nft_possible(const struct nft *n)
{
	(void)n;
	return false;
}

const char *nft_confirmed(const struct nft *n)
{
	(void)n;
	return "";
}

void nft_confirm(struct nft *n, const char *settings)
{
	(void)n;
	(void)settings;
}

/* ---- the kernel ---------------------------------------------------------------- */

struct nl { int none; };

int nl_new(struct loop *loop, const char *const *sysctls, char *const *lan,
		   nl_event_fn fn, void *user, struct nl **nl, struct err *e)
{
	static struct nl one;

	(void)loop;
	(void)sysctls;
	(void)lan;
	(void)fn;
	(void)user;
	(void)e;
	*nl = &one;
	return 0;
}

void nl_free(struct nl *nl)
{
	(void)nl;
}

struct backend *nl_backend(struct nl *nl)
{
	(void)nl;
	return backend_of(&kernel);
}

int nl_sa_flush(struct nl *nl, uint32_t mark_out, unsigned *deleted,
				struct err *e)
{
	(void)nl;
	(void)mark_out;
	(void)e;
	*deleted = box_router_flush(&router);
	return 0;
}

int nl_policy_flush(struct nl *nl, uint32_t mark_base, unsigned *deleted,
					struct err *e)
{
	(void)nl;
	(void)mark_base;
	(void)e;
	*deleted = 0;
	return 0;
}

/* Whatever address the document says is this router's, and packets go out from it. */
bool nl_source(struct nl *nl, const struct addr *to, struct addr *source)
{
	(void)nl;
	(void)to;
	(void)source;
	return false;
}

bool nl_is_local(struct nl *nl, const struct addr *address)
{
	(void)nl;
	(void)address;
	return true;
}

void nl_xfrm_charon(struct nl *nl, uint32_t pid)
{
	(void)nl;
	(void)pid;
}

int nl_xfrm_list(struct nl *nl, struct nl_xfrm *x, struct err *e)
{
	(void)nl;
	(void)e;
	memset(x, 0, sizeof(*x));
	return 0;
}

void nl_xfrm_done(struct nl_xfrm *x)
{
	(void)x;
}

bool nl_xfrm_has(const struct nl_xfrm *x, uint32_t spi_in, uint32_t mark)
{
	(void)x;
	(void)spi_in;
	(void)mark;
	return true;
}

/* ---- ospfd ----------------------------------------------------------------------- */

struct frr {
	struct frr_handlers handlers;
	void *user;
	struct loop_timer *timer;
	bool running;
};

static void on_frr_there(void *user)
{
	struct frr *f = user;

	f->running = true;
	f->handlers.connection(f->user, true);
}

struct frr *frr_new(struct loop *loop, const struct frr_config *config,
					const struct frr_handlers *handlers, void *user)
{
	struct frr *f = xcalloc(1, sizeof(*f));

	(void)config;
	f->handlers = *handlers;
	f->user = user;
	f->timer = loop_timer_new(loop, on_frr_there, f);
	loop_timer_set(f->timer, 5);
	return f;
}

void frr_free(struct frr *f)
{
	if (f)
	{
		loop_timer_free(f->timer);
		free(f);
	}
}

bool frr_running(const struct frr *f)
{
	return f->running;
}

size_t frr_leftovers(const struct frr *f)
{
	(void)f;
	return 0;
}

struct backend *frr_backend(struct frr *f)
{
	(void)f;
	return backend_of(&ospfd);
}

void frr_set_vrfs(struct frr *f, char *const *vrfs, size_t count)
{
	(void)f;
	(void)vrfs;
	(void)count;
}

void frr_add_lan(struct frr *f, const char *vrf, const char *link)
{
	(void)f;
	(void)vrf;
	(void)link;
}

void frr_poll_neighbors(struct frr *f,
						void (*fn)(void *user, const char *link,
								   const char *state), void *user)
{
	const struct resource_set *state = &router.fake.state;

	(void)f;
	for (size_t i = 0; i < state->count; i++)
	{
		if (state->items[i].kind == RES_OSPF_LINK)
		{
			fn(user, state->items[i].key, "Full");
		}
	}
	fn(user, NULL, NULL);
}

/* ---- charon ------------------------------------------------------------------------ */

struct vici {
	struct vici_handlers handlers;
	void *user;
	struct loop_timer *timer;
	bool connected;
};

/* Its peers and itself: what it has a connection of comes up. */
static void on_vici_there(void *user)
{
	struct vici *v = user;
	const char *conn;

	if (!v->connected)
	{
		v->connected = true;
		v->handlers.connection(v->user, true);
	}
	while ((conn = box_router_negotiate(&router)))
	{
		v->handlers.sa_changed(v->user, conn);
	}
	loop_timer_set(v->timer, 500);
}

struct vici *vici_new(struct loop *loop, const char *path,
					  const struct vici_handlers *handlers, void *user)
{
	struct vici *v = xcalloc(1, sizeof(*v));

	(void)path;
	v->handlers = *handlers;
	v->user = user;
	v->timer = loop_timer_new(loop, on_vici_there, v);
	if (!world_has("no-charon"))
	{
		loop_timer_set(v->timer, 10);
	}
	return v;
}

void vici_free(struct vici *v)
{
	if (v)
	{
		loop_timer_free(v->timer);
		free(v);
	}
}

bool vici_connected(const struct vici *v)
{
	return v->connected;
}

void vici_lost(struct vici *v, uint32_t spi_out)
{
	(void)v;
	(void)spi_out;
}

struct backend *vici_backend(struct vici *v)
{
	(void)v;
	return backend_of(&sas);
}

void vici_terminate_ike(struct vici *v, uint32_t unique_id)
{
	(void)v;
	(void)unique_id;
}

void vici_terminate(struct vici *v, const char *conn)
{
	(void)v;
	(void)conn;
}

void vici_foreign_conns(struct vici *v, vici_conns_fn fn, void *user)
{
	(void)v;
	fn(user, 0, NULL, 0);
}

void vici_version(struct vici *v, vici_version_fn fn, void *user)
{
	(void)v;
	fn(user, 0, "0.0.0");
}

struct charon {
	struct charon_handlers handlers;
	void *user;
	struct loop_timer *timer;
	struct charon_hello hello;
	bool connected;
};

static void on_charon_there(void *user)
{
	struct charon *c = user;

	c->connected = true;
	memcpy(c->hello.boot_id, router.boot_id, sizeof(c->hello.boot_id));
	for (size_t i = 0; i < router.fake.state.count; i++)
	{
		c->hello.count += router.fake.state.items[i].kind == RES_CONN;
	}
	c->handlers.connected(c->user, &c->hello);
}

struct charon *charon_new(struct loop *loop, const char *path,
						  const struct charon_handlers *handlers, void *user)
{
	struct charon *c = xcalloc(1, sizeof(*c));

	(void)path;
	c->handlers = *handlers;
	c->user = user;
	c->timer = loop_timer_new(loop, on_charon_there, c);
	if (!world_has("no-charon"))
	{
		loop_timer_set(c->timer, 15);
	}
	return c;
}

void charon_free(struct charon *c)
{
	if (c)
	{
		loop_timer_free(c->timer);
		free(c);
	}
}

const struct charon_hello *charon_hello(const struct charon *c)
{
	return c->connected ? &c->hello : NULL;
}

static const char *ike_key;
static char *const *certified;
static size_t certified_count;

void charon_set_key(struct charon *c, const char *key, char *const *places,
					size_t count)
{
	(void)c;
	ike_key = key;
	certified = places;
	certified_count = count;
}

static void conns_read(struct backend *b, struct observation *o,
					   backend_done_fn done, void *user)
{
	o->facts.ike_key = ike_key;
	o->facts.certified = certified;
	o->facts.certified_count = certified_count;
	away_read(b, o, done, user);
}

/* Every SA that there is, as its connection is now. */
void charon_sas(struct charon *c, charon_sas_fn done, void *user)
{
	struct charon_sa found[16];
	size_t count = 0;

	(void)c;
	for (size_t i = 0; i < router.fake.state.count && count < 16; i++)
	{
		const struct resource *one = &router.fake.state.items[i];
		const struct res_conn *conn = one->spec;

		if (one->kind == RES_CONN)
		{
			found[count++] = (struct charon_sa){
				.ike_id = i + 1, .name = one->key,
				.authentication = (char*)(conn->credentials ? "certificate" :
										  "pre-shared"),
			};
		}
	}
	done(user, c->connected ? 0 : -ENOTCONN, found, c->connected ? count : 0,
		 NULL);
}

struct backend *charon_backend(struct charon *c)
{
	(void)c;
	return backend_of(&conns);
}

void charon_initiate(struct charon *c, const char *conn,
					 charon_initiated_fn done, void *user)
{
	(void)c;
	done(user, conn, 0, NULL);
}

/* ---- the server ----------------------------------------------------------------- */

struct request {
	struct loop_timer *timer;
	fetch_fn fn;
	void *user;
	char etag[128];
	uint64_t until_ms;
};

struct fetch {
	struct request config, status, ike_key;	/* one of each at a time */
	char *csr;
};

static bool is_cut(void)
{
	char *what = world_text("cut");
	bool cut = false;

	for (size_t i = 0; what && i < router.fake.state.count; i++)
	{
		cut |= strcmp(router.fake.state.items[i].key, what) == 0;
	}
	free(what);
	return cut;
}

static void fail(struct request *r)
{
	struct fetch_answer a = { .rc = -ETIMEDOUT, .notify_ms = -1, .date_s = -1 };

	err_set(&a.err, -ETIMEDOUT, ERR_TIMEOUT, "server", "no answer");
	r->fn(r->user, &a);
}

/* "STATUS ETAG\n" and a document, as the file has them */
static void give(struct request *r, char *offer)
{
	char *body = strchr(offer, '\n');
	struct fetch_answer a = { .notify_ms = -1, .date_s = -1 };

	*body++ = '\0';
	if (sscanf(offer, "%u %127s", &a.status, a.etag) != 2)
	{
		fprintf(stderr, "boxed-agent: the offer is none\n");
		abort();
	}
	if (strcmp(a.etag, r->etag) == 0)
	{
		if (loop_now_ms() < r->until_ms)
		{
			loop_timer_set(r->timer, 1000);
			return;
		}
		a.status = 304;
	}
	else
	{
		a.body = body;
		a.len = strlen(body);
		a.first_byte_ms = loop_now_ms();
	}
	r->fn(r->user, &a);
}

static void on_config(void *user)
{
	struct request *r = user;
	char *offer = world_text("offer");

	if (!offer || is_cut())
	{
		fail(r);
	}
	else
	{
		give(r, offer);
	}
	free(offer);
}

static void on_status(void *user)
{
	struct request *r = user;
	struct fetch_answer a = { .status = 204, .notify_ms = -1, .date_s = -1 };

	if (!world_has("offer") || is_cut())
	{
		fail(r);
		return;
	}
	r->fn(r->user, &a);
}

static void note_key(const char *csr)
{
	char *path = world_file("told"), *line = xasprintf("%s\n", csr);
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, line, strlen(line)) != (ssize_t)strlen(line))
	{
		abort();
	}
	close(fd);
	free(line);
	free(path);
}

static void on_ike_key(void *user)
{
	struct fetch *f = user;
	struct fetch_answer a = {
		.status = 204, .notify_ms = -1, .date_s = -1, .body = (char*)"",
	};

	if (!world_has("offer") || is_cut())
	{
		fail(&f->ike_key);
		return;
	}
	note_key(f->csr);
	f->ike_key.fn(f->ike_key.user, &a);
}

struct fetch *fetch_new(struct loop *loop, const struct fetch_identity *identity,
						struct err *e)
{
	struct fetch *f = xcalloc(1, sizeof(*f));

	(void)identity;
	(void)e;
	f->config.timer = loop_timer_new(loop, on_config, &f->config);
	f->status.timer = loop_timer_new(loop, on_status, &f->status);
	f->ike_key.timer = loop_timer_new(loop, on_ike_key, f);
	return f;
}

void fetch_free(struct fetch *f)
{
	if (f)
	{
		loop_timer_free(f->config.timer);
		loop_timer_free(f->status.timer);
		loop_timer_free(f->ike_key.timer);
		free(f->csr);
		free(f);
	}
}

static void begin(struct request *r, const char *etag, unsigned wait,
				  fetch_fn fn, void *user)
{
	snprintf(r->etag, sizeof(r->etag), "%s", etag);
	r->until_ms = loop_now_ms() + 1000ull * wait;
	r->fn = fn;
	r->user = user;
	loop_timer_set(r->timer, ANSWER_MS);
}

void fetch_config(struct fetch *f, const char *server, const char *etag,
				  unsigned wait, fetch_fn fn, void *user)
{
	(void)server;
	begin(&f->config, etag, wait, fn, user);
}

void fetch_status(struct fetch *f, const char *server, const char *body,
				  size_t len, fetch_fn fn, void *user)
{
	(void)server;
	(void)body;
	(void)len;
	begin(&f->status, "", 0, fn, user);
}

void fetch_look(struct fetch *f, const char *server, const char *etag,
				fetch_fn fn, void *user)
{
	(void)f;
	(void)server;
	(void)etag;
	(void)fn;
	(void)user;
}

void fetch_leave(struct fetch *f, const char *server, fetch_fn fn, void *user)
{
	(void)f;
	(void)server;
	(void)fn;
	(void)user;
}

void fetch_renew(struct fetch *f, const char *server, const char *csr_base64,
				 fetch_fn fn, void *user)
{
	(void)f;
	(void)server;
	(void)csr_base64;
	(void)fn;
	(void)user;
}

void fetch_ike_key(struct fetch *f, const char *server, const char *csr_base64,
				   fetch_fn fn, void *user)
{
	(void)server;
	free(f->csr);
	f->csr = xstrdup(csr_base64);
	begin(&f->ike_key, "", 0, fn, user);
}

void fetch_diag(struct fetch *f, const char *server, const char *id,
				const char *body, size_t len, fetch_fn fn, void *user)
{
	(void)f;
	(void)server;
	(void)id;
	(void)body;
	(void)len;
	(void)fn;
	(void)user;
}

int fetch_enroll(const char *url, const char *ca_file, const char *ce,
				 const char *token, const char *csr_base64, char **answer,
				 struct err *e)
{
	(void)url;
	(void)ca_file;
	(void)ce;
	(void)token;
	(void)csr_base64;
	*answer = NULL;
	return err_set(e, -ENOSYS, ERR_INTERNAL, "server", "not in the box");
}

/* ---- who asks ------------------------------------------------------------------- */

static struct control {
	control_fn fn;
	void *user;
} at;

struct control_request { const char *op; };

int control_new(struct loop *loop, const char *path, const char *group,
				control_fn fn, void *user, struct control **control,
				struct err *e)
{
	(void)loop;
	(void)path;
	(void)group;
	(void)e;
	at = (struct control){ fn, user };
	*control = &at;
	return 0;
}

void control_free(struct control *c)
{
	(void)c;
}

void control_answer(struct control_request *req, const char *json,
					const struct err *e)
{
	printf("%s %s %s\n", req->op, json ? "ok" : err_code_text(e->code),
		   json ? json : e->text);
	free(req);
}

int control_watch(struct control_request *req)
{
	(void)req;
	return -EBUSY;
}

bool control_watched(const struct control *c)
{
	(void)c;
	return false;
}

void control_tell(struct control *c, const char *json)
{
	(void)c;
	(void)json;
}

static void ask(const char *what)
{
	struct control_request *req = xcalloc(1, sizeof(*req));

	req->op = what;
	at.fn(at.user, req, what);
	fake_loop_pass(100);
}

/* ---- the loop ---------------------------------------------------------------------- */

void loop_stop(struct loop *loop)
{
	(void)loop;
	stopped = true;
}

struct loop_signal *loop_signal_new(struct loop *loop, int signo,
									loop_signal_fn fn, void *user)
{
	(void)loop;
	(void)signo;
	(void)fn;
	(void)user;
	return NULL;
}

void loop_signal_free(struct loop_signal *s)
{
	(void)s;
}

static void pass(unsigned ms)
{
	for (unsigned i = 0; i < ms / 10 && !stopped; i++)
	{
		fake_loop_pass(10);
	}
}

void loop_run(struct loop *loop)
{
	(void)loop;
	pass(seconds * 500);
	if (op && !stopped)
	{
		ask(op);
	}
	pass(seconds * 500);
	if (!stopped)
	{
		ask("status");
		ask("plan");
	}
}

int main(int argc, char *argv[])
{
	char *journal;
	int status;

	if (argc < 4)
	{
		fprintf(stderr, "usage: boxed-agent CONF WORLD SECONDS [OP]\n");
		return 2;
	}
	world = argv[2];
	seconds = (unsigned)atoi(argv[3]);
	op = argv[4];
	unsetenv("NOTIFY_SOCKET");
	unsetenv("JOURNAL_STREAM");
	log_init("boxed-agent", LOG_LEVEL_WARN);
	journal = world_file("journal");
	box_router_open(&router, journal);
	free(journal);
	status = agent_run(argv[1]);
	box_router_print(&router);
	printf("exit %d\n", status);
	box_router_close(&router);
	return status;
}
