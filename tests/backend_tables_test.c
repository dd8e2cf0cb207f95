/* backend_tables_test.c: the tables of inner kernels: packing and tiles in every form of operands,
 * against products of doubles. */
#include "backend/cpu/cpu.h"
#include "backend_world.h"

enum { MOST_K = 100, MOST_BLOCKS = 3 };

static const struct {
    const iv__cpu *cpu;
    const iv__backend *backend;
} tables[] = {
    { &iv__cpu_portable, &iv__backend_portable },
    { &iv__cpu_portable_rounded, &iv__backend_portable },
    { &iv__cpu_amx_emulated, &iv__backend_amx_emulated },
#ifdef __x86_64__
    { &iv__cpu_avx2, &iv__backend_avx2 },
    { &iv__cpu_avx2_rounded, &iv__backend_avx2 },
    { &iv__cpu_avx512, &iv__backend_avx512 },
    { &iv__cpu_avx512_rounded, &iv__backend_avx512 },
    { &iv__cpu_avx512bf16, &iv__backend_avx512bf16 },
    { &iv__cpu_amx, &iv__backend_amx },
#endif
};

static float operand_of(const iv__cpu *cpu, float x)
{
    return cpu->operands == IV__F32 ? x : nearest_bf16(x);
}

typedef struct factors {
    int64_t m, n, k, blocks;
    bool transposed_a, transposed_b, add;
    float *a, *b; /* [blocks] of [m,k] or [k,m]; [blocks] of [k,n] or [n,k] */
} factors;

static float a_of(const factors *f, int64_t q, int64_t i, int64_t k)
{
    return f->a[q * f->m * f->k + (f->transposed_a ? k * f->m + i : i * f->k + k)];
}

static float b_of(const factors *f, int64_t q, int64_t k, int64_t j)
{
    return f->b[q * f->k * f->n + (f->transposed_b ? j * f->k + k : k * f->n + j)];
}

/* One tile of m rows and a panel of n columns, m and n within one tile. */
static void check_tile(const iv__cpu *cpu, const factors *f)
{
    enum { LDC = 100 };
    int64_t vectors = iv__ceil_div(f->n, cpu->width), width = vectors * cpu->width;
    int64_t k = iv__operand_k(cpu, f->k), rows = iv__round_up(f->m, cpu->row_unit),
            bytes = (int64_t)iv__operand_bytes(cpu);
    bool by_tiles = f->transposed_a;
    int64_t a_row = by_tiles && cpu->operands != IV__PAIRS ? f->m : k, spare = 64;
    char *a = calloc(1, (size_t)((f->blocks * rows * k + spare) * bytes)),
         *b = calloc(1, (size_t)((f->blocks * k * width + spare) * bytes));
    float *c = calloc((size_t)(f->m * LDC), sizeof *c);

    for (int64_t q = 0; q < f->blocks; q++) {
        void *left = a + q * rows * k * bytes, *right = b + q * k * width * bytes;
        const float *from_a = f->a + q * f->m * f->k, *from_b = f->b + q * f->k * f->n;
        if (by_tiles)
            cpu->pack_tiles(f->k, f->m, from_a, f->m, left);
        else
            cpu->pack_left(f->k, f->m, from_a, f->k, left, k);
        if (f->transposed_b)
            cpu->pack_transposed(f->k, f->n, from_b, f->k, right, width);
        else
            cpu->pack(f->k, f->n, from_b, f->n, right, width);
    }
    for (int64_t i = 0; i < f->m * LDC; i++)
        c[i] = (float)i;
    bool by_columns = by_tiles && cpu->operands != IV__PAIRS;
    iv__tile_call t = { .k = k,
                        .blocks = f->blocks,
                        .a = a,
                        .ai = by_columns ? 1 : a_row,
                        .ak = by_columns ? a_row : 1,
                        .a_block = rows * k,
                        .b = b,
                        .c = c,
                        .ldc = LDC,
                        .add = f->add,
                        .last = (int)(f->n - (vectors - 1) * cpu->width),
                        .ahead = c };
    if (cpu->begin)
        cpu->begin();
    iv__tile_run(cpu, f->m, vectors, &t);
    if (cpu->end)
        cpu->end();
    for (int64_t i = 0; i < f->m; i++) {
        for (int64_t j = 0; j < LDC; j++) {
            double before = (double)(float)(i * LDC + j), sum = f->add || j >= f->n ? before : 0;
            for (int64_t q = 0; q < f->blocks && j < f->n; q++) {
                for (int64_t p = 0; p < f->k; p++)
                    sum += (double)operand_of(cpu, a_of(f, q, i, p)) *
                           (double)operand_of(cpu, b_of(f, q, p, j));
            }
            double error = fabs((double)c[i * LDC + j] - sum);
            if (error > 1e-6 * sqrt((double)(f->k * f->blocks)) + 1e-6 + 2e-7 * before * f->add ||
                (j >= f->n && error != 0))
                fail_msg("%lldx%lld, k %lld, %lld blocks: %g at %lld,%lld, wanted %g",
                         (long long)f->m, (long long)f->n, (long long)f->k, (long long)f->blocks,
                         (double)c[i * LDC + j], (long long)i, (long long)j, sum);
        }
    }
    free(a);
    free(b);
    free(c);
}

