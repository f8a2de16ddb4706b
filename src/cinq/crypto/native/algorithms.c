/* SNOW 3G with UEA2 and UIA2 (NEA1, NIA1; TS 35.215, TS 35.216), and ZUC with 128-EEA3 and 128-EIA3 (NEA3, NIA3;
 * TS 35.221, TS 35.222). The same functions as in snow3g.py and zuc.py, which are the oracle: names, order of arguments
 * and meaning are theirs. The tables come from there too: build.py writes tables.h.
 *
 * Nothing is allocated and nothing kept. The caller sees to it that key is 16 octets and in and out (bits + 7) / 8.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tables.h"

#define EXPORT __attribute__((visibility("default")))

static uint32_t load32(const uint8_t *octets)
{
    return (uint32_t)octets[0] << 24 | (uint32_t)octets[1] << 16 | (uint32_t)octets[2] << 8 | octets[3];
}

/* The 32 bits of a message from that octet on; what lies behind its last bit is zero. */
static uint32_t message_word(const uint8_t *in, size_t bits, size_t octet)
{
    uint32_t word = 0;
    size_t length = (bits + 7) / 8;
    for (size_t i = 0; i < 4; i++)
        word = word << 8 | (octet + i < length ? in[octet + i] : 0);
    if (bits < octet * 8 + 32)
        word &= bits <= octet * 8 ? 0 : 0xFFFFFFFFu << (octet * 8 + 32 - bits);
    return word;
}

/* One word of key stream on the message; behind its last bit the output is zero. */
static void mix(const uint8_t *in, uint8_t *out, size_t bits, size_t octet, uint32_t stream)
{
    size_t length = (bits + 7) / 8;
    uint32_t word = message_word(in, bits, octet) ^ stream;
    if (bits < octet * 8 + 32)
        word &= 0xFFFFFFFFu << (octet * 8 + 32 - bits);
    for (size_t i = 0; i < 4 && octet + i < length; i++)
        out[octet + i] = (uint8_t)(word >> (24 - 8 * i));
}

/* SNOW 3G */

struct snow3g {
    uint32_t s[16], r1, r2, r3;
};

static uint32_t s1(uint32_t w)
{
    return A0[w >> 24] ^ A1[w >> 16 & 255] ^ A2[w >> 8 & 255] ^ A3[w & 255];
}

static uint32_t s2(uint32_t w)
{
    return B0[w >> 24] ^ B1[w >> 16 & 255] ^ B2[w >> 8 & 255] ^ B3[w & 255];
}

/* The finite state machine, SNOW 3G specification section 3.4.2. */
static uint32_t snow3g_fsm(struct snow3g *g)
{
    uint32_t f = (g->s[15] + g->r1) ^ g->r2;
    uint32_t r = g->r2 + (g->r3 ^ g->s[5]);
    g->r3 = s2(g->r2);
    g->r2 = s1(g->r1);
    g->r1 = r;
    return f;
}

/* The shift register, section 3.4.1 (with F in initialisation mode, with 0 in keystream mode). */
static void snow3g_lfsr(struct snow3g *g, uint32_t f)
{
    uint32_t s0 = g->s[0], s11 = g->s[11];
    uint32_t v = s0 << 8 ^ MUL_ALPHA[s0 >> 24] ^ g->s[2] ^ s11 >> 8 ^ DIV_ALPHA[s11 & 255] ^ f;
    memmove(g->s, g->s + 1, 15 * sizeof *g->s);
    g->s[15] = v;
}

/* iv: IV0 to IV3. Sections 4.1 and 4.2. */
static void snow3g_start(struct snow3g *g, const uint8_t *key, const uint32_t iv[4])
{
    for (int i = 0; i < 4; i++) {
        uint32_t k = load32(key + 12 - 4 * i);
        g->s[i] = g->s[8 + i] = ~k;
        g->s[4 + i] = g->s[12 + i] = k;
    }
    g->s[9] ^= iv[3];
    g->s[10] ^= iv[2];
    g->s[12] ^= iv[1];
    g->s[15] ^= iv[0];
    g->r1 = g->r2 = g->r3 = 0;
    for (int i = 0; i < 32; i++)
        snow3g_lfsr(g, snow3g_fsm(g));
    snow3g_fsm(g);
    snow3g_lfsr(g, 0);
}

