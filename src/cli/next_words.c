/* next_words.c: pictures of what a run thinks may follow a prompt: bars of the likeliest next
 * tokens, and a page on which they stand beside samples at several temperatures. */
#include "cli/next_words.h"

#include "base/file.h"
#include "cli/figure.h"
#include "cli/page.h"
#include "models/common_writing.h"

#include <math.h>
#include <string.h>

enum { NEXT_TOKENS = 5, SAMPLES = 3, MOST_TOKENS = 200, MOST_CHARACTERS = 240 /* of a sample */ };

/* Makes the session ready to say what may follow the prompt. */
static iv_status feed_prompt(cli *c, iv__writing *writing, const char *prompt)
{
    iv__ids ids = { .home = c->home };
    iv__text note = { .home = c->home };
    iv_status status = iv__writing_prompt(writing, prompt, &ids, &note);

    if (note.size)
        cli_note(c, "ivory: %s", note.data);
    if (!status)
        status = iv__writing_start(writing);
    if (!status)
        status = iv__writing_feed_all(writing, &ids);
    iv__ids_free(&ids);
    iv__text_free(&note);
    return status;
}

static const char *label_of(const iv__writing *writing, const iv__likely *likely)
{
    return figure_label(iv__vocabulary_token(iv__writing_language(writing)->vocabulary, likely->token));
}

static double share_of(const iv__likely *likely)
{
    return fmin(fmax(likely->probability, 0), 1);
}

/* A panel of bars. */
static void put_panel(iv__text *picture, const iv__writing *writing, const char *before,
                      const char *prompt, const iv__likely *likely, int n)
{
    iv__text_print(picture, "panel\npanel-title\t%s", before);
    figure_put_text(picture, *prompt ? prompt : "(the beginning)");
    iv__text_put(picture, "\nbars\n");
    for (int i = 0; i < n; i++) {
        iv__text_put(picture, "bar\t");
        figure_put_text(picture, label_of(writing, &likely[i]));
        iv__text_print(picture, "\t%.6f\n", share_of(&likely[i]));
    }
}

/* ---- the chapter's picture --------------------------------------------------------- */

int next_words_draw(cli *c, iv__opened *run, int n_prompts, const char *const *prompts, const char *folder)
{
    static const double temperatures[] = { 1.0, 0.2 };
    const int columns = sizeof temperatures / sizeof *temperatures;
    iv__text picture = { .home = c->home };
    iv__writing *writing = iv__writing_new(run->instance, run->params, 1);
    iv_status status = writing ? IV_OK : iv_home_status(c->home);

    if (status == IV_UNSUPPORTED) { /* nobody asked for what such a model cannot do */
        cli_note(c, "no next words: %s", iv_home_message(c->home));
        iv_home_clear(c->home);
        return DONE;
    }
    iv__text_print(&picture, "title\tThe likeliest next tokens\ncolumns\t%d\n", columns);
    for (int p = 0; p < n_prompts && !status; p++) {
        status = feed_prompt(c, writing, prompts[p]);
        for (int i = 0; i < columns && !status; i++) {
            iv__likely likely[NEXT_TOKENS];
            int found = iv__writing_likeliest(writing, 0, temperatures[i], NEXT_TOKENS, likely);
            put_panel(&picture, writing, "", prompts[p], likely, found);
            iv__text_print(&picture, "note\ttemperature %.1f\n", temperatures[i]);
        }
    }
    iv__text_put(&picture, "end\n");
    int exit_status = status ? cli_fail(c) : figure_draw(c, &picture, folder, "next-words");
    iv__writing_free(writing);
    iv__text_free(&picture);
    return exit_status;
}

/* ---- the page ---------------------------------------------------------------------- */

typedef struct sweep {
    cli *c;
    iv__opened *run;
    iv__writing *writing;
    iv__text page, picture;
    iv__text samples; /* of the page; those of the picture are in it already */
} sweep;

static const char style[] =
    "section { display: grid; grid-template-columns: 3fr 2fr; gap: 0 2rem; margin: 1rem 0 }\n"
    "section h3, table { grid-column: 2 } section h3:first-child { grid-column: 1 }\n"
    "section div { grid-column: 1; grid-row: 2 } table { grid-row: 2; align-self: start; border-spacing: 0.4rem 0.2rem }\n"
    "section p { margin: 0.4rem 0; padding-left: 0.8rem; border-left: 3px solid #7fb8d8 }\n"
    "td:first-child { text-align: right } td:last-child { width: 100%; white-space: nowrap; color: #555 }\n"
    "td span { display: inline-block; height: 1rem; margin-right: 0.4rem; vertical-align: middle; background: #e08643 }\n"
    "@media (max-width: 40rem) { section { display: block } }\n";

