/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_mesh.c - the links of a mesh in memory, while many documents need them
 *
 * A mesh is its sites in the order of their ids, and for each a part: its
 * links to older sites, which lie side by side in the database. A document
 * takes its own site's part and one entry out of every newer site's. Parts are
 * read by whoever needs them first, so that all connections share the work.
 *
 * A document's content never changes without the revision of its CE. So what
 * was read at one revision of the database holds as long as no CE of the VPN
 * has a newer one: from `version` to `checked`.
 */
#include "config.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "server/conf_words.h"
#include "server/render.h"
#include "server/store_impl.h"
#include "server/store_mesh.h"

#define SLOTS 8
#define RECENT_MS 10000		/* a change that is just being fetched */
#define DEMAND_MS 1000		/* time in which so many documents are a demand */
#define DEMAND_DOCUMENTS 32

struct entry
{
	uint32_t peer;				/* place of the older site */
	uint32_t cost;
	int64_t generation, profile;	/* profile 0: the VPN's own */
	bool initiated;				/* by the newer site */
	bool has_key;				/* a tunnel without has one entry */
	bool accept_only;
	bool certificate, sends_certificate;	/* of the tunnel, like what is above */
	uint8_t secret[32];
};

enum part_state { ABSENT, BEING_READ, READY };

struct part
{
	enum part_state state;
	struct entry *entries;		/* by peer; the newest key of each first */
	size_t count, size;
};

struct member
{
	int64_t id, suspended;
	char *name;
	struct addr address;
	bool behind_nat;
	int role;
};

struct profile
{
	int64_t id;
	char *name;
};

struct mesh
{
	int64_t vpn_id;
	uint64_t epoch, version, checked;
	unsigned users;				/* documents being read from it */
	bool stale;					/* free it when nobody uses it */
	int64_t used_ms;
	struct arena *a;			/* of members and profiles */
	struct member *members;
	struct profile *profiles;
	size_t count, profile_count;
	struct part *parts;
	struct mesh *next;
};

/* Documents of one VPN that were read one by one. */
struct demand
{
	int64_t vpn_id, since_ms;
	unsigned documents;
};

struct store_meshes
{
	pthread_mutex_t lock;
	pthread_cond_t read;		/* a part is ready, or was given up */
	struct mesh *list;
	struct demand demand[SLOTS];
};

/* ---- all meshes --------------------------------------------------------------- */

struct store_meshes *store_meshes_new(void)
{
	struct store_meshes *meshes = xcalloc(1, sizeof(*meshes));

	pthread_mutex_init(&meshes->lock, NULL);
	pthread_cond_init(&meshes->read, NULL);
	return meshes;
}

static void mesh_free(struct mesh *mesh)
{
	for (size_t i = 0; i < mesh->count; i++)
	{
		struct part *part = &mesh->parts[i];

		wipe(part->entries, part->size * sizeof(*part->entries));
		free(part->entries);
	}
	free(mesh->parts);
	arena_free(mesh->a);
	free(mesh);
}

/* Take out what is stale or was not used since; lock held. */
static void sweep(struct store_meshes *meshes, int64_t unused_since_ms)
{
	struct mesh **at = &meshes->list, *mesh;
	bool freed = false;

	while ((mesh = *at))
	{
		if (!mesh->users && (mesh->stale || mesh->used_ms < unused_since_ms))
		{
			*at = mesh->next;
			mesh_free(mesh);
			freed = true;
		}
		else
		{
			at = &mesh->next;
		}
	}
	if (freed)
	{
		/* tens of megabytes in pieces, needed once in a while */
		malloc_trim(0);
	}
}

void store_meshes_free(struct store_meshes *meshes)
{
	if (meshes)
	{
		sweep(meshes, INT64_MAX);
		pthread_cond_destroy(&meshes->read);
		pthread_mutex_destroy(&meshes->lock);
		free(meshes);
	}
}

void store_meshes_expire(struct store_meshes *meshes)
{
	pthread_mutex_lock(&meshes->lock);
	sweep(meshes, store_now_ms() - STORE_MESH_KEEP_MS);
	pthread_mutex_unlock(&meshes->lock);
}

