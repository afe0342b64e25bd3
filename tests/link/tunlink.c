/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A slow, long or lossy line between two network namespaces, in userspace,
 * for kernels without netem: two TUN devices and a program between them.
 *
 *   tunlink [-s SEED] [-c FIFO] NAME_A NAME_B
 *           DOWN_KBPS UP_KBPS ONE_WAY_US QUEUE_BYTES LOSS_PPM JITTER_US
 *
 * NAME_A is the server's end, NAME_B the client's: A to B is "down".  Both
 * devices are made in the namespace the program runs in; move them where they
 * belong afterwards, the descriptors stay valid.  Prints "ready" once both
 * exist.  Needs CAP_NET_ADMIN and /dev/net/tun.
 *
 * Each direction is a line with one first-in-first-out queue before it:
 *
 *   read --> [ lost? ] --> [ queue, QUEUE_BYTES ] --> line, KBPS --+
 *               | LOSS_PPM      | does not fit                     |
 *               v               v                                  v
 *             dropped         dropped          ONE_WAY_US + 0..JITTER_US
 *                                                                  |
 *   write, never before the packet ahead of it <-------------------+
 *
 *   free_at = max(free_at, now)        when the line has sent all before
 *   drop if (free_at - now) * rate + length > QUEUE_BYTES
 *   free_at += length / rate
 *   due = max(free_at + delay + jitter, due of the packet before)
 *
 * Lengths are those of IP packets, so TCP's goodput is 1448/1500 of the rate.
 * Losses and jitter come from a generator that SEED starts (default 1): the
 * same packets meet the same fate.
 *
 * With -c each line written to FIFO is a command, answered by a line on
 * standard output:
 *
 *   DOWN_KBPS UP_KBPS ONE_WAY_US QUEUE_BYTES LOSS_PPM JITTER_US
 *            from now on; packets on their way stay on schedule   "ready"
 *   stat     "stat down=sent,lost,full up=sent,lost,full" in packets
 *
 * At most PACKETS are on their way in each direction; their memory is touched
 * only as far as it was ever needed.  Good for 100 Mbit/s on one core.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
    PACKETS = 65536,     /* on their way, each direction; a power of two */
    PACKET_BYTES = 2048, /* more than the MTU of 1500 */
    BATCH = 64,          /* read from one device before looking at the clock */
    COMMAND_BYTES = 256,
    PARAMETERS = 6
};

#define NS_PER_S 1000000000u

typedef struct {
    uint64_t due_ns;
    uint16_t slot;
    uint16_t bytes;
} packet_t;

typedef struct {
    int from, to;       /* TUN descriptors */
    uint64_t rate_kbps; /* 1000 bit */
    uint64_t delay_ns;
    uint64_t jitter_ns;
    uint64_t queue_bytes;
    uint64_t loss_ppm;

    uint64_t free_at_ns;  /* when the line has sent all that was accepted */
    uint64_t last_due_ns; /* of the packet accepted last */
    uint32_t head, tail;  /* ring[tail..head) are on their way */
    uint32_t free_slots;  /* stack[0..free_slots) can be used */

    uint64_t sent, lost, full; /* packets */

    packet_t ring[PACKETS];
    uint16_t stack[PACKETS]; /* last freed, first used: few pages touched */
    uint8_t data[PACKETS][PACKET_BYTES];
} direction_t;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* xorshift64* (Vigna 2016); *state is never 0. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (*state * 0x2545F4914F6CDD1Du) >> 16;
}

static direction_t *make_direction(int from, int to)
{
    direction_t *d = mmap(NULL, sizeof(*d), PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (d == MAP_FAILED) {
        fail("mmap");
    }
    d->from = from;
    d->to = to;
    for (uint32_t i = 0; i < PACKETS; i++) {
        d->stack[i] = (uint16_t)(PACKETS - 1 - i);
    }
    d->free_slots = PACKETS;
    return d;
}

static int open_tun(const char *name)
{
    struct ifreq want = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        fail("/dev/net/tun");
    }
    snprintf(want.ifr_name, sizeof(want.ifr_name), "%s", name);
    if (ioctl(fd, TUNSETIFF, &want) < 0) {
        fail(name);
    }
    return fd;
}

/* The six numbers of the command line, as words.
 * @return 0 and nothing changed when one of them is none, or a rate is 0 */
static int set_parameters(direction_t *down, direction_t *up, char **words)
{
    uint64_t n[PARAMETERS];
    for (int i = 0; i < PARAMETERS; i++) {
        char *end;
        errno = 0;
        n[i] = strtoull(words[i], &end, 10);
        if (errno || *end || end == words[i] || n[i] > INT32_MAX) {
            return 0;
        }
    }
    if (!n[0] || !n[1]) {
        return 0;
    }
    down->rate_kbps = n[0];
    up->rate_kbps = n[1];
    down->delay_ns = up->delay_ns = n[2] * 1000;
    down->queue_bytes = up->queue_bytes = n[3];
    down->loss_ppm = up->loss_ppm = n[4];
    down->jitter_ns = up->jitter_ns = n[5] * 1000;
    return 1;
}

/* Decide what becomes of a packet that stands in slot `slot`. */
static void accept_packet(direction_t *d, uint16_t slot, size_t bytes,
                          uint64_t now, uint64_t *random)
{
    uint64_t waiting;
    if (next_random(random) % 1000000 < d->loss_ppm) {
        d->lost++;
        return;
    }
    if (d->free_at_ns < now) {
        d->free_at_ns = now;
    }
    /* ns * kbit/s = bits / 10^6 */
    waiting = (d->free_at_ns - now) * d->rate_kbps / 8000000;
    if (waiting + bytes > d->queue_bytes) {
        d->full++;
        return;
    }
    d->free_at_ns += bytes * 8000000 / d->rate_kbps;

    uint64_t due = d->free_at_ns + d->delay_ns;
    if (d->jitter_ns) {
        due += next_random(random) % d->jitter_ns;
    }
    if (due < d->last_due_ns) {
        due = d->last_due_ns;
    }
    d->last_due_ns = due;
    d->free_slots--; /* `slot` was the uppermost of the stack */
    d->ring[d->head++ % PACKETS] = (packet_t){due, slot, (uint16_t)bytes};
}

