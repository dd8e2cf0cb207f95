//@ math
static uint32_t ivory_bits(float x)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static float ivory_float(uint32_t bits)
{
    float x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The exponential: 2^k e^r, |r| at most half of ln 2. */
static float ivory_exp(float x)
{
    float held = x > -104.0f ? (x < 89.0f ? x : 89.0f) : -104.0f;
    float k = (held * 1.44269504f + 12582912.0f) - 12582912.0f;
    float r = (held - k * 0.693359375f) - k * -2.12194440e-4f, p = 1.9875691500e-4f;
    int32_t power = (int32_t)k, half = power < 0 ? -((1 - power) / 2) : power / 2;

    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    return p * ivory_float((uint32_t)(half + 127) << 23) * ivory_float((uint32_t)(power - half + 127) << 23);
}

//@ product
enum { IVORY_BLOCK = 256 };

/* n of the columns of a block, summed over some rows, one after the other. */
static void ivory_sums(int n, int rows, const float *x, const float *restrict w, size_t stride, float *restrict sum)
{
    int i, q = 0;

    for (; q + 4 <= rows; q += 4, w += 4 * stride)
        for (i = 0; i < n; i++)
            sum[i] = sum[i] + x[q] * w[i] + x[q + 1] * w[stride + i] + x[q + 2] * w[2 * stride + i] +
                     x[q + 3] * w[3 * stride + i];
    for (; q < rows; q++, w += stride)
        for (i = 0; i < n; i++)
            sum[i] += x[q] * w[i];
}

/* y = x w, added to y on demand. The rows of w are summed up in chunks, each of them in order: so are Ivory's own. */
static void ivory_product(int columns, int rows, int chunk, const float *x, const float *w, size_t stride, int add,
                          float *y)
{
    int i, j, q;

    for (j = 0; j < columns; j += IVORY_BLOCK) {
        int n = columns - j < IVORY_BLOCK ? columns - j : IVORY_BLOCK;
        for (q = 0; q < rows; q += chunk) {
            int some = rows - q < chunk ? rows - q : chunk;
            float sum[IVORY_BLOCK] = { 0 };
            if (n == IVORY_BLOCK)
                ivory_sums(IVORY_BLOCK, some, x + q, w + (size_t)q * stride + j, stride, sum);
            else
                ivory_sums(n, some, x + q, w + (size_t)q * stride + j, stride, sum);
            for (i = 0; i < n; i++)
                y[j + i] = add || q > 0 ? sum[i] + y[j + i] : sum[i];
        }
    }
}

//@ column
/* Column `column` of w. */
static void ivory_column(int rows, const float *w, size_t stride, int32_t column, float *y)
{
    int i;

    for (i = 0; i < rows; i++)
        y[i] = w[(size_t)i * stride + (size_t)column];
}

//@ add
static void ivory_add(int n, const float *a, const float *b, float *y)
{
    int i;

    for (i = 0; i < n; i++)
        y[i] = a[i] + b[i];
}

//@ parts
/* e^x = power (1 + rest). */
static void ivory_parts(float x, float *power, float *rest)
{
    const float magic = 12583039.0f; /* its last bits hold the exponent of 1 */
    float shifted, r, p;

    x = x < -87.0f ? -87.0f : x > 87.0f ? 87.0f : x;
    shifted = x * 1.44269504f + magic;
    r = (shifted - magic) * -0.693147182f + x;
    p = 1.39264006e-3f * r + 8.36335309e-3f;
    p = p * r + 4.16665524e-2f;
    p = p * r + 1.66665763e-1f;
    p = p * r + 0.5f;
    *rest = p * r * r + r;
    *power = ivory_float(ivory_bits(shifted) << 23);
}

static float ivory_tanh(float x)
{
    float power, rest;

    ivory_parts(x + x, &power, &rest);
    return (power * rest + (power - 1.0f)) * (1.0f / (power * rest + (power + 1.0f)));
}

//@ sigmoid
static float ivory_sigmoid(float x)
{
    float power, rest;

    ivory_parts(0.0f - x, &power, &rest);
    return 1.0f / (power * rest + (power + 1.0f));
}

//@ lstm
/* z: what reaches the gates i, f, g and o through the state; x: what is added to it, or NULL. h and c become those of
 * the next position. */
static void ivory_lstm(int units, const float *z, const float *x, const float *b, float *h, float *c)
{
    int i, q;

    for (i = 0; i < units; i++) {
        float sum[4];
        for (q = 0; q < 4; q++)
            sum[q] = (x ? z[q * units + i] + x[q * units + i] : z[q * units + i]) + b[q * units + i];
        c[i] = ivory_sigmoid(sum[1]) * c[i] + ivory_sigmoid(sum[0]) * ivory_tanh(sum[2]);
        h[i] = ivory_sigmoid(sum[3]) * ivory_tanh(c[i]);
    }
}

//@ gru_after
/* z: of the gates z, r and g, of which that of g lacks what comes through the state: that is `inner`. */
static void ivory_gru_after(int units, const float *z, const float *inner, const float *b, float *h)
{
    int i;

    for (i = 0; i < units; i++) {
        float keep = ivory_sigmoid(z[i] + b[i] + b[3 * units + i]);
        float r = ivory_sigmoid(z[units + i] + b[units + i] + b[4 * units + i]);
        float g = ivory_tanh(r * (inner[i] + b[5 * units + i]) + (z[2 * units + i] + b[2 * units + i]));
        h[i] = keep * h[i] + (1.0f - keep) * g;
    }
}

//@ gru_before
/* z: of the gates z, r and g; inner: the state behind the reset gate. */
static void ivory_gru_reset(int units, float *z, const float *b, const float *h, float *inner)
{
    int i;

    for (i = 0; i < units; i++) {
        z[i] = ivory_sigmoid(z[i] + b[i]);
        inner[i] = ivory_sigmoid(z[units + i] + b[units + i]) * h[i];
    }
}

static void ivory_gru_before(int units, const float *z, const float *b, float *h)
{
    int i;

    for (i = 0; i < units; i++)
        h[i] = z[i] * h[i] + (1.0f - z[i]) * ivory_tanh(z[2 * units + i] + b[2 * units + i]);
}

//@ simple_rnn
static void ivory_simple_rnn(int units, const float *z, const float *b, float *h)
{
    int i;

    for (i = 0; i < units; i++)
        h[i] = ivory_tanh(z[i] + b[i]);
}
