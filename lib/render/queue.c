/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An array of places, looked through at each step: a thousand comparisons
 * take microseconds, a render takes milliseconds.
 *
 * Clients take turns by the count of jobs taken, on a scale that all share
 * (start-time fair queueing; P. Goyal et al., SIGCOMM 1996, with every job of
 * the same cost).  A client that comes, or comes back, begins one turn behind
 * the last one that was served: it neither waits for what others took before,
 * nor can an endless stream of new clients keep an old one from its turn.
 *
 * Age is that of the client's hunger: it counts from when its last job was
 * taken, for a long page's jobs all grow old while they are served at their
 * client's share, and would then go before everything that is new.  A job's
 * own age counts as well, but SLOW times less.
 *
 * So no job waits for ever: age brings it to the first urgency, there only a
 * bounded number of turns can be before its own, and among the jobs of its
 * own client age lifts its priority.
 */
#include "render/queue.h"

#include <stdlib.h>

/* Clients with jobs running but none waiting are remembered beside the
   places. */
#define RUNNING_MAX 64

/* See above: more than deadlines allow under any load that is usual. */
#define SLOW 16

#define NOBODY ((unsigned)-1)

typedef struct {
    di_waiting_t waiting;
    unsigned client;     /* index; NOBODY: a client of its own */
    apr_uint64_t turn;   /* of a client of its own */
    apr_uint64_t number; /* who came first */
} place_t;

typedef struct {
    apr_uint64_t id; /* 0: free */
    apr_uint64_t turn;
    apr_uint64_t taken_us;     /* when its last job was; 0: none */
    unsigned waiting, running; /* jobs */
} client_t;

struct di_queue_t {
    unsigned places, count, clients;
    apr_uint64_t age_us;
    apr_uint64_t turn;   /* of the last job taken */
    apr_uint64_t number; /* of the last job added */
    client_t *client;
    place_t *place; /* the first `count` are taken, in no order */
};

/* A job's standing; the smaller one goes first, member by member. */
typedef struct {
    apr_uint64_t urgency;
    apr_uint64_t turn;
    apr_uint64_t running;
    apr_uint64_t patience; /* the more of priority and age, the smaller */
    apr_uint64_t number;
} standing_t;

di_queue_t *di_queue_make(unsigned places, apr_uint32_t age_ms)
{
    di_queue_t *queue = calloc(1, sizeof(*queue));

    if (!queue) {
        return NULL;
    }
    queue->places = places;
    queue->clients = places + RUNNING_MAX;
    queue->age_us = (age_ms ? age_ms : 1) * (apr_uint64_t)1000;
    queue->place = calloc(places, sizeof(*queue->place));
    queue->client = calloc(queue->clients, sizeof(*queue->client));
    if (!queue->place || !queue->client) {
        di_queue_free(queue);
        return NULL;
    }
    return queue;
}

void di_queue_free(di_queue_t *queue)
{
    if (queue) {
        free(queue->place);
        free(queue->client);
        free(queue);
    }
}

unsigned di_queue_count(const di_queue_t *queue)
{
    return queue->count;
}

/* ---- clients ---- */

static unsigned find_client(const di_queue_t *queue, apr_uint64_t id)
{
    unsigned i;

    for (i = 0; id && i < queue->clients; i++) {
        if (queue->client[i].id == id) {
            return i;
        }
    }
    return NOBODY;
}

/* A new one where there is room; NOBODY else. */
static unsigned make_client(di_queue_t *queue, apr_uint64_t id)
{
    unsigned i;

    for (i = 0; id && i < queue->clients; i++) {
        client_t *client = &queue->client[i];

        if (!client->id) {
            client->id = id;
            client->taken_us = 0;
            return i;
        }
    }
    return NOBODY;
}

static void forget_if_idle(client_t *client)
{
    if (!client->waiting && !client->running) {
        client->id = 0;
    }
}

/* ---- the order ---- */

static int compare(const standing_t *a, const standing_t *b)
{
    if (a->urgency != b->urgency) {
        return a->urgency < b->urgency ? -1 : 1;
    }
    if (a->turn != b->turn) {
        return a->turn < b->turn ? -1 : 1;
    }
    if (a->running != b->running) {
        return a->running < b->running ? -1 : 1;
    }
    if (a->patience != b->patience) {
        return a->patience < b->patience ? -1 : 1;
    }
    return a->number < b->number ? -1 : a->number > b->number;
}

static apr_uint64_t span(apr_uint64_t from_us, apr_uint64_t to_us)
{
    return to_us > from_us ? to_us - from_us : 0;
}

/* By how many urgencies a job is lifted. */
static apr_uint64_t lift_of(const di_queue_t *queue, const place_t *place,
                            apr_uint64_t now_us)
{
    apr_uint64_t from_us = place->waiting.arrived_us, quick, slow;

    slow = span(from_us, now_us) / queue->age_us / SLOW;
    if (place->client != NOBODY &&
        queue->client[place->client].taken_us > from_us) {
        from_us = queue->client[place->client].taken_us;
    }
    quick = span(from_us, now_us) / queue->age_us;
    return quick > slow ? quick : slow;
}

/**
 * @param last  1: as if it were the last of its client's jobs, for those
 *              count one behind another when a place is to be made
 */
