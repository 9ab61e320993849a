#include "panel/panel.h"

#include <string.h>

const struct va_panel_file *va_panel_find(const char *name)
{
    if (name[0] == '\0')
        name = "index.html";
    for (size_t i = 0; i < va_n_panel_files; i++)
        if (strcmp(va_panel_files[i].name, name) == 0)
            return &va_panel_files[i];
    return NULL;
}
