/* unicode.h - the character classes that splitting needs. Pure; any thread. */
#ifndef VA_TOKEN_UNICODE_H
#define VA_TOKEN_UNICODE_H

#include <stdint.h>

enum va_char_class { VA_CHAR_OTHER, VA_CHAR_LETTER, VA_CHAR_DIGIT, VA_CHAR_SPACE };
enum va_char_class va_unicode_class(uint32_t code);

#endif