size_t store_meshes_held(struct store_meshes *meshes)
{
	size_t count = 0;

	pthread_mutex_lock(&meshes->lock);
	for (const struct mesh *mesh = meshes->list; mesh; mesh = mesh->next)
	{
		count++;
	}
	pthread_mutex_unlock(&meshes->lock);
	return count;
}

void store_meshes_use(struct store *s, struct store_meshes *meshes)
{
	s->meshes = meshes;
}

/* ---- is it worth while? ----------------------------------------------------------- */

/* What a look at the CEs of a VPN says. */
struct census
{
	int64_t sites, newest, affected, committed_ms;
};

static int count_ces(struct store *s, int64_t vpn_id, struct census *census,
					 struct err *e)
{
	struct db_rows *rows;
	int rc;

	memset(census, 0, sizeof(*census));
	rc = db_query(s->db, "SELECT ch.revision, ch.committed_ms FROM site t "
				  "JOIN ce_change ch ON ch.ce_id = t.ce_id "
				  "WHERE t.vpn_id = $1", DB_ARGS(db_i(vpn_id)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = db_next(rows, e)) == 1)
	{
		const int64_t revision = db_col_int(rows, 0);

		census->sites++;
		if (revision > census->newest)
		{
			census->newest = revision;
			census->affected = 0;
			census->committed_ms = db_col_int(rows, 1);
		}
		census->affected += revision == census->newest;
	}
	db_end(rows);
	return rc;
}

/* One more document of that VPN; true when there were many just now. */
static bool is_demanded(struct store_meshes *meshes, int64_t vpn_id,
						int64_t now_ms)
{
	struct demand *demand = &meshes->demand[vpn_id % SLOTS];

	if (demand->vpn_id != vpn_id || now_ms - demand->since_ms > DEMAND_MS ||
		now_ms < demand->since_ms)
	{
		*demand = (struct demand){ .vpn_id = vpn_id, .since_ms = now_ms };
	}
	return ++demand->documents >= DEMAND_DOCUMENTS;
}

static bool is_worth(const struct census *census, bool demanded, int64_t now_ms)
{
	if (census->sites < STORE_MESH_SITES_MIN ||
		census->sites > STORE_MESH_SITES_MAX)
	{
		return false;
	}
	return demanded || (2 * census->affected >= census->sites &&
						now_ms - census->committed_ms < RECENT_MS);
}

/* ---- a new one ---------------------------------------------------------------------- */

static int read_members(struct store *s, struct mesh *mesh, struct err *e)
{
	struct db_rows *rows;
	struct member *member;
	int rc;

	rc = db_query(s->db, "SELECT t.id, t.name, t.ce_address, "
				  "ce.suspended_revision, t.role, t.behind_nat FROM site t "
				  "JOIN ce ON ce.id = t.ce_id WHERE t.vpn_id = $1 "
				  "ORDER BY t.id", DB_ARGS(db_i(mesh->vpn_id)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = db_next(rows, e)) == 1)
	{
		member = store_array_add(mesh->a, (void **)&mesh->members,
								 &mesh->count, sizeof(*member));
		member->id = db_col_int(rows, 0);
		member->name = arena_strdup(mesh->a, db_col_text(rows, 1));
		member->suspended = db_col_int(rows, 3);
		member->behind_nat = db_col_int(rows, 5) != 0;
		if ((rc = store_read_addr(db_col_text(rows, 2), &member->address,
								  e)) < 0 ||
			(rc = store_word(conf_roles, db_col_text(rows, 4), &member->role,
							 e)) < 0)
		{
			break;
		}
	}
	db_end(rows);
	return rc;
}

static int read_profiles(struct store *s, struct mesh *mesh, struct err *e)
{
	struct db_rows *rows;
	struct profile *profile;
	int rc;

	rc = db_query(s->db, "SELECT id, name FROM sa_profile WHERE vpn_id = $1",
				  DB_ARGS(db_i(mesh->vpn_id)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = db_next(rows, e)) == 1)
	{
		profile = store_array_add(mesh->a, (void **)&mesh->profiles,
								  &mesh->profile_count, sizeof(*profile));
		profile->id = db_col_int(rows, 0);
		profile->name = arena_strdup(mesh->a, db_col_text(rows, 1));
	}
	db_end(rows);
	return rc;
}

