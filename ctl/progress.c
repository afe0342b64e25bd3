/* SPDX-License-Identifier: Apache-2.0 */
#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SAY_EVERY apr_time_from_sec(5)
#define DRAW_EVERY APR_TIME_C(200000)
#define BAR_MIN 8
#define BAR_MAX 40
/* Of a terminal that does not tell. */
#define WIDTH 80
#define LINE_ROOM 512

void ctl_progress_init(ctl_progress_t *progress, int on)
{
    memset(progress, 0, sizeof *progress);
    progress->on = on;
    progress->terminal = isatty(STDERR_FILENO);
}

static int width_of_terminal(void)
{
    struct winsize size;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        return size.ws_col;
    }
    return WIDTH;
}

static double share_of(const ctl_progress_look_t *look)
{
    return look->total > 0 ? (double)look->done / look->total : 0;
}

static void time_left(char *out, size_t room, const ctl_progress_look_t *look,
                      double rate)
{
    double left = rate > 0 ? (look->total - look->done) / rate : 0;

    if (rate <= 0 || left > 999 * 3600.0) {
        snprintf(out, room, "-:-- left");
    }
    else if (left >= 3600) {
        snprintf(out, room, "%d:%02d:%02d left", (int)(left / 3600),
                 (int)(left / 60) % 60, (int)left % 60);
    }
    else {
        snprintf(out, room, "%d:%02d left", (int)(left / 60), (int)left % 60);
    }
}

/* Where a picture takes more than ten seconds, a second is no measure. */
static void rate_text(char *out, size_t room, double rate)
{
    if (rate > 0 && rate < 0.1) {
        snprintf(out, room, "%.1f/min", 60 * rate);
    }
    else {
        snprintf(out, room, "%.1f/s", rate);
    }
}

static void draw_bar(char *out, int cells, double share)
{
    int filled = (int)(share * cells);

    out[0] = '[';
    for (int i = 0; i < cells; i++) {
        out[1 + i] = i < filled ? '#' : i == filled ? '>' : '.';
    }
    out[1 + cells] = ']';
    out[2 + cells] = ' ';
    out[3 + cells] = '\0';
}

static int digits(int number)
{
    int count = 1;

    while (number >= 10) {
        number /= 10;
        count++;
    }
    return count;
}

static void append(char *out, size_t room, int width, const char *more)
{
    size_t length = strlen(out);

    if (length + 2 + strlen(more) < (size_t)width &&
        length + 2 + strlen(more) < room) {
        snprintf(out + length, room - length, "  %s", more);
    }
}

void ctl_progress_line(char *out, apr_size_t room, int width,
                       const ctl_progress_look_t *look, double rate)
{
    char text[LINE_ROOM], part[128], bar[BAR_MAX + 4] = "";
    int cells;

    if (width > LINE_ROOM) {
        width = LINE_ROOM;
    }
    snprintf(text, sizeof text, "%3d%%", (int)(100 * share_of(look)));
    snprintf(part, sizeof part, "%*d/%d", digits(look->total), look->done,
             look->total);
    append(text, sizeof text, width, part);
    time_left(part, sizeof part, look, rate);
    append(text, sizeof text, width, part);
    if (look->note != NULL) {
        append(text, sizeof text, width, look->note);
    }
    if (look->failed > 0) {
        snprintf(part, sizeof part, "failed %d", look->failed);
        append(text, sizeof text, width, part);
    }
    rate_text(part, sizeof part, rate);
    append(text, sizeof text, width, part);
    snprintf(part, sizeof part, "made %" APR_UINT64_T_FMT, look->made);
    append(text, sizeof text, width, part);
    /* In steps, so that the bar does not tremble with each figure. */
    cells = (width - 1 - (int)strlen(text) - 3) / 8 * 8;
    if (cells >= BAR_MIN) {
        draw_bar(bar, cells > BAR_MAX ? BAR_MAX : cells, share_of(look));
    }
    snprintf(out, room, "%s%.*s", bar, width > 1 ? width - 1 : 0, text);
}

static void sample(ctl_progress_t *progress, int done, apr_time_t now)
{
    if (progress->samples > 0 &&
        now - progress->sampled_at < apr_time_from_sec(1)) {
        return;
    }
    if (progress->samples == CTL_PROGRESS_SECONDS + 1) {
        progress->samples--;
        memmove(&progress->sample[0], &progress->sample[1],
                sizeof progress->sample[0] * (size_t)progress->samples);
    }
    progress->sample[progress->samples].at = now;
    progress->sample[progress->samples].done = done;
    progress->samples++;
    progress->sampled_at = now;
}

static double rate_of(const ctl_progress_t *progress, int done, apr_time_t now)
{
    apr_time_t span = now - progress->sample[0].at;

    return span > 0 ? (done - progress->sample[0].done) * 1e6 / (double)span
                    : 0;
}

static void say(const ctl_progress_look_t *look, double rate)
{
    char left[64], speed[64];

    time_left(left, sizeof left, look, rate);
    rate_text(speed, sizeof speed, rate);
    fprintf(stderr,
            "%d of %d (%d %%), %s, %s, made %" APR_UINT64_T_FMT
            ", failed %d%s%s\n",
            look->done, look->total, (int)(100 * share_of(look)), speed, left,
            look->made, look->failed, look->note != NULL ? ", " : "",
            look->note != NULL ? look->note : "");
}

void ctl_progress_show(ctl_progress_t *progress,
                       const ctl_progress_look_t *look, apr_time_t now)
{
    char line[LINE_ROOM + BAR_MAX];
    double rate;

    if (!progress->on) {
        return;
    }
    if (progress->said_at == 0 && !progress->terminal) {
        progress->said_at = now; /* short runs need no line between */
    }
    sample(progress, look->done, now);
    if (now - progress->said_at <
        (progress->terminal ? DRAW_EVERY : SAY_EVERY)) {
        return;
    }
    progress->said_at = now;
    rate = rate_of(progress, look->done, now);
    if (!progress->terminal) {
        say(look, rate);
        return;
    }
    ctl_progress_line(line, sizeof line, width_of_terminal(), look, rate);
    fprintf(stderr, "\r%s\033[K", line);
    fflush(stderr);
    progress->shown = 1;
}

void ctl_progress_clear(ctl_progress_t *progress)
{
    if (progress->shown) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
        progress->shown = 0;
    }
}
