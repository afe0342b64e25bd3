/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dynimagectl: what its commands share.  A program of one run: everything
 * lives in one pool until its end.
 *
 *     dynimagectl.c  --global options, settings-->  cmd_*.c
 *     cmd_*.c  --admin.c-->  lib/base/fetch  -->  the administration handler
 *              <--jsonread.c--
 */
#ifndef CTL_H
#define CTL_H

#include <apr.h>
#include <apr_pools.h>
#include <apr_tables.h>

/* Exit codes, the same for every command. */
enum {
    CTL_OK = 0,
    CTL_FAILED = 1,  /* some of it did not succeed, or was left undone */
    CTL_USAGE = 2,   /* the command line or a file named in it */
    CTL_NO_HTTP = 3, /* no answer, or one that is an error */
    CTL_REFUSED = 4  /* no credential, or not one that reaches that far */
};

typedef struct {
    apr_pool_t *p;
    const char *admin;    /* URL of the handler, no slash at its end */
    const char *key_file; /* holds token */
    const char *token;    /* NULL: none */
    const char *customer; /* NULL: none */
    const char *resolve;  /* as in ds_fetch_t */
    const char *ca_file;
    int insecure;
    int json;  /* 1: answers as they came */
    int quiet; /* 1: no progress, no sentence of success */
    int timeout_s;
} ctl_t;

/* An option of a command; a table of them ends with name NULL. */
typedef enum {
    CTL_FLAG,   /* int *, set to 1 */
    CTL_TEXT,   /* const char ** */
    CTL_NUMBER, /* int *, from min to max */
    CTL_TEXTS   /* apr_array_header_t **, of const char * */
} ctl_kind_e;

typedef struct {
    const char *name; /* without the dashes */
    ctl_kind_e kind;
    void *to;
    int min;
    int max;
} ctl_option_t;

typedef int ctl_run_t(ctl_t *ctl, int argc, const char *const *argv);

/**
 * Read the command's options, and the global ones among them.
 * @param operands  out: what is left, const char *
 * @return CTL_OK, or CTL_USAGE after a sentence on stderr
 */
int ctl_options(apr_array_header_t **operands, ctl_t *ctl,
                const ctl_option_t *options, int argc, const char *const *argv);

/* Fill what no option gave from the environment and the settings file. */
int ctl_settings(ctl_t *ctl);

/* "dynimagectl: sentence" on stderr. @return code */
int ctl_fail(int code, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A sentence on stdout unless --quiet or --json. */
void ctl_say(const ctl_t *ctl, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A whole file of at most max_bytes, NUL behind it; "-" is stdin.
   NULL after a sentence on stderr. */
char *ctl_read(apr_size_t *bytes, const char *path, apr_size_t max_bytes,
               apr_pool_t *p);

ctl_run_t ctl_purge;
ctl_run_t ctl_explain;
ctl_run_t ctl_check;
ctl_run_t ctl_status;
ctl_run_t ctl_report;
ctl_run_t ctl_prerender;
ctl_run_t ctl_push;

#endif
