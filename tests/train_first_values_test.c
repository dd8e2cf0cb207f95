/* train_first_values_test.c: a run begins with the lengths and biases that its first batch gives; it does so
 * again after a bad step before the first epoch's end, and never else. */
#define _XOPEN_SOURCE 700
#include "train_world.h"

#include "base/random.h"
#include "train/batch.h"

static training normed(world *w, const char *folder)
{
    training t = training_of(w, folder, LINE);

    t.task.normed = true;
    return t;
}

/* gain and bias of a file of the run. */
static void values_of(world *w, const training *t, const char *name, float value[2])
{
    iv__safetensors *file = iv__safetensors_open(w->home, file_of(t, name));

    if (!file)
        fail_msg("%s", iv_home_message(w->home));
    value[0] = *(const float *)iv__safetensors_find(file, "dense/gain")->data;
    value[1] = *(const float *)iv__safetensors_find(file, "dense/bias")->data;
    iv__safetensors_close(file);
}

/* Over the first batch the layer gives mean 0 and variance 1. A batch may be larger than there are records: what
 * fills it up does not count. */
static void the_first_batch_sets_them(void **state)
{
    world *w = *state;

    for (int64_t batch = 4; batch <= RECORDS + 7; batch += RECORDS + 3) {
        training t = normed(w, batch == 4 ? "four" : "all");
        seen s = { 0 };
        double mean = 0, square = 0;
        int32_t order[RECORDS];
        float value[2], length = 0;
        const int64_t n = batch < RECORDS ? batch : RECORDS;

        t.settings.batch = batch;
        t.settings.steps = 1;
        t.settings.rate = 0;
        train_to_the_end(&t, false, &s);
        values_of(w, &t, "last.safetensors", value);
        iv__safetensors *file = iv__safetensors_open(w->home, file_of(&t, "last.safetensors"));
        const float *kernel = iv__safetensors_find(file, "dense/kernel")->data;
        for (int k = 0; k < WIDTH; k++)
            length += kernel[k] * kernel[k];
        iv__shuffle(iv__random_key((uint64_t)t.settings.seed, IV__SHUFFLE_KEY), 0, order, RECORDS);
        for (int64_t i = 0; i < n; i++) {
            float y = value[1];
            for (int k = 0; k < WIDTH; k++)
                y += value[0] * kernel[k] / sqrtf(length) * sinf((float)(order[i] * WIDTH + k));
            mean += (double)y / (double)n;
            square += (double)(y * y) / (double)n;
        }
        if (!(fabs(mean) < 1e-6 && fabs(square - 1) < 1e-5))
            fail_msg("%d records: mean %g, mean square %g", (int)n, mean, square);
        iv__safetensors_close(file);
    }
}

static void the_same_bits_however_it_is_run(void **state)
{
    world *w = *state;
    training one = normed(w, "one"), threads = normed(w, "threads"), parts = normed(w, "parts");
    seen s = { 0 }, again = { 0 }, part = { .stop_at = 1 }, rest = { 0 };
    char message[1024];

    train_to_the_end(&one, false, &s);
    threads.threads = 3;
    train_to_the_end(&threads, false, &again);
    assert_same_run(&one, &threads);
    assert_int_equal(train(&parts, false, &part, message), IV_STOPPED);
    train_to_the_end(&parts, true, &rest);
    assert_same_run(&one, &parts);
}

/* In the first epoch a bad step leads back to them; here it is the last step, so that they are what is left. */
static void a_bad_step_leads_back_to_them(void **state)
{
    world *w = *state;
    training t = normed(w, "start"), bad = normed(w, "bad");
    seen s = { 0 }, again = { 0 };
    float start[2], left[2];

    t.settings.rate = 0;
    t.settings.steps = 1;
    t.settings.average = bad.settings.average = 0.5;
    train_to_the_end(&t, false, &s);
    values_of(w, &t, "last.safetensors", start);
    assert_true(start[0] != 1 && start[1] != 0); /* as at birth */

    bad.task.bad = NAN;
    for (bad.task.bad_record = 0; bad.task.bad_record < RECORDS; bad.task.bad_record++) {
        char name[16];
        snprintf(name, sizeof name, "bad%d", bad.task.bad_record);
        place(&bad, w, name);
        again = (seen){ 0 };
        bad.settings.steps = 3;
        train_to_the_end(&bad, false, &again);
        if (again.last_step == 2 && again.steps == 2) /* the third was bad */
            break;
    }
    assert_in_range(bad.task.bad_record, 0, RECORDS - 1);
    assert_non_null(strstr(again.notes, "Back to the weights of the beginning"));
    values_of(w, &bad, "last.safetensors", left);
    assert_memory_equal(left, start, sizeof start);
    values_of(w, &bad, "model.safetensors", left); /* their average */
    assert_memory_equal(left, start, sizeof start);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, world_begin, world_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(the_first_batch_sets_them),
        IN_WORLD(the_same_bits_however_it_is_run),
        IN_WORLD(a_bad_step_leads_back_to_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
