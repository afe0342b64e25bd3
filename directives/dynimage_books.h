/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The books of mod_dynimage (store/books.h): a file under DynImageStateDir that
 * the parent maps and every child inherits, kept over restarts of all kinds;
 * and the customers' accounts in it.
 */
#ifndef DI_BOOKS_START_H
#define DI_BOOKS_START_H

#include "httpd.h"

#include "image/ledger.h"
#include "store/books.h"

/**
 * In httpd's parent, from post_config: open the books, and an account for each
 * server's customer (di_site_conf_t.account is set).
 * @param out  all NULL where not even memory could be had
 */
void di_books_parent_start(di_books_t *out, di_ledger_t **ledger, server_rec *s,
                           apr_pool_t *ptemp);

/* In each child: leave the file's lock to the parent. */
void di_books_child_start(server_rec *s);

/**
 * For httpd -t: do servers of one customer grant it the same?
 * @return NULL or an error sentence from p
 */
const char *di_books_check(server_rec *s, apr_pool_t *p);

#endif
