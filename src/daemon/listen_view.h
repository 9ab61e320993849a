/* listen_view.h - what `voice-assistant listen` shows: a line for what happens, or JSON lines; on a terminal, below them, a line that
 * lives: what the assistant is doing, how loud the microphone is, the text so far. */
#ifndef VA_DAEMON_LISTEN_VIEW_H
#define VA_DAEMON_LISTEN_VIEW_H

#include "assistant/assistant.h"
#include "base/log.h"

typedef struct va_listen_view va_listen_view;

/* On a terminal keys are read one by one until the view is freed. */
VA_MUST_CHECK int va_listen_view_new(int is_json, va_listen_view **ret_view, va_error *error);
void va_listen_view_free(va_listen_view *view);

/* A va_assistant_event_fn; user is the view. */
void va_listen_view_event(void *user, const char *name, const struct va_field *fields, size_t n);

/* Draws the living line anew. */
void va_listen_view_refresh(va_listen_view *view, va_assistant *assistant);

enum va_key { VA_KEY_NONE, VA_KEY_TALK, VA_KEY_QUIT };
/* A key that was pressed. */
enum va_key va_listen_view_key(va_listen_view *view);

#endif