static int mesh_new(struct store *s, int64_t vpn_id, uint64_t epoch,
					uint64_t version, uint64_t revision, struct mesh **out,
					struct err *e)
{
	struct mesh *mesh = xcalloc(1, sizeof(*mesh));
	int rc;

	mesh->vpn_id = vpn_id;
	mesh->epoch = epoch;
	mesh->version = version;
	mesh->checked = revision;
	mesh->a = arena_new();
	rc = read_members(s, mesh, e);
	if (rc == 0)
	{
		rc = read_profiles(s, mesh, e);
	}
	mesh->parts = xcalloc(mesh->count, sizeof(*mesh->parts));
	if (rc < 0)
	{
		mesh_free(mesh);
		return rc;
	}
	*out = mesh;
	return 0;
}

/* ---- finding one ---------------------------------------------------------------------- */

/* The one of this VPN that is not stale; lock held. */
static struct mesh *find(struct store_meshes *meshes, int64_t vpn_id)
{
	struct mesh *mesh = meshes->list;

	while (mesh && (mesh->vpn_id != vpn_id || mesh->stale))
	{
		mesh = mesh->next;
	}
	return mesh;
}

static struct mesh *take(struct mesh *mesh)
{
	mesh->users++;
	mesh->used_ms = store_now_ms();
	return mesh;
}

static void give_back(struct store_meshes *meshes, struct mesh *mesh)
{
	pthread_mutex_lock(&meshes->lock);
	mesh->users--;
	pthread_mutex_unlock(&meshes->lock);
}

/* The mesh for a document at this revision that is known to be right. */
static struct mesh *take_known(struct store_meshes *meshes, int64_t vpn_id,
							   uint64_t epoch, uint64_t revision)
{
	struct mesh *mesh;

	pthread_mutex_lock(&meshes->lock);
	mesh = find(meshes, vpn_id);
	mesh = mesh && mesh->epoch == epoch && mesh->version <= revision &&
		   revision <= mesh->checked ? take(mesh) : NULL;
	pthread_mutex_unlock(&meshes->lock);
	return mesh;
}

/* Put a new one in, unless another was faster. Takes it over. */
static struct mesh *put(struct store_meshes *meshes, struct mesh *fresh)
{
	struct mesh *mesh;

	pthread_mutex_lock(&meshes->lock);
	mesh = find(meshes, fresh->vpn_id);
	if (mesh && mesh->epoch == fresh->epoch && mesh->version == fresh->version)
	{
		mesh_free(fresh);
	}
	else
	{
		if (mesh)
		{
			mesh->stale = true;
		}
		mesh = fresh;
		mesh->next = meshes->list;
		meshes->list = mesh;
	}
	take(mesh);
	sweep(meshes, INT64_MIN);
	pthread_mutex_unlock(&meshes->lock);
	return mesh;
}

/* The VPN is as it was: the mesh holds for a newer revision too. */
static struct mesh *take_still(struct store_meshes *meshes, int64_t vpn_id,
							   uint64_t epoch, uint64_t version,
							   uint64_t revision)
{
	struct mesh *mesh;

	pthread_mutex_lock(&meshes->lock);
	mesh = find(meshes, vpn_id);
	if (mesh && mesh->epoch == epoch && mesh->version == version)
	{
		if (mesh->checked < revision)
		{
			mesh->checked = revision;
		}
		take(mesh);
	}
	else
	{
		mesh = NULL;
	}
	pthread_mutex_unlock(&meshes->lock);
	return mesh;
}

/* *out stays NULL where reading one by one is better. */
static int choose(struct store *s, int64_t vpn_id, struct mesh **out,
				  struct err *e)
{
	struct store_meshes *meshes = s->meshes;
	const int64_t now_ms = store_now_ms();
	struct census census;
	struct mesh *fresh;
	uint64_t epoch, revision;
	bool demanded;
	int rc = store_revision(s, &epoch, &revision, e);

