/* SPDX-License-Identifier: Apache-2.0 */
/* What a process in the sandbox can no longer do.  Each probe runs in a child
   that enters the sandbox and tries; on a kernel without landlock or seccomp
   the probes that need it are skipped. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "rasters.h"
#include "render/codecs.h"
#include "render/compose.h"
#include "render/sandbox.h"

#define NOBODY 65534
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* cmocka's skip() prints "not ok # SKIP", which prove counts as a failure. */
#define NOT_TRIED                                                              \
    do {                                                                       \
        print_message("# not tried here: %s\n", __func__);                     \
        return;                                                                \
    } while (0)

enum { REFUSED = 0, SUCCEEDED = 1, NO_SANDBOX = 2, OTHER_ERROR = 3 };

static di_sandbox_t settings(void)
{
    di_sandbox_t sandbox = {.memory_bytes = 64 << 20};

    if (geteuid() == 0) {
        sandbox.drop = 1;
        sandbox.uid = NOBODY;
        sandbox.gid = NOBODY;
    }
    return sandbox;
}

/* How the probe ended in a child inside the sandbox, as waitpid tells. */
static int run_in(di_sandbox_t sandbox, int (*probe)(void *), void *data)
{
    pid_t child = fork();
    int how;

    if (child == 0) {
        (void)signal(SIGSEGV, SIG_DFL); /* cmocka would go on as the test */
        if (di_sandbox_enter(&sandbox) || di_sandbox_close(&sandbox)) {
            _exit(NO_SANDBOX);
        }
        _exit(probe(data));
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    return how;
}

static int run_inside(int (*probe)(void *), void *data)
{
    return run_in(settings(), probe, data);
}

static int refusal(long result)
{
    return result >= 0 ? SUCCEEDED : errno == EACCES ? REFUSED : OTHER_ERROR;
}

static int do_nothing(void *data)
{
    return REFUSED;
}

static int open_a_file(void *data)
{
    return refusal(open("/etc/passwd", O_RDONLY));
}

static int create_a_file(void *data)
{
    return refusal(open("/tmp/dynimage-probe", O_RDWR | O_CREAT, 0600));
}

static int look_at_a_file(void *data)
{
    struct stat info;

    return refusal(stat("/etc/passwd", &info));
}

static int open_a_socket(void *data)
{
    return refusal(socket(AF_INET, SOCK_STREAM, 0));
}

static int open_a_local_socket(void *data)
{
    return refusal(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int run_a_program(void *data)
{
    char *none[] = {NULL};

    return refusal(execve("/bin/true", none, none));
}

static int make_a_process(void *data)
{
    return refusal(fork());
}

static int signal_another(void *data)
{
    return refusal(kill(getppid(), 0));
}

static int trace_another(void *data)
{
    return refusal(syscall(SYS_ptrace, 16, getppid(), 0, 0));
}

static int map_code(void *data)
{
    return refusal((long)mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

static int move_an_offset(void *data)
{
    return refusal(lseek(*(int *)data, 1, SEEK_SET));
}

static int duplicate(void *data)
{
    return refusal(fcntl(*(int *)data, F_DUPFD, 10));
}

/* Each would hold memory that no limit counts. */
static int fill_many_memory_files(void *data)
{
    int i;

    for (i = 0; i < 40; i++) {
        int fd = memfd_create("probe", MFD_CLOEXEC);

        if (fd < 0 || write(fd, "x", 1) != 1) {
            return OTHER_ERROR;
        }
    }
    return SUCCEEDED;
}

/* Everything that is not a mere look at files ends the process. */
typedef struct {
    const char *what;
    int (*probe)(void *data);
    int killed;
} probe_case_t;

static const probe_case_t probes[] = {
    {"open a file", open_a_file, 0},
    {"create a file", create_a_file, 0},
    {"look at a file", look_at_a_file, 0},
    {"open a socket", open_a_socket, 1},
    {"open a local socket", open_a_local_socket, 1},
    {"run a program", run_a_program, 1},
    {"make a process", make_a_process, 1},
    {"signal another process", signal_another, 1},
    {"trace another process", trace_another, 1},
    {"map code", map_code, 1},
    {"move the original's offset", move_an_offset, 1},
    {"duplicate a descriptor", duplicate, 1},
    {"fill many memory files", fill_many_memory_files, 1},
};

static void the_sandbox_itself_can_be_closed(void **state)
{
    assert_int_equal(run_inside(do_nothing, NULL), 0);
}

static void forbidden_calls_are_refused_or_end_the_process(void **state)
{
    int fd = open("/dev/null", O_RDWR);
    size_t i;

    if (di_sandbox_is_weakened() ||
        !(di_sandbox_kernel() & DI_KERNEL_SECCOMP)) {
        NOT_TRIED;
    }
    for (i = 0; i < sizeof(probes) / sizeof(*probes); i++) {
        int how = run_inside(probes[i].probe, &fd);
        int ok = probes[i].killed ? WIFSIGNALED(how) && WTERMSIG(how) == SIGSYS
                                  : how == REFUSED;

        if (!ok) {
            fail_msg("%s: ended as %#x", probes[i].what, (unsigned)how);
        }
    }
    close(fd);
}

static int read_a_file(void *data)
{
    char byte;

    return refusal(pread(*(int *)data, &byte, 1, 0));
}

static int make_a_memory_file(void *data)
{
    int fd = memfd_create("probe", MFD_CLOEXEC);

    return refusal(fd < 0 ? fd : write(fd, "x", 1));
}

static int accept_a_caller(void *data)
{
    return refusal(accept4(*(int *)data, NULL, NULL, SOCK_CLOEXEC));
}

/* What one role may and the other may not. */
static void roles_have_different_calls(void **state)
{
    static const struct {
        const char *what;
        int (*probe)(void *data);
        int killed; /* in the dispatcher; the renderer the other way round */
    } cases[] = {{"read an original", read_a_file, 1},
                 {"make a memory file", make_a_memory_file, 1},
                 {"accept a caller", accept_a_caller, 0}};
    di_sandbox_t renderer = settings(), dispatcher = settings();
    int fd = open("/dev/null", O_RDWR);
    size_t i;

    if (di_sandbox_is_weakened() ||
        !(di_sandbox_kernel() & DI_KERNEL_SECCOMP)) {
        NOT_TRIED;
    }
    dispatcher.role = DI_SANDBOX_DISPATCHER;
    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        int how = run_in(dispatcher, cases[i].probe, &fd);
        int other = run_in(renderer, cases[i].probe, &fd);

        if (WIFSIGNALED(how) != cases[i].killed ||
            WIFSIGNALED(other) == cases[i].killed) {
            fail_msg("%s: %#x, %#x", cases[i].what, (unsigned)how,
                     (unsigned)other);
        }
    }
    for (i = 0; i < sizeof(probes) / sizeof(*probes); i++) {
        int how = run_in(dispatcher, probes[i].probe, &fd);

        if (probes[i].killed != (WIFSIGNALED(how) && WTERMSIG(how) == SIGSYS)) {
            fail_msg("dispatcher: %s: %#x", probes[i].what, (unsigned)how);
        }
    }
    close(fd);
}

/* With the filter off (AddressSanitizer) landlock alone must do. */
static void files_are_out_of_reach(void **state)
{
    if (!(di_sandbox_kernel() & DI_KERNEL_LANDLOCK)) {
        NOT_TRIED;
    }
    assert_int_equal(run_inside(open_a_file, NULL), REFUSED);
    assert_int_equal(run_inside(create_a_file, NULL), REFUSED);
}

static int write_to(void *data)
{
    *(volatile char *)data = 1;
    return SUCCEEDED;
}

static void inherited_shared_memory_is_gone(void **state)
{
    char *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int how = run_inside(write_to, shared);

    assert_int_equal(shared[0], 0);
    assert_true(WIFSIGNALED(how));
    assert_int_equal(WTERMSIG(how), SIGSEGV);
    munmap(shared, 4096);
}

static void the_one_mapping_that_is_kept_stays(void **state)
{
    di_sandbox_t sandbox = settings();
    char *kept = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char *other = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    sandbox.keeps = kept;
    assert_int_equal(WEXITSTATUS(run_in(sandbox, write_to, kept)), SUCCEEDED);
    assert_int_equal(kept[0], 1);
    assert_true(WIFSIGNALED(run_in(sandbox, write_to, other)));
    assert_int_equal(other[0], 0);
    munmap(kept, 4096);
    munmap(other, 4096);
}

static int take_memory(void *data)
{
    char *volatile block = malloc((size_t)80 << 20);

    return block ? SUCCEEDED : REFUSED;
}

static int take_less_memory(void *data)
{
    char *volatile block = malloc((size_t)40 << 20);

    return block ? REFUSED : OTHER_ERROR;
}

static void memory_is_limited_to_what_the_setting_says(void **state)
{
    if (di_sandbox_is_weakened()) {
        NOT_TRIED;
    }
    assert_int_equal(run_inside(take_less_memory, NULL), 0);
    assert_int_equal(run_inside(take_memory, NULL), REFUSED);
}

static int is_user(void *data)
{
    return getuid() == NOBODY && geteuid() == NOBODY && getgid() == NOBODY
               ? REFUSED
               : SUCCEEDED;
}

static void root_is_left_behind(void **state)
{
    di_sandbox_t sandbox = settings();
    pid_t child;
    int how;

    if (!sandbox.drop) {
        NOT_TRIED;
    }
    child = fork();
    if (child == 0) {
        _exit(di_sandbox_enter(&sandbox) ? NO_SANDBOX : is_user(NULL));
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_int_equal(how, 0);
}

/* ---- what it can do ---- */

/* More than the codecs ask for at start, in blocks that malloc maps. */
#define RENDER_WIDTH_PX 700
#define RENDER_HEIGHT_PX 500
#define RENDER_MEMORY_BYTES ((apr_uint64_t)1 << 30)

static di_job_t small_job(di_format_e format)
{
    di_job_t job = {.format = (apr_uint32_t)format,
                    .recipe = {.fit_px = 350,
                               .quality = 50,
                               .ssim_e4 = 9000,
                               .page_layout = 1},
                    .limits = {.max_bytes = 1 << 24,
                               .max_pixels = 1 << 20,
                               .max_side_px = 1000,
                               .max_frames = 1,
                               .max_scans = 100,
                               .max_profile_bytes = 1 << 20}};

    return job;
}

/* Make an original of one format and render it into each; all formats that
   failed, as a set, but for lossless ones that do not get smaller. */
static unsigned render_from(const di_blob_t *original, di_format_e format)
{
    di_job_t job = small_job(format);
    unsigned failed = 0;
    int out;

    for (out = 1; out < DI_FORMAT_END; out++) {
        di_result_t result;
        unsigned char *file = NULL;

        job.formats = DI_FORMATS_OUT & (1u << out);
        if (job.formats) {
            di_compose(&result, &file, &job, original->bytes, original->len);
            if (result.status != DI_RENDER_OK &&
                !(out == DI_FORMAT_PNG &&
                  (result.status == DI_RENDER_NO_GAIN ||
                   result.status == DI_RENDER_NO_FORMAT))) {
                failed |= 1u << out;
            }
            free(file);
        }
    }
    return failed;
}

/* Encodes of every format, without alpha and with; decodes and renders them. */
static int render_every_format(void *data)
{
    di_samples_e samples = *(const di_samples_e *)data;
    di_raster_t picture =
        raster_waves(samples, RENDER_WIDTH_PX, RENDER_HEIGHT_PX);
    int format;

    for (format = 1; format < DI_FORMAT_END; format++) {
        const di_codec_t *codec = di_codec_of((apr_uint32_t)format);
        di_encode_t how = {.quality = 98,
                           .chroma = DI_CHROMA_444,
                           .lossless = codec && !codec->lossy};
        di_blob_t original = {NULL, 0};

        if (!codec || !codec->encode || (samples == DI_RGBA && !codec->alpha)) {
            continue;
        }
        if (codec->encode(&original, &picture, &how) != DI_RENDER_OK ||
            (render_from(&original, codec->format) &
             (samples == DI_RGBA ? ~DI_FORMAT_SET(JPEG) : ~0u))) {
            return format;
        }
        free(original.bytes);
    }
    di_raster_free(&picture);
    return REFUSED;
}

/* How the work ended in a child that started as a renderer does. */
static int run_renderer(unsigned formats, int (*work)(void *), void *data)
{
    di_sandbox_t sandbox = settings();
    pid_t child = fork();
    int how;

    sandbox.memory_bytes = RENDER_MEMORY_BYTES;
    if (child == 0) {
        if (di_sandbox_enter(&sandbox) ||
            !di_compose_start(formats, RENDER_MEMORY_BYTES) ||
            di_sandbox_close(&sandbox)) {
            _exit(100 + NO_SANDBOX);
        }
        _exit(work(data));
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    return how;
}

static void every_format_is_encoded_and_decoded_inside(void **state)
{
    static di_samples_e samples[] = {DI_RGB, DI_RGBA};
    size_t i;

    for (i = 0; i < 2; i++) {
        /* the exit status is the format at which it ended */
        assert_int_equal(run_renderer(DI_FORMATS_IN_DEFAULT,
                                      render_every_format, &samples[i]),
                         REFUSED);
    }
}

/* Those that are only read: small ones, so that what is asked is whether the
   decoders come through, and not whether there is a gain. */
static const struct {
    const char *name;
    di_format_e format;
} originals[] = {
    {"header_gif/one", DI_FORMAT_GIF},
    {"header_gif/interlaced", DI_FORMAT_GIF},
    {"header_gif/alpha", DI_FORMAT_GIF},
    {"header_bmp/rgb", DI_FORMAT_BMP},
    {"header_bmp/os2", DI_FORMAT_BMP},
    {"header_bmp/palette", DI_FORMAT_BMP},
    {"header_bmp/alpha", DI_FORMAT_BMP},
    {"header_bmp/rle4", DI_FORMAT_BMP},
    {"header_bmp/rle8", DI_FORMAT_BMP},
    {"header_tiff/rgb", DI_FORMAT_TIFF},
    {"header_tiff/big-endian", DI_FORMAT_TIFF}, /* LZW */
    {"header_tiff/tiles", DI_FORMAT_TIFF},
    {"header_tiff/cmyk", DI_FORMAT_TIFF},
    {"header_tiff/alpha", DI_FORMAT_TIFF},
    {"header_tiff/profile", DI_FORMAT_TIFF},
    {"header_tiff/deflate", DI_FORMAT_TIFF},
    {"header_tiff/jpeg", DI_FORMAT_TIFF},
    {"header_tiff/packbits", DI_FORMAT_TIFF},
    {"header_tiff/g3", DI_FORMAT_TIFF},
    {"header_tiff/g4", DI_FORMAT_TIFF},
    {"header_tiff/lzma", DI_FORMAT_TIFF},
    {"header_tiff/zstd", DI_FORMAT_TIFF},
    {"header_tiff/webp", DI_FORMAT_TIFF},
    {"header_heif/heic", DI_FORMAT_HEIC},
    {"header_heif/heic-alpha", DI_FORMAT_HEIC},
    {"header_heif/heic-grey", DI_FORMAT_HEIC},
    {"header_heif/heic-thumbnail", DI_FORMAT_HEIC},
    {"header_heif/heic-turned", DI_FORMAT_HEIC},
    {"header_heif/heic-10bit", DI_FORMAT_HEIC},
    {"header_heif/heic-tiles", DI_FORMAT_HEIC},
    {"header_heif/heic-large", DI_FORMAT_HEIC},
    {"header_heif/avif-grid", DI_FORMAT_AVIF},
    {"header_heif/avif-alpha", DI_FORMAT_AVIF},
    {"header_jxl/boxes-alpha", DI_FORMAT_JXL},
    {"header_jxl/parts-turned", DI_FORMAT_JXL},
};

typedef struct {
    fixture_t files[COUNT(originals)];
} read_t;

/* The exit status is the number of the one at which it ended, from 1. */
static int render_originals(void *data)
{
    const read_t *read = data;
    size_t i;

    for (i = 0; i < COUNT(originals); i++) {
        di_job_t job = small_job(originals[i].format);
        unsigned char *file = NULL;
        di_result_t result;

        job.formats = DI_FORMAT_SET(PNG);
        di_compose(&result, &file, &job, read->files[i].bytes,
                   read->files[i].len);
        free(file);
        if (result.status != DI_RENDER_OK &&
            result.status != DI_RENDER_NO_GAIN) {
            return (int)i + 1;
        }
    }
    return REFUSED;
}

/* HEIC among them: its decoder must not need a thread. */
static void every_kind_of_original_is_decoded_inside(void **state)
{
    read_t read;
    size_t i;
    int how;

    for (i = 0; i < COUNT(originals); i++) {
        read.files[i] = fixture_read(originals[i].name, *state);
    }
    how = run_renderer(DI_FORMATS_IN, render_originals, &read);
    if (how != REFUSED) {
        fail_msg("ended as %#x: %s", (unsigned)how,
                 WIFEXITED(how) && WEXITSTATUS(how) <= (int)COUNT(originals)
                     ? originals[WEXITSTATUS(how) - 1].name
                     : "none of them");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(the_sandbox_itself_can_be_closed),
        UNIT(forbidden_calls_are_refused_or_end_the_process),
        UNIT(roles_have_different_calls),
        UNIT(files_are_out_of_reach),
        UNIT(inherited_shared_memory_is_gone),
        UNIT(the_one_mapping_that_is_kept_stays),
        UNIT(memory_is_limited_to_what_the_setting_says),
        UNIT(root_is_left_behind),
        UNIT(every_format_is_encoded_and_decoded_inside),
        UNIT(every_kind_of_original_is_decoded_inside),
    };

    return UNIT_RUN(tests);
}
