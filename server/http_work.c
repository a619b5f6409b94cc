/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * http_work.c - worker threads, parked requests, deadlines
 *
 * A request is suspended once, before a worker first sees it, and resumed once,
 * when it is answered; parking in between is only a matter of our own lists.
 *
 *   give ──▶ fresh ──▶ worker ──▶ answered ──▶ resumed
 *                      ▲    │
 *              woken ──┘    └──▶ parked ──▶ woken
 *
 * libmicrohttpd walks all suspended connections whenever one is resumed, so
 * with many parked the clock thread resumes in batches.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "alloc.h"
#include "log.h"
#include "server/http_internal.h"

#define CLOCK_MS 100	/* how late a deadline may be */
#define STOP_RETRY_S 10	/* those told to come again when stopping: within it */

#define container(ptr, type, member) \
	((type *)(void *)((char *)(ptr) - offsetof(type, member)))

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t http_now_ms(void)
{
	return now_us() / 1000;
}

/* ---- lists: lock held ----------------------------------------------------- */

static void list_push(struct http_list *list, struct http_request *req)
{
	req->list = list;
	req->next = NULL;
	req->prev = list->tail;
	*(list->tail ? &list->tail->next : &list->head) = req;
	list->tail = req;
	list->count++;
}

static void list_remove(struct http_request *req)
{
	struct http_list *list = req->list;

	*(req->prev ? &req->prev->next : &list->head) = req->next;
	*(req->next ? &req->next->prev : &list->tail) = req->prev;
	req->list = NULL;
	req->prev = req->next = NULL;
	list->count--;
}

static struct http_bucket *bucket_of(struct http *http, uint64_t tag)
{
	return &http->buckets[(tag * 0x9e3779b97f4a7c15ull) >> 52];
}

static void enqueue(struct http *http, struct http_request *req)
{
	list_push(req->woken ? &http->woken : &http->fresh, req);
	pthread_cond_signal(&http->work);
}

/* By turns: who comes does not stand behind the thousand whom a change woke, nor
 * they behind those who come. NULL: none waits. */
static struct http_request *dequeue(struct http *http)
{
	struct http_request *req = http->woken_next ? http->woken.head
												: http->fresh.head;

	if (!req)
	{
		req = http->woken_next ? http->fresh.head : http->woken.head;
	}
	if (req)
	{
		http->woken_next = !req->woken;
		list_remove(req);
	}
	return req;
}

static void unpark(struct http *http, struct http_request *req)
{
	list_remove(req);
	wheel_disarm(&http->parks, &req->park);
	http->parked--;
	req->woken = true;
}

static void tick_if_idle(struct http *http)
{
	if (http->parks.count + http->clients.count + http->done.count == 1)
	{
		pthread_cond_signal(&http->tick);
	}
}

/* Keep it, unless its tag was woken after the handler looked. */
static void park(struct http *http, struct http_request *req)
{
	struct http_bucket *bucket = bucket_of(http, req->tag);
	uint64_t now = http_now_ms();

	if (!req->parked_at_ms)
	{
		req->parked_at_ms = now;
	}
	if (bucket->generation > req->generation)
	{
		req->woken = true;
		enqueue(http, req);
		return;
	}
	list_push(&bucket->list, req);
	wheel_arm(&http->parks, &req->park, now + req->park_ms);
	http->parked++;
	tick_if_idle(http);
}

/* ---- answers --------------------------------------------------------------- */

/* The lock is released while libmicrohttpd is called; req may be gone after. */
static void resume(struct http *http, struct http_request *req)
{
	struct MHD_Connection *connection = req->connection;

	pthread_mutex_unlock(&http->lock);
	http_mhd_resume(connection);
	pthread_mutex_lock(&http->lock);
	if (--http->suspended == 0)
	{
		pthread_cond_broadcast(&http->idle);
	}
}

static void answer(struct http *http, struct http_request *req,
				   struct http_response *response)
{
	req->response = xcalloc(1, sizeof(*response));
	*req->response = *response;
	req->answered = true;
	if (http->parked + http->done.count < HTTP_RESUME_EACH)
	{
		resume(http, req);
		return;
	}
	list_push(&http->done, req);
	pthread_cond_signal(&http->tick);
}

static void answer_busy(struct http *http, struct http_request *req)
{
	struct http_response response = { 0 };

	/* only when stopping: spread the return of all; not a secret */
	http_response_busy(&response, 1 + (unsigned)random() % STOP_RETRY_S);
	answer(http, req, &response);
}

/* ---- worker ------------------------------------------------------------------ */