static uint32_t snow3g_next(struct snow3g *g)
{
    uint32_t z = snow3g_fsm(g) ^ g->s[0];
    snow3g_lfsr(g, 0);
    return z;
}

EXPORT void cinq_f8(const uint8_t *key, uint32_t count, uint32_t bearer, uint32_t direction, const uint8_t *in,
                    size_t bits, uint8_t *out)
{
    struct snow3g g;
    uint32_t second = bearer << 27 | direction << 26;
    const uint32_t iv[4] = {second, count, second, count};
    snow3g_start(&g, key, iv);
    for (size_t octet = 0; octet * 8 < bits; octet += 4)
        mix(in, out, bits, octet, snow3g_next(&g));
}

/* v times p in GF(2^64) under x^64 + x^4 + x^3 + x + 1, in the same time whatever they are. */
static uint64_t mul64(uint64_t v, uint64_t p)
{
    uint64_t product = 0;
    for (int i = 0; i < 64; i++) {
        product ^= p & (0 - (v & 1));
        v >>= 1;
        p = p << 1 ^ (0x1B & (0 - (p >> 63)));
    }
    return product;
}

EXPORT uint32_t cinq_f9(const uint8_t *key, uint32_t count, uint32_t fresh, uint32_t direction, const uint8_t *in,
                        size_t bits)
{
    struct snow3g g;
    const uint32_t iv[4] = {fresh ^ direction << 15, count ^ direction << 31, fresh, count};
    snow3g_start(&g, key, iv);
    uint64_t p = (uint64_t)snow3g_next(&g) << 32;
    p |= snow3g_next(&g);
    uint64_t q = (uint64_t)snow3g_next(&g) << 32;
    q |= snow3g_next(&g);
    uint32_t z5 = snow3g_next(&g);
    uint64_t evaluated = 0;
    for (size_t octet = 0; octet * 8 < bits; octet += 8) {
        uint64_t block = (uint64_t)message_word(in, bits, octet) << 32 | message_word(in, bits, octet + 4);
        evaluated = mul64(evaluated ^ block, p);
    }
    evaluated = mul64(evaluated ^ bits, q);
    return (uint32_t)(evaluated >> 32) ^ z5;
}

/* ZUC */

struct zuc {
    uint32_t s[16], r1, r2;
};

static uint32_t turned(uint32_t x, int n)
{
    return x << n | x >> (32 - n);
}

static uint32_t boxes(uint32_t x)
{
    return (uint32_t)S0[x >> 24] << 24 | (uint32_t)S1[x >> 16 & 255] << 16 | (uint32_t)S0[x >> 8 & 255] << 8 |
           S1[x & 255];
}

/* Bit reorganisation and the nonlinear function, ZUC specification sections 3.3 and 3.4. */
static uint32_t zuc_f(struct zuc *z)
{
    const uint32_t *s = z->s;
    uint32_t w = (((s[15] & 0x7FFF8000) << 1 | (s[14] & 0xFFFF)) ^ z->r1) + z->r2;
    uint32_t w1 = z->r1 + (s[11] << 16 | s[9] >> 15);
    uint32_t w2 = z->r2 ^ (s[7] << 16 | s[5] >> 15);
    uint32_t u = w1 << 16 | w2 >> 16, v = w2 << 16 | w1 >> 16;
    z->r1 = boxes(u ^ turned(u, 2) ^ turned(u, 10) ^ turned(u, 18) ^ turned(u, 24));
    z->r2 = boxes(v ^ turned(v, 8) ^ turned(v, 14) ^ turned(v, 22) ^ turned(v, 30));
    return w;
}

