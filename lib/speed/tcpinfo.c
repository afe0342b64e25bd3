/* SPDX-License-Identifier: Apache-2.0 */
/*
 * getsockopt(TCP_INFO).  The kernel writes as much of its struct as it has and
 * we have room for, and says how much that was; what lies behind is not there.
 */
#include "speed/tcpinfo.h"

#include <string.h>

#ifdef __linux__
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

/* The last member that we need. */
#define NEEDED_BYTES                                                           \
    (offsetof(struct tcp_info, tcpi_sndbuf_limited) + sizeof(__u64))

/* TCP_CLOSE of the kernel's net/tcp_states.h. */
#define TCP_STATE_CLOSE 7

/* What the kernel writes into tcpi_min_rtt before the first one is known. */
#define NO_RTT 0xffffffffu

static double kbps_of(__u64 bytes_per_s)
{
    return (double)bytes_per_s * 8 / 1000;
}

apr_status_t sp_tcp_read(sp_tcp_t *out, int fd)
{
    struct tcp_info info;
    socklen_t len = sizeof(info);

    memset(out, 0, sizeof(*out));
    memset(&info, 0, sizeof(info));
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len)) {
        return errno == EOPNOTSUPP || errno == ENOPROTOOPT ? APR_ENOTIMPL
                                                           : errno;
    }
    if (len < NEEDED_BYTES) {
        return APR_ENOTIMPL;
    }
    out->acked_bytes = info.tcpi_bytes_acked;
    out->busy_us = info.tcpi_busy_time;
    out->rwnd_limited_us = info.tcpi_rwnd_limited;
    out->sndbuf_limited_us = info.tcpi_sndbuf_limited;
    out->rate_kbps = kbps_of(info.tcpi_delivery_rate);
    out->min_rtt_us = info.tcpi_min_rtt == NO_RTT ? 0 : info.tcpi_min_rtt;
    out->srtt_us = info.tcpi_rtt;
    out->rtt_deviation_us = info.tcpi_rttvar;
    out->resent_segments = info.tcpi_total_retrans;
    out->segment_bytes = info.tcpi_snd_mss;
    out->window_bytes = info.tcpi_snd_cwnd * info.tcpi_snd_mss;
    out->unacked_segments = info.tcpi_unacked;
    out->notsent_bytes = info.tcpi_notsent_bytes;
    out->quiet_ms = info.tcpi_last_data_sent;
    out->app_limited = info.tcpi_delivery_rate_app_limited;
    out->is_dead = info.tcpi_state == TCP_STATE_CLOSE;
    out->ca_state = info.tcpi_ca_state;
    return APR_SUCCESS;
}

#else

apr_status_t sp_tcp_read(sp_tcp_t *out, int fd)
{
    memset(out, 0, sizeof(*out));
    return APR_ENOTIMPL;
}

#endif

int sp_tcp_is_drained(const sp_tcp_t *tcp)
{
    return tcp->unacked_segments == 0 && tcp->notsent_bytes == 0;
}
