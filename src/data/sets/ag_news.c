/* ag_news.c: the titles of AG News, as they lie: case kept, what is left of HTML kept too. */

#include <string.h>

#include "base/home.h"
#include "data/dataset.h"
#include "format/csv.h"

static iv_status ag_news_open(iv__records *records)
{
    records->state = iv__csv_new(records->source, ',');
    return records->state ? IV_OK : IV_NOMEM;
}

static void ag_news_close(iv__records *records)
{
    iv__csv_free(records->state);
}

static iv_status ag_news_next(iv__records *records)
{
    iv__csv *csv = records->state;
    bool failed;
    size_t size;

    while (iv__csv_next(csv, &failed)) {
        if (iv__csv_count(csv) != 3)
            return iv_fail(records->home, IV_FORMAT,
                           "%s:%lld: expected three fields (class, title, description), found %d",
                           records->name, (long long)iv__csv_line(csv), iv__csv_count(csv));
        const char *title = iv__csv_field(csv, 1, &size);
        records->seen++;
        if (title[strspn(title, " \t\n")]) {
            records->kept++;
            iv__text_add(&records->text, title, size);
            return IV_OK;
        }
        iv__records_drop(records, "without a title");
    }
    records->ended = !failed;
    return failed ? iv_home_status(records->home) : IV_OK;
}

const iv__dataset iv__dataset_ag_news = {
    .name = "ag-news",
    .says = "titles of news of 2004 and 2005 (AG's corpus, the 7,600 articles of the test split)",
    .licence = "for research and other non-commercial use",
    .home_page = "http://groups.di.unipi.it/~gulli/AG_corpus_of_news_articles.html",
    .download = "https://raw.githubusercontent.com/mhjabreel/CharCnn_Keras/master/data/ag_news_csv/test.csv",
    .sha256 = "3c277beb6ce3dd635407635cb90a7c5ceaf87168fabb3be218e39aa2b097f706",
    .file = "ag-news/test.csv",
    .open = ag_news_open,
    .next = ag_news_next,
    .close = ag_news_close,
};