/* The shift register over GF(2^31 - 1), section 3.2; u is W >> 1 in initialisation mode and 0 in work mode. */
static void zuc_lfsr(struct zuc *z, uint32_t u)
{
    const uint32_t *s = z->s;
    uint64_t sum = ((uint64_t)s[15] << 15) + ((uint64_t)s[13] << 17) + ((uint64_t)s[10] << 21) +
                   ((uint64_t)s[4] << 20) + (uint64_t)s[0] * 257 + u;
    sum = (sum & 0x7FFFFFFF) + (sum >> 31);
    sum = (sum & 0x7FFFFFFF) + (sum >> 31);
    memmove(z->s, z->s + 1, 15 * sizeof *z->s);
    z->s[15] = sum ? (uint32_t)sum : 0x7FFFFFFF;
}

static void zuc_start(struct zuc *z, const uint8_t *key, const uint8_t iv[16])
{
    for (int i = 0; i < 16; i++)
        z->s[i] = (uint32_t)key[i] << 23 | (uint32_t)D[i] << 8 | iv[i];
    z->r1 = z->r2 = 0;
    for (int i = 0; i < 32; i++)
        zuc_lfsr(z, zuc_f(z) >> 1);
    zuc_f(z);
    zuc_lfsr(z, 0);
}

static uint32_t zuc_next(struct zuc *z)
{
    uint32_t x3 = z->s[2] << 16 | z->s[0] >> 15;
    uint32_t word = zuc_f(z) ^ x3;
    zuc_lfsr(z, 0);
    return word;
}

/* The IV of both: COUNT, then the octet with BEARER, twice. */
static void zuc_iv(uint8_t iv[16], uint32_t count, uint32_t bearer_octet)
{
    memset(iv, 0, 16);
    for (int i = 0; i < 4; i++)
        iv[i] = iv[8 + i] = (uint8_t)(count >> (24 - 8 * i));
    iv[4] = iv[12] = (uint8_t)bearer_octet;
}

EXPORT void cinq_eea3(const uint8_t *key, uint32_t count, uint32_t bearer, uint32_t direction, const uint8_t *in,
                      size_t bits, uint8_t *out)
{
    struct zuc z;
    uint8_t iv[16];
    zuc_iv(iv, count, bearer << 3 | direction << 2);
    zuc_start(&z, key, iv);
    for (size_t octet = 0; octet * 8 < bits; octet += 4)
        mix(in, out, bits, octet, zuc_next(&z));
}

/* The key stream is read from every bit on: `now` has the 32 bits from the place reached, `ahead` the next 32. */
EXPORT uint32_t cinq_eia3(const uint8_t *key, uint32_t count, uint32_t bearer, uint32_t direction, const uint8_t *in,
                          size_t bits)
{
    struct zuc z;
    uint8_t iv[16];
    zuc_iv(iv, count, bearer << 3);
    iv[8] ^= (uint8_t)(direction << 7);
    iv[14] ^= (uint8_t)(direction << 7);
    zuc_start(&z, key, iv);
    uint32_t now = zuc_next(&z), ahead = zuc_next(&z), mac = 0;
    size_t done = 0;
    while (done + 32 <= bits) {
        uint32_t word = message_word(in, bits, done / 8);
        uint64_t stream = (uint64_t)now << 32 | ahead;
        for (int i = 0; i < 32; i++)
            mac ^= (uint32_t)(stream >> (32 - i)) & (0 - (word >> (31 - i) & 1));
        now = ahead;
        ahead = zuc_next(&z);
        done += 32;
    }
    uint64_t stream = (uint64_t)now << 32 | ahead;
    uint32_t word = message_word(in, bits, done / 8);
    int left = (int)(bits - done);
    for (int i = 0; i < left; i++)
        mac ^= (uint32_t)(stream >> (32 - i)) & (0 - (word >> (31 - i) & 1));
    mac ^= (uint32_t)(stream >> (32 - left));
    /* the last word of key stream: the one after that in which the end lies, or `ahead` where it lies between words */
    return mac ^ (left ? zuc_next(&z) : ahead);
}
