/* store.h - the words of this user by name: files in the data folder's "words". Any thread. */
#ifndef VA_WORD_STORE_H
#define VA_WORD_STORE_H

#include "base/error.h"

enum { VA_WORD_MAX_NAME = 63, VA_WORD_MAX_STORED = 64 };

/* folder NULL: that of the user; "FOLDER/NAME" whether it is there or not. VA_EINVAL: not a name (letters, digits, - and _; not beginning
 * with
 * -). va_free. */
VA_MUST_CHECK int va_word_path(const char *folder, const char *name, char **ret_path, va_error *error);

/* The same, and makes the folder, which only its owner may look into. */
VA_MUST_CHECK int va_word_path_for_writing(const char *folder, const char *name, char **ret_path, va_error *error);

/* VA_ENOTFOUND, VA_EINVAL, VA_EIO. */
VA_MUST_CHECK int va_word_remove(const char *folder, const char *name, va_error *error);

struct va_word_names {
    char names[VA_WORD_MAX_STORED][VA_WORD_MAX_NAME + 1]; /* [n], sorted */
    size_t n;
};

/* Without a folder there are none; what is beyond VA_WORD_MAX_STORED is left out. VA_EIO, VA_ENOMEM. */
VA_MUST_CHECK int va_word_list(const char *folder, struct va_word_names *ret_names, va_error *error);

#endif
