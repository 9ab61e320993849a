/* What audits read of the kernel's files and of other programs: the first byte chooses the parser. */
#include "fuzz.h"

#include <stdio.h>
#include <string.h>

#include "audit/parse.h"

static struct va_listener listeners[VA_SOCKETS_MAX];

static void parse_listeners(const char *text, int is_ip6)
{
    char line[VA_LISTENER_TEXT_BYTES];
    size_t n = 0;

    va_parse_listeners(text, is_ip6, listeners, &n);
    FUZZ_CHECK(n <= VA_SOCKETS_MAX);
    for (size_t i = 0; i < n; i++) {
        FUZZ_CHECK(listeners[i].port >= 0 && listeners[i].port <= 65535);
        va_listener_text(&listeners[i], line);
        FUZZ_CHECK(strlen(line) < sizeof line);
    }
}

static void check_firewall(const struct va_firewall *firewall)
{
    FUZZ_CHECK(firewall->n_ports <= VA_FIREWALL_MAX_PORTS);
    for (size_t i = 0; i < firewall->n_ports; i++)
        FUZZ_CHECK(firewall->ports[i] >= 0 && firewall->ports[i] <= 65535);
}

static void parse_firewall(const char *text, size_t size)
{
    struct va_firewall firewall;
    va_error error;

    if (va_parse_firewall(text, size, &firewall, &error) < 0)
        return;
    check_firewall(&firewall);
}

static void parse_ufw(char *text)
{
    struct va_firewall firewall = {0};

    va_parse_ufw(text, &firewall);
    check_firewall(&firewall);
}

static void parse_lines(const char *text)
{
    struct va_updates updates = {0};
    char value[16], first[96] = "";
    uint64_t number = 0;
    double real = 0;
    size_t n = 0;
    va_error error;

    if (va_parse_field(text, "Uid", ':', value, sizeof value) == 0)
        FUZZ_CHECK(strlen(value) < sizeof value);
    va_parse_number(text, 16, &number);
    va_parse_has_word(text, "quiet");
    FUZZ_CHECK(va_parse_mail_time(text, &real) <= 0);
    va_parse_metric(text, "a_total", &real);
    if (va_parse_blame(text, "a.service", &real) == 0)
        FUZZ_CHECK(real >= 0);
    if (va_parse_updates(text, &updates) == 0)
        FUZZ_CHECK(updates.n_security <= updates.n && memchr(updates.first, '\0', sizeof updates.first) != NULL);
    if (va_parse_debsecan(text, &n, first, &error) == 0)
        FUZZ_CHECK(memchr(first, '\0', sizeof first) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text;

    if (size == 0 || (text = malloc(size)) == NULL)
        return 0;
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    if (data[0] == '4' || data[0] == '6')
        parse_listeners(text, data[0] == '6');
    else if (data[0] == 'f')
        parse_firewall(text, size - 1);
    else if (data[0] == 'u')
        parse_ufw(text);
    else
        parse_lines(text);
    free(text);
    return 0;
}
