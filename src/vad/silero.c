#include "vad/silero.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "dsp/fft.h"
#include "nn/container.h"
#include "nn/linear.h"
#include "vad/silero_layout.h"

enum { CONTEXT = 64, PADDED = CONTEXT + VA_VAD_CHUNK_SAMPLES + CONTEXT };

/* Of all magnitudes of a chunk together: thousands of times what samples of -1..1 can give, and far from what overflows later. */
static const float MAX_MAGNITUDES = 1e9f;

struct va_vad_model {
    va_container *container;
    struct va_linear conv1, conv2, conv3, conv4, lstm;
    const float *out_weight; /* [128] */
    float out_bias;
};

struct va_silero {
    const va_vad_model *model;
    const struct va_kernels *kernels;
    va_fft *fft;
    float window[VA_SILERO_WINDOW];

    float samples[PADDED];                                         /* context, chunk, the chunk's end mirrored */
    float windowed[VA_SILERO_WINDOW];                              /* one frame */
    float bins[VA_SILERO_BINS][2];                                 /* its spectrum */
    float magnitudes[VA_SILERO_FRAMES + 2][VA_SILERO_BINS_PADDED]; /* between two rows of zeros; the last 3 bins are zero */
    float features1[VA_SILERO_FRAMES + 1][VA_SILERO_WIDTH];        /* behind a row of zeros */
    float features2[2 * VA_SILERO_NARROW], features3[VA_SILERO_NARROW];
    float input[VA_SILERO_LSTM_K]; /* of the LSTM: what is new, then its output h of the chunk before */
    float cell[VA_SILERO_WIDTH], gates[VA_SILERO_GATES], cell_tanh[VA_SILERO_WIDTH];
};

static int get_linear(const va_container *container, const char *name, int n, int k, struct va_linear *ret, va_error *error)
{
    const uint64_t dims[2] = {(uint64_t)n, (uint64_t)k};
    const struct va_tensor *weight, *bias;
    char full[VA_CONTAINER_NAME_SIZE];
    int r;

    snprintf(full, sizeof full, "%s.weight", name);
    if ((r = va_container_get(container, full, VA_TENSOR_F32, 2, dims, &weight, error)) < 0)
        return r;
    snprintf(full, sizeof full, "%s.bias", name);
    if ((r = va_container_get(container, full, VA_TENSOR_F32, 1, dims, &bias, error)) < 0)
        return r;
    *ret = (struct va_linear){.n = n, .k = k, .f32 = weight->data, .bias = bias->data};
    return 0;
}

static int get_tensors(va_vad_model *m, va_error *error)
{
    static const uint64_t width = VA_SILERO_WIDTH, one = 1;
    const va_container *c = m->container;
    const struct va_tensor *weight, *bias;
    int r;

    if ((r = get_linear(c, "conv1", VA_SILERO_WIDTH, VA_SILERO_CONV1_K, &m->conv1, error)) < 0 ||
        (r = get_linear(c, "conv2", VA_SILERO_NARROW, VA_SILERO_CONV2_K, &m->conv2, error)) < 0 ||
        (r = get_linear(c, "conv3", VA_SILERO_NARROW, VA_SILERO_CONV3_K, &m->conv3, error)) < 0 ||
        (r = get_linear(c, "conv4", VA_SILERO_WIDTH, VA_SILERO_CONV4_K, &m->conv4, error)) < 0 ||
        (r = get_linear(c, "lstm", VA_SILERO_GATES, VA_SILERO_LSTM_K, &m->lstm, error)) < 0 ||
        (r = va_container_get(c, "out.weight", VA_TENSOR_F32, 1, &width, &weight, error)) < 0 ||
        (r = va_container_get(c, "out.bias", VA_TENSOR_F32, 1, &one, &bias, error)) < 0)
        return r;
    m->out_weight = weight->data;
    m->out_bias = *(const float *)bias->data;
    return 0;
}

int va_vad_model_open(const char *path, va_vad_model **ret_model, va_error *error)
{
    va_vad_model *model = va_calloc(1, sizeof *model);
    int r;

    if (model == NULL)
        return va_fail_memory(error);
    if ((r = va_container_open(path, VA_CONTAINER_VAD, &model->container, error)) < 0 || (r = get_tensors(model, error)) < 0) {
        va_vad_model_free(model);
        return r;
    }
    *ret_model = model;
    return 0;
}

void va_vad_model_free(va_vad_model *model)
{
    if (model == NULL)
        return;
    va_container_free(model->container);
    va_free(model);
}

int va_silero_new(const va_vad_model *model, const struct va_kernels *kernels, va_silero **ret_silero, va_error *error)
{
    va_silero *s = va_calloc(1, sizeof *s);
    int r;

    if (s == NULL)
        return va_fail_memory(error);
    if ((r = va_fft_new(VA_SILERO_WINDOW, &s->fft, error)) < 0) {
        va_silero_free(s);
        return r;
    }
    s->model = model;
    s->kernels = kernels;
    for (int i = 0; i < VA_SILERO_WINDOW; i++)
        s->window[i] = (float)(0.5 - 0.5 * cos(2.0 * M_PI * i / VA_SILERO_WINDOW));
    *ret_silero = s;
    return 0;
}

void va_silero_free(va_silero *silero)
{
    if (silero == NULL)
        return;
    va_fft_free(silero->fft);
    va_free(silero);
}

