/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the live tests: what the accounts in an httpd's books say, one line a
 * customer: name, bytes, files, quota in bytes, known, reclaimed, refused.
 *
 *     look_accounts STATE_DIR/books
 *
 * The file is mapped privately: nothing that is done to it here gets there.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <apr_general.h>

#include "store/books.h"

/* As httpd's parent reads it, or everything would be of another boot. */
static void read_boot(char *out, size_t room)
{
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "r");

    if (!file || !fgets(out, (int)room, file)) {
        out[0] = '\0';
    }
    out[strcspn(out, "\n")] = '\0';
    if (file) {
        fclose(file);
    }
}

static void tell(di_accounts_t *accounts)
{
    di_account_look_t look;
    int i;

    for (i = 0; i < di_accounts_count(accounts); i++) {
        if (di_accounts_look(&look, accounts, i, apr_time_now())) {
            printf("%s %llu %llu %llu %d %llu %llu\n", look.name,
                   (unsigned long long)look.bytes,
                   (unsigned long long)look.files,
                   (unsigned long long)look.terms.quota_bytes, look.known,
                   (unsigned long long)look.reclaimed,
                   (unsigned long long)look.refused);
        }
    }
}

int main(int argc, char **argv)
{
    char boot[40];
    void *at;
    int fd;

    apr_initialize();
    fd = argc == 2 ? open(argv[1], O_RDONLY) : -1;
    if (fd < 0) {
        fprintf(stderr, "usage: look_accounts BOOKS\n");
        return 1;
    }
    at = mmap(NULL, DI_BOOKS_DIRECTORY_BYTES + di_accounts_bytes(),
              PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED) {
        perror(argv[1]);
        return 1;
    }
    read_boot(boot, sizeof(boot));
    tell(di_accounts_init((char *)at + DI_BOOKS_DIRECTORY_BYTES, boot));
    close(fd);
    return 0;
}
