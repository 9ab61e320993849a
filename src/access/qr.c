#include "access/qr.h"

#include <errno.h>

#include <qrencode.h>

#define QUIET 4 /* modules around it, as the standard asks */

static int encode(const char *text, QRcode **ret_code, va_error *error)
{
    QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);

    if (code == NULL)
        return errno == ERANGE ? va_fail(error, VA_ELIMIT, "this is too long for a QR code") : va_fail_memory(error);
    *ret_code = code;
    return 0;
}

static int is_dark(const QRcode *code, int x, int y)
{
    return x >= 0 && y >= 0 && x < code->width && y < code->width && (code->data[y * code->width + x] & 1);
}

int va_qr_svg(const char *text, struct va_buffer *out, va_error *error)
{
    QRcode *code = NULL;
    int r = encode(text, &code, error);

    if (r < 0)
        return r;
    int size = code->width + 2 * QUIET;
    r = va_buffer_printf(out,
                         "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" shape-rendering=\"crispEdges\">"
                         "<path fill=\"#fff\" d=\"M0 0h%dv%dH0z\"/><path fill=\"#000\" d=\"",
                         size, size, size, size);
    for (int y = 0; r == 0 && y < code->width; y++)
        for (int x = 0, n; r == 0 && x < code->width; x += n) {
            for (n = 0; is_dark(code, x + n, y); n++)
                ;
            if (n > 0)
                r = va_buffer_printf(out, "M%d %dh%dv1h-%dz", x + QUIET, y + QUIET, n, n);
            else
                n = 1;
        }
    if (r == 0)
        r = va_buffer_append_string(out, "\"/></svg>");
    QRcode_free(code);
    return r < 0 ? va_fail(error, r, "QR code: %s", va_status_text(r)) : 0;
}

int va_qr_terminal(const char *text, int with_colours, struct va_buffer *out, va_error *error)
{
    static const char *const blocks[] = {"\xe2\x96\x88", "\xe2\x96\x84", "\xe2\x96\x80", " "}; /* of light modules; bit 0: upper is dark */
    QRcode *code = NULL;
    int r = encode(text, &code, error);

    if (r < 0)
        return r;
    for (int y = -QUIET; r == 0 && y < code->width + QUIET; y += 2) {
        if (with_colours)
            r = va_buffer_append_string(out, "\x1b[97;40m");
        for (int x = -QUIET; r == 0 && x < code->width + QUIET; x++)
            r = va_buffer_append_string(out, blocks[is_dark(code, x, y) | is_dark(code, x, y + 1) << 1]);
        if (r == 0)
            r = va_buffer_append_string(out, with_colours ? "\x1b[0m\n" : "\n");
    }
    QRcode_free(code);
    return r < 0 ? va_fail(error, r, "QR code: %s", va_status_text(r)) : 0;
}
