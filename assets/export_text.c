//@ head
/* It is one file for any C99 compiler and needs the C library alone, neither libm nor an allocator:
 *
 *   cc -std=c99 -O3 THIS.c -o sample && ./sample --n 3 --length 100
 *
 * The same seed draws the same tokens as `ivory sample` does with IVORY_ISA=portable and --precision f32. To embed it,
 * define IVORY_NO_MAIN and include this file in one of your own:
 *
 *   static ivory_text text;                       all memory that one text takes
 *   ivory_choice how = { 1, 0, 1 };               temperature, top-k (0: all), top-p (1: all)
 *   ivory_cut cut = ivory_cut_of("how it begins");
 *   char shown[IVORY_SHOWN];
 *   int32_t token;
 *
 *   ivory_start(&text);
 *   while (ivory_cut_next(&cut, &token) > 0)      a prompt, token by token
 *       ivory_feed(&text, token);
 *   token = ivory_next(&text, &how, ivory_draw(seed, 0, 0));    draws; the third number counts the draws
 *   ... until token == IVORY_END or the text is long enough:
 *   n = ivory_show(&text, token, shown);          what is certain of it as text: n bytes, no zero behind them
 *   ivory_feed(&text, token);
 *   n = ivory_show(&text, -1, shown);             at the end: what was not certain yet
 *
 * text.values.logits are the model's own, after each ivory_feed. Texts do not share anything that changes. */

#include <float.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifndef IVORY_NO_MAIN
#include <stdio.h>
#include <stdlib.h>
#endif

/* Each operation rounds alone, to float: then every compiler gives the same bits. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("fp-contract=off")
#else
#pragma STDC FP_CONTRACT OFF
#endif
#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0 && FLT_EVAL_METHOD != 16
#error "floats must not be computed with more digits: on 32-bit x86 add -msse2 -mfpmath=sse"
#endif
#ifdef __FAST_MATH__
#error "sums have an order here: compile without -ffast-math"
#endif

//@ state
enum { IVORY_SHOWN = IVORY_LONGEST + 1 }; /* a token and a blank */

typedef struct ivory_likely {
    float weight;
    int32_t token;
} ivory_likely;

typedef struct ivory_text {
    ivory_values values;
    float weights[IVORY_VOCABULARY];      /* of what may follow, used up by a draw */
    ivory_likely likely[IVORY_VOCABULARY];
    long chosen;                          /* tokens, since the start */
    int32_t before, last;                 /* words that were shown, or wait for what follows; -1: none */
    int glued, quoted, quoted_once;       /* no blank belongs behind what was shown; inside "", inside '' */
} ivory_text;

typedef struct ivory_choice {
    double temperature; /* below 1 safer, above 1 bolder; 0: the likeliest */
    long top_k;         /* among the k likeliest only; 0: all */
    double top_p;       /* among the likeliest that together have this probability; 1: all */
} ivory_choice;

/* Gives the model its next token. */
void ivory_feed(ivory_text *text, int32_t token)
{
    if (token >= 0 && token < IVORY_VOCABULARY)
        ivory_step(&text->values, token);
}

/* An empty text. */
void ivory_start(ivory_text *text)
{
    memset(text, 0, sizeof *text);
    text->before = text->last = -1;
    ivory_feed(text, IVORY_BEGIN);
}

