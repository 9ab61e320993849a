/* qr.h - QR codes. Any thread. */
#ifndef VA_ACCESS_QR_H
#define VA_ACCESS_QR_H

#include "base/buffer.h"

/* An SVG image, black on white with the quiet zone. VA_ELIMIT: the text is too long. */
VA_MUST_CHECK int va_qr_svg(const char *text, struct va_buffer *out, va_error *error);

/* For a terminal: half blocks in UTF-8, two rows a line, light on dark or with colours set. */
VA_MUST_CHECK int va_qr_terminal(const char *text, int with_colours, struct va_buffer *out, va_error *error);

#endif
