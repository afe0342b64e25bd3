/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why an answer is what it is: the closed list behind "reason=" in the
 * DynImage header, kept here and nowhere else.
 *
 * The numbers are stored in verdict records: append only, never renumber
 * (6 was "too-large").
 * docs/reasons.md explains each to operators; a guard compares the two.
 */
#ifndef DI_REASON_H
#define DI_REASON_H

/* X(number, NAME, word, what it tells) */
#define DI_REASONS(X)                                                          \
    X(1, RENDERED, "rendered", "the tier's rendition was sent")                \
    X(2, ORIGINAL, "original", "the tier is the original")                     \
    X(3, NOT_SMALLER, "not-smaller",                                           \
      "the rendition would not have been smaller, the original was sent")      \
    X(4, UNSUPPORTED, "unsupported",                                           \
      "by its content no picture that is rendered; passed through")            \
    X(5, ANIMATED, "animated", "more than one frame; passed through")          \
    X(7, BROKEN, "broken", "the decoder found damage; passed through")         \
    X(8, NO_TRANSFORM, "no-transform",                                         \
      "request or response forbids another picture")                           \
    X(9, NEAREST, "nearest",                                                   \
      "the tier's rendition is not ready: the nearest stored one was sent")    \
    X(10, BUSY, "busy",                                                        \
      "no place in the render queue, or no turn; the original was sent")       \
    X(11, TIMEOUT, "timeout", "no rendition in time; the original was sent")   \
    X(12, RENDER_FAILED, "render-failed",                                      \
      "the renderer died or failed; the original was sent")                    \
    X(13, NO_POOL, "no-pool", "there are no renderers")                        \
    X(14, ERROR, "error", "the server failed at it; see the error log")        \
    X(15, TOO_MANY_BYTES, "too-many-bytes", "over DynImageMaxSize")            \
    X(16, TOO_MANY_PIXELS, "too-many-pixels", "over DynImageMaxPixels")        \
    X(17, TOO_LONG_SIDE, "too-long-side", "over DynImageMaxSide")              \
    X(18, TOO_MANY_FRAMES, "too-many-frames", "over DynImageMaxFrames")        \
    X(19, TOO_MANY_SCANS, "too-many-scans", "over DynImageMaxScans")           \
    X(20, TOO_LARGE_PROFILE, "too-large-profile", "over DynImageMaxProfile")   \
    X(21, NO_MEMORY, "no-memory",                                              \
      "the render needed more than DynImageRenderMemory")                      \
    X(22, NO_FORMAT, "no-format",                                              \
      "no format that client and tier allow can show this picture")            \
    X(23, FORMAT_OFF, "format-off",                                            \
      "the original's format is not among DynImageInputFormats")               \
    X(24, QUICK, "quick",                                                      \
      "a cheap rendition was sent, the tier's own is being made")              \
    X(25, SMALLER_FIRST, "smaller-first",                                      \
      "a smaller stored rendition was sent, the tier's own is being made")     \
    X(26, NOT_MADE, "not-made",                                                \
      "mode static, and nothing is made yet; the original was sent")

typedef enum {
    DI_REASON_NONE = 0,
#define DI_REASON_ENUM(number, name, word, text) DI_REASON_##name = number,
    DI_REASONS(DI_REASON_ENUM)
#undef DI_REASON_ENUM
        DI_REASON_END
} di_reason_e;

/* The reason's word, "none" for DI_REASON_NONE and numbers not listed. */
const char *di_reason_word(di_reason_e reason);

#endif
