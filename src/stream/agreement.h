/* agreement.h - which words of a text that still grows are likely to stay: those that two decodings in a row agree on.
 *
 * Source of the idea: LocalAgreement (Polak et al., 2022; ufal/whisper_streaming). Words are what stands between spaces. */
#ifndef VA_STREAM_AGREEMENT_H
#define VA_STREAM_AGREEMENT_H

#include <stddef.h>

/* The length in bytes of the words at the start of text that the text before has too; the last word of text never counts, because its
 * audio may be cut off. */
size_t va_agreement_stable(const char *before, const char *text);

#endif