static void read_packets(direction_t *d, uint64_t *random)
{
    uint8_t surplus[PACKET_BYTES];
    for (int i = 0; i < BATCH; i++) {
        int room = d->free_slots > 0;
        uint16_t slot = room ? d->stack[d->free_slots - 1] : 0;
        ssize_t n = read(d->from, room ? d->data[slot] : surplus, PACKET_BYTES);
        if (n <= 0) {
            return;
        }
        if (!room) {
            d->full++;
            continue;
        }
        accept_packet(d, slot, (size_t)n, now_ns(), random);
    }
}

/* @return when the next packet is due, 0 when there is none */
static uint64_t write_due(direction_t *d)
{
    while (d->tail != d->head) {
        packet_t *p = &d->ring[d->tail % PACKETS];
        if (p->due_ns > now_ns()) {
            return p->due_ns;
        }
        /* A device that is not up yet refuses: as good as a loss. */
        if (write(d->to, d->data[p->slot], p->bytes) == p->bytes) {
            d->sent++;
        }
        else {
            d->lost++;
        }
        d->stack[d->free_slots++] = p->slot;
        d->tail++;
    }
    return 0;
}

static void set_timer(int timer, uint64_t at_ns)
{
    struct itimerspec at = {.it_value = {.tv_sec = (time_t)(at_ns / NS_PER_S),
                                         .tv_nsec = (long)(at_ns % NS_PER_S)}};
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL);
}

static void obey(direction_t *down, direction_t *up, char *command)
{
    char *words[PARAMETERS + 1] = {NULL};
    char *rest = command;
    int n = 0;
    while (n <= PARAMETERS && (words[n] = strtok_r(rest, " \r", &rest))) {
        n++;
    }
    if (n == 1 && !strcmp(words[0], "stat")) {
        printf("stat down=%" PRIu64 ",%" PRIu64 ",%" PRIu64 " up=%" PRIu64
               ",%" PRIu64 ",%" PRIu64 "\n",
               down->sent, down->lost, down->full, up->sent, up->lost,
               up->full);
    }
    else if (n == PARAMETERS && set_parameters(down, up, words)) {
        printf("ready\n");
    }
    else {
        printf("refused\n");
    }
    fflush(stdout);
}

/* Commands are far shorter than PIPE_BUF, so each arrives whole. */
static void read_commands(int fifo, direction_t *down, direction_t *up)
{
    char text[COMMAND_BYTES];
    ssize_t n = read(fifo, text, sizeof(text) - 1);
    char *rest = text, *line;
    if (n <= 0) {
        return;
    }
    text[n] = '\0';
    while ((line = strtok_r(rest, "\n", &rest))) {
        obey(down, up, line);
    }
}

static void carry(direction_t *down, direction_t *up, int fifo, uint64_t random)
{
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (timer < 0) {
        fail("timerfd");
    }
    struct pollfd ready[] = {{.fd = down->from, .events = POLLIN},
                             {.fd = up->from, .events = POLLIN},
                             {.fd = timer, .events = POLLIN},
                             {.fd = fifo, .events = POLLIN}};
    for (;;) {
        uint64_t expired;
        uint64_t next_down = write_due(down), next_up = write_due(up);
        uint64_t next = !next_down || (next_up && next_up < next_down)
                            ? next_up
                            : next_down;
        set_timer(timer, next); /* 0 stops it */
        if (poll(ready, 4, -1) < 0 && errno != EINTR) {
            fail("poll");
        }
        if (ready[2].revents && read(timer, &expired, sizeof(expired)) < 0 &&
            errno != EAGAIN) {
            fail("timer");
        }
        if (ready[0].revents) {
            read_packets(down, &random);
        }
        if (ready[1].revents) {
            read_packets(up, &random);
        }
        if (ready[3].revents) {
            read_commands(fifo, down, up);
        }
    }
}

static int usage(void)
{
    fputs("usage: tunlink [-s SEED] [-c FIFO] NAME_A NAME_B DOWN_KBPS "
          "UP_KBPS ONE_WAY_US QUEUE_BYTES LOSS_PPM JITTER_US\n",
          stderr);
    return 2;
}

int main(int argc, char **argv)
{
    uint64_t seed = 1;
    int option, a, b;
    int fifo = -1; /* poll() skips it */
    while ((option = getopt(argc, argv, "s:c:")) != -1) {
        if (option == 's') {
            seed = strtoull(optarg, NULL, 10);
        }
        else if (option == 'c') {
            /* Also for writing: it never ends when a writer leaves. */
            fifo = open(optarg, O_RDWR | O_NONBLOCK | O_CLOEXEC);
            if (fifo < 0) {
                fail(optarg);
            }
        }
        else {
            return usage();
        }
    }
    if (argc - optind != 2 + PARAMETERS) {
        return usage();
    }
    a = open_tun(argv[optind]);
    b = open_tun(argv[optind + 1]);
    direction_t *down = make_direction(a, b);
    direction_t *up = make_direction(b, a);
    if (!set_parameters(down, up, argv + optind + 2)) {
        return usage();
    }
    prctl(PR_SET_TIMERSLACK, 1000ul);
    puts("ready");
    fflush(stdout);
    carry(down, up, fifo, seed * 2 + 1);
}
