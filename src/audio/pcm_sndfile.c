/* WAV, FLAC, Ogg and raw through libsndfile, which sees the file through callbacks: so two header fields that it trusts can be
 * mended on the way, and the end of the file be told from damage. */
#include <errno.h>
#include <sndfile.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audio/pcm_reader.h"
#include "base/memory.h"

/* STREAMINFO is the first block: magic 4, block header 4, 13 bytes, and then the 36 bits of the count begin in the middle of a byte. */
#define FLAC_COUNT_AT 21
#define PATCH_BYTES 5
#define WAV_MAX_CHUNKS 64
#define WAV_MAX_STEPS 4096
#define OGG_HEAD_BYTES 27
#define OGG_FLAGS_AT 5
#define OGG_MAX_LINKS 1000
#define OGG_BEGINS 2 /* the flag of a stream's first page */

/* Bytes of the file that the library sees otherwise: (byte & keep) | set. */
struct patch {
    int64_t at;
    uint8_t keep[PATCH_BYTES], set[PATCH_BYTES];
};

struct sndfile_reader {
    va_pcm_reader base;
    SNDFILE *file;
    const char *name;
    int fd;
    int has_patch;
    struct patch patch;
    int64_t start, size, at; /* size, at: from start on */
    int64_t file_size;
    int is_chained, n_links; /* Ogg streams: the one being read ends at start + size, and so many came before */
    int reached_end;         /* the library has asked for bytes beyond the end */
    int failed;              /* told at the next read, after the samples that came before */
    uint64_t frames_read;
};

static sf_count_t io_length(void *user)
{
    return ((struct sndfile_reader *)user)->size;
}

static sf_count_t io_tell(void *user)
{
    return ((struct sndfile_reader *)user)->at;
}

static sf_count_t io_seek(sf_count_t offset, int whence, void *user)
{
    struct sndfile_reader *reader = user;
    int64_t from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? reader->at : reader->size, to;

    if (__builtin_add_overflow(from, offset, &to) || to < 0)
        return -1;
    return reader->at = to;
}