static void work(struct http_worker *worker, struct http_request *req)
{
	struct http *http = worker->http;
	struct http_response response = { 0 };
	enum http_verdict verdict;
	uint64_t begun_us;

	pthread_mutex_unlock(&http->lock);
	begun_us = now_us();
	verdict = http->admit &&
		!http->admit(req, &response, worker->store, http->user) ? HTTP_DONE :
		req->route->handler(req, &response, worker->store, http->user);
	if (verdict == HTTP_PARK)
	{
		http_response_done(&response);
	}
	pthread_mutex_lock(&http->lock);
	pace_ran(&http->pace, now_us() - begun_us);
	if (verdict == HTTP_DONE)
	{
		answer(http, req, &response);
	}
	else if (http->stopping)
	{
		answer_busy(http, req);
	}
	else
	{
		park(http, req);
	}
}

static void *worker_main(void *arg)
{
	struct http_worker *worker = arg;
	struct http *http = worker->http;

	pthread_mutex_lock(&http->lock);
	while (!http->quit)
	{
		struct http_request *req = dequeue(http);

		if (!req)
		{
			pthread_cond_wait(&http->work, &http->lock);
			continue;
		}
		work(worker, req);
	}
	pthread_mutex_unlock(&http->lock);
	return NULL;
}

/* ---- clock ---------------------------------------------------------------------- */

static void expire(struct http *http, uint64_t now)
{
	struct wheel_entry *e;

	while ((e = wheel_expired(&http->clients, now)))
	{
		struct http_client *client = container(e, struct http_client, deadline);

		/* libmicrohttpd sees the end of the stream and closes it */
		log_debug("http", "%s: too slow, closed", client->peer);
		shutdown(client->fd, SHUT_RDWR);
	}
	while ((e = wheel_expired(&http->parks, now)))
	{
		struct http_request *req = container(e, struct http_request, park);

		unpark(http, req);
		enqueue(http, req);
	}
}

static void flush_done(struct http *http)
{
	struct http_list batch = http->done;
	struct http_request *req = batch.head;

	http->done = (struct http_list){ 0 };
	while (req)
	{
		struct http_request *next = req->next;

		resume(http, req);
		req = next;
	}
}

static void clock_wait(struct http *http, uint64_t until_ms)
{
	struct timespec ts = {
		.tv_sec = (time_t)(until_ms / 1000),
		.tv_nsec = (long)(until_ms % 1000) * 1000000,
	};

	pthread_cond_timedwait(&http->tick, &http->lock, &ts);
}

static void *clock_main(void *arg)
{
	struct http *http = arg;
	uint64_t flushed = 0;

	pthread_mutex_lock(&http->lock);
	while (!http->quit)
	{
		uint64_t now = http_now_ms();

		expire(http, now);
		if (http->done.count && now >= flushed + HTTP_RESUME_MS)
		{
			flush_done(http);
			flushed = now;
		}
		if (http->done.count)
		{
			clock_wait(http, flushed + HTTP_RESUME_MS);
		}
		else if (http->parks.count || http->clients.count)
		{
			clock_wait(http, now + CLOCK_MS);
		}
		else
		{
			pthread_cond_wait(&http->tick, &http->lock);
		}
	}
	pthread_mutex_unlock(&http->lock);
	return NULL;
}

/* ---- for http.c ------------------------------------------------------------------- */

bool http_work_ready(struct http *http, unsigned *retry_s)
{
	bool ready;

	pthread_mutex_lock(&http->lock);
	/* those that were woken are there already: if they kept others out, one who
	 * has just been served would miss what is told next */
	ready = !http->stopping && http->fresh.count < http->queue_limit &&
			pace_admits(&http->pace, http->fresh.count);
	if (ready)
	{
		http->suspended++;
		http->active++;
	}
	else
	{
		/* not a secret */
		*retry_s = http->stopping
			? 1 + (unsigned)random() % STOP_RETRY_S
			: pace_retry_s(&http->pace, now_us(), http->fresh.count,
						   (unsigned)random());
	}
	pthread_mutex_unlock(&http->lock);
	return ready;
}

void http_work_give(struct http_request *req)
{
	pthread_mutex_lock(&req->http->lock);
	enqueue(req->http, req);
	pthread_mutex_unlock(&req->http->lock);
}

void http_work_completed(struct http *http)
{
	pthread_mutex_lock(&http->lock);
	if (--http->active == 0)
	{
		pthread_cond_broadcast(&http->idle);
	}
	pthread_mutex_unlock(&http->lock);
}

void http_deadline(struct http *http, struct http_client *client, unsigned ms)
{
	pthread_mutex_lock(&http->lock);
	wheel_arm(&http->clients, &client->deadline, http_now_ms() + ms);
	tick_if_idle(http);
	pthread_mutex_unlock(&http->lock);
}

void http_deadline_off(struct http *http, struct http_client *client)
{
	pthread_mutex_lock(&http->lock);
	wheel_disarm(&http->clients, &client->deadline);
	pthread_mutex_unlock(&http->lock);
}

