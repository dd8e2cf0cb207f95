/* cifar.c: reads files in the binary layout of CIFAR-10, picture by picture. */
#include "format/cifar.h"

enum { RECORD = 1 + IV__CIFAR_PICTURE, PLANE = IV__CIFAR_PICTURE / 3 };

static void say_why(iv__source *source, int64_t number, const unsigned char *record, int64_t got)
{
    iv_home *home = iv__source_home(source);

    if (got >= 0 && got < RECORD)
        iv_fail(home, IV_FORMAT,
                "%s: picture %lld has %lld bytes instead of %d: the file is cut short, or not in CIFAR-10's layout",
                iv__source_name(source), (long long)number, (long long)got, RECORD);
    else if (got > 0 && record[0] >= IV__CIFAR_CLASSES)
        iv_fail(home, IV_FORMAT,
                "%s: the label of picture %lld is %d: expected 0 to %d; is the file in CIFAR-10's layout?",
                iv__source_name(source), (long long)number, record[0], IV__CIFAR_CLASSES - 1);
}

bool iv__cifar_next(iv__source *source, int64_t number, unsigned char *picture, int *label, bool *failed)
{
    unsigned char record[RECORD];
    const int64_t got = iv__source_read(source, record, RECORD);

    *failed = got != 0 && (got < RECORD || record[0] >= IV__CIFAR_CLASSES);
    if (*failed)
        say_why(source, number, record, got);
    if (*failed || got == 0)
        return false;
    *label = record[0];
    for (int i = 0; i < PLANE; i++)
        for (int c = 0; c < 3; c++)
            *picture++ = record[1 + c * PLANE + i];
    return true;
}
