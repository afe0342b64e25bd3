/* SPDX-License-Identifier: Apache-2.0 */
/*
 *     dynimage-prerender 1
 *     STAMP URL
 *     ...
 *
 * One line for each picture, added by one write: a process killed at any
 * moment leaves whole lines and at most one without its end, which the next
 * run cuts off.  A picture that is there twice is as its last line says.
 * Nothing is synced: what a power cut takes is only made again.
 */
#include "resume.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

static const char head[] = "dynimage-prerender 1\n";

/* Some two million pictures. */
#define FILE_BYTES (256 * 1024 * 1024)

static int refuse(ctl_resume_t *resume, const char *why)
{
    close(resume->fd);
    resume->fd = -1;
    return ctl_fail(CTL_USAGE, "--resume %s: %s", resume->path, why);
}

static char *read_all(int fd, size_t bytes, apr_pool_t *p)
{
    char *text = apr_palloc(p, bytes + 1);
    size_t got = 0;
    ssize_t more;

    while (got < bytes &&
           (more = pread(fd, text + got, bytes - got, (off_t)got)) > 0) {
        got += (size_t)more;
    }
    text[got] = '\0';
    return got == bytes ? text : NULL;
}

static void read_line(ctl_resume_t *resume, char *line)
{
    char *url = strchr(line, ' ');

    if (url != NULL) {
        *url++ = '\0';
        apr_hash_set(resume->done, url, APR_HASH_KEY_STRING, line);
    }
}

static int load(ctl_resume_t *resume, size_t bytes)
{
    char *text = read_all(resume->fd, bytes, resume->p);
    char *line = text;
    char *end;

    if (text == NULL) {
        return refuse(resume, "cannot be read");
    }
    if (bytes > 0 &&
        strncmp(text, head,
                bytes < sizeof head - 1 ? bytes : sizeof head - 1) != 0) {
        return refuse(resume, "is not the state of a prerender");
    }
    if (bytes >= sizeof head - 1) {
        line += sizeof head - 1;
    }
    while ((end = strchr(line, '\n')) != NULL) {
        *end = '\0';
        read_line(resume, line);
        line = end + 1;
    }
    if (ftruncate(resume->fd, bytes >= sizeof head - 1 ? line - text : 0)) {
        return refuse(resume, strerror(errno));
    }
    return CTL_OK;
}

int ctl_resume_open(ctl_resume_t *resume, const char *path, apr_pool_t *p)
{
    struct stat st;
    int code;

    resume->fd = -1;
    resume->path = path;
    resume->done = apr_hash_make(p);
    resume->p = p;
    resume->broken = 0;
    if (path == NULL) {
        return CTL_OK;
    }
    resume->fd =
        open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (resume->fd < 0) {
        return ctl_fail(CTL_USAGE, "--resume %s: %s", path, strerror(errno));
    }
    if (flock(resume->fd, LOCK_EX | LOCK_NB) != 0) {
        return refuse(resume, "another prerender is using it");
    }
    if (fstat(resume->fd, &st) != 0 || !S_ISREG(st.st_mode) ||
        st.st_size > FILE_BYTES) {
        return refuse(resume, "is no file of a usual size");
    }
    code = load(resume, (size_t)st.st_size);
    if (code == CTL_OK && st.st_size < (off_t)sizeof head - 1 &&
        write(resume->fd, head, sizeof head - 1) != (ssize_t)sizeof head - 1) {
        return refuse(resume, strerror(errno));
    }
    return code;
}

int ctl_resume_has(const ctl_resume_t *resume, const ctl_picture_t *picture)
{
    const char *stamp =
        apr_hash_get(resume->done, picture->url, APR_HASH_KEY_STRING);

    return stamp != NULL && strcmp(stamp, picture->stamp) == 0;
}

void ctl_resume_done(ctl_resume_t *resume, const ctl_picture_t *picture)
{
    char line[CTL_STAMP_BYTES + CTL_URL_BYTES + 8];
    int length =
        snprintf(line, sizeof line, "%s %s\n", picture->stamp, picture->url);

    if (resume->fd >= 0 && length < (int)sizeof line &&
        write(resume->fd, line, (size_t)length) != length && !resume->broken) {
        resume->broken = 1;
        ctl_fail(0, "--resume %s: %s", resume->path, strerror(errno));
    }
}

void ctl_resume_close(ctl_resume_t *resume)
{
    if (resume->fd >= 0) {
        close(resume->fd);
    }
    resume->fd = -1;
}