void va_silero_reset(va_silero *silero)
{
    memset(silero->samples, 0, sizeof silero->samples);
    memset(silero->input, 0, sizeof silero->input);
    memset(silero->cell, 0, sizeof silero->cell);
}

/* The samples with their context before, and mirrored at the end. */
static void take(va_silero *s, const float *pcm)
{
    memmove(s->samples, s->samples + VA_VAD_CHUNK_SAMPLES, CONTEXT * sizeof *pcm);
    memcpy(s->samples + CONTEXT, pcm, VA_VAD_CHUNK_SAMPLES * sizeof *pcm);
}

/* -1: the samples are not sound. */
static int compute_magnitudes(va_silero *s)
{
    float sum = 0.0f;
    float *end = s->samples + CONTEXT + VA_VAD_CHUNK_SAMPLES;

    for (int i = 0; i < CONTEXT; i++)
        end[i] = end[-2 - i];
    for (int frame = 0; frame < VA_SILERO_FRAMES; frame++) {
        const float *from = s->samples + frame * VA_SILERO_HOP;
        for (int i = 0; i < VA_SILERO_WINDOW; i++)
            s->windowed[i] = from[i] * s->window[i];
        va_fft_real(s->fft, s->windowed, s->bins[0]);
        for (int bin = 0; bin < VA_SILERO_BINS; bin++)
            sum += s->magnitudes[frame + 1][bin] = sqrtf(s->bins[bin][0] * s->bins[bin][0] + s->bins[bin][1] * s->bins[bin][1]);
    }
    return sum < MAX_MAGNITUDES ? 0 : -1; /* a NaN is not less */
}

static void linear(const va_silero *s, const struct va_linear *w, const float *x, size_t ldx, int m, float *out)
{
    const struct va_rows rows = {.f = x, .ldf = ldx};
    va_linear_forward(s->kernels, w, &rows, m, 0, va_linear_panels(w), out, (size_t)w->n);
}

static void linear_relu(const va_silero *s, const struct va_linear *w, const float *x, size_t ldx, int m, float *out)
{
    linear(s, w, x, ldx, m, out);
    for (int i = 0; i < m * w->n; i++)
        out[i] = out[i] > 0.0f ? out[i] : 0.0f;
}

/* In place x [n] -> 1 / (1 + exp(-x)). Only exp of what is not positive, which cannot overflow. */
static void sigmoid(const struct va_kernels *kernels, float *x, int n)
{
    float e[VA_SILERO_GATES];

    for (int i = 0; i < n; i++)
        e[i] = -fabsf(x[i]);
    kernels->exp_sum(e, n, 1.0f, 0.0f);
    for (int i = 0; i < n; i++)
        x[i] = (x[i] < 0.0f ? e[i] : 1.0f) / (1.0f + e[i]);
}

static void tanh_of(const struct va_kernels *kernels, float *x, int n)
{
    float e[VA_SILERO_WIDTH];

    for (int i = 0; i < n; i++)
        e[i] = -fabsf(x[i]);
    kernels->exp_sum(e, n, 2.0f, 0.0f);
    for (int i = 0; i < n; i++)
        x[i] = copysignf((1.0f - e[i]) / (1.0f + e[i]), x[i]);
}

static void run_lstm(va_silero *s)
{
    float *input_gate = s->gates, *forget = input_gate + VA_SILERO_WIDTH, *candidate = forget + VA_SILERO_WIDTH;
    float *output = candidate + VA_SILERO_WIDTH, *state = s->input + VA_SILERO_WIDTH;

    linear(s, &s->model->lstm, s->input, VA_SILERO_LSTM_K, 1, s->gates);
    sigmoid(s->kernels, input_gate, 2 * VA_SILERO_WIDTH); /* and forget */
    tanh_of(s->kernels, candidate, VA_SILERO_WIDTH);
    sigmoid(s->kernels, output, VA_SILERO_WIDTH);
    for (int i = 0; i < VA_SILERO_WIDTH; i++)
        s->cell_tanh[i] = s->cell[i] = forget[i] * s->cell[i] + input_gate[i] * candidate[i];
    tanh_of(s->kernels, s->cell_tanh, VA_SILERO_WIDTH);
    for (int i = 0; i < VA_SILERO_WIDTH; i++)
        state[i] = output[i] * s->cell_tanh[i];
}

float va_silero_process(va_silero *silero, const float *pcm)
{
    const va_vad_model *m = silero->model;
    const float *state = silero->input + VA_SILERO_WIDTH;
    float sum = m->out_bias;

    take(silero, pcm);
    if (compute_magnitudes(silero) < 0) {
        va_silero_reset(silero);
        return 0.0f;
    }
    linear_relu(silero, &m->conv1, silero->magnitudes[0], VA_SILERO_BINS_PADDED, VA_SILERO_FRAMES, silero->features1[1]);
    linear_relu(silero, &m->conv2, silero->features1[0], (size_t)2 * VA_SILERO_WIDTH, 2, silero->features2);
    linear_relu(silero, &m->conv3, silero->features2, VA_SILERO_CONV3_K, 1, silero->features3);
    linear_relu(silero, &m->conv4, silero->features3, VA_SILERO_CONV4_K, 1, silero->input);
    run_lstm(silero);
    for (int i = 0; i < VA_SILERO_WIDTH; i++)
        sum += m->out_weight[i] * (state[i] > 0.0f ? state[i] : 0.0f);
    return 1.0f / (1.0f + expf(-sum));
}

void va_silero_skip(va_silero *silero, const float *pcm)
{
    take(silero, pcm);
}
