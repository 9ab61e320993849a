/* push_opus.c - Opus in Ogg, as RFC 7845 has it: pages to packets to samples. */
#include "audio/push_state.h"

#include <string.h>

#include "base/memory.h"

#define RATE_HZ 16000
#define PIECE 4096
#define MAX_PACKET_SAMPLES 1920 /* of a channel: 120 ms */
#define MAX_PACKET_BYTES 262144 /* over several pages: only the tags come near */
#define HEAD_BYTES 19

void va_push_opus_init(struct va_push_opus *opus)
{
    ogg_sync_init(&opus->sync);
}

void va_push_opus_clear(struct va_push_opus *opus)
{
    ogg_sync_clear(&opus->sync);
    if (opus->has_stream)
        ogg_stream_clear(&opus->stream);
    va_free(opus->decoder);
}

/* ---- packets ---- */

static unsigned read_16(const unsigned char *data)
{
    return (unsigned)(data[0] | data[1] << 8);
}

static int read_head(struct va_push_opus *opus, const ogg_packet *packet, va_error *error)
{
    const unsigned char *head = packet->packet;

    if (packet->bytes < HEAD_BYTES || memcmp(head, "OpusHead", 8) != 0)
        return va_fail(error, VA_EFORMAT, "the audio is not Opus");
    unsigned channels = head[9];
    if (head[8] >> 4 != 0 || head[18] != 0 || channels < 1 || channels > 2)
        return va_fail(error, VA_EUNSUPPORTED, "only Opus of one or two channels is understood");
    opus->channels = channels;
    opus->n_skip = read_16(head + 10) / 3; /* it counts at 48 kHz */
    opus->decoder = va_alloc_aligned((size_t)opus_decoder_get_size((int)channels), 1);
    if (opus->decoder == NULL)
        return va_fail_memory(error);
    if (opus_decoder_init(opus->decoder, RATE_HZ, (int)channels) != OPUS_OK ||
        opus_decoder_ctl(opus->decoder, OPUS_SET_GAIN((int16_t)read_16(head + 16))) != OPUS_OK)
        return va_fail(error, VA_EFAILED, "Opus cannot be decoded here");
    return 0;
}

static int decode(va_push_decoder *decoder, const ogg_packet *packet, va_error *error)
{
    struct va_push_opus *opus = &decoder->opus;
    float pcm[MAX_PACKET_SAMPLES * 2];
    int got = packet->bytes < 1 ? OPUS_INVALID_PACKET
                                : opus_decode_float(opus->decoder, packet->packet, (int)packet->bytes, pcm, MAX_PACKET_SAMPLES, 0);

    if (got < 0)
        return va_fail(error, VA_EFORMAT, "a packet of the audio is damaged");
    size_t n = (size_t)got, skip = opus->n_skip < n ? opus->n_skip : n;
    opus->n_skip -= skip;
    for (size_t i = 0; opus->channels == 2 && i < n; i++)
        pcm[i] = 0.5f * (pcm[2 * i] + pcm[2 * i + 1]);
    return n > skip ? decoder->call(decoder->user, pcm + skip, n - skip, error) : 0;
}

static int take_packet(va_push_decoder *decoder, const ogg_packet *packet, va_error *error)
{
    switch (decoder->opus.n_packets++) {
    case 0:
        return read_head(&decoder->opus, packet, error);
    case 1:
        return packet->bytes >= 8 && memcmp(packet->packet, "OpusTags", 8) == 0 ? 0 : va_fail(error, VA_EFORMAT, "the audio is not Opus");
    default:
        return decode(decoder, packet, error);
    }
}

/* ---- pages ---- */

static int take_page(va_push_decoder *decoder, ogg_page *page, va_error *error)
{
    struct va_push_opus *opus = &decoder->opus;
    ogg_packet packet;
    int r = 0, got;

    if (!opus->has_stream) {
        if (ogg_stream_init(&opus->stream, ogg_page_serialno(page)) != 0)
            return va_fail_memory(error);
        opus->has_stream = 1;
    } else if (ogg_page_bos(page) || ogg_page_serialno(page) != opus->stream.serialno) {
        return va_fail(error, VA_EUNSUPPORTED, "there is more than one stream in the audio");
    }
    opus->n_incomplete += (size_t)page->body_len;
    if (opus->n_incomplete > MAX_PACKET_BYTES)
        return va_fail(error, VA_ELIMIT, "a packet of the audio is longer than %d bytes", MAX_PACKET_BYTES);
    if (ogg_stream_pagein(&opus->stream, page) != 0)
        return va_fail(error, VA_EFORMAT, "a page of the audio is damaged");
    while (r == 0 && (got = ogg_stream_packetout(&opus->stream, &packet)) != 0) {
        if (got < 0)
            return va_fail(error, VA_EFORMAT, "a page of the audio is missing");
        opus->n_incomplete = 0;
        r = take_packet(decoder, &packet, error);
    }
    return r;
}

int va_push_opus_push(va_push_decoder *decoder, const unsigned char *data, size_t n, va_error *error)
{
    struct va_push_opus *opus = &decoder->opus;
    ogg_page page;
    int r = 0;

    while (r == 0 && n > 0) {
        size_t part = n < PIECE ? n : PIECE;
        char *to = ogg_sync_buffer(&opus->sync, (long)part);
        if (to == NULL)
            return va_fail_memory(error);
        memcpy(to, data, part);
        if (ogg_sync_wrote(&opus->sync, (long)part) != 0)
            return va_fail(error, VA_EFAILED, "the audio cannot be read");
        data += part;
        n -= part;
        long got;
        while (r == 0 && (got = ogg_sync_pageseek(&opus->sync, &page)) != 0)
            r = got < 0 ? va_fail(error, VA_EFORMAT, opus->has_stream ? "a page of the audio is damaged" : "the audio is not Ogg")
                        : take_page(decoder, &page, error);
    }
    return r;
}
