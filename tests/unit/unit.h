/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every cmocka unit test begins with: the includes that cmocka wants in
 * this order, and a group set-up that makes one APR pool per test.
 */
#ifndef UNIT_H
#define UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <apr_general.h>
#include <apr_pools.h>

static inline int unit_pool_make(void **state)
{
    apr_pool_t *p;

    if (apr_initialize() != APR_SUCCESS ||
        apr_pool_create(&p, NULL) != APR_SUCCESS) {
        return -1;
    }
    *state = p;
    return 0;
}

static inline int unit_pool_drop(void **state)
{
    apr_pool_destroy(*state);
    apr_terminate();
    return 0;
}

/* A test that is handed an apr_pool_t * as *state. */
#define UNIT(test)                                                             \
    cmocka_unit_test_setup_teardown(test, unit_pool_make, unit_pool_drop)

/* Run the tests of this file and print TAP, whatever the environment says. */
#define UNIT_RUN(tests)                                                        \
    (cmocka_set_message_output(CM_OUTPUT_TAP),                                 \
     cmocka_run_group_tests(tests, NULL, NULL))

#endif
