/* ops_case.h: the words of the table of cases, tests/ops_cases.c. */
#ifndef TESTS_COMMON_OPS_CASE_H
#define TESTS_COMMON_OPS_CASE_H

#include "ops/attrs.h"
#include "ops/rows.h"
#include "ops/window.h"

#include <stdbool.h>

enum { MAX_CASE_INPUTS = 14 };

typedef enum input_kind {
    INPUT_REAL = 1, /* drawn from the case's range, or from its own */
    INPUT_FLAG,     /* 0 or 1, real, not differentiated (a mask, a weight) */
    INPUT_INDEX,    /* i32 in [low, high] */
    INPUT_BYTE,     /* u8 in [low, high] */
} input_kind;

typedef struct case_input {
    input_kind kind;
    iv_shape shape;
    double low, high; /* both 0: the case's range */
    bool fixed;       /* not differentiated */
} case_input;

typedef struct ops_case {
    const char *row;
    int line; /* of the table */
    int n_in;
    case_input in[MAX_CASE_INPUTS];
    double low, high; /* range of real inputs */
    const void *attr;
    double tolerance;        /* of f32 against f64, and of backends; 0: 2e-6 */
    const char *first_order; /* the row that a second derivative is refused by */
    int n_public;            /* outputs that builders hand out, for gradients; 0: all */
    int n_given, n_golden;
    const double *given;  /* all inputs' elements in order, instead of drawn ones */
    const double *golden; /* output 0 */
    bool steps, refuses_steps;
    int time[MAX_CASE_INPUTS]; /* axis of time of each input, or STILL */
} ops_case;

enum { STILL = -1 };

#define LENGTH_OF(type, ...) ((int)(sizeof((type[]){ __VA_ARGS__ }) / sizeof(type)))
#define SHAPE_OF(...)                    \
    {                                    \
        LENGTH_OF(int64_t, __VA_ARGS__), \
        {                                \
            __VA_ARGS__                  \
        }                                \
    }

/* Inputs: F reals, R reals of a range of their own, X reals that have no gradient, M zeros and
 * ones, I indices below `count`, J indices from `low` to `high`, B bytes. */
#define IN(...) .n_in = LENGTH_OF(case_input, __VA_ARGS__), .in = { __VA_ARGS__ }
#define SCALAR                                \
    {                                         \
        INPUT_REAL, { 0, { 0 } }, 0, 0, false \
    }
#define F(...)                                         \
    {                                                  \
        INPUT_REAL, SHAPE_OF(__VA_ARGS__), 0, 0, false \
    }
#define R(low, high, ...)                                   \
    {                                                       \
        INPUT_REAL, SHAPE_OF(__VA_ARGS__), low, high, false \
    }
#define X(...)                                        \
    {                                                 \
        INPUT_REAL, SHAPE_OF(__VA_ARGS__), 0, 0, true \
    }
#define M(...)                                        \
    {                                                 \
        INPUT_FLAG, SHAPE_OF(__VA_ARGS__), 0, 1, true \
    }
#define I(count, ...)                                          \
    {                                                          \
        INPUT_INDEX, SHAPE_OF(__VA_ARGS__), 0, (count)-1, true \
    }
#define J(low, high, ...)                                   \
    {                                                       \
        INPUT_INDEX, SHAPE_OF(__VA_ARGS__), low, high, true \
    }
#define B(low, high, ...)                                  \
    {                                                      \
        INPUT_BYTE, SHAPE_OF(__VA_ARGS__), low, high, true \
    }

#define RANGE(from, to) .low = from, .high = to
#define WITH(type, ...)   \
    .attr = &(const type) \
    {                     \
        __VA_ARGS__       \
    }
#define TOLERANCE(number) .tolerance = number
#define FIRST_ORDER(by) .first_order = by
#define OUTPUTS(count) .n_public = count
#define GIVEN(...)                                                       \
    .n_given = LENGTH_OF(double, __VA_ARGS__), .given = (const double[]) \
    {                                                                    \
        __VA_ARGS__                                                      \
    }
#define GOLDEN(...)                                                        \
    .n_golden = LENGTH_OF(double, __VA_ARGS__), .golden = (const double[]) \
    {                                                                      \
        __VA_ARGS__                                                        \
    }
/* STEPS: time axes of the inputs; the stepper must agree with the whole. NO_STEPS: it must
 * refuse. */
#define STEPS(...) .steps = true, .time = { __VA_ARGS__ }
#define NO_STEPS(...) .refuses_steps = true, .time = { __VA_ARGS__ }
#define CASE(name, ...)                             \
    {                                               \
        .row = #name, .line = __LINE__, __VA_ARGS__ \
    }

#endif
