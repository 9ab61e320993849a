/* parse.h - what the kernel and other programs print, as far as checks need it. Every input is bounded and may be damaged. Any
 * thread. What fails leaves its output as it was, so that a default may stand there. */
#ifndef VA_AUDIT_PARSE_H
#define VA_AUDIT_PARSE_H

#include "base/error.h"

/* The value behind "NAME:" or "NAME=" at the beginning of a line, without blanks around it, cut to capacity. VA_ENOTFOUND. */
int va_parse_field(const char *text, const char *name, char separator, char *ret_value, size_t capacity);
/* A whole unsigned number of that base at the beginning of text. VA_EFORMAT. */
int va_parse_number(const char *text, int base, uint64_t *ret_value);

/* Whether a word stands in text between blanks. */
int va_parse_has_word(const char *text, const char *word);

#define VA_SOCKETS_MAX 1024
struct va_listener {
    int is_ip6;
    unsigned char address[16]; /* [4] for IPv4; network byte order */
    int port;
    uint64_t inode;
};
/* Those of /proc/net/tcp or tcp6 that listen, appended to ret_listeners [*n of VA_SOCKETS_MAX]. Damaged lines are left out. */
void va_parse_listeners(const char *text, int is_ip6, struct va_listener *ret_listeners, size_t *n);
int va_listener_is_loopback(const struct va_listener *listener);
#define VA_LISTENER_TEXT_BYTES 64
void va_listener_text(const struct va_listener *listener, char ret_text[VA_LISTENER_TEXT_BYTES]);

/* A time as mail and apt's lists have it, such as "Sat, 05 Dec 2026 09:07:41 UTC". VA_EFORMAT. */
VA_MUST_CHECK int va_parse_mail_time(const char *text, double *ret_unix_s);

struct va_updates {
    size_t n, n_security;
    char first[96]; /* "libssl3 3.0.11 -> 3.0.15"; of the security archive if there is one */
};
/* What `apt-get -s dist-upgrade` would install. VA_EFORMAT: it is not such a text. */
VA_MUST_CHECK int va_parse_updates(const char *text, struct va_updates *ret_updates);

/* A report of debsecan: weaknesses, and the first. VA_EFORMAT: a line is none of its. */
VA_MUST_CHECK int va_parse_debsecan(const char *text, size_t *ret_n, char ret_first[96], va_error *error);

/* `nft -j list ruleset`: what comes in from outside. */
#define VA_FIREWALL_MAX_PORTS 64
#define VA_FIREWALL_MAX_INTERFACES 16
struct va_firewall {
    int denies_ip4, denies_ip6;       /* a chain at the hook "input" drops or rejects by its policy */
    int ports[VA_FIREWALL_MAX_PORTS]; /* [n_ports] TCP ports that are let in for every address, in any chain */
    size_t n_ports;
    int lets_all_in; /* a rule in such a chain or one that it always jumps to, or of ufw's user, accepts all that is new over TCP */
    char interfaces[VA_FIREWALL_MAX_INTERFACES][32]; /* [n_interfaces] the same, for what comes in by these; with wildcards */
    size_t n_interfaces;
    int is_unseen; /* a rule opens ports by what is not shown or not looked into: a named set, a map, a match of iptables */
};
VA_MUST_CHECK int va_parse_firewall(const char *text, size_t size, struct va_firewall *ret_firewall, va_error *error);
/* Adds what a file of ufw's, user.rules or user6.rules, lets in. The text is cut to pieces. */
void va_parse_ufw(char *text, struct va_firewall *firewall);

/* How long a unit took, by `systemd-analyze blame`, in seconds. VA_ENOTFOUND. */
int va_parse_blame(const char *text, const char *unit, double *ret_seconds);

/* The value of a series of a Prometheus text, with its labels as they stand there. VA_ENOTFOUND. */
int va_parse_metric(const char *text, const char *series, double *ret_value);

#endif
