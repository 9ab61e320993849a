/* synthetic_silero.h - an ONNX file with the tensors of Silero's model, random but for the transform, and ways to spoil it. */
#ifndef VA_TESTS_SYNTHETIC_SILERO_H
#define VA_TESTS_SYNTHETIC_SILERO_H

#include "base/buffer.h"

enum { SYNTHETIC_TENSORS = 15, SYNTHETIC_SILERO_MAX_BYTES = 4 << 20 };

struct synthetic_tensor {
    const char *name;
    int rank;
    uint64_t dim[3];
    float scale; /* values are within +-scale; 0: the transform */
};

extern const struct synthetic_tensor synthetic_tensors[SYNTHETIC_TENSORS];

/* What is wrong with one tensor. */
enum synthetic_fault {
    SYNTHETIC_GOOD,
    SYNTHETIC_MISSING,
    SYNTHETIC_TWICE,
    SYNTHETIC_SHAPE, /* one dimension more */
    SYNTHETIC_TYPE,  /* double */
    SYNTHETIC_SHORT, /* a value less */
    SYNTHETIC_NAN,
    SYNTHETIC_OTHER, /* the first value is another */
    SYNTHETIC_FAULTS
};

size_t synthetic_tensor_size(int i);                    /* values */
void synthetic_tensor_values(int i, float *ret_values); /* the same each time */

/* An ONNX file into out; tensor `spoilt` has the fault. 0 or a negative VA_E*. */
int synthetic_silero(enum synthetic_fault fault, int spoilt, struct va_buffer *out);

#endif
