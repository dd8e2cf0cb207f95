/* run_file.c: where a run goes, and what its run.json says. */
#include "cli/run_file.h"

#include "base/file.h"
#include "base/home.h"

#include "ivory_version.h"

#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* ---- its folder -------------------------------------------------------------------- */

static bool number_folder(const char *system, int number, iv__text *folder)
{
    iv__text_clear(folder);
    iv__text_print(folder, number > 1 ? "runs/%s-%d" : "runs/%s", system, number);
    return !folder->failed && cli_exists(folder->data);
}

iv_status run_folder(const char *system, bool resume, iv__text *folder)
{
    int number = 1;

    while (number_folder(system, number, folder))
        number++;
    if (resume && number > 1)
        number_folder(system, number - 1, folder);
    return folder->failed ? IV_NOMEM : IV_OK;
}

/* ---- run.json ---------------------------------------------------------------------- */

static void put_data(iv__json_writer *w, const iv__instance *instance, const char *data)
{
    const iv__trainee *trainee = &instance->trainee;

    iv__json_put_name(w, "data");
    iv__json_put_object(w);
    cli_put_string(w, "name", instance->data);
    cli_put_string(w, "file", *data ? data : NULL);
    cli_put_string(w, "sha256", instance->data_sha256);
    cli_put_string(w, "report", instance->data_report);
    cli_put_int(w, "training", trainee->n_records[SPLIT_TRAIN]);
    cli_put_int(w, "validation", trainee->n_records[SPLIT_VALIDATION]);
    cli_put_int(w, "test", trainee->n_records[SPLIT_TEST]);
    iv__json_end_object(w);
}

static void put_host(iv__json_writer *w, iv_home *home)
{
    struct utsname name;

    iv__json_put_name(w, "host");
    iv__json_put_object(w);
    if (!uname(&name)) {
        cli_put_string(w, "name", name.nodename);
        cli_put_string(w, "system", name.sysname);
        cli_put_string(w, "release", name.release);
        cli_put_string(w, "machine", name.machine);
    }
    cli_put_int(w, "processors", sysconf(_SC_NPROCESSORS_ONLN));
    cli_put_int(w, "threads", iv_home_threads(home));
    iv__json_end_object(w);
}

static void put_command(iv__json_writer *w, const cli *c)
{
    iv__json_put_name(w, "command");
    iv__json_put_array(w);
    for (int i = 0; i < c->argc; i++)
        iv__json_put_string(w, c->argv[i]);
    iv__json_end_array(w);
}

iv_status run_file_write(cli *c, const iv__run *run, const iv__instance *instance,
                         int64_t parameters, const char *data)
{
    iv__text text = { .home = c->home };
    iv__json_writer w = { .text = &text, .indent = 2 };

    iv__json_put_object(&w);
    cli_put_string(&w, "system", instance->system->name);
    cli_put_string(&w, "model", instance->model->name);
    cli_put_bool(&w, "as_printed", instance->as_printed);
    cli_put_int(&w, "parameters", parameters);
    cli_put_fields(&w, "options", instance->model->fields, instance->options);
    cli_put_fields(&w, "training", iv__settings_fields, &instance->training);
    put_data(&w, instance, data);
    cli_put_string(&w, "version", iv_version());
    cli_put_string(&w, "commit", IVORY_COMMIT);
    put_host(&w, c->home);
    put_command(&w, c);
    iv__json_end_object(&w);
    iv__text_put(&text, "\n");

    char *path = text.failed ? NULL : iv__run_path(run, "run.json");
    iv_status status = path ? iv__file_write(c->home, path, text.data, text.size) : IV_NOMEM;
    iv__free(c->home, path);
    iv__text_free(&text);
    return status;
}

/* ---- going on ---------------------------------------------------------------------- */

void run_resume_command(const cli *c, const char *folder, iv__text *text)
{
    bool resumes = false, has_folder = false;

    for (int i = 0; i < c->argc; i++) {
        iv__text_put(text, i ? " " : "");
        cli_put_quoted(text, c->argv[i]);
        resumes |= !strcmp(c->argv[i], "--resume");
        has_folder |= !strcmp(c->argv[i], "-o") || !strncmp(c->argv[i], "--out", 5) ||
                      !strncmp(c->argv[i], "-o=", 3);
    }
    if (!has_folder) {
        iv__text_put(text, " -o ");
        cli_put_quoted(text, folder);
    }
    if (!resumes)
        iv__text_put(text, " --resume");
}
