/* outlook.h - whether a sentence of a command may go on. */
#ifndef VA_UNDERSTAND_OUTLOOK_H
#define VA_UNDERSTAND_OUTLOOK_H

#include <voice_assistant.h>

enum va_outlook {
    VA_OUTLOOK_CLOSED,   /* nothing that means something can follow */
    VA_OUTLOOK_UNLIKELY, /* something can; but a sentence might have ended before, and then the speaker did say more */
    VA_OUTLOOK_OPEN      /* something can, or must */
};

/* What may follow this text, by the commands. Any thread. */
enum va_outlook va_steering_outlook(const va_steering *steering, const char *text);

#endif
