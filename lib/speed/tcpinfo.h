/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel knows of one TCP connection: the few members of TCP_INFO
 * that measuring needs, in our units.  Needs Linux 4.10 or newer (delivery
 * rate and busy time); elsewhere every read says APR_ENOTIMPL.
 */
#ifndef SP_TCPINFO_H
#define SP_TCPINFO_H

#include <apr.h>
#include <apr_errno.h>

/* A connection in recovery from loss has at least this state (TCP_CA_Recovery
   of linux/tcp.h; 4 is "after a time-out"). */
#define SP_TCP_RECOVERY 3

typedef struct {
    apr_uint64_t acked_bytes;       /* payload acknowledged since connect */
    apr_uint64_t busy_us;           /* time in which some was on its way, in
                                       ticks of up to 10 ms */
    apr_uint64_t rwnd_limited_us;   /* part of it: waiting for the client's
                                       receive window */
    apr_uint64_t sndbuf_limited_us; /* part of it: our buffer was too small */
    double rate_kbps;               /* of the last acknowledged flight;
                                       0: none yet */
    apr_uint32_t min_rtt_us;        /* 0: none yet */
    apr_uint32_t srtt_us;           /* smoothed round trip */
    apr_uint32_t rtt_deviation_us;  /* its mean deviation */
    apr_uint32_t resent_segments;   /* since connect */
    apr_uint32_t segment_bytes;     /* of a full one */
    apr_uint32_t window_bytes;      /* congestion window */
    apr_uint32_t unacked_segments;  /* on their way */
    apr_uint32_t notsent_bytes;     /* in the kernel, not yet on their way */
    apr_uint32_t quiet_ms;          /* since the last data was sent */
    int app_limited; /* 1: that flight was short of data to send, so its rate
                        is not the line's */
    int is_dead;     /* 1: reset or given up; nothing is on its way any more */
    int ca_state;    /* congestion avoidance: 0 open .. 4 loss */
} sp_tcp_t;

/**
 * Read it.  One system call, does not block.
 * @param fd  a connected TCP socket
 * @return APR_SUCCESS; APR_ENOTIMPL where the kernel or the socket has no such
 *         thing (not Linux, too old, a UNIX socket); another error of
 *         getsockopt(2)
 */
apr_status_t sp_tcp_read(sp_tcp_t *out, int fd);

/* Everything written has arrived. */
int sp_tcp_is_drained(const sp_tcp_t *tcp);

#endif
