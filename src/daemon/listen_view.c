#include "daemon/listen_view.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/print_clean.h"

#define MAX_LINE_BYTES ((size_t)64 << 10)
#define METER_COLUMNS 12
#define METER_FLOOR_DB (-60.0f)

struct va_listen_view {
    pthread_mutex_t lock; /* of all below */
    int is_json, is_live; /* live: standard output is a terminal */
    int has_keys;
    struct termios before;
    double start_ms;
    char text[256]; /* what has been said so far, cut */
    struct va_buffer line;
};

/* ---- life ---- */

/* Keys come one by one and are not shown; Ctrl+C stays a signal. */
static void take_keys(va_listen_view *view)
{
    struct termios raw;

    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &view->before) != 0)
        return;
    raw = view->before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    view->has_keys = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

int va_listen_view_new(int is_json, va_listen_view **ret_view, va_error *error)
{
    va_listen_view *view = va_calloc(1, sizeof *view);

    if (view == NULL)
        return va_fail_memory(error);
    pthread_mutex_init(&view->lock, NULL);
    view->is_json = is_json;
    view->is_live = !is_json && isatty(STDOUT_FILENO);
    view->start_ms = va_clock_ms();
    va_buffer_init(&view->line, MAX_LINE_BYTES);
    if (view->is_live)
        take_keys(view);
    *ret_view = view;
    return 0;
}

void va_listen_view_free(va_listen_view *view)
{
    if (view == NULL)
        return;
    if (view->has_keys)
        tcsetattr(STDIN_FILENO, TCSANOW, &view->before);
    if (view->is_live)
        fputs("\r\033[K", stdout);
    fflush(stdout);
    va_buffer_free(&view->line);
    pthread_mutex_destroy(&view->lock);
    va_free(view);
}

enum va_key va_listen_view_key(va_listen_view *view)
{
    struct pollfd keys = {.fd = STDIN_FILENO, .events = POLLIN};
    char key = 0;

    if (!view->has_keys || poll(&keys, 1, 0) != 1 || read(STDIN_FILENO, &key, 1) != 1)
        return VA_KEY_NONE;
    return key == ' ' || key == '\n' ? VA_KEY_TALK : key == 'q' || key == 4 ? VA_KEY_QUIT : VA_KEY_NONE;
}

/* ---- events ---- */

static int append_json(va_listen_view *view, const char *name, const struct va_field *fields, size_t n)
{
    struct va_json json = {.out = &view->line};

    va_json_open(&json, NULL, '{');
    va_json_text(&json, "event", name);
    va_json_number(&json, "at", (va_clock_ms() - view->start_ms) / 1000.0, 4);
    for (size_t i = 0; i < n; i++) {
        const struct va_field *field = &fields[i];
        if (field->type == VA_FIELD_STRING)
            va_json_text(&json, field->name, field->value.string);
        else if (field->type == VA_FIELD_NUMBER)
            va_json_number(&json, field->name, field->value.number, 4);
        else if (field->type == VA_FIELD_BOOL)
            va_json_bool(&json, field->name, (int)field->value.integer);
        else
            va_json_integer(&json, field->name, field->value.integer);
    }
    va_json_close(&json, '}');
    return json.error < 0 ? json.error : va_buffer_append(&view->line, "\n", 1);
}

static double number_of(const struct va_field *fields, size_t n, const char *name)
{
    const struct va_field *field = va_field_find(fields, n, name);
    return field == NULL || field->type == VA_FIELD_STRING ? 0.0
           : field->type == VA_FIELD_NUMBER                ? field->value.number
                                                           : (double)field->value.integer;
}

