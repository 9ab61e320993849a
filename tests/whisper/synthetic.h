/* synthetic.h - the smallest Whisper models there can be (width 64, one layer each), with weights known by formula, in the foreign
 * formats. For tests and fuzzers; no model data of others is needed. */
#ifndef VA_TESTS_SYNTHETIC_H
#define VA_TESTS_SYNTHETIC_H

#include "base/buffer.h"
#include "whisper/import_source.h"

enum { SYNTHETIC_WIDTH = 64, SYNTHETIC_MAX_BYTES = 64 << 20 };

struct synthetic {
    int vocab;                /* 51864 or 51865 */
    enum va_import_type type; /* of the matrices */
    int backwards;            /* ggml: tensors in the opposite order */
    const char *without;      /* foreign name of a tensor to leave out, to write twice, to give a wrong shape, to poison */
    const char *twice, *reshaped, *not_finite;
};

/* Weight i of a tensor by its ggml name: k / 128 with k in -127..127; key biases are not among the names. */
float synthetic_weight(const char *ggml_name, uint64_t i);

/* What weight v is after a trip through a type. */
float synthetic_rounded(enum va_import_type type, float v);

/* Raw bytes of token id; returns their number. */
int synthetic_token(int id, char ret_bytes[16]);

/* The files, appended to out. 0 or negative. */
int synthetic_ct2(const struct synthetic *s, struct va_buffer *out);
int synthetic_ggml(const struct synthetic *s, struct va_buffer *out);
int synthetic_vocabulary(int vocab, int json, struct va_buffer *out);

/* A whole folder, with vocabulary.txt and without config.json. */
int synthetic_folder(const char *path, const struct synthetic *s);

#endif
