/* private_key.h - a private key in PEM; in src/access and src/server. Any thread. */
#ifndef VA_ACCESS_PRIVATE_KEY_H
#define VA_ACCESS_PRIVATE_KEY_H

#include <openssl/evp.h>

/* A key of any kind that OpenSSL knows and that needs no password. NULL: the reason stands in OpenSSL's queue. bio: of a file or memory,
 * read from its start. Free with EVP_PKEY_free. */
EVP_PKEY *va_private_key_read(BIO *bio);

/* The pem_password_cb for whatever is read: nothing is ever asked a password for, as there is nobody to ask. */
int va_no_password(char *buffer, int size, int is_writing, void *user);

#endif
