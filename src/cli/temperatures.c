/* temperatures.c: a page of what a run writes at several temperatures: samples beside bars of the
 * likeliest next tokens, as HTML and as a picture. */
#include "cli/temperatures.h"

#include "base/file.h"
#include "cli/figure.h"
#include "cli/page.h"

#include <math.h>
#include <string.h>

enum { NEXT_TOKENS = 5, SAMPLES = 3, MOST_TOKENS = 200, MOST_CHARACTERS = 240 /* of a sample */ };

typedef struct sweep {
    cli *c;
    iv__opened *run;
    iv__text page, picture;
    iv__text samples; /* of the page; those of the picture are in it already */
    bool first;       /* temperature of a prompt: what is unknown of it is said once */
} sweep;

static const char style[] =
    "section { display: grid; grid-template-columns: 3fr 2fr; gap: 0 2rem; margin: 1rem 0 }\n"
    "section h3, table { grid-column: 2 } section h3:first-child { grid-column: 1 }\n"
    "section div { grid-column: 1; grid-row: 2 } table { grid-row: 2; align-self: start; border-spacing: 0.4rem 0.2rem }\n"
    "section p { margin: 0.4rem 0; padding-left: 0.8rem; border-left: 3px solid #7fb8d8 }\n"
    "td:first-child { text-align: right } td:last-child { width: 100%; white-space: nowrap; color: #555 }\n"
    "td span { display: inline-block; height: 1rem; margin-right: 0.4rem; vertical-align: middle; background: #e08643 }\n"
    "@media (max-width: 40rem) { section { display: block } }\n";

static void take_sample(void *user, int64_t sample, const char *text, int64_t tokens, bool ended)
{
    sweep *s = user;
    iv__text shown = { .home = s->c->home };

    (void)sample, (void)tokens, (void)ended;
    cli_put_short(&shown, text, MOST_CHARACTERS);
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
    iv_instance *instance = s->run->instance;
    iv__text unknown = { .home = s->c->home };
    iv_generation g;

    iv__fields_default(iv_generation_fields, &g);
    g.n = SAMPLES;
    g.length = MOST_TOKENS;
    g.temperature = temperature;
    g.prompt = prompt;
    iv__text_clear(&s->samples);
    iv__text_print(&s->picture, "panel\npanel-title\ttemperature %g\ntext\n", temperature);
    iv_status status = instance->model->sample(instance, s->run->params, &g, take_sample, s, &unknown);
    if (unknown.size && s->first)
        cli_note(s->c, "ivory: %s", unknown.data);
    s->first = false;
    iv__text_free(&unknown);
    return status;
}

static void put_bars(sweep *s, const char *prompt, const iv_likely *likely, int n)
{
    iv__text_put(&s->picture, "panel\npanel-title\tNext, after: ");
    figure_put_text(&s->picture, *prompt ? prompt : "(the beginning)");
    iv__text_put(&s->picture, "\nbars\n");
    iv__text_put(&s->page, "<table>\n");
    for (int i = 0; i < n; i++) {
        double share = fmin(fmax(likely[i].probability, 0), 1);
        const char *label = figure_label(likely[i].token);
        iv__text_put(&s->picture, "bar\t");
        figure_put_text(&s->picture, label);
        iv__text_print(&s->picture, "\t%.6f\n", share);
        iv__text_put(&s->page, "<tr><td><bdi>");
        page_put_text(&s->page, label, strlen(label));
        iv__text_print(&s->page,
                       "</bdi></td><td><span style=\"width: %.1f%%\"></span>%.*f%%</td></tr>\n",
                       75 * share, share < 0.01 ? 2 : 1, 100 * share);
    }
    iv__text_put(&s->page, "</table>\n");
}

static iv_status put_pair(sweep *s, const char *prompt, double temperature)
{
    const iv_model *model = s->run->instance->model;
    iv_likely likely[NEXT_TOKENS];
    int found;
    iv_status status = put_samples(s, prompt, temperature);

    if (!status)
        status = model->likeliest(s->run->instance, s->run->params, prompt, temperature,
                                  NEXT_TOKENS, likely, &found);
    if (status)
        return status;
    iv__text_print(&s->page, "<section>\n<h3>temperature %g</h3>\n<h3>next</h3>\n<div>\n%s</div>\n",
                   temperature, s->samples.data ? s->samples.data : "");
    put_bars(s, prompt, likely, found);
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

int temperatures_draw(cli *c, iv__opened *run, int n_prompts, const char *const *prompts,
                      int n_temperatures, const double *temperatures, const char *folder)
{
    sweep s = { .c = c, .run = run, .page.home = c->home, .picture.home = c->home, .samples.home = c->home };
    char title[160];
    iv_status status = IV_OK;

    snprintf(title, sizeof title, "%s at several temperatures", run->instance->system->name);
    page_begin(&s.page, title, style);
    iv__text_print(&s.picture, "title\t%s\ncolumns\t2\n", title);
    for (int p = 0; p < n_prompts; p++) {
        iv__text_put(&s.page, "<h2><bdi>");
        page_put_text(&s.page, prompts[p], strlen(prompts[p]));
        iv__text_put(&s.page, *prompts[p] ? "</bdi> …</h2>\n" : "(the beginning)</bdi></h2>\n");
        s.first = true;
        for (int t = 0; t < n_temperatures && !status; t++)
            status = put_pair(&s, prompts[p], temperatures[t]);
    }
    int exit_status = status ? cli_fail(c) : write_both(&s, folder);
    iv__text_free(&s.page);
    iv__text_free(&s.picture);
    iv__text_free(&s.samples);
    return exit_status;
}
