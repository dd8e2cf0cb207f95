/* fault-sweep [OPTION]... WHAT:EFFECT[+],... -- ARG...: `ivory ARG...` with one call after another made to fail (with +, all
 * that follow, too), or with one byte after another of a file damaged, in a folder that is as it was each time; and what must
 * hold whatever is wrong. CALL:EFFECT is as faults.c has it; FILE:FLIP1, FLIP128 and FLIP255 change bits of one byte, FILE:CUT
 * leaves so many bytes.
 *
 *   it ends with status 0 or 1, within a minute, memory is given back, no sanitizer has anything to say (KILL and SHORTKILL: it is killed);
 *   damage does not make it take more memory (but what a sanitizer takes for its reports)
 *   1: a line of stderr begins with `ivory: ` and says something; for an allocation, that memory was out; for damage, the file
 *   0: stdout and each file are as without the fault: it was harmless; or an extra is left out, and why is said
 *   no file is there that the undisturbed command does not leave, and each is as it was before or as it is afterwards;
 *   what a training makes is judged by what follows it
 *   the command that is to follow succeeds and shows what it is to show
 *
 *   --before FOLDER    what is in the folder at the beginning
 *   --input FILE       stdin, a path in that folder
 *   --then COMMAND     follows each fault, words parted by blanks;   --shows TEXT   what it is to print
 *   --probe COMMAND    is to succeed where --file FILE is there after the fault
 *   --most N           so many points of failure of each, drawn from all; without it every one
 *   --seed N           for drawing
 *   --named TEXT       what a message on damage may say in place of the file's name
 *   --loose            files that are made may differ, for a dialogue saves what there is by then; and after damage stdout
 *                      may, where nothing says what was right
 *   --messages         prints each message once, with its numbers left out
 *
 * FAULTY and IVORY name the programs, SWEEP a folder to work in, where the file `totals` gets a line of how many faults there
 * were, failed, were harmless, killed, and broke something. Ends with 1 when one did. */
#define _GNU_SOURCE
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    MOST_WORDS = 64,
    SECONDS = 60,
    SHOWN = 30,
    IN_FULL = 2,
    MOST_MESSAGES = 400,
    MORE_KILOBYTES = 32 << 10
};

static struct {
    const char *before, *input, *then, *shows, *probe, *file, *named;
    char *call, *effect; /* of the pair that is tried */
    long most;
    uint64_t seed;
    bool on, messages, loose, sanitized;
    char **arguments;
    const char *faulty, *ivory, *root;
    char box[PATH - 64], after[PATH - 64], out[PATH - 64], err[PATH - 64], usual[PATH - 64];
} s;

static struct {
    long struck, failed, harmless, killed, broken;
} n;

static char *seen[MOST_MESSAGES];
static int n_seen;

/* ---- running --------------------------------------------------------------------------------- */

static void fresh_box(void)
{
    char temporary[PATH];

    remove_all(s.box);
    if (s.before)
        copy_all(s.before, s.box);
    else if (mkdir(s.box, 0777))
        give_up(s.box);
    snprintf(temporary, sizeof temporary, "%s/tmp", s.box);
    mkdir(temporary, 0777);
}

static void put_environment(const char *name, const char *format, long number)
{
    char text[128];

    snprintf(text, sizeof text, format, number);
    setenv(name, text, 1);
}

static void attach(const char *path, int flags, int stream)
{
    int file = open(path, flags, 0666);

    if (file < 0 || dup2(file, stream) < 0)
        _exit(126);
    close(file);
}

static long kilobytes, usual_kilobytes; /* the most that the last run took */

