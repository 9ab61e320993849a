/* token_filter.h - which tokens may follow the beginning of a command: the automaton of the commands, walked by the bytes of the
 * vocabulary.
 *
 * Any number of threads: they take turns. */
#ifndef VA_UNDERSTAND_TOKEN_FILTER_H
#define VA_UNDERSTAND_TOKEN_FILTER_H

#include "intent/commands.h"
#include "token/tokenizer.h"
#include "understand/outlook.h"
#include "whisper/token_set.h"

typedef struct va_token_filter va_token_filter;

/* The tokenizer and the commands must outlive it. language as for va_automaton_new. */
VA_MUST_CHECK int va_token_filter_new(const va_tokenizer *tokenizer, const va_commands *commands, const char *language,
                                      va_token_filter **ret_filter, va_error *error);
void va_token_filter_free(va_token_filter *filter);

/* Adds the tokens that may follow tokens [n] to ret_allowed, the end among them where a sentence may end. 1; or 0 when any may, which is
 * also the answer when the automaton fails. */
int va_token_filter_allow(va_token_filter *filter, const int32_t *tokens, int n, struct va_token_set *ret_allowed);

/* What may follow this text, spaces and punctuation at whose end do not count. When the automaton fails, VA_OUTLOOK_OPEN. */
enum va_outlook va_token_filter_outlook(va_token_filter *filter, const char *text);

#endif
