/* pdf.h - A4 pages of text and tables, by cairo and pango: any script that a font is there for. */
#ifndef PDF_PDF_H
#define PDF_PDF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/ctx.h"
#include "lib/base/text.h"

#define PDF_WIDTH 495.0 /* of what is written, in points */
#define PDF_PAGES_MAX 500

enum pdf_style { PDF_PLAIN, PDF_BOLD, PDF_TITLE };

struct pdf_column {
	double width;
	bool right; /* as numbers are; else from where the text's own direction starts */
};

struct pdf;

/*
 * draw writes the document from the top to the bottom, perhaps twice: with more than one page, the second time with "Page 1 of 3" at its
 * foot.  title and created_us become its metadata.  RC_TOO_LARGE for more than PDF_PAGES_MAX pages.  Texts are valid UTF-8.
 */
enum rc pdf_make(struct ctx *cx, const char *title, int64_t created_us, void (*draw)(struct pdf *pdf, const void *what),
    const void *what, struct buf *ret_bytes);

/* A paragraph; what is longer than a page is cut, as an ellipsis shows. */
void pdf_text(struct pdf *pdf, enum pdf_style style, const char *text);
void pdf_space(struct pdf *pdf, double points);

/* One text for each column, NULL for none; a row stays on one page. */
void pdf_row(struct pdf *pdf, enum pdf_style style, const struct pdf_column *columns, size_t count, const char *const *texts);

/* From here on, headings are above each page's first row too.  columns and headings stay the caller's; pdf_table_end ends that. */
void pdf_table(struct pdf *pdf, const struct pdf_column *columns, size_t count, const char *const *headings);
void pdf_table_end(struct pdf *pdf);

#endif
