/* page.h: a page of HTML that needs nothing but itself, and no network. Texts on it may be anything. */
#ifndef IV_CLI_PAGE_H
#define IV_CLI_PAGE_H

#include "cli/cli.h"

/* Begins a page: head, style (CSS, beyond what every page has) and title. */
void page_begin(iv__text *page, const char *title, const char *style);
/* Adds a text that is no part of the page: what HTML would take for its own is escaped, what cannot be seen is
 * shown by a symbol, what is no UTF-8 as U+FFFD, line breaks stay. */
void page_put_text(iv__text *page, const char *text, size_t size);
/* Ends the page, writes it as `path` and says so on stdout. Returns the exit status. */
int page_write(cli *c, iv__text *page, const char *path);

#endif
