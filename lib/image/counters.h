/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What mod_dynimage counts.  Every reason of image/reason.h is a counter by
 * itself; to count something else: one line here, one in docs/metrics.md, and
 * ds_tally_add(di_tally, DI_COUNT_..., 1) where it happens
 * (directives/dynimage_tally.h).
 */
#ifndef DI_COUNTERS_H
#define DI_COUNTERS_H

#include "base/tally.h"
#include "image/reason.h"

/* X(SUFFIX, name, kind, unit, help) */
#define DI_COUNTERS(X)                                                         \
    X(HIT_MEMORY, "hits_memory", COUNTER, "answers",                           \
      "the rendition, or the verdict, was in the process's own memory")        \
    X(HIT_DISK, "hits_disk", COUNTER, "answers",                               \
      "the rendition, or the verdict that there is none, was on disk")         \
    X(HIT_MEMCACHED, "hits_memcached", COUNTER, "answers",                     \
      "the rendition, or the verdict that there is none, was in memcached")    \
    X(JOINED, "flights_joined", COUNTER, "answers",                            \
      "another request of the process was about it, and got it for both")      \
    X(MISS, "misses", COUNTER, "answers",                                      \
      "nothing was stored: rendered, waited for, or given up")                 \
    X(BYTES_ORIGINAL, "bytes_original", COUNTER, "bytes",                      \
      "size of the originals of answers that sent a rendition")                \
    X(BYTES_RENDITION, "bytes_rendition", COUNTER, "bytes",                    \
      "size of these renditions")                                              \
    X(LATER, "renders_later", COUNTER, "renditions",                           \
      "wished behind an answer that sent something smaller first")             \
    X(LATER_DROPPED, "renders_later_dropped", COUNTER, "renditions",           \
      "not made behind the answer: DynImageBackgroundRenders was full")        \
    X(POOL_WAITING, "pool_waiting", GAUGE, "jobs",                             \
      "jobs that wait for a renderer now")                                     \
    X(POOL_RUNNING, "pool_running", GAUGE, "jobs", "renders at work now")      \
    X(POOL_ALIVE, "pool_alive", GAUGE, "renderers",                            \
      "renderers that work or wait for work now")                              \
    X(POOL_TAKEN, "pool_taken", GAUGE, "jobs",                                 \
      "jobs that renderers took, since httpd was started")                     \
    X(POOL_REFUSED, "pool_refused", GAUGE, "jobs",                             \
      "jobs that found the queue full, or no renderer")                        \
    X(POOL_PUSHED_OUT, "pool_pushed_out", GAUGE, "jobs",                       \
      "jobs that a more urgent one pushed out of a full queue")                \
    X(POOL_EXPIRED, "pool_expired", GAUGE, "jobs",                             \
      "jobs with too little time left at their turn")                          \
    X(POOL_HUNG_UP, "pool_hung_up", GAUGE, "jobs",                             \
      "jobs that waited and whose caller left, or made them urgent")           \
    X(POOL_DIED, "pool_died", GAUGE, "renderers",                              \
      "renderers that died at a job or were killed")                           \
    X(POOL_TIMED_OUT, "pool_timed_out", GAUGE, "renderers",                    \
      "renderers that were ended because a job took too long")                 \
    X(POOL_RECYCLED, "pool_recycled", GAUGE, "renderers",                      \
      "renderers that were replaced after enough jobs or memory")              \
    X(POOL_DISPATCHERS, "pool_dispatchers_died", GAUGE, "processes",           \
      "dispatchers that died and were replaced")                               \
    X(POOL_WAITED, "pool_waited_ms", GAUGE, "ms",                              \
      "time that jobs have waited for a renderer, in all")                     \
    X(POOL_BUSY, "pool_busy_ms", GAUGE, "ms",                                  \
      "time that renderers have worked, in all")

#define DI_COUNTERS_ENUM(suffix, name, kind, unit, help) DI_COUNT_##suffix,

/* Places in the tally; DI_COUNT_NONE is nobody's.  A reason's place is
   DI_COUNT_REASON(reason). */
enum {
    DI_COUNT_NONE,
    DI_COUNTERS(DI_COUNTERS_ENUM) DI_COUNT_REASONS,
    DI_COUNT_END = DI_COUNT_REASONS + DI_REASON_END
};

#define DI_COUNT_REASON(reason) (DI_COUNT_REASONS + (int)(reason))

/* DI_COUNT_END entries, by place; a reason's has the reason's word as name
   and what it tells as help. */
extern const ds_counter_t di_counters[];

#endif