	if (rc < 0 || (*out = take_known(meshes, vpn_id, epoch, revision)))
	{
		return rc;
	}
	rc = count_ces(s, vpn_id, &census, e);
	if (rc < 0 || (*out = take_still(meshes, vpn_id, epoch,
									 (uint64_t)census.newest, revision)))
	{
		return rc;
	}
	pthread_mutex_lock(&meshes->lock);
	demanded = is_demanded(meshes, vpn_id, now_ms);
	pthread_mutex_unlock(&meshes->lock);
	if (!is_worth(&census, demanded, now_ms))
	{
		return 0;
	}
	rc = mesh_new(s, vpn_id, epoch, (uint64_t)census.newest, revision, &fresh,
				  e);
	if (rc == 0)
	{
		*out = put(meshes, fresh);
	}
	return rc;
}

/* ---- reading a part ---------------------------------------------------------------------- */

static int by_id(const void *key, const void *item)
{
	const int64_t id = *(const int64_t *)key;
	const int64_t other = ((const struct member *)item)->id;

	return id < other ? -1 : id > other;
}

static ssize_t place_of(const struct mesh *mesh, int64_t site_id)
{
	const struct member *member = bsearch(&site_id, mesh->members, mesh->count,
										  sizeof(*member), by_id);

	return member ? member - mesh->members : -1;
}

static struct entry *add_entry(struct part *part)
{
	if (part->count == part->size)
	{
		size_t size = part->size ? 2 * part->size : 64;
		struct entry *more = xcalloc(size, sizeof(*more));

		if (part->count)
		{
			memcpy(more, part->entries, part->count * sizeof(*more));
			wipe(part->entries, part->count * sizeof(*more));
		}
		free(part->entries);
		part->entries = more;
		part->size = size;
	}
	memset(&part->entries[part->count], 0, sizeof(*part->entries));
	return &part->entries[part->count++];
}

/* The index gives a link's keys the oldest first; documents want the newest. */
static void reverse(struct entry *entries, size_t count)
{
	for (size_t i = 0; i < count / 2; i++)
	{
		struct entry swap = entries[i];

		entries[i] = entries[count - 1 - i];
		entries[count - 1 - i] = swap;
		wipe(&swap, sizeof(swap));
	}
}

static struct entry *add_link(struct part *part, struct db_rows *links,
							  int64_t site_id, size_t peer)
{
	struct entry *entry = add_entry(part);
	const char *use = db_col_text(links, 4);

	entry->peer = (uint32_t)peer;
	entry->initiated = db_col_int(links, 1) == site_id;
	entry->cost = (uint32_t)db_col_int(links, 2);
	entry->profile = db_col_int(links, 3);
	entry->certificate = *use != '\0';
	entry->sends_certificate = strcmp(use, "send-and-accept") == 0;
	return entry;
}

/* Links of the newer site; a key follows each, or several do, or none where it
 * has certificates. */
static int read_keys(struct store *s, const struct mesh *mesh,
					 struct db_rows *links, struct db_rows *keys, int *key_rc,
					 int64_t site_id, struct part *part, struct err *e)
{
	const int64_t peer_id = db_col_int(links, 0);
	const ssize_t peer = place_of(mesh, peer_id);
	const size_t first = part->count;
	struct entry *entry;
	struct secret secret;
	int rc;

	while (*key_rc == 1 && db_col_int(keys, 0) < peer_id)
	{
		*key_rc = db_next(keys, e);
	}
	for (; *key_rc == 1 && db_col_int(keys, 0) == peer_id && peer >= 0;
		 *key_rc = db_next(keys, e))
	{
		entry = add_link(part, links, site_id, (size_t)peer);
		entry->has_key = true;
		entry->generation = db_col_int(keys, 1);
		entry->accept_only = strcmp(db_col_text(keys, 2),
									"send-and-accept") != 0;
		rc = store_psk_open(s, site_id, peer_id, entry->generation,
							db_col_text(keys, 3), &secret, e);
		if (rc < 0)
		{
			return rc;
		}
		memcpy(entry->secret, secret.bytes, sizeof(entry->secret));
		wipe(&secret, sizeof(secret));
	}
	if (*key_rc < 0)
	{
		return *key_rc;
	}
	if (part->count == first && peer >= 0 && *db_col_text(links, 4))
	{
		add_link(part, links, site_id, (size_t)peer);
	}
	if (part->count == first)
	{
		return err_set(e, -EIO, ERR_DATABASE, "link",
					   "a tunnel has no key or no end");
	}
	reverse(&part->entries[first], part->count - first);
	return 0;
}

