/* model.h - a prepared Whisper file as typed views; nothing is copied but small tables. Immutable: any thread. */
#ifndef VA_WHISPER_MODEL_H
#define VA_WHISPER_MODEL_H

#include "kernels/kernels.h"
#include "nn/container.h"
#include "nn/linear.h"
#include "token/tokenizer.h"

#define VA_WHISPER_MAX_LAYERS 32
#define VA_WHISPER_MAX_WIDTH 1280
#define VA_WHISPER_MAX_ALIGNMENT_HEADS 64

struct va_norm {
    const float *gamma, *beta; /* [d] */
};

struct va_encoder_layer {
    struct va_norm attn_norm, mlp_norm;
    struct va_linear qkv;  /* [3d, d] */
    struct va_linear out;  /* [d, d] */
    struct va_linear mlp1; /* [4d, d] */
    struct va_linear mlp2; /* [d, 4d] */
};

struct va_decoder_layer {
    struct va_norm attn_norm, cross_norm, mlp_norm;
    struct va_linear qkv, out;
    struct va_linear cross_q;   /* [d, d] */
    struct va_linear cross_kv;  /* [2d, d] */
    struct va_linear cross_out; /* [d, d] */
    struct va_linear mlp1, mlp2;
};

/* What a full window of silence leaves in the encoder and the cross-attention, thinned (silence.h). */
struct va_silence {
    int stride; /* frames that a row stands for; 0: the file holds no silence */
    int rows;   /* 1500 / stride, rounded up */
    struct {
        const float *k; /* [heads][ceil(rows / 16)][64][16], packed as va_attention_pack_keys does */
        const float *v; /* [heads][rows][64] */
    } encoder[VA_WHISPER_MAX_LAYERS];
    struct {
        const void *k, *v; /* [heads][rows][64], float16 or float32 as the caches are */
    } decoder[VA_WHISPER_MAX_LAYERS];
};

struct va_model {
    va_container *container;
    const struct va_kernels *kernels;
    va_tokenizer *tokenizer;
    const struct va_special_tokens *special;

    int n_vocab, width, heads, enc_layers, dec_layers;
    int audio_ctx;  /* 1500 frames of 20 ms */
    int text_ctx;   /* 448 */
    int half_cache; /* 1: K/V caches in float16 (int8 models); 0: float32 */

    struct va_linear conv1, conv2;  /* [d, 3 * 80], [d, 3 * d] */
    const float *encoder_positions; /* [1500, d] */
    struct va_encoder_layer encoder[VA_WHISPER_MAX_LAYERS];
    struct va_norm encoder_norm;

    struct va_linear embedding;     /* [n_vocab, d] */
    const float *decoder_positions; /* [448, d] */
    struct va_decoder_layer decoder[VA_WHISPER_MAX_LAYERS];
    struct va_norm decoder_norm;

    struct va_silence silence;

    const int32_t *suppress, *suppress_begin; /* token ids */
    int n_suppress, n_suppress_begin;
    const int32_t *alignment; /* [n_alignment][2]: decoder layer, head */
    int n_alignment;
};

#endif