/* A line for a person; nothing for what the living line shows. */
static int append_line(va_listen_view *view, const char *name, const struct va_field *fields, size_t n)
{
    double seconds = (va_clock_ms() - view->start_ms) / 1000.0;

    if (strcmp(name, "wake") == 0)
        return va_buffer_printf(&view->line, "%8.2f  woken by %s (%.2f, %.0f dB)\n", seconds, va_field_text(fields, n, "word"),
                                number_of(fields, n, "score"), number_of(fields, n, "level_dbfs"));
    if (strcmp(name, "heard") == 0)
        return va_buffer_printf(&view->line, "%8.2f  %s  [%s%s%.2f]\n", seconds, va_field_text(fields, n, "text"),
                                va_field_text(fields, n, "intent"), va_field_text(fields, n, "intent")[0] != '\0' ? " " : "no command, ",
                                number_of(fields, n, "confidence"));
    if (strcmp(name, "result") == 0 && va_field_text(fields, n, "response")[0] != '\0')
        return va_buffer_printf(&view->line, "%8.2f  > %s\n", seconds, va_field_text(fields, n, "response"));
    if (strcmp(name, "result") == 0 && va_field_text(fields, n, "error")[0] != '\0')
        return va_buffer_printf(&view->line, "%8.2f  ! %s\n", seconds, va_field_text(fields, n, "error"));
    if (strcmp(name, "microphone") == 0)
        return va_buffer_printf(&view->line, "%8.2f  microphone %s: %s %s\n", seconds, va_field_text(fields, n, "device"),
                                va_field_text(fields, n, "state"), va_field_text(fields, n, "error"));
    return 0;
}

/* A response may hold what a program or a server has said. */
static void print_line(va_listen_view *view)
{
    if (view->is_json) {
        fwrite(view->line.data, 1, view->line.size, stdout);
        return;
    }
    view->line.data[view->line.size - 1] = '\0';
    va_print_clean(view->line.data);
    putchar('\n');
}

void va_listen_view_event(void *user, const char *name, const struct va_field *fields, size_t n)
{
    va_listen_view *view = user;

    pthread_mutex_lock(&view->lock);
    view->line.size = 0;
    if (strcmp(name, "partial") == 0)
        snprintf(view->text, sizeof view->text, "%s", va_field_text(fields, n, "text"));
    else if (strcmp(name, "heard") == 0)
        view->text[0] = '\0';
    int r = view->is_json ? append_json(view, name, fields, n) : append_line(view, name, fields, n);
    if (r == 0 && view->line.size > 0) {
        if (view->is_live)
            fputs("\r\033[K", stdout);
        print_line(view);
        fflush(stdout);
    }
    pthread_mutex_unlock(&view->lock);
}

/* ---- the living line ---- */

static int terminal_columns(void)
{
    struct winsize size;

    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 40 ? size.ws_col : 80;
}

/* The end of the text that fits, from the beginning of a character on. */
static const char *end_of(const char *text, size_t bytes)
{
    size_t n = strlen(text);

    if (n > bytes)
        text += n - bytes;
    while (((unsigned char)*text & 0xc0) == 0x80)
        text++;
    return text;
}

void va_listen_view_refresh(va_listen_view *view, va_assistant *assistant)
{
    struct va_assistant_status status;
    struct va_microphone_status microphone;
    char meter[METER_COLUMNS + 1] = "";

    if (!view->is_live)
        return;
    va_assistant_get_status(assistant, &status);
    va_assistant_get_microphone(assistant, &microphone);
    int is_open = strcmp(microphone.state, "open") == 0;
    for (int i = 0; i < METER_COLUMNS; i++) {
        float step_db = METER_FLOOR_DB * (1.0f - (float)i / METER_COLUMNS);
        meter[i] = microphone.rms_db > step_db ? '#' : microphone.peak_db > step_db ? '-' : '.';
    }
    pthread_mutex_lock(&view->lock);
    int room = terminal_columns() - METER_COLUMNS - 24;
    if (is_open) {
        printf("\r\033[K%-9s [%s] %4.0f dB  ", status.state, meter, (double)microphone.rms_db);
        va_print_clean(end_of(view->text, room > 0 ? (size_t)room : 0));
    } else {
        printf("\r\033[K%-9s [no microphone]", status.state);
    }
    fflush(stdout);
    pthread_mutex_unlock(&view->lock);
}