static void take_sample(void *user, const iv__sample *sample)
{
    sweep *s = user;
    iv__text shown = { .home = s->c->home };

    cli_put_short(&shown, sample->text, MOST_CHARACTERS);
    const char *known = shown.data ? shown.data : "";
    iv__text_put(&s->picture, "paragraph\t");
    figure_put_text(&s->picture, *known ? known : "(empty)");
    iv__text_put(&s->picture, "\n");
    iv__text_put(&s->samples, "<p><bdi>");
    page_put_text(&s->samples, known, strlen(known));
    iv__text_put(&s->samples, "</bdi></p>\n");
    s->samples.failed = s->samples.failed || shown.failed;
    iv__text_free(&shown);
}

static iv_status put_samples(sweep *s, const char *prompt, double temperature)
{
    iv__instance *instance = s->run->instance;
    iv__text unknown = { .home = s->c->home };
    iv__generation g = { 0 };

    iv__fields_default(iv__generation_fields, &g);
    g.n = SAMPLES;
    g.length = MOST_TOKENS;
    g.temperature = temperature;
    g.prompt = prompt;
    iv__text_clear(&s->samples);
    iv__text_print(&s->picture, "panel\npanel-title\ttemperature %g\ntext\n", temperature);
    iv_status status = instance->model->sample(instance, s->run->params, &g, take_sample, s, &unknown);
    iv__text_free(&unknown);
    return status;
}

static void put_bars(sweep *s, const iv__likely *likely, int n)
{
    iv__text_put(&s->page, "<table>\n");
    for (int i = 0; i < n; i++) {
        double share = share_of(&likely[i]);
        const char *label = label_of(s->writing, &likely[i]);
        iv__text_put(&s->page, "<tr><td><bdi>");
        page_put_text(&s->page, label, strlen(label));
        iv__text_print(&s->page,
                       "</bdi></td><td><span style=\"width: %.1f%%\"></span>%.*f%%</td></tr>\n",
                       75 * share, share < 0.01 ? 2 : 1, 100 * share);
    }
    iv__text_put(&s->page, "</table>\n");
}

/* The session stands behind the prompt. */
static iv_status put_pair(sweep *s, const char *prompt, double temperature)
{
    iv__likely likely[NEXT_TOKENS];
    iv_status status = put_samples(s, prompt, temperature);
    int found = iv__writing_likeliest(s->writing, 0, temperature, NEXT_TOKENS, likely);

    if (status)
        return status;
    iv__text_print(&s->page, "<section>\n<h3>temperature %g</h3>\n<h3>next</h3>\n<div>\n%s</div>\n",
                   temperature, s->samples.data ? s->samples.data : "");
    put_panel(&s->picture, s->writing, "Next, after: ", prompt, likely, found);
    put_bars(s, likely, found);
    iv__text_put(&s->page, "</section>\n");
    return s->samples.failed ? IV_NOMEM : IV_OK;
}

static int write_both(sweep *s, const char *folder)
{
    iv__text path = { .home = s->c->home };
    int status = DONE;

    iv__text_put(&s->picture, "end\n");
    iv__text_print(&path, "%s/temperatures.html", folder);
    if (path.failed || iv__make_folders(s->c->home, folder))
        status = cli_fail(s->c);
    if (!status)
        status = page_write(s->c, &s->page, path.data);
    if (!status)
        status = figure_draw(s->c, &s->picture, folder, "temperatures");
    iv__text_free(&path);
    return status;
}

static iv_status put_prompt(sweep *s, const char *prompt, int n_temperatures, const double *temperatures)
{
    iv_status status = feed_prompt(s->c, s->writing, prompt);

    iv__text_put(&s->page, "<h2><bdi>");
    page_put_text(&s->page, prompt, strlen(prompt));
    iv__text_put(&s->page, *prompt ? "</bdi> …</h2>\n" : "(the beginning)</bdi></h2>\n");
    for (int t = 0; t < n_temperatures && !status; t++)
        status = put_pair(s, prompt, temperatures[t]);
    return status;
}

int next_words_draw_page(cli *c, iv__opened *run, int n_prompts, const char *const *prompts,
                         int n_temperatures, const double *temperatures, const char *folder)
{
    sweep s = { .c = c,
                .run = run,
                .writing = iv__writing_new(run->instance, run->params, 1),
                .page.home = c->home,
                .picture.home = c->home,
                .samples.home = c->home };
    char title[160];
    iv_status status = s.writing ? IV_OK : iv_home_status(c->home);

    snprintf(title, sizeof title, "%s at several temperatures", run->instance->system->name);
    page_begin(&s.page, title, style);
    iv__text_print(&s.picture, "title\t%s\ncolumns\t2\n", title);
    for (int p = 0; p < n_prompts && !status; p++)
        status = put_prompt(&s, prompts[p], n_temperatures, temperatures);
    int exit_status = status ? cli_fail(c) : write_both(&s, folder);
    iv__writing_free(s.writing);
    iv__text_free(&s.page);
    iv__text_free(&s.picture);
    iv__text_free(&s.samples);
    return exit_status;
}