/* In the box. point: which call fails, or 0. Returns the status as a shell tells it. */
static int run(const char *program, char *const *arguments, long point, const char *counts, bool *struck)
{
    int told[2] = { -1, -1 }, status;
    char byte;

    if (point && pipe2(told, O_NONBLOCK))
        give_up("pipe");
    pid_t child = fork();
    if (child < 0)
        give_up("fork");
    if (!child) {
        if (chdir(s.box))
            _exit(125);
        char path[PATH];
        snprintf(path, sizeof path, "%s/cache", s.box);
        setenv("IVORY_CACHE", path, 1);
        snprintf(path, sizeof path, "%s/tmp", s.box);
        setenv("TMPDIR", path, 1);
        setenv("IVORY_DATA", s.box, 1);
        if (counts)
            setenv("IVORY_FAULT_COUNTS", counts, 1);
        if (point) {
            char fault[128];
            snprintf(fault, sizeof fault, "%s:%ld%s:%s", s.call, point, s.on ? "+" : "", s.effect);
            setenv("IVORY_FAULT", fault, 1);
            put_environment("IVORY_FAULT_TOLD", "%ld", told[1]);
        }
        attach(s.input && program == s.faulty ? s.input : "/dev/null", O_RDONLY, 0);
        attach(s.out, O_WRONLY | O_CREAT | O_TRUNC, 1);
        attach(s.err, O_WRONLY | O_CREAT | O_TRUNC, 2);
        alarm(SECONDS);
        execv(program, arguments);
        _exit(127);
    }
    struct rusage usage;
    while (wait4(child, &status, 0, &usage) < 0)
        if (errno != EINTR)
            give_up("wait4");
    kilobytes = usage.ru_maxrss;
    if (point) {
        *struck = read(told[0], &byte, 1) == 1;
        close(told[0]);
        close(told[1]);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run_words(const char *command)
{
    char *words[MOST_WORDS] = { (char *)(uintptr_t)s.ivory }, *text = strdup(command), *rest = text;
    int count = 1, status;

    for (char *word; count < MOST_WORDS - 1 && (word = strsep(&rest, " "));)
        if (*word)
            words[count++] = word;
    words[count] = NULL;
    status = run(s.ivory, words, 0, NULL, NULL);
    free(text);
    return status;
}

/* ---- what must hold -------------------------------------------------------------------------- */

static long point;
static int status;
static bool killed, shown_this;
static bool lesser; /* it succeeded without an extra, and said why */

/* FILE:EFFECT: the file, damaged at byte `at`, from 1. */
static int damage_of(const char *effect)
{
    return !strcmp(effect, "FLIP1")     ? 1
           : !strcmp(effect, "FLIP128") ? 128
           : !strcmp(effect, "FLIP255") ? 255
                                        : 0;
}

static bool damages(void)
{
    return damage_of(s.effect) || !strcmp(s.effect, "CUT");
}

static void damage(long at)
{
    char path[PATH];
    size_t size;

    snprintf(path, sizeof path, "%s/%s", s.box, s.call);
    char *bytes = contents(path, &size);
    int file = bytes ? open(path, O_WRONLY | O_TRUNC) : -1;
    if (file < 0)
        give_up(path);
    if (damage_of(s.effect))
        bytes[at - 1] = (char)(bytes[at - 1] ^ damage_of(s.effect));
    else
        size = (size_t)at - 1;
    if (write(file, bytes, size) != (ssize_t)size)
        give_up(path);
    close(file);
    free(bytes);
}

static bool says(const char *path, const char *why)
{
    size_t size;
    char *text = contents(path, &size);
    bool found = text && strstr(text, why);

    free(text);
    return found;
}

/* A message names the file that is damaged, or is the other one that is expected. */
static bool names_damage(void)
{
    const char *slash = strrchr(s.call, '/');

    return says(s.err, slash ? slash + 1 : s.call) || (s.named && says(s.err, s.named));
}

/* What the fault was is on stdout or stderr. */
static bool says_why(void)
{
    static const struct {
        const char *effect, *why;
    } reasons[] = { { "EIO", "Input/output error" },
                    { "ENOSPC", "o space" },
                    { "EMFILE", "Too many open files" },
                    { "EINTR", "Interrupted" },
                    { "ENOMEM", "memory" },
                    { "EACCES", "Permission denied" },
                    { "EAGAIN", "temporarily unavailable" } };

    if (damages())
        return s.loose || names_damage();
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (!strcmp(s.effect, reasons[i].effect))
            return says(s.err, reasons[i].why) || says(s.out, reasons[i].why);
    return false;
}

static void put_file(const char *title, const char *path)
{
    size_t size;
    char *text = contents(path, &size);

    if (text && size && n.broken <= IN_FULL)
        printf("    %s: %.1500s\n", title, text);
    free(text);
}

static void broken(const char *format, const char *what)
{
    static char last[400];
    char text[400];

    if (!shown_this)
        n.broken++;
    snprintf(text, sizeof text, format, what);
    if (n.broken > SHOWN || (!shown_this && n.broken > IN_FULL && !strcmp(text, last)))
        return; /* as the one before */
    snprintf(last, sizeof last, "%s", text);
    if (!shown_this) {
        printf(damages() ? "  %s, byte %ld%s, %s: %s" : "  IVORY_FAULT=%s:%ld%s:%s %s", s.call,
               point, s.on ? "+" : "", s.effect, s.faulty);
        for (char **a = s.arguments + 1; *a && n.broken <= IN_FULL; a++)
            printf(strpbrk(*a, " \"'*\n") ? " '%s'" : " %s", *a);
        printf("\n");
    }
    shown_this = true;
    printf("    %s; status %d\n", text, status);
}

static bool ends_with(const char *text, const char *end)
{
    size_t a = strlen(text), b = strlen(end);

    return a >= b && !strcmp(text + a - b, end);
}

static bool begins_with(const char *text, const char *beginning)
{
    return !strncmp(text, beginning, strlen(beginning));
}

/* What a training lets grow, and what has times in it. */
static bool grows(const char *below)
{
    static const char *const ends[] = { "metrics.jsonl",      "tfevents.ivory",
                                        "/last.safetensors",  "/previous.safetensors",
                                        "/model.safetensors", "/lock" };

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (ends_with(below, ends[i]))
            return !strcmp(s.arguments[1], "train");
    return false;
}

static void judge_file(const char *below, bool is_folder)
{
    char here[PATH], before[PATH], after[PATH];

    if (is_folder)
        return;
    if (killed && (ends_with(below, ".new") || begins_with(below, "tmp/")))
        return;
    if (ends_with(below, ".new") || begins_with(below, "tmp/")) {
        broken("%s was left behind", below);
        return;
    }
    if (begins_with(below, "cache/") || grows(below) || (damages() && !strcmp(below, s.call)))
        return;
    snprintf(here, sizeof here, "%s/%s", s.box, below);
    snprintf(before, sizeof before, "%s/%s", s.before ? s.before : "/nowhere", below);
    snprintf(after, sizeof after, "%s/%s", s.after, below);
    if (!s.loose && !same(here, after) && ((status == 0 && !lesser) || !same(here, before)))
        broken("%s is neither as before nor as after the command", below);
}

static void judge_absent(const char *below, bool is_folder)
{
    char here[PATH];

    snprintf(here, sizeof here, "%s/%s", s.box, below);
    if (!is_folder && !begins_with(below, "cache/") && !begins_with(below, "tmp/") && access(here, F_OK))
        broken("%s was not made", below);
}

static void keep_message(const char *text)
{
    char plain[400];
    size_t k = 0;

    for (; *text && *text != '\n' && k < sizeof plain - 1; text++)
        if (*text < '0' || *text > '9')
            plain[k++] = *text;
        else if (!k || plain[k - 1] != '#')
            plain[k++] = '#';
    plain[k] = 0;
    for (int i = 0; i < n_seen; i++)
        if (!strcmp(seen[i], plain))
            return;
    if (n_seen < MOST_MESSAGES)
        seen[n_seen++] = strdup(plain);
}

static void judge_words(void)
{
    size_t size;
    char *text = contents(s.err, &size), *line = text;

    if (strstr(text, "Sanitizer") || strstr(text, "runtime error:"))
        broken("a sanitizer speaks: %.900s", text);
    if (strstr(text, "faults: "))
        broken("%.200s", strstr(text, "faults: "));
    while (line && !begins_with(line, "ivory: ") && !begins_with(line, "ivory-"))
        line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL;
    if (line)
        keep_message(line);
    if (status == 1 && (!line || strcspn(line, "\n") < 16))
        broken("it says nothing: %.300s", text);
    else if (status == 1 && ends_with(s.call, "alloc") && !strstr(text, "memory"))
        broken("it does not say that memory was out: %.300s", text);
    else if (status == 1 && damages() && !names_damage())
        broken("it does not name what is damaged: %.300s", text);
    free(text);
}

static void judge_then(void)
{
    size_t size;
    char file[PATH];

    snprintf(file, sizeof file, "%s/%s", s.box, s.file ? s.file : "");
    if (s.probe && !access(file, F_OK) && (status = run_words(s.probe))) {
        broken("%s fails afterwards", s.probe);
        put_file("stderr", s.err);
    }
    if (!s.then)
        return;
    status = run_words(s.then);
    char *text = contents(s.out, &size);
    if (status || (s.shows && !strstr(text, s.shows))) {
        broken("%s fails afterwards, or shows something else", s.then);
        put_file("stderr", s.err);
        put_file("stdout", s.out);
    }
    free(text);
}

/* Where two texts differ first. */
static void put_difference(const char *path, const char *other)
{
    size_t n_a, n_b, line = 0;
    char *a = contents(path, &n_a), *b = contents(other, &n_b);

    for (size_t i = 0; i < n_a && i < n_b && a[i] == b[i]; i++)
        if (a[i] == '\n')
            line = i + 1;
    printf("    here:    %.*s\n", (int)strcspn(a + line, "\n"), a + line);
    printf("    usually: %.*s\n", (int)strcspn(b + line, "\n"), b + line);
    free(a);
    free(b);
}

static void try_point(long at)
{
    bool struck = false, kills = ends_with(s.effect, "KILL");

    point = at;
    shown_this = false;
    fresh_box();
    if (damages()) {
        damage(at);
        status = run(s.ivory, s.arguments, 0, NULL, NULL);
        struck = true;
        if (!s.sanitized && kilobytes > usual_kilobytes + MORE_KILOBYTES)
            broken("it takes much more memory than usual%s", "");
    } else {
        status = run(s.faulty, s.arguments, at, NULL, &struck);
    }
    killed = struck && kills && status == 137;
    n.struck += struck;
    n.failed += struck && status == 1;
    n.harmless += struck && status == 0;
    n.killed += killed;
    if (!struck)
        broken("%s was not called so often", s.call);
    if (!killed && status != 0 && (status != 1 || kills))
        broken("the status is neither 0 nor 1%s", "");
    if (!killed)
        judge_words();
    lesser = !killed && status == 0 && says_why();
    if (!killed && status == 0 && !lesser && !same(s.out, s.usual))
        broken("it succeeds with another output%s", "");
    if (shown_this && status == 0 && n.broken <= SHOWN && !same(s.out, s.usual))
        put_difference(s.out, s.usual);
    walk(s.box, "", judge_file);
    if (status == 0 && !lesser)
        walk(s.after, "", judge_absent);
    if (shown_this && n.broken <= IN_FULL)
        put_file("stderr", s.err);
    judge_then();
}

/* ---- all of it ------------------------------------------------------------------------------- */

/* Makes the files `counts`, `usual` and the folder `after`. */
static void undisturbed(void)
{
    char counts[PATH];

    snprintf(counts, sizeof counts, "%s/counts", s.root);
    fresh_box();
    status = run(s.faulty, s.arguments, 0, counts, NULL);
    if (status) {
        put_file("stderr", s.err);
        printf("  without a fault it ends with %d\n", status);
        exit(1);
    }
    usual_kilobytes = kilobytes;
    copy_file(s.out, s.usual);
    remove_all(s.after);
    copy_all(s.box, s.after);
}

static long calls_of(const char *call)
{
    char path[PATH], name[64];
    long count = -1, one;

    snprintf(path, sizeof path, "%s/counts", s.root);
    FILE *file = fopen(path, "r");
    while (file && fscanf(file, "%63s %ld", name, &one) == 2)
        count = strcmp(name, call) ? count : one;
    if (!file || count < 0)
        give_up(call);
    fclose(file);
    return count;
}

static long bytes_of(const char *file)
{
    char path[PATH];
    struct stat about;

    snprintf(path, sizeof path, "%s/%s", s.before ? s.before : "", file);
    if (stat(path, &about))
        give_up(path);
    return (long)about.st_size;
}

/* A number below `below`, by splitmix64. */
static long draw(long below)
{
    uint64_t x = s.seed += 0x9e3779b97f4a7c15u;

    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return (long)((x ^ x >> 31) % (uint64_t)below);
}

/* One of each equal stretch of the calls. */
static void try_pair(char *pair)
{
    s.call = strsep(&pair, ":");
    s.effect = pair ? pair : s.call;
    s.on = ends_with(s.effect, "+");
    if (s.on)
        s.effect[strlen(s.effect) - 1] = 0;
    long calls = damages() ? bytes_of(s.call) : calls_of(s.call),
         tries = s.most && s.most < calls ? s.most : calls, broken_before = n.broken;
    for (long i = 0; i < tries; i++) {
        long from = calls * i / tries, to = calls * (i + 1) / tries;
        try_point(from + 1 + (to - from > 1 ? draw(to - from) : 0));
    }
    if (calls && (s.messages || n.broken > broken_before))
        printf("  %s:%s%s: %ld of %ld %s, %ld broken\n", s.call, s.effect, s.on ? "+" : "", tries,
               calls, damages() ? "bytes" : "calls", n.broken - broken_before);
}

static void put_totals(void)
{
    char path[PATH];

    snprintf(path, sizeof path, "%s/totals", s.root);
    FILE *file = fopen(path, "a");
    if (!file)
        give_up(path);
    fprintf(file, "%ld %ld %ld %ld %ld\n", n.struck, n.failed, n.harmless, n.killed, n.broken);
    fclose(file);
}

static int read_options(int argc, char **argv)
{
    int i = 1;

    for (; i < argc && begins_with(argv[i], "--"); i++) {
        const struct {
            const char *name, **value;
        } texts[] = { { "--before", &s.before }, { "--input", &s.input }, { "--then", &s.then },
                      { "--shows", &s.shows },   { "--probe", &s.probe }, { "--file", &s.file },
                      { "--named", &s.named } };
        size_t k = 0;
        while (k < sizeof texts / sizeof *texts && strcmp(texts[k].name, argv[i]))
            k++;
        if (k < sizeof texts / sizeof *texts && i + 1 < argc)
            *texts[k].value = argv[++i];
        else if (!strcmp(argv[i], "--most") && i + 1 < argc)
            s.most = atol(argv[++i]);
        else if (!strcmp(argv[i], "--seed") && i + 1 < argc)
            s.seed = strtoull(argv[++i], NULL, 10);
        else if (!strcmp(argv[i], "--loose"))
            s.loose = true;
        else if (!strcmp(argv[i], "--messages"))
            s.messages = true;
        else
            return 0;
    }
    return i;
}

int main(int argc, char **argv)
{
    int at = read_options(argc, argv);

    const char *sanitizer = getenv("IVORY_SANITIZE");
    s.sanitized = sanitizer && *sanitizer;
    s.faulty = getenv("FAULTY"), s.ivory = getenv("IVORY"), s.root = getenv("SWEEP");
    if (!at || at + 2 >= argc || strcmp(argv[at + 1], "--") || !s.faulty || !s.ivory || !s.root) {
        fprintf(stderr,
                "usage: FAULTY=PROGRAM IVORY=PROGRAM SWEEP=FOLDER fault-sweep [OPTION]... CALL:EFFECT[+],... -- ARG...\n");
        return 2;
    }
    s.arguments = argv + at + 1; /* the program's name stands where -- was */
    s.arguments[0] = (char *)(uintptr_t) "ivory";
    snprintf(s.box, sizeof s.box, "%s/box", s.root);
    snprintf(s.after, sizeof s.after, "%s/after", s.root);
    snprintf(s.out, sizeof s.out, "%s/out", s.root);
    snprintf(s.err, sizeof s.err, "%s/err", s.root);
    snprintf(s.usual, sizeof s.usual, "%s/usual", s.root);

    undisturbed();
    for (char *pair, *pairs = argv[at]; (pair = strsep(&pairs, ","));)
        try_pair(pair);
    put_totals();
    for (int i = 0; s.messages && i < n_seen; i++)
        printf("  %s\n", seen[i]);
    return n.broken ? 1 : 0;
}