static sf_count_t io_read(void *data, sf_count_t count, void *user)
{
    struct sndfile_reader *reader = user;
    uint8_t *bytes = data;
    sf_count_t got = 0;

    while (got < count && reader->at < reader->size) {
        ssize_t n = pread(reader->fd, bytes + got, (size_t)(count - got), reader->start + reader->at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        for (int i = 0; reader->has_patch && i < PATCH_BYTES; i++) {
            int64_t at = reader->patch.at + i - reader->at;
            if (at >= 0 && at < n)
                bytes[got + at] = (uint8_t)((bytes[got + at] & reader->patch.keep[i]) | reader->patch.set[i]);
        }
        got += n;
        reader->at += n;
    }
    if (got < count)
        reader->reached_end = 1;
    return got;
}

/* Hides the count of samples, where the library would stop although there are more. Returns it. */
static uint64_t hide_flac_count(struct sndfile_reader *reader)
{
    uint8_t p[PATCH_BYTES];

    if (pread(reader->fd, p, sizeof p, reader->start + FLAC_COUNT_AT) != sizeof p)
        return 0;
    reader->patch = (struct patch){.at = FLAC_COUNT_AT, .keep = {0xf0}};
    reader->has_patch = 1;
    return (uint64_t)(p[0] & 0x0f) << 32 | (uint64_t)p[1] << 24 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 8 | p[4];
}

/* What a chunk's head says that follows it. */
static uint32_t chunk_size(const uint8_t head[8], int is_big)
{
    const uint8_t *p = head + 4;

    return is_big ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3]
                  : (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Where the next chunk begins: at an even place. */
static int64_t chunk_end(int64_t at, uint32_t size)
{
    return at + 8 + (int64_t)size + (size & 1);
}

/* A recorder that was killed leaves 0 as the size of the data: it is taken to go on to the end of the file. */
static void mend_wav_size(struct sndfile_reader *reader)
{
    uint8_t p[12];
    int64_t at = 12;

    if (pread(reader->fd, p, sizeof p, 0) != sizeof p || memcmp(p, "RIFF", 4) != 0)
        return;
    for (int i = 0; i < WAV_MAX_CHUNKS && pread(reader->fd, p, sizeof p, at) == sizeof p; i++) {
        uint32_t size = chunk_size(p, 0);
        if (memcmp(p, "data", 4) == 0) {
            int64_t rest = reader->size - at - 8;
            if (size != 0 || rest > UINT32_MAX || memcmp(p + 8, "LIST", 4) == 0)
                return;
            reader->patch = (struct patch){.at = at + 4, .keep = {[4] = 0xff}};
            for (int k = 0; k < 4; k++)
                reader->patch.set[k] = (uint8_t)(rest >> (8 * k));
            reader->has_patch = 1;
            return;
        }
        at = chunk_end(at, size);
    }
}

static int is_printable(const uint8_t id[4])
{
    for (int i = 0; i < 4; i++)
        if (id[i] < 0x20 || id[i] > 0x7e)
            return 0;
    return 1;
}

/* The file ends before a chunk that claims to be longer than the rest of it, unless it is the data: the library would read on for minutes
 * behind the end. Between chunks there may be filling, up to a multiple of four. */
static void cut_wav(struct sndfile_reader *reader)
{
    uint8_t p[8];
    int64_t at = 12;
    int is_big = pread(reader->fd, p, 4, 0) == 4 && memcmp(p, "RIFX", 4) == 0;

    for (int i = 0; at + (int64_t)sizeof p <= reader->size; i++) {
        if (i == WAV_MAX_STEPS || pread(reader->fd, p, sizeof p, at) != sizeof p || (!is_printable(p) && at % 4 == 0)) {
            reader->size = at;
            return;
        }
        if (!is_printable(p)) {
            at++;
            continue;
        }
        int64_t end = chunk_end(at, chunk_size(p, is_big));
        int is_data = memcmp(p, "data", 4) == 0;
        if (end > reader->size + 1 && !is_data)
            reader->size = at;
        if (end > reader->size || (is_data && reader->has_patch))
            return;
        at = end;
    }
}

/* Ogg streams may stand in a chain, as in a recording of a radio; the library would read the first and end. The size of what comes before
 * the next: a first page of a stream behind others than first pages. */
static int64_t ogg_link_size(const struct sndfile_reader *reader)
{
    uint8_t head[OGG_HEAD_BYTES + 255];
    int64_t rest = reader->file_size - reader->start, at = 0;
    int has_begun = 0;

    while (at < rest) {
        ssize_t n = pread(reader->fd, head, sizeof head, reader->start + at);
        if (n < OGG_HEAD_BYTES || memcmp(head, "OggS", 4) != 0 || n < OGG_HEAD_BYTES + head[OGG_HEAD_BYTES - 1])
            break;
        int begins = (head[OGG_FLAGS_AT] & OGG_BEGINS) != 0;
        if (begins && has_begun)
            return at;
        has_begun = !begins;
        at += OGG_HEAD_BYTES + head[OGG_HEAD_BYTES - 1];
        for (int i = 0; i < head[OGG_HEAD_BYTES - 1]; i++)
            at += head[OGG_HEAD_BYTES + i];
    }
    return rest;
}

/* The library reads more kinds than it is let to: rare codecs are where its holes have been. */
static int is_allowed(int format)
{
    switch (format & SF_FORMAT_SUBMASK) {
    case SF_FORMAT_PCM_S8:
    case SF_FORMAT_PCM_U8:
    case SF_FORMAT_PCM_16:
    case SF_FORMAT_PCM_24:
    case SF_FORMAT_PCM_32:
    case SF_FORMAT_FLOAT:
    case SF_FORMAT_DOUBLE:
    case SF_FORMAT_ULAW:
    case SF_FORMAT_ALAW:
    case SF_FORMAT_VORBIS:
    case SF_FORMAT_OPUS:
        break;
    default:
        return 0;
    }
    switch (format & SF_FORMAT_TYPEMASK) {
    case SF_FORMAT_WAV:
    case SF_FORMAT_WAVEX:
    case SF_FORMAT_RF64:
    case SF_FORMAT_FLAC:
    case SF_FORMAT_OGG:
    case SF_FORMAT_RAW:
        return 1;
    default:
        return 0;
    }
}

static int open_file(struct sndfile_reader *reader, SF_INFO *info, va_error *error)
{
    static SF_VIRTUAL_IO io = {.get_filelen = io_length, .seek = io_seek, .read = io_read, .tell = io_tell};

    reader->file = sf_open_virtual(&io, SFM_READ, info, reader);
    if (reader->file == NULL)
        return va_fail(error, VA_EFORMAT, "%s: damaged or not handled: %s", reader->name, sf_strerror(NULL));
    if (!is_allowed(info->format))
        return va_fail(error, VA_EUNSUPPORTED, "%s: an encoding not handled here (PCM, A-law, mu-law, float, FLAC, Vorbis, Opus, MP3)",
                       reader->name);
    return 0;
}

/* The stream has ended: 1 when another begins. */
static int open_next(struct sndfile_reader *reader, va_error *error)
{
    SF_INFO info = {0};

    if (reader->failed || !reader->is_chained || reader->start + reader->size >= reader->file_size)
        return 0;
    if (++reader->n_links > OGG_MAX_LINKS)
        return va_fail(error, VA_ELIMIT, "%s: more than %d streams in a chain", reader->name, OGG_MAX_LINKS);
    sf_close(reader->file);
    reader->start += reader->size;
    reader->size = ogg_link_size(reader);
    reader->at = reader->reached_end = 0;
    int r = open_file(reader, &info, error);
    if (r < 0)
        return r;
    if ((uint32_t)info.samplerate != reader->base.rate_hz || info.channels != reader->base.channels)
        return va_fail(error, VA_EUNSUPPORTED, "%s: a stream in it has another sample rate or number of channels than the first",
                       reader->name);
    return 1;
}

static int64_t read_frames(va_pcm_reader *base, float *ret_pcm, size_t frames, va_error *error)
{
    struct sndfile_reader *reader = (struct sndfile_reader *)base;

    while (!reader->failed) {
        sf_count_t n = sf_readf_float(reader->file, ret_pcm, (sf_count_t)frames);
        reader->failed = sf_error(reader->file) != SF_ERR_NO_ERROR;
        if (n > 0) {
            reader->frames_read += (uint64_t)n;
            return n;
        }
        int r = open_next(reader, error);
        if (r < 0)
            return r;
        if (r == 0)
            break;
    }
    int nothing = reader->frames_read == 0 && base->frames > 0;
    if (nothing || (reader->failed && (!reader->reached_end || reader->frames_read == 0)))
        return va_fail(error, VA_EFORMAT, "%s: damaged%s%s", reader->name, reader->failed ? ": " : "",
                       reader->failed ? sf_strerror(reader->file) : ", it holds no audio that can be decoded");
    return 0;
}

static void free_reader(va_pcm_reader *base)
{
    struct sndfile_reader *reader = (struct sndfile_reader *)base;

    if (reader->file != NULL)
        sf_close(reader->file);
    va_free(reader);
}

int va_pcm_reader_sndfile(int fd, uint64_t start, const char *name, enum va_audio_format format, va_pcm_reader **ret_reader,
                          va_error *error)
{
    SF_INFO info = {0};
    struct stat stat;
    int r;

    struct sndfile_reader *reader = va_calloc(1, sizeof *reader);
    if (reader == NULL)
        return va_fail_memory(error);
    if (fstat(fd, &stat) < 0) {
        r = va_fail_errno(error, "%s", name);
        goto fail;
    }
    reader->base.read = read_frames;
    reader->base.free = free_reader;
    reader->name = name;
    reader->fd = fd;
    reader->start = (int64_t)start;
    reader->file_size = stat.st_size > (int64_t)start ? stat.st_size : (int64_t)start;
    reader->size = format == VA_AUDIO_OGG ? ogg_link_size(reader) : reader->file_size - reader->start;
    reader->is_chained = reader->start + reader->size < reader->file_size;
    if (format == VA_AUDIO_FLAC)
        reader->base.frames = hide_flac_count(reader);
    if (format == VA_AUDIO_WAV) {
        mend_wav_size(reader);
        cut_wav(reader);
    }
    if (format == VA_AUDIO_RAW) {
        info.format = SF_FORMAT_RAW | SF_FORMAT_PCM_16 | SF_ENDIAN_LITTLE;
        info.samplerate = VA_SAMPLE_RATE_HZ;
        info.channels = 1;
    }
    if ((r = open_file(reader, &info, error)) < 0)
        goto fail;
    reader->base.rate_hz = (uint32_t)info.samplerate;
    reader->base.channels = info.channels;
    if (format != VA_AUDIO_FLAC && !reader->is_chained)
        reader->base.frames = info.frames == SF_COUNT_MAX ? 0 : (uint64_t)info.frames;
    *ret_reader = &reader->base;
    return 0;

fail:
    free_reader(&reader->base);
    return r;
}
