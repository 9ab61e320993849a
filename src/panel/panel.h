/* panel.h - the files of the touch panel (web/), which the build puts into the program. */
#ifndef VA_PANEL_H
#define VA_PANEL_H

#include <stddef.h>

struct va_panel_file {
    const char *name; /* "app.js" */
    const char *type; /* for Content-Type */
    const unsigned char *data;
    size_t n;
};

/* The table that scripts/embed-web writes, by name. */
extern const struct va_panel_file va_panel_files[];
extern const size_t va_n_panel_files;

/* name: "" is the page itself. NULL when there is no such file. */
const struct va_panel_file *va_panel_find(const char *name);

#endif