static standing_t standing_of(const di_queue_t *queue, const place_t *place,
                              int last, apr_uint64_t now_us)
{
    const di_waiting_t *waiting = &place->waiting;
    apr_uint64_t lift = lift_of(queue, place, now_us);
    standing_t standing = {.turn = place->turn, .number = place->number};

    standing.urgency = waiting->urgency > lift ? waiting->urgency - lift : 0;
    standing.patience = APR_UINT64_MAX - waiting->priority -
                        span(waiting->arrived_us, now_us) / queue->age_us;
    if (place->client != NOBODY) {
        const client_t *client = &queue->client[place->client];

        standing.turn = client->turn;
        standing.running = client->running;
        if (last && client->waiting) {
            standing.turn += client->waiting - 1;
        }
    }
    return standing;
}

/* Index of the first (sign 1) or last (-1) of all that wait and came with an
   urgency up to `least`; the queue's count when there is none. */
static unsigned find_extreme(const di_queue_t *queue, int sign, unsigned least,
                             apr_uint64_t now_us)
{
    standing_t best = {0};
    unsigned i, at = queue->count;

    for (i = 0; i < queue->count; i++) {
        const place_t *place = &queue->place[i];
        standing_t it = standing_of(queue, place, sign < 0, now_us);

        if (place->waiting.urgency <= least &&
            (at == queue->count || sign * compare(&it, &best) < 0)) {
            best = it;
            at = i;
        }
    }
    return at;
}

/* ---- in and out ---- */

static void vacate(di_queue_t *queue, unsigned at)
{
    unsigned who = queue->place[at].client;

    queue->place[at] = queue->place[--queue->count];
    if (who != NOBODY) {
        client_t *client = &queue->client[who];

        client->waiting--;
        forget_if_idle(client);
    }
}

static void seat(di_queue_t *queue, const place_t *place)
{
    queue->place[queue->count++] = *place;
}

/* The new job, counted as waiting at its client but in no place yet. */
static place_t admit(di_queue_t *queue, const di_waiting_t *waiting)
{
    place_t place = {.waiting = *waiting, .turn = queue->turn + 1};

    place.number = ++queue->number;
    place.client = find_client(queue, waiting->client);
    if (place.client == NOBODY) {
        place.client = make_client(queue, waiting->client);
    }
    if (place.client != NOBODY) {
        client_t *client = &queue->client[place.client];

        if (!client->waiting++) {
            client->turn = queue->turn + 1;
        }
    }
    return place;
}

static void reject(di_queue_t *queue, const place_t *place)
{
    if (place->client != NOBODY) {
        queue->client[place->client].waiting--;
        forget_if_idle(&queue->client[place->client]);
    }
}

int di_queue_add(di_queue_t *queue, di_waiting_t *out,
                 const di_waiting_t *waiting, apr_uint64_t now_us)
{
    place_t place = admit(queue, waiting);
    standing_t last, mine;
    unsigned at;

    if (queue->count < queue->places) {
        seat(queue, &place);
        return 0;
    }
    at = find_extreme(queue, -1, DI_URGENCY_END, now_us);
    last = standing_of(queue, &queue->place[at], 1, now_us);
    mine = standing_of(queue, &place, 1, now_us);
    if (compare(&mine, &last) < 0) {
        *out = queue->place[at].waiting;
        vacate(queue, at);
        seat(queue, &place);
    }
    else {
        *out = *waiting;
        reject(queue, &place);
    }
    return 1;
}

static int take_upto(di_queue_t *queue, di_waiting_t *out, unsigned least,
                     apr_uint64_t now_us)
{
    unsigned at = find_extreme(queue, 1, least, now_us), who;
    apr_uint64_t turn;

    if (at == queue->count) {
        return 0;
    }
    who = queue->place[at].client;
    turn = queue->place[at].turn;
    if (who != NOBODY) {
        turn = queue->client[who].turn++;
        queue->client[who].running++;
        queue->client[who].taken_us = now_us;
    }
    if (turn > queue->turn) {
        queue->turn = turn;
    }
    *out = queue->place[at].waiting;
    vacate(queue, at);
    return 1;
}

int di_queue_take(di_queue_t *queue, di_waiting_t *out, apr_uint64_t now_us)
{
    return take_upto(queue, out, DI_URGENCY_END, now_us);
}

int di_queue_take_awaited(di_queue_t *queue, di_waiting_t *out,
                          apr_uint64_t now_us)
{
    return take_upto(queue, out, DI_URGENCY_MISSING, now_us);
}

void di_queue_done(di_queue_t *queue, apr_uint64_t client)
{
    unsigned who = find_client(queue, client);

    if (who != NOBODY && queue->client[who].running) {
        queue->client[who].running--;
        forget_if_idle(&queue->client[who]);
    }
}

int di_queue_expire(di_queue_t *queue, di_waiting_t *out, apr_uint64_t now_us)
{
    unsigned i;

    for (i = 0; i < queue->count; i++) {
        if (queue->place[i].waiting.deadline_us <= now_us) {
            *out = queue->place[i].waiting;
            vacate(queue, i);
            return 1;
        }
    }
    return 0;
}

int di_queue_remove(di_queue_t *queue, const void *job)
{
    unsigned i;

    for (i = 0; i < queue->count; i++) {
        if (queue->place[i].waiting.job == job) {
            vacate(queue, i);
            return 1;
        }
    }
    return 0;
}