/* Two queries side by side: a join costs twice as much. */
static int read_part(struct store *s, const struct mesh *mesh, size_t place,
					 struct part *part, struct err *e)
{
	const int64_t id = mesh->members[place].id;
	struct db_rows *links = NULL, *keys = NULL;
	int rc, key_rc;

	rc = db_query(s->db, "SELECT site_b, initiator, cost, profile_id, "
				  "certificate_use FROM link WHERE site_a = $1 ORDER BY site_b", DB_ARGS(db_i(id)),
				  &links, e);
	if (rc == 0)
	{
		rc = db_query(s->db, "SELECT site_b, generation, key_use, sealed "
					  "FROM psk WHERE site_a = $1 "
					  "ORDER BY site_b, generation", DB_ARGS(db_i(id)),
					  &keys, e);
	}
	key_rc = rc < 0 ? rc : db_next(keys, e);
	while (rc == 0 && (rc = db_next(links, e)) == 1)
	{
		rc = read_keys(s, mesh, links, keys, &key_rc, id, part, e);
	}
	db_end(links);
	db_end(keys);
	return rc < 0 ? rc : key_rc < 0 ? key_rc : 0;
}

static void forget_part(struct part *part)
{
	wipe(part->entries, part->size * sizeof(*part->entries));
	free(part->entries);
	*part = (struct part){ 0 };
}

/* Read what nobody has read yet of the parts from first on. */
static int read_parts(struct store *s, struct mesh *mesh, size_t first,
					  struct err *e)
{
	struct store_meshes *meshes = s->meshes;
	int rc = 0;

	pthread_mutex_lock(&meshes->lock);
	for (size_t i = first; i < mesh->count; i++)
	{
		struct part part = { 0 };

		if (mesh->parts[i].state != ABSENT)
		{
			continue;
		}
		mesh->parts[i].state = BEING_READ;
		pthread_mutex_unlock(&meshes->lock);
		rc = read_part(s, mesh, i, &part, e);
		pthread_mutex_lock(&meshes->lock);
		if (rc < 0)
		{
			forget_part(&part);
		}
		else
		{
			part.state = READY;
		}
		mesh->parts[i] = part;
		pthread_cond_broadcast(&meshes->read);
		if (rc < 0)
		{
			break;
		}
	}
	pthread_mutex_unlock(&meshes->lock);
	return rc;
}

/* 1: all are ready; 0: one was given up, and may be tried again */
static int wait_for_parts(struct store_meshes *meshes, const struct mesh *mesh,
						  size_t first)
{
	int ready = 1;

	pthread_mutex_lock(&meshes->lock);
	for (size_t i = first; ready && i < mesh->count; i++)
	{
		while (mesh->parts[i].state == BEING_READ)
		{
			pthread_cond_wait(&meshes->read, &meshes->lock);
		}
		ready = mesh->parts[i].state == READY;
	}
	pthread_mutex_unlock(&meshes->lock);
	return ready;
}

static int need_parts(struct store *s, struct mesh *mesh, size_t first,
					  struct err *e)
{
	int rc;

	do
	{
		rc = read_parts(s, mesh, first, e);
	}
	while (rc == 0 && !wait_for_parts(s->meshes, mesh, first));
	return rc;
}

/* ---- peers out of it ------------------------------------------------------------------------ */

static char *profile_name(const struct mesh *mesh, int64_t id, struct arena *a)
{
	for (size_t i = 0; id && i < mesh->profile_count; i++)
	{
		if (mesh->profiles[i].id == id)
		{
			return arena_strdup(a, mesh->profiles[i].name);
		}
	}
	return NULL;
}

