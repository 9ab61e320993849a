#include "whisper/segments.h"

static int clamp_frame(int frame, int frames)
{
    return frame < 0 ? 0 : frame > frames ? frames : frame;
}

int va_segments_cut(const struct va_special_tokens *special, const int32_t *tokens, int n, int frames, struct va_token_span *ret_spans,
                    int *ret_advance)
{
    int t0 = special->first_timestamp, n_spans = 0, first = 0, last_timestamp = -1;
    int ends_single = n >= 2 && tokens[n - 1] >= t0 && tokens[n - 2] < t0;

    /* Two timestamps in a row: one segment ends and the next begins. */
    for (int i = 1; i <= n && n_spans < VA_SEGMENTS_MAX; i++) {
        int cut = i < n ? tokens[i] >= t0 && tokens[i - 1] >= t0 : ends_single && n_spans > 0;
        if (!cut || i == first)
            continue;
        ret_spans[n_spans++] = (struct va_token_span){.first = first,
                                                      .n = i - first,
                                                      .start_frame = clamp_frame(tokens[first] - t0, frames),
                                                      .end_frame = clamp_frame(tokens[i - 1] - t0, frames)};
        last_timestamp = tokens[i - 1] - t0;
        first = i;
    }
    if (n_spans > 0) {
        /* What follows the last pair is cut off by the window's end: it is heard again from there. */
        *ret_advance = ends_single ? frames : clamp_frame(last_timestamp, frames);
        if (*ret_advance < 1)
            *ret_advance = frames;
        return n_spans;
    }
    int start = n > 0 && tokens[0] >= t0 ? tokens[0] - t0 : 0, end = frames;
    for (int i = 1; i < n; i++)
        if (tokens[i] > t0)
            end = tokens[i] - t0;
    ret_spans[0] =
        (struct va_token_span){.first = 0, .n = n, .start_frame = clamp_frame(start, frames), .end_frame = clamp_frame(end, frames)};
    *ret_advance = frames;
    return n > 0;
}
