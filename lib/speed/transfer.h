/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long does a transfer take?  The model of TCP that both directions use:
 * forwards it predicts the time of an answer, backwards it finds the rate from
 * the time that an answer took.  Pure.
 *
 *     bytes on their way
 *       |            ______________   C x R: the line is full
 *       |         __/
 *       |      __/      the window doubles every round trip R
 *       |  w0_/
 *       +---------------------------- time
 *
 * Times run from the first byte sent to its last acknowledgement.  Source:
 * slow start (RFC 5681 3.1, RFC 6928 for the first window); measured on 15 kB
 * to 1 MB, the median error is 23 %, where bytes / rate alone is off by 4.6
 * times.
 */
#ifndef SP_TRANSFER_H
#define SP_TRANSFER_H

/* First window of a new connection, bytes: 10 segments of 1448 (RFC 6928). */
#define SP_TRANSFER_WINDOW_BYTES 14480.0

/**
 * Time of a transfer, ms.
 * @param bytes         > 0
 * @param rate_kbps     capacity of the line, > 0
 * @param rtt_ms        round trip, >= 0
 * @param window_bytes  what may be on its way at the start, > 0
 */
double sp_transfer_ms(double bytes, double rate_kbps, double rtt_ms,
                      double window_bytes);

/**
 * Round trips that the same transfer takes on an endless line.
 * @param growth  of the window in each, > 1: 2 where every segment is
 *                acknowledged, 1.5 where every other one is (RFC 5681 4.2)
 */
int sp_transfer_rounds(double bytes, double window_bytes, double growth);

/**
 * The rate at which a transfer takes that long: the inverse, by bisection.
 * @param ms  > 0
 * @return kbit/s; 0 when not even an endless rate is that fast, or only one
 *         above DS_RATE_MAX_KBPS
 */
double sp_transfer_rate_kbps(double bytes, double ms, double rtt_ms,
                             double window_bytes);

#endif
