#include "access/x509.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#define SERIAL_BITS 127
/* Clocks of devices may be behind. */
#define BEFORE_S 86400L
#define DAY_S 86400L

/* Names that a home network uses, and addresses that only it does. */
static const char *const home_names[] = {"localhost", "local", "lan", "home.arpa", "internal"};
static const char *const home_addresses[] = {
    "127.0.0.0/255.0.0.0",
    "10.0.0.0/255.0.0.0",
    "172.16.0.0/255.240.0.0",
    "192.168.0.0/255.255.0.0",
    "169.254.0.0/255.255.0.0",
    "100.64.0.0/255.192.0.0",
    "::1/FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF",
    "fc00::/FE00::",
};
#define N(array) (sizeof(array) / sizeof(array)[0])

int va_x509_fail(va_error *error, const char *what)
{
    char reason[160];

    ERR_error_string_n(ERR_get_error(), reason, sizeof reason);
    ERR_clear_error();
    return va_fail(error, VA_EFAILED, "%s: %s", what, reason);
}

int va_x509_make_key(EVP_PKEY **ret_key, va_error *error)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");

    if (key == NULL)
        return va_x509_fail(error, "cannot make a key");
    *ret_key = key;
    return 0;
}

/* ---- names ---- */

static GENERAL_NAME *make_name(const char *name, int is_constraint)
{
    int kind = is_constraint && strchr(name, '/') != NULL ? GEN_IPADD : va_host_is_address(name) ? GEN_IPADD : GEN_DNS;

    return a2i_GENERAL_NAME(NULL, NULL, NULL, kind, name, is_constraint);
}

static int add_names(X509 *certificate, const struct va_host_names *names)
{
    GENERAL_NAMES *all = sk_GENERAL_NAME_new_null();
    int is_ok = all != NULL;

    for (size_t i = 0; is_ok && i < names->n; i++) {
        GENERAL_NAME *one = make_name(names->name[i], 0);
        is_ok = one != NULL && sk_GENERAL_NAME_push(all, one) > 0;
        if (!is_ok)
            GENERAL_NAME_free(one);
    }
    is_ok = is_ok && X509_add1_ext_i2d(certificate, NID_subject_alt_name, all, 0, X509V3_ADD_DEFAULT) == 1;
    GENERAL_NAMES_free(all);
    return is_ok;
}

static int permit(NAME_CONSTRAINTS *constraints, const char *name)
{
    GENERAL_SUBTREE *subtree = GENERAL_SUBTREE_new();
    char range[VA_HOST_NAME_BYTES + 48];

    if (subtree == NULL)
        return 0;
    int is_v6 = strchr(name, ':') != NULL, is_range = strchr(name, '/') != NULL || !va_host_is_address(name);
    snprintf(range, sizeof range, "%s%s", name, is_range ? "" : is_v6 ? "/FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF" : "/255.255.255.255");
    GENERAL_NAME_free(subtree->base);
    subtree->base = make_name(range, 1);
    if (subtree->base != NULL && sk_GENERAL_SUBTREE_push(constraints->permittedSubtrees, subtree) > 0)
        return 1;
    GENERAL_SUBTREE_free(subtree);
    return 0;
}

static int add_constraints(X509 *certificate, const struct va_host_names *names)
{
    NAME_CONSTRAINTS *constraints = NAME_CONSTRAINTS_new();
    int is_ok = constraints != NULL && (constraints->permittedSubtrees = sk_GENERAL_SUBTREE_new_null()) != NULL;

    for (size_t i = 0; is_ok && i < N(home_names); i++)
        is_ok = permit(constraints, home_names[i]);
    for (size_t i = 0; is_ok && i < N(home_addresses); i++)
        is_ok = permit(constraints, home_addresses[i]);
    for (size_t i = 0; is_ok && i < names->n; i++)
        is_ok = permit(constraints, names->name[i]);
    is_ok = is_ok && X509_add1_ext_i2d(certificate, NID_name_constraints, constraints, 1, X509V3_ADD_DEFAULT) == 1;
    NAME_CONSTRAINTS_free(constraints);
    return is_ok;
}

static int is_below(const char *name, const ASN1_STRING *base)
{
    size_t n = (size_t)ASN1_STRING_length(base), length = strlen(name);

    return length >= n && strncasecmp(name + length - n, (const char *)ASN1_STRING_get0_data(base), n) == 0 &&
           (length == n || name[length - n - 1] == '.');
}

/* base: an address and a mask of the same size. */
static int is_within(const unsigned char *address, int n, const ASN1_STRING *base)
{
    const unsigned char *range = ASN1_STRING_get0_data(base);

    if (ASN1_STRING_length(base) != 2 * n)
        return 0;
    for (int i = 0; i < n; i++)
        if ((address[i] & range[n + i]) != (range[i] & range[n + i]))
            return 0;
    return 1;
}

int va_x509_may_sign(const X509 *ca, const char *name)
{
    NAME_CONSTRAINTS *constraints = X509_get_ext_d2i(ca, NID_name_constraints, NULL, NULL);
    unsigned char address[sizeof(struct in6_addr)];
    int n = inet_pton(AF_INET, name, address) == 1 ? 4 : inet_pton(AF_INET6, name, address) == 1 ? 16 : 0;
    int may = constraints == NULL;

    for (int i = 0; !may && i < sk_GENERAL_SUBTREE_num(constraints->permittedSubtrees); i++) {
        const GENERAL_NAME *base = sk_GENERAL_SUBTREE_value(constraints->permittedSubtrees, i)->base;
        may = base->type == GEN_DNS     ? n == 0 && is_below(name, base->d.dNSName)
              : base->type == GEN_IPADD ? n > 0 && is_within(address, n, base->d.iPAddress)
                                        : 0;
    }
    NAME_CONSTRAINTS_free(constraints);
    return may;
}