static void init_conditions(struct http *http)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&http->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&http->work, &attr);
	pthread_cond_init(&http->tick, &attr);
	pthread_cond_init(&http->idle, &attr);
	pthread_condattr_destroy(&attr);
}

static int start_thread(pthread_t *thread, void *(*fn)(void *), void *arg,
						bool *runs, struct err *e)
{
	int rc = pthread_create(thread, NULL, fn, arg);

	if (rc)
	{
		return err_set(e, -rc, ERR_IO, "", "cannot start a thread: %s",
					   strerror(rc));
	}
	*runs = true;
	return 0;
}

int http_work_start(struct http *http, const struct http_config *config,
					struct err *e)
{
	int rc = 0;

	init_conditions(http);
	wheel_init(&http->parks, http_now_ms());
	wheel_init(&http->clients, http_now_ms());
	http->queue_limit = config->queue_limit ? config->queue_limit
											: HTTP_QUEUE_LIMIT;
	http->worker_count = config->workers ? config->workers : 1;
	pace_init(&http->pace, http->worker_count);
	http->workers = xcalloc(http->worker_count, sizeof(*http->workers));
	for (unsigned i = 0; !rc && i < http->worker_count; i++)
	{
		struct http_worker *worker = &http->workers[i];

		worker->http = http;
		if (config->store_open)
		{
			rc = config->store_open(config->user, &worker->store, e);
		}
		if (!rc)
		{
			rc = start_thread(&worker->thread, worker_main, worker,
							  &worker->runs, e);
		}
	}
	if (!rc)
	{
		rc = start_thread(&http->clock, clock_main, http, &http->clock_runs, e);
	}
	return rc;
}

void http_work_drain(struct http *http)
{
	struct wheel_entry *entry;
	struct timespec ts;
	uint64_t until = http_now_ms() + HTTP_STOP_MS;

	ts.tv_sec = (time_t)(until / 1000);
	ts.tv_nsec = (long)(until % 1000) * 1000000;
	pthread_mutex_lock(&http->lock);
	http->stopping = true;
	while ((entry = wheel_any(&http->parks)))
	{
		struct http_request *req = container(entry, struct http_request, park);

		unpark(http, req);
		answer_busy(http, req);
	}
	/* never let libmicrohttpd stop with anything suspended */
	while (http->suspended)
	{
		pthread_cond_wait(&http->idle, &http->lock);
	}
	/* slow readers do not hold the end up for long */
	while (http->active &&
		   pthread_cond_timedwait(&http->idle, &http->lock, &ts) != ETIMEDOUT)
	{
	}
	pthread_mutex_unlock(&http->lock);
}

void http_work_stop(struct http *http)
{
	pthread_mutex_lock(&http->lock);
	http->quit = true;
	pthread_cond_broadcast(&http->work);
	pthread_cond_broadcast(&http->tick);
	pthread_mutex_unlock(&http->lock);
	for (unsigned i = 0; i < http->worker_count; i++)
	{
		struct http_worker *worker = &http->workers[i];

		if (worker->runs)
		{
			pthread_join(worker->thread, NULL);
		}
		if (worker->store)
		{
			http->store_close(worker->store);
		}
	}
	if (http->clock_runs)
	{
		pthread_join(http->clock, NULL);
	}
	free(http->workers);
	pthread_cond_destroy(&http->work);
	pthread_cond_destroy(&http->tick);
	pthread_cond_destroy(&http->idle);
	pthread_mutex_destroy(&http->lock);
}

/* ---- for everybody ------------------------------------------------------------------ */

uint64_t http_generation(struct http *http)
{
	uint64_t generation;

	pthread_mutex_lock(&http->lock);
	generation = http->generation;
	pthread_mutex_unlock(&http->lock);
	return generation;
}

void http_wake(struct http *http, const uint64_t *tags, size_t count)
{
	pthread_mutex_lock(&http->lock);
	http->generation++;
	for (size_t i = 0; i < count; i++)
	{
		struct http_bucket *bucket = bucket_of(http, tags[i]);
		struct http_request *req, *next;

		bucket->generation = http->generation;
		for (req = bucket->list.head; req; req = next)
		{
			next = req->next;
			if (req->tag == tags[i])
			{
				unpark(http, req);
				enqueue(http, req);
			}
		}
	}
	pthread_mutex_unlock(&http->lock);
}

size_t http_queued(struct http *http)
{
	size_t queued;

	pthread_mutex_lock(&http->lock);
	queued = http->fresh.count + http->woken.count;
	pthread_mutex_unlock(&http->lock);
	return queued;
}

size_t http_parked(struct http *http)
{
	size_t parked;

	pthread_mutex_lock(&http->lock);
	parked = http->parked;
	pthread_mutex_unlock(&http->lock);
	return parked;
}
