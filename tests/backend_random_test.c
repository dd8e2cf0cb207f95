/* backend_random_test.c: rows of random shapes and values by every backend here, as the fuzz target
 * of kernels makes them from bytes; here from fixed seeds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../fuzz/kernels_cases.h"

enum { SEEDS = 50, BYTES = 96 };

static void check_kind(int kind)
{
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        uint8_t bytes[BYTES];
        for (size_t i = 0; i < BYTES; i += 16) {
            uint32_t word[4];
            iv__philox(seed, (uint64_t)kind, i, word);
            memcpy(bytes + i, word, 16);
        }
        bytes[0] = (uint8_t)kind;
        if (!check_bytes(bytes, BYTES))
            fail_msg("seed %llu: %s", (unsigned long long)seed, finding);
    }
}

static void test_matmul(void **state)
{
    (void)state;
    check_kind(0);
}

static void test_lstm(void **state)
{
    (void)state;
    check_kind(1);
}

static void test_gru(void **state)
{
    (void)state;
    check_kind(2);
    check_kind(3);
}

static void test_simple_rnn(void **state)
{
    (void)state;
    check_kind(4);
}

static void test_cross_entropy(void **state)
{
    (void)state;
    check_kind(5);
}

static void test_softmax(void **state)
{
    (void)state;
    check_kind(6);
}

static void test_elementwise(void **state)
{
    (void)state;
    check_kind(7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matmul),        cmocka_unit_test(test_lstm),
        cmocka_unit_test(test_gru),           cmocka_unit_test(test_simple_rnn),
        cmocka_unit_test(test_cross_entropy), cmocka_unit_test(test_softmax),
        cmocka_unit_test(test_elementwise),
    };

    return cmocka_run_group_tests_name("backend_random", tests, NULL, NULL);
}
