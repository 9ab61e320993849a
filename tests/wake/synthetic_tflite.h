/* synthetic_tflite.h - writes TensorFlow Lite files, and describes small streaming networks of our own making to write. */
#ifndef VA_TESTS_SYNTHETIC_TFLITE_H
#define VA_TESTS_SYNTHETIC_TFLITE_H

#include "base/buffer.h"
#include "wake/tflite.h"

enum { SYNTHETIC_TFLITE_MAX_BYTES = 1 << 20, SYNTHETIC_MAX_TENSORS = 64, SYNTHETIC_MAX_OPERATORS = 48, SYNTHETIC_MAX_OPTIONS = 6 };

struct synthetic_tflite_tensor {
    int type, rank;
    int32_t dim[4];
    const void *data; /* NULL: not a constant */
    size_t bytes;
    int n_scales; /* all of them are `scale` */
    float scale;
    int64_t zero_point;
    int axis;
};

struct synthetic_tflite_operator {
    int code, n_inputs, n_outputs;
    int32_t input[8], output[8];
    int n_options;
    struct {
        int field, bytes;
        int32_t value;
    } option[SYNTHETIC_MAX_OPTIONS];
};

struct synthetic_tflite {
    int n_tensors, n_operators;
    struct synthetic_tflite_tensor tensor[SYNTHETIC_MAX_TENSORS];
    struct synthetic_tflite_operator operator[SYNTHETIC_MAX_OPERATORS];
    int32_t input, output;
    struct synthetic_tflite_tensor start[2]; /* tensors of the second graph */
    int n_start;                             /* 0: there is no second graph */
};

int synthetic_tflite_write(const struct synthetic_tflite *model, struct va_buffer *out);

/* A network of 5 layers that import takes; places in it that tests spoil. Its weights lie in static memory. */
enum {
    SYNTHETIC_INPUT = 0,    /* tensors */
    SYNTHETIC_STATE_1 = 4,  /* read from the first variable */
    SYNTHETIC_WINDOW_1 = 5, /* that and the new rows */
    SYNTHETIC_KEPT_1 = 6,   /* the last rows of it */
    SYNTHETIC_WEIGHT_1 = 7,
    SYNTHETIC_BIAS_1 = 8,
    SYNTHETIC_OUT_1 = 9,
    SYNTHETIC_BEGIN = 10,   /* of the slice that is kept */
    SYNTHETIC_STRIDES = 12, /* of all slices */
};
enum { SYNTHETIC_WIDTH_1 = 10, SYNTHETIC_WIDTH_2 = 9, SYNTHETIC_STEP = 3 };
void synthetic_network(struct synthetic_tflite *ret_model);

/* A network of one layer, without a state: its output is high while the stream is loud, with an even chance at a mean feature of 10. */
void synthetic_loudness(struct synthetic_tflite *ret_model);

/* Writes word.tflite and word.json into the folder and imports them as out_path: 0, or not. */
int synthetic_import(const struct synthetic_tflite *model, const char *folder, const char *json, const char *out_path);

/* The first operator of this code. */
struct synthetic_tflite_operator *synthetic_find(struct synthetic_tflite *model, int code);

#endif
