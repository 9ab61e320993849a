/* event_hub.h - the assistant's events to any number of clients as server-sent events. docs/events.md.
 *
 * One subscription of the assistant; each event is written once and sent to all. The last ones are kept for those who come back, but none
 * in privacy mode. A client that does not read is let go. */
#ifndef VA_SERVER_EVENT_HUB_H
#define VA_SERVER_EVENT_HUB_H

#include "assistant/assistant.h"
#include "server/server.h"

#define VA_EVENT_CLIENTS 32

typedef struct va_event_hub va_event_hub;

/* heartbeat_ms: without an event for so long, a comment is sent: whoever stands between sees that the connection lives, and who is gone is
 * found. */
#define VA_EVENT_HEARTBEAT_MS 15000
VA_MUST_CHECK int va_event_hub_new(va_assistant *assistant, unsigned heartbeat_ms, va_event_hub **ret_hub, va_error *error);
void va_event_hub_free(va_event_hub *hub); /* ends all streams */

/* The number of the last event: taken before what a newcomer is told first is looked at. Never 0. */
uint64_t va_event_hub_last(va_event_hub *hub);
/* Whether there is room for one more. */
int va_event_hub_has_room(va_event_hub *hub);

/* Takes the stream over. seen: the last event that the client has (0: none). Of those behind it that are still kept, all are sent; with a
 * gap, or without seen, snapshot (JSON) first, as of event `since`, and what came behind that. */
void va_event_hub_add(va_event_hub *hub, va_stream_reply *stream, uint64_t seen, const char *snapshot, uint64_t since);

#endif
