/* Speech as a file, for somebody else. */
#include "assistant/state.h"

#include "audio/encode.h"
#include "base/memory.h"

int va_assistant_render_file(va_assistant *assistant, const struct va_render *render, const char *format, struct va_buffer *out,
                             const char **ret_type, va_error *error)
{
    enum va_audio_encoding encoding;
    int16_t *pcm;
    size_t n;

    if (va_audio_encoding_parse(format, &encoding) < 0)
        return va_fail(error, VA_EINVAL, "there is no format '%.40s'; known are mp3, opus, flac, wav and pcm", format);
    int r = va_assistant_render(assistant, render, &pcm, &n, error);
    if (r < 0)
        return r;
    r = va_audio_encode(pcm, n, encoding, out, error);
    va_free(pcm);
    if (r == 0)
        *ret_type = va_audio_encoding_type(encoding);
    return r;
}