static void add_key(struct arena *a, struct render_peer *peer,
					const struct entry *entry)
{
	struct model_key *key = store_array_add(a, (void **)&peer->keys,
											&peer->key_count, sizeof(*key));

	key->key_id = entry->generation == 1
		? (char *)"g1" : arena_printf(a, "g%lld", (long long)entry->generation);
	key->use = entry->accept_only ? MODEL_ACCEPT_ONLY : MODEL_SEND_AND_ACCEPT;
	key->secret.len = sizeof(entry->secret);
	memcpy(key->secret.bytes, entry->secret, sizeof(entry->secret));
}

/* The entries of one link, the peer being other; returns how many. */
static size_t add_peer(struct arena *a, const struct mesh *mesh, size_t other,
					   bool peer_is_newer, const struct entry *entry,
					   size_t left, struct render_vpn *vpn)
{
	const struct member *member = &mesh->members[other];
	struct render_peer *peer = NULL;
	size_t n = 1;

	while (n < left && entry[n].peer == entry->peer)
	{
		n++;
	}
	if (member->suspended)
	{
		store_document_removed(a, vpn, member->name, member->suspended,
							   "ce-suspended");
		return n;
	}
	peer = store_array_add(a, (void **)&vpn->peers, &vpn->peer_count,
						   sizeof(*peer));
	peer->site = arena_strdup(a, member->name);
	peer->ce_address = member->address;
	peer->behind_nat = member->behind_nat;
	peer->initiates = entry->initiated == peer_is_newer;
	peer->cost = entry->cost;
	peer->role = member->role;
	peer->profile = profile_name(mesh, entry->profile, a);
	peer->certificate = entry->certificate;
	peer->certificate_use = entry->sends_certificate ? MODEL_SEND_AND_ACCEPT
													 : MODEL_ACCEPT_ONLY;
	for (size_t i = 0; i < n && entry[i].has_key; i++)
	{
		add_key(a, peer, &entry[i]);
	}
	return n;
}

/* First entry of the peer at place; NULL: no link. In a full mesh it is there. */
static const struct entry *find_entry(const struct part *part, size_t place)
{
	size_t low = 0, high = part->count, middle;

	if (place < high && part->entries[place].peer == place &&
		(place == 0 || part->entries[place - 1].peer != place))
	{
		return &part->entries[place];
	}
	while (low < high)
	{
		middle = low + (high - low) / 2;
		if (part->entries[middle].peer < place)
		{
			low = middle + 1;
		}
		else
		{
			high = middle;
		}
	}
	return low < part->count && part->entries[low].peer == place
		? &part->entries[low] : NULL;
}

static void add_peers(struct arena *a, const struct mesh *mesh, size_t place,
					  struct render_vpn *vpn)
{
	const struct part *own = &mesh->parts[place];

	for (size_t i = 0; i < own->count;)
	{
		i += add_peer(a, mesh, own->entries[i].peer, false, &own->entries[i],
					  own->count - i, vpn);
	}
	for (size_t i = place + 1; i < mesh->count; i++)
	{
		const struct part *part = &mesh->parts[i];
		const struct entry *entry = find_entry(part, place);

		if (entry)
		{
			add_peer(a, mesh, i, true, entry,
					 part->count - (size_t)(entry - part->entries), vpn);
		}
	}
}

int store_mesh_peers(struct store *s, struct arena *a, int64_t site_id,
					 struct render_vpn *vpn, struct err *e)
{
	struct mesh *mesh = NULL;
	ssize_t place;
	int rc;

	if (!s->meshes || vpn->vpn.topology != MODEL_ANY_TO_ANY)
	{
		return 0;
	}
	rc = choose(s, (int64_t)vpn->vpn.id, &mesh, e);
	if (rc < 0 || !mesh)
	{
		return rc;
	}
	place = place_of(mesh, site_id);
	rc = place < 0 ? 0 : need_parts(s, mesh, (size_t)place, e);
	if (rc == 0 && place >= 0)
	{
		add_peers(a, mesh, (size_t)place, vpn);
		rc = 1;
	}
	give_back(s->meshes, mesh);
	return rc;
}
