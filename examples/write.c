/* write.c: loads a run and writes texts with it, then one word by word with what else was likely.
 *
 *     write RUN [PROMPT] */
#include <ivory/run.h>

#include <stdio.h>

static void print_text(void *user, int64_t number, const char *text, size_t size)
{
    (void)user;
    printf("%lld: %.*s\n", (long long)number + 1, (int)size, text);
}

static int write_together(iv_run *run, const char *prompt)
{
    iv_writer *writer = iv_writer_new(run, .prompt = prompt, .temperature = 0.7, .seed = 1);
    iv_next next[3];
    const char *piece = "(nothing yet)";

    for (int i = 0; writer && piece && *piece && i < 8; i++) { /* "": the text ends here */
        int n = iv_writer_likeliest(writer, 3, next);
        for (int k = 0; k < n; k++)
            printf("%s[%s] %.0f%%", k ? "  " : "", next[k].piece, 100 * next[k].probability);
        piece = iv_writer_draw(writer);
        printf("  -> [%s]\n", piece ? piece : "");
    }
    if (writer && piece)
        printf("%s\n", iv_writer_text(writer));
    iv_writer_free(writer);
    return writer && piece ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: write RUN [PROMPT]\n");
        return 2;
    }
    const char *prompt = argc > 2 ? argv[2] : "the";
    iv_home *home = iv_home_new(NULL);
    iv_run *run = home ? iv_run_load(home, argv[1]) : NULL;
    int failed = 1;

    if (run) {
        printf("%s, %s units\n", iv_run_system(run), iv_run_option(run, "units"));
        failed = iv_run_write(run, print_text, NULL, .prompt = prompt, .n = 3, .length = 20,
                              .top_p = 0.9) != IV_OK;
    }
    if (run && !failed)
        failed = write_together(run, prompt);
    if (failed)
        fprintf(stderr, "write: %s\n", home ? iv_home_message(home) : "out of memory");
    iv_run_free(run);
    iv_home_free(home);
    return failed;
}
