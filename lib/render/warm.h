/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first render of every kind, before a process gives up its rights:
 * whatever a library loads, looks up or asks the kernel on first use is there
 * afterwards.
 */
#ifndef DI_WARM_H
#define DI_WARM_H

/**
 * Render a tiny picture of each format into each format.
 * @param formats  set: what may be decoded
 * @return 1 when all went well
 */
int di_warm_up(unsigned formats);

#endif