//@ choose
/* Philox 4x32-10 of Salmon et al. 2011: four words for a key and a counter. */
static void ivory_philox(uint64_t key, uint64_t high, uint64_t low, uint32_t word[4])
{
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    int round;

    word[0] = (uint32_t)low, word[1] = (uint32_t)(low >> 32);
    word[2] = (uint32_t)high, word[3] = (uint32_t)(high >> 32);
    for (round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * word[0], p1 = (uint64_t)0xCD9E8D57u * word[2];
        word[0] = (uint32_t)(p1 >> 32) ^ word[1] ^ k0;
        word[1] = (uint32_t)p1;
        word[2] = (uint32_t)(p0 >> 32) ^ word[3] ^ k1;
        word[3] = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
}

/* Uniform in [0,1): a draw depends on seed, number of the sample and of its token alone. */
double ivory_draw(uint64_t seed, uint64_t sample, uint64_t token)
{
    const char *place = "sample";
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    uint32_t word[4];

    for (; *place; place++)
        hash = (hash ^ (unsigned char)*place) * UINT64_C(0x100000001b3);
    ivory_philox(seed, hash, 0, word);
    ivory_philox((uint64_t)word[1] << 32 | word[0], sample, token, word);
    return (double)(int64_t)(((uint64_t)word[0] << 21) ^ (word[1] >> 11)) * 0x1p-53;
}

/* The logit of a token, out of reach where it stands for no text. */
static float ivory_logit(const ivory_text *text, int32_t token)
{
    return text->values.logits[token] + (token < IVORY_FIRST && token != IVORY_END ? -1e15f : 0.0f);
}

/* Softmax at a temperature. The first token's is summed up in double, as Ivory does where a sample begins. */
static void ivory_weigh(ivory_text *text, double temperature)
{
    float sharpness = (float)(1 / (temperature > 1e-20 ? temperature : 1e-20)), most, lane[4] = { 0 }, scale;
    double sum = 0;
    int32_t i;

    for (i = 0; i < IVORY_VOCABULARY; i++)
        text->weights[i] = sharpness * ivory_logit(text, i);
    most = text->weights[0];
    for (i = 1; i < IVORY_VOCABULARY; i++)
        most = text->weights[i] > most ? text->weights[i] : most;
    for (i = 0; i < IVORY_VOCABULARY; i++) {
        text->weights[i] = ivory_exp(text->weights[i] - most);
        sum += text->weights[i];
        lane[i % 4] += text->weights[i];
    }
    scale = 1 / ((lane[0] + lane[2]) + (lane[1] + lane[3]));
    for (i = 0; i < IVORY_VOCABULARY; i++)
        text->weights[i] = text->chosen ? text->weights[i] * scale : (float)(text->weights[i] / sum);
}

/* Weights sorted coarsely: not negative, they stand in the order of their bits. */
enum { IVORY_CLASSES = 1 << 10, IVORY_CLASS_SHIFT = 21 };

static int ivory_class(float weight)
{
    return (int)(ivory_bits(weight) >> IVORY_CLASS_SHIFT) & (IVORY_CLASSES - 1);
}

/* Whether a comes before b: the heavier, of equals the first. */
static int ivory_before(const ivory_likely *a, const ivory_likely *b)
{
    return a->weight > b->weight || (a->weight == b->weight && a->token < b->token);
}

static void ivory_sift(ivory_likely *heap, int32_t root, int32_t n)
{
    ivory_likely one = heap[root];
    int32_t child;

    for (; (child = 2 * root + 1) < n; root = child) {
        child += child + 1 < n && ivory_before(&heap[child], &heap[child + 1]);
        if (!ivory_before(&one, &heap[child]))
            break;
        heap[root] = heap[child];
    }
    heap[root] = one;
}

static void ivory_sort(ivory_likely *list, int32_t n)
{
    int32_t i;

    for (i = n / 2; i-- > 0;)
        ivory_sift(list, i, n);
    for (i = n; i-- > 1;) {
        ivory_likely last = list[0];
        list[0] = list[i];
        list[i] = last;
        ivory_sift(list, 0, i);
    }
}

/* Zero becomes the weight of all but the likeliest k, and of all behind those that together have the share top_p. Only
 * the class in which the border lies is sorted. */
static void ivory_keep_likeliest(ivory_text *text, const ivory_choice *how)
{
    int32_t members[IVORY_CLASSES] = { 0 }, n = 0, i;
    double sums[IVORY_CLASSES] = { 0 }, sum = 0, kept = 0;
    long k = 0, most = how->top_k > 0 ? how->top_k : IVORY_VOCABULARY;
    int c, border = IVORY_CLASSES - 1;

    for (i = 0; i < IVORY_VOCABULARY; i++) {
        c = ivory_class(text->weights[i]);
        members[c]++;
        sums[c] += text->weights[i];
    }
    for (c = IVORY_CLASSES - 1; c >= 0; c--)
        sum += sums[c];
    for (; border > 0 && (members[border] == 0 ||
                          (k + members[border] < most && kept + sums[border] < how->top_p * sum));
         border--) {
        k += members[border];
        kept += sums[border];
    }
    for (i = 0; i < IVORY_VOCABULARY; i++) {
        c = ivory_class(text->weights[i]);
        if (c == border) {
            text->likely[n].weight = text->weights[i];
            text->likely[n++].token = i;
        } else if (c < border) {
            text->weights[i] = 0;
        }
    }
    ivory_sort(text->likely, n);
    for (i = 0; i < n && k < most && (k == 0 || kept < how->top_p * sum); i++, k++)
        kept += text->likely[i].weight;
    for (; i < n; i++)
        text->weights[text->likely[i].token] = 0;
}

enum { IVORY_LANES = 8, IVORY_ADDED = 64, IVORY_STRETCHES = 256 };

static double ivory_sum(int32_t n, const float *weight)
{
    double sum = 0;
    int32_t i, j;

    for (; n > 0; n -= IVORY_ADDED, weight += IVORY_ADDED) {
        float lane[IVORY_LANES] = { 0 };
        int32_t m = n < IVORY_ADDED ? n : IVORY_ADDED;
        for (i = 0; i + IVORY_LANES <= m; i += IVORY_LANES)
            for (j = 0; j < IVORY_LANES; j++)
                lane[j] += weight[i + j];
        for (; i < m; i++)
            lane[0] += weight[i];
        for (j = 0; j < IVORY_LANES; j++)
            sum += lane[j];
    }
    return sum;
}

static int32_t ivory_draw_by_weight(const float *weight, double draw)
{
    int32_t count = IVORY_VOCABULARY, stretch = (count / IVORY_ADDED / IVORY_STRETCHES + 1) * IVORY_ADDED;
    int32_t n = 0, begin = 0, last = 0, i;
    double sums[IVORY_STRETCHES], sum = 0, passed = 0, before = 0;

    for (i = 0; i < count; i += stretch) {
        sums[n] = ivory_sum(count - i < stretch ? count - i : stretch, weight + i);
        sum += sums[n++];
    }
    for (i = 0; i < n && passed <= draw * sum; i++) { /* the stretch it falls into */
        if (sums[i] > 0) {
            begin = i * stretch;
            before = passed;
        }
        passed += sums[i];
    }
    for (i = begin; i < count && i < begin + stretch && before <= draw * sum; i++)
        if (weight[i] > 0) {
            before += weight[i];
            last = i;
        }
    return last;
}

/* Chooses what follows; draw: uniform in [0,1). IVORY_END ends the text, and is no part of it. */
int32_t ivory_next(ivory_text *text, const ivory_choice *how, double draw)
{
    int32_t best = 0, i;

    if (how->temperature <= 0) {
        for (i = 1; i < IVORY_VOCABULARY; i++)
            if (ivory_logit(text, i) > ivory_logit(text, best))
                best = i;
    } else {
        ivory_weigh(text, how->temperature);
        if (how->top_k > 0 || how->top_p < 1)
            ivory_keep_likeliest(text, how);
        best = ivory_draw_by_weight(text->weights, draw);
    }
    text->chosen++;
    return best;
}

//@ cut
/* A text that is cut into tokens, from its beginning on. */
typedef struct ivory_cut {
    const char *at;
    long unknown; /* tokens that the model does not know */
} ivory_cut;

//@ cut_of
ivory_cut ivory_cut_of(const char *text)
{
    ivory_cut cut;

    memset(&cut, 0, sizeof cut);
    cut.at = text;
    return cut;
}

//@ utf8
/* The code point at `at` and its length; 0 for what is no UTF-8. */
static int ivory_utf8(const char *at, uint32_t *code)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    const unsigned char *byte = (const unsigned char *)at;
    int size = *byte < 0x80 ? 1 : *byte < 0xc2 ? 0 : *byte < 0xe0 ? 2 : *byte < 0xf0 ? 3 : *byte < 0xf5 ? 4 : 0, i;

    *code = size > 1 ? *byte & (0x7fu >> size) : *byte;
    for (i = 1; i < size; i++) {
        if ((byte[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (byte[i] & 0x3fu);
    }
    return size > 1 && (*code < least[size] || *code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000)) ? 0 : size;
}

//@ find
/* The token of these bytes, or IVORY_UNKNOWN. */
static int32_t ivory_find(const char *bytes, size_t size)
{
    int32_t i;

    for (i = IVORY_FIRST; i < IVORY_VOCABULARY; i++)
        if (strncmp(ivory_tokens[i], bytes, size) == 0 && ivory_tokens[i][size] == 0)
            return i;
    return IVORY_UNKNOWN;
}

//@ cut_chars
/* The next token of the text: 1, 0 at its end, -1 where it is no UTF-8. What the model has no token for is left out. */
int ivory_cut_next(ivory_cut *cut, int32_t *token)
{
    while (*cut->at) {
        uint32_t code;
        int size = ivory_utf8(cut->at, &code);
        if (size == 0)
            return -1;
        *token = ivory_find(cut->at, (size_t)size);
        cut->at += size;
        cut->unknown += *token == IVORY_UNKNOWN;
        if (*token >= 0)
            return 1;
    }
    return 0;
}

//@ cut_words
static int ivory_is_white(uint32_t code)
{
    return (code >= 9 && code <= 13) || code == ' ' || code == 0x85 || code == 0xa0 || code == 0x1680 ||
           (code >= 0x2000 && code <= 0x200a) || code == 0x2028 || code == 0x2029 || code == 0x202f || code == 0x205f ||
           code == 0x3000;
}

/* A mark of ASCII is a word of its own. */
static int ivory_is_mark(uint32_t code)
{
    return code > ' ' && code < 0x7f && !(code == '\'' && IVORY_INSIDE) &&
           !((code >= '0' && code <= '9') || (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z'));
}

static uint32_t ivory_lower(uint32_t code)
{
    size_t i;

    if (code < 0x80)
        return code >= 'A' && code <= 'Z' ? code + 32 : code;
    for (i = 0; ivory_letters[i][0]; i++)
        if (ivory_letters[i][0] == code)
            return ivory_letters[i][1];
    return code;
}

static size_t ivory_utf8_write(uint32_t code, char *to)
{
    static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    size_t size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4, i;

    for (i = size; i-- > 1; code >>= 6)
        to[i] = (char)(0x80 | (code & 0x3f));
    to[0] = (char)(lead[size] | code);
    return size;
}

/* The next word of the text, in lower case: 1, 0 at its end, -1 where it is no UTF-8. What the model has no token for
 * is left out. */
int ivory_cut_next(ivory_cut *cut, int32_t *token)
{
    char word[IVORY_LONGEST + 4];
    size_t n = 0, longest = IVORY_LONGEST;
    uint32_t code = 0;
    int size = 1;

    for (*token = -1; *token < 0 && *cut->at && size > 0;) {
        for (n = 0; *cut->at && (size = ivory_utf8(cut->at, &code)) > 0; cut->at += size) {
            if (n > 0 && (ivory_is_white(code) || ivory_is_mark(code)))
                break;
            if (ivory_is_white(code))
                continue;
            if (n <= longest) /* what is longer is no word of the model */
                n += ivory_utf8_write(ivory_lower(code), word + n);
            if (ivory_is_mark(code)) {
                cut->at += size;
                break;
            }
        }
        if (n > 0 && size > 0) {
            *token = n <= longest ? ivory_find(word, n) : IVORY_UNKNOWN;
            cut->unknown += *token == IVORY_UNKNOWN;
        }
    }
    return size == 0 ? -1 : *token >= 0;
}

//@ cut_bytes
/* The next token of the text, which may be any bytes: 1, or 0 at its end. */
int ivory_cut_next(ivory_cut *cut, int32_t *token)
{
    if (!*cut->at)
        return 0;
    *token = IVORY_FIRST + (unsigned char)*cut->at++;
    return 1;
}

//@ cut_pieces
enum { IVORY_STRETCH = 64 }; /* bytes that are cut into pieces at once */

/* A text that is cut into tokens, from its beginning on. */
typedef struct ivory_cut {
    const char *at;
    long unknown; /* tokens that the model does not know: none */
    int n, next;  /* of the pieces that are cut */
    uint32_t piece[IVORY_STRETCH];
} ivory_cut;

//@ cut_bpe
static int ivory_kind(uint32_t code)
{
    size_t i;

    for (i = 0; ivory_kinds[i].last; i++)
        if (code >= ivory_kinds[i].first && code <= ivory_kinds[i].last)
            return ivory_kinds[i].kind;
    return 0; /* letters */
}

/* The kind of what stands at `at`, and its length; a byte that is no UTF-8 is a mark. */
static int ivory_look(const char *at, size_t *length)
{
    uint32_t code;
    int size = ivory_utf8(at, &code);

    *length = size > 0 ? (size_t)size : 1;
    return size > 0 ? ivory_kind(code) : IVORY_MARKS;
}

/* The length of the stretch that begins there: a word with the blank before it, a number, marks, white space. No piece
 * crosses its bounds. */
static size_t ivory_stretch(const char *at)
{
    size_t size, length;
    int kind = ivory_look(at, &size);

    if (*at == ' ' && at[1]) {
        int next = ivory_look(at + 1, &length);
        if (next != IVORY_WHITE) {
            kind = next;
            size += length;
        }
    }
    while (size < IVORY_STRETCH && at[size] && ivory_look(at + size, &length) == kind && size + length <= IVORY_STRETCH)
        size += length;
    if (kind == IVORY_WHITE && size > 1 && at[size - 1] == ' ' && at[size] && ivory_look(at + size, &length) != IVORY_WHITE)
        size--;
    return size;
}

/* The piece that two make, or 0. */
static uint32_t ivory_joined(uint32_t left, uint32_t right)
{
    uint32_t i;

    for (i = 0; i < IVORY_VOCABULARY - IVORY_FIRST - 256; i++)
        if (ivory_pieces[i][0] == left && ivory_pieces[i][1] == right)
            return 256 + i;
    return 0;
}

/* Of all neighbours that can be joined those of the earliest join are, from the left on, until none can. */
static void ivory_cut_stretch(ivory_cut *cut, size_t size)
{
    uint32_t joined[IVORY_STRETCH];
    int n = (int)size, best, i;

    for (i = 0; i < n; i++)
        cut->piece[i] = (unsigned char)cut->at[i];
    for (i = 0; i + 1 < n; i++)
        joined[i] = ivory_joined(cut->piece[i], cut->piece[i + 1]);
    for (;;) {
        for (best = -1, i = 0; i + 1 < n; i++)
            if (joined[i] && (best < 0 || joined[i] < joined[best]))
                best = i;
        if (best < 0)
            break;
        cut->piece[best] = joined[best];
        n--;
        memmove(cut->piece + best + 1, cut->piece + best + 2, (size_t)(n - best - 1) * sizeof *cut->piece);
        memmove(joined + best, joined + best + 1, (size_t)(n - best - 1) * sizeof *joined);
        if (best > 0)
            joined[best - 1] = ivory_joined(cut->piece[best - 1], cut->piece[best]);
        if (best + 1 < n)
            joined[best] = ivory_joined(cut->piece[best], cut->piece[best + 1]);
    }
    cut->n = n;
    cut->next = 0;
    cut->at += size;
}

/* The next token of the text, which may be any bytes: 1, or 0 at its end. */
int ivory_cut_next(ivory_cut *cut, int32_t *token)
{
    if (cut->next == cut->n && *cut->at)
        ivory_cut_stretch(cut, ivory_stretch(cut->at));
    if (cut->next == cut->n)
        return 0;
    *token = IVORY_FIRST + (int32_t)cut->piece[cut->next++];
    return 1;
}

//@ show_bpe
static size_t ivory_piece(uint32_t piece, char *to)
{
    size_t n;

    if (piece < 256) {
        *to = (char)piece;
        return 1;
    }
    n = ivory_piece(ivory_pieces[piece - 256][0], to);
    return n + ivory_piece(ivory_pieces[piece - 256][1], to + n);
}

/* The bytes of a token, into to[IVORY_SHOWN]; returns how many. Token -1: the end. */
size_t ivory_show(ivory_text *text, int32_t token, char *to)
{
    (void)text;
    return token < IVORY_FIRST || token >= IVORY_VOCABULARY ? 0 : ivory_piece((uint32_t)(token - IVORY_FIRST), to);
}

//@ show_chars
/* The bytes of a token, into to[IVORY_SHOWN]; returns how many. Token -1: the end. */
size_t ivory_show(ivory_text *text, int32_t token, char *to)
{
    size_t size;

    (void)text;
    if ((token < IVORY_FIRST && token != IVORY_UNKNOWN) || token < 0 || token >= IVORY_VOCABULARY)
        return 0;
    size = strlen(ivory_tokens[token]);
    memcpy(to, ivory_tokens[token], size);
    return size;
}

//@ show_bytes
/* The byte that a token is, into to[IVORY_SHOWN]; returns how many. Token -1: the end. */
size_t ivory_show(ivory_text *text, int32_t token, char *to)
{
    (void)text;
    if (token < IVORY_FIRST || token >= IVORY_VOCABULARY)
        return 0;
    *to = (char)(token - IVORY_FIRST);
    return 1;
}

//@ show_words
static int ivory_is_one_of(const char *word, const char *marks)
{
    return word[0] && !word[1] && strchr(marks, word[0]);
}

/* More than one byte, or a letter or digit: a single byte else is a mark. */
static int ivory_is_word(const char *word)
{
    return *word && (word[1] || (*word >= '0' && *word <= '9') || (*word >= 'a' && *word <= 'z'));
}

static int ivory_is_number(const char *word)
{
    return *word && word[strspn(word, "0123456789")] == 0;
}

/* Whether the mark between two words joins them into one word or number. */
static int ivory_joins(const char *before, const char *mark, const char *after)
{
    static const char *const ends[] = { "s", "t", "re", "ve", "ll", "d", "m", "clock" };
    size_t i;

    if (ivory_is_one_of(mark, "-/"))
        return ivory_is_word(before) && ivory_is_word(after);
    for (i = 0; ivory_is_one_of(mark, "'") && i < sizeof ends / sizeof *ends; i++)
        if (strcmp(after, ends[i]) == 0)
            return ivory_is_word(before);
    return ivory_is_one_of(mark, ".") && ivory_is_number(before) && ivory_is_number(after);
}

/* The word that came before, into to[IVORY_SHOWN], with the blank that belongs before it: what follows it decides on
 * that. Returns how many bytes. Token -1: the end, nothing follows. */
size_t ivory_show(ivory_text *text, int32_t token, char *to)
{
    int known = token >= 0 && (token >= IVORY_FIRST || token == IVORY_UNKNOWN) && token < IVORY_VOCABULARY;
    size_t n = 0;

    if (!known && token != -1)
        return 0;
    if (text->last >= 0) {
        const char *word = ivory_tokens[text->last], *before = text->before < 0 ? "" : ivory_tokens[text->before];
        int joining = ivory_joins(before, word, known ? ivory_tokens[token] : "");
        int *quoted = ivory_is_one_of(word, "\"") ? &text->quoted : &text->quoted_once;
        int quote = !joining && ivory_is_one_of(word, "\"'"), closes = quote && *quoted;

        if (text->before >= 0 && !text->glued && !joining && !closes && !ivory_is_one_of(word, ",.;:!?)]}%") &&
            !(ivory_is_one_of(word, "-") && ivory_is_one_of(before, "-")))
            to[n++] = ' ';
        memcpy(to + n, word, strlen(word));
        n += strlen(word);
        text->glued = joining || (quote && !closes) || ivory_is_one_of(word, "([{$#");
        if (quote)
            *quoted = !closes;
        text->before = text->last;
    }
    text->last = known ? token : -1;
    return n;
}

//@ main
#ifndef IVORY_NO_MAIN
static void ivory_put(ivory_text *text, int32_t token)
{
    char shown[IVORY_SHOWN];
    size_t n = ivory_show(text, token, shown), i;

    for (i = 0; i < n; i++) {
        const char *as = shown[i] == '\n' ? "\\n" : shown[i] == '\r' ? "\\r" : shown[i] ? NULL : "\\0";
        if (as)
            fputs(as, stdout);
        else
            putchar(shown[i]);
    }
}

/* One sample, as a line. */
static void ivory_sample(ivory_text *text, const char *prompt, const ivory_choice *how, uint64_t seed, uint64_t number,
                         long length)
{
    ivory_cut cut = ivory_cut_of(prompt);
    int32_t token;
    long i;

    ivory_start(text);
    while (ivory_cut_next(&cut, &token) > 0) {
        ivory_put(text, token);
        ivory_feed(text, token);
    }
    for (i = 0; i < length; i++) {
        token = ivory_next(text, how, ivory_draw(seed, number, (uint64_t)i));
        if (token == IVORY_END)
            break;
        ivory_put(text, token);
        if (i + 1 < length)
            ivory_feed(text, token);
    }
    ivory_put(text, -1);
    putchar('\n');
}

static void ivory_usage(FILE *file, const char *name)
{
    fprintf(file, "usage: %s [--prompt TEXT] [--n SAMPLES] [--length TOKENS] [--seed SEED]\n"
                  "       [--temperature T] [--top-k K] [--top-p P]\n", name);
}

static int ivory_wrong(const char *name, const char *what)
{
    fprintf(stderr, "%s: %s\n", name, what);
    ivory_usage(stderr, name);
    return 2;
}

int main(int argc, char **argv)
{
    static const char *const names[] = { "--n", "--length", "--seed", "--temperature", "--top-k", "--top-p" };
    static const double least[] = { 1, 1, 0, 0, 0, 0 }, most[] = { 1e5, 1e9, 1e15, 100, 1e9, 1 };
    enum { N, LENGTH, SEED, TEMPERATURE, TOP_K, TOP_P, OPTIONS };
    double value[OPTIONS] = { 1, 100, 0, 1, 0, 1 };
    static ivory_text text;
    ivory_choice how;
    const char *prompt = "";
    ivory_cut cut;
    int32_t token;
    int i, o, got, tokens = 0;

    for (i = 1; i < argc; i += 2) {
        char *end;
        int prompted = strcmp(argv[i], "--prompt") == 0;
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            ivory_usage(stdout, argv[0]);
            return 0;
        }
        for (o = 0; o < OPTIONS && strcmp(argv[i], names[o]) != 0; o++)
            ;
        if (o == OPTIONS && !prompted)
            return ivory_wrong(argv[0], "an option that does not exist");
        if (i + 1 == argc)
            return ivory_wrong(argv[0], "an option without its value");
        if (prompted) {
            prompt = argv[i + 1];
            continue;
        }
        value[o] = strtod(argv[i + 1], &end);
        if (end == argv[i + 1] || *end || !(value[o] >= least[o] && value[o] <= most[o]) ||
            (o != TEMPERATURE && o != TOP_P && value[o] != (double)(int64_t)value[o]))
            return ivory_wrong(argv[0], "a value that is none, or out of its range");
    }
    cut = ivory_cut_of(prompt);
    while ((got = ivory_cut_next(&cut, &token)) > 0)
        tokens++;
    if (got < 0)
        return ivory_wrong(argv[0], "the prompt is no UTF-8");
    if (cut.unknown)
        fprintf(stderr, "%s: the model does not know %ld of the prompt's tokens\n", argv[0], cut.unknown);
    if (tokens == 0 && IVORY_BEGIN < 0)
        return ivory_wrong(argv[0], "this model continues a text: give it a prompt that it knows");
    how.temperature = value[TEMPERATURE];
    how.top_k = (long)value[TOP_K];
    how.top_p = value[TOP_P];
    for (i = 0; i < (int)value[N]; i++)
        ivory_sample(&text, prompt, &how, (uint64_t)value[SEED], (uint64_t)i, (long)value[LENGTH]);
    return fflush(stdout) || ferror(stdout) ? 1 : 0;
}
#endif