static void name_text(const GENERAL_NAME *name, char ret_text[VA_HOST_NAME_BYTES])
{
    ret_text[0] = '\0';
    if (name->type == GEN_DNS) {
        snprintf(ret_text, VA_HOST_NAME_BYTES, "%.*s", ASN1_STRING_length(name->d.dNSName),
                 (const char *)ASN1_STRING_get0_data(name->d.dNSName));
    } else if (name->type == GEN_IPADD) {
        int n = ASN1_STRING_length(name->d.iPAddress);
        if ((n != 4 && n != 16) ||
            inet_ntop(n == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(name->d.iPAddress), ret_text, VA_HOST_NAME_BYTES) == NULL)
            ret_text[0] = '\0';
    }
}

int va_x509_has_names(const X509 *certificate, const struct va_host_names *names)
{
    GENERAL_NAMES *all = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    char text[VA_HOST_NAME_BYTES];
    int is_same = all != NULL && (size_t)sk_GENERAL_NAME_num(all) == names->n;

    for (size_t i = 0; is_same && i < names->n; i++) {
        name_text(sk_GENERAL_NAME_value(all, (int)i), text);
        is_same = strcmp(text, names->name[i]) == 0;
    }
    GENERAL_NAMES_free(all);
    return is_same;
}

void va_x509_names_text(const X509 *certificate, char *ret_text, size_t capacity)
{
    GENERAL_NAMES *all = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    char text[VA_HOST_NAME_BYTES];
    size_t n = 0;

    ret_text[0] = '\0';
    for (int i = 0; all != NULL && i < sk_GENERAL_NAME_num(all) && n < capacity; i++) {
        name_text(sk_GENERAL_NAME_value(all, i), text);
        n += (size_t)snprintf(ret_text + n, capacity - n, "%s%s", n > 0 ? ", " : "", text);
    }
    GENERAL_NAMES_free(all);
}

/* ---- times ---- */

static int64_t unix_s(const ASN1_TIME *time)
{
    struct tm parts;

    return ASN1_TIME_to_tm(time, &parts) == 1 ? (int64_t)timegm(&parts) : 0;
}

int64_t va_x509_begins_unix_s(const X509 *certificate)
{
    return unix_s(X509_get0_notBefore(certificate));
}

int64_t va_x509_ends_unix_s(const X509 *certificate)
{
    return unix_s(X509_get0_notAfter(certificate));
}

static int set_times(X509 *certificate, const struct va_x509_options *options)
{
    int64_t end = (int64_t)time(NULL) + options->days * DAY_S;

    if (options->issuer != NULL && va_x509_ends_unix_s(options->issuer) < end)
        end = va_x509_ends_unix_s(options->issuer);
    return X509_gmtime_adj(X509_getm_notBefore(certificate), -BEFORE_S) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)end) != NULL;
}

/* ---- a certificate ---- */

static int set_serial(X509 *certificate)
{
    BIGNUM *number = BN_new();
    int is_ok = number != NULL && BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
                BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;

    BN_free(number);
    return is_ok;
}

/* "O=voice-assistant, CN=NAME" */
static int set_subject(X509 *certificate, const char *name)
{
    X509_NAME *subject = X509_get_subject_name(certificate);

    return X509_NAME_add_entry_by_NID(subject, NID_organizationName, MBSTRING_UTF8, (const unsigned char *)"voice-assistant", -1, -1, 0) ==
               1 &&
           X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0) == 1;
}

static int add_extensions(X509 *certificate, X509 *issuer, enum va_x509_kind kind)
{
    static const struct {
        int nid;
        const char *values[3]; /* for each kind */
    } rows[] = {
        {NID_basic_constraints, {"critical,CA:TRUE,pathlen:0", "critical,CA:FALSE", "critical,CA:FALSE"}},
        {NID_key_usage, {"critical,keyCertSign,cRLSign", "critical,digitalSignature", "critical,digitalSignature"}},
        {NID_ext_key_usage, {NULL, "serverAuth", "clientAuth"}},
        {NID_subject_key_identifier, {"hash", "hash", "hash"}},
        {NID_authority_key_identifier, {NULL, "keyid:always", "keyid:always"}},
    };
    X509V3_CTX context;

    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    for (size_t i = 0; i < N(rows); i++) {
        if (rows[i].values[kind] == NULL)
            continue;
        X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, rows[i].nid, rows[i].values[kind]);
        int is_ok = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
        X509_EXTENSION_free(extension);
        if (!is_ok)
            return 0;
    }
    return 1;
}

int va_x509_make(const struct va_x509_options *options, X509 **ret_certificate, va_error *error)
{
    X509 *certificate = X509_new();
    X509 *issuer = options->issuer != NULL ? options->issuer : certificate;

    if (certificate == NULL)
        return va_fail_memory(error);
    if (X509_set_version(certificate, X509_VERSION_3) != 1 || !set_serial(certificate) || !set_times(certificate, options) ||
        !set_subject(certificate, options->name) || X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) != 1 ||
        X509_set_pubkey(certificate, options->key) != 1 || !add_extensions(certificate, issuer, options->kind) ||
        (options->kind == VA_X509_CA && !add_constraints(certificate, options->names)) ||
        (options->kind == VA_X509_SERVER && !add_names(certificate, options->names)) ||
        X509_sign(certificate, options->issuer_key, EVP_sha256()) == 0) {
        X509_free(certificate);
        return va_x509_fail(error, "cannot make a certificate");
    }
    *ret_certificate = certificate;
    return 0;
}