static void test_tiles(void **state)
{
    static const int64_t depths[] = { 1, 2, 3, 8, 31, 32, 33, 64, 77, MOST_K };
    float a[MOST_BLOCKS * IV__MAX_TILE_ROWS * MOST_K], b[MOST_BLOCKS * MOST_K * 48];

    (void)state;
    for (size_t i = 0; i < sizeof a / sizeof *a; i++)
        a[i] = random_real(1);
    for (size_t i = 0; i < sizeof b / sizeof *b; i++)
        b[i] = random_real(1);
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
        const iv__cpu *cpu = tables[t].cpu;
        if (!tables[t].backend->available())
            continue;
        for (int64_t m = 1; m <= cpu->rows; m++) {
            for (int64_t n = 1; n <= cpu->vectors * cpu->width; n += 1 + n % 5) {
                for (size_t d = 0; d < sizeof depths / sizeof *depths; d++) {
                    int64_t flags = m + n + (int64_t)d;
                    /* blocks follow one another in a panel, so each fills its k */
                    bool whole = depths[d] % cpu->k_unit == 0;
                    check_tile(cpu, &(factors){ m, n, depths[d], whole ? 1 + flags % MOST_BLOCKS : 1,
                                                flags & 1, flags >> 1 & 1, flags >> 2 & 1, a, b });
                }
            }
        }
    }
}

/* Rounding: to nearest, ties to even; NaN and infinities stay what they are. */
static void test_rounding(void **state)
{
    static const uint32_t special[] = { 0x7f800000, 0xff800000, 0x7fc00000, 0xffffffff,
                                        0x7f800001, 0x7f7fffff, 0x3f808000, 0x3f818000,
                                        0x3f808001, 0x80000000, 0x00000001, 0x00008000 };
    enum { N = 100 };
    float x[N];
    uint16_t pairs[N];
    float rounded[N];

    (void)state;
    for (size_t i = 0; i < N; i++) {
        uint32_t bits = i < sizeof special / sizeof *special ? special[i] : bits_of(random_real(9));
        memcpy(&x[i], &bits, sizeof bits);
    }
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
        const iv__cpu *cpu = tables[t].cpu;
        if (!tables[t].backend->available() || cpu->operands == IV__F32)
            continue;
        if (cpu->operands == IV__PAIRS) {
            /* k is filled up, so a row of N needs room */
            uint16_t wide[2 * N];
            cpu->pack_left(N, 1, x, N, wide, 2 * N);
            memcpy(pairs, wide, sizeof pairs);
        } else {
            cpu->pack_left(N, 1, x, N, rounded, N);
            for (int i = 0; i < N; i++) {
                assert_int_equal(bits_of(rounded[i]) & 0xffff, 0);
                pairs[i] = (uint16_t)(bits_of(rounded[i]) >> 16);
            }
        }
        for (int i = 0; i < N; i++) {
            uint32_t bits = (uint32_t)pairs[i] << 16;
            float got;
            memcpy(&got, &bits, sizeof got);
            if (isnan(x[i]))
                assert_true(isnan(got));
            else if (isinf(x[i]) || bits_of(x[i]) == 0x7f7fffff)
                assert_true(isinf(got) && signbit(got) == signbit(x[i]));
            else
                assert_int_equal(bits, bits_of(nearest_bf16(x[i])));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tiles),
        cmocka_unit_test(test_rounding),
    };

    return cmocka_run_group_tests_name("backend_tables", tests, NULL, NULL);
}
