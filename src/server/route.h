/* route.h - finding the row of the table that a path means. Any thread. */
#ifndef VA_SERVER_ROUTE_H
#define VA_SERVER_ROUTE_H

#include "server/server.h"

/* NULL with *ret_status 404, or 405 when the path knows other methods. *ret_segment is what stands for "{id}", within path, or "". */
const struct va_route *va_route_find(const struct va_route *routes, size_t n_routes, const char *method, const char *path,
                                     const char **ret_segment, int *ret_status);

/* "GET, HEAD, POST": what a path knows. */
void va_route_methods(const struct va_route *routes, size_t n_routes, const char *path, char *ret_text, size_t capacity);

#endif
