#include "lib/pdf/pdf.h"

#include <cairo-pdf.h>
#include <pango/pangocairo.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

/* A4 and its margins, in points. */
#define PAGE_WIDTH 595.28
#define PAGE_HEIGHT 841.89
#define LEFT 50.0
#define TOP 50.0
#define BOTTOM (PAGE_HEIGHT - 60.0)
#define GAP 6.0 /* between columns */
#define ROW_GAP 3.0

struct pdf {
	cairo_surface_t *surface;
	cairo_t *cairo;
	PangoContext *context;
	double y;
	int page;      /* that is written on */
	int pages;     /* how many there will be; 0: not known yet */
	bool too_long;
	const struct pdf_column *columns; /* of the table that is open */
	const char *const *headings;
	size_t heading_count;
};

/* Whoever makes a document holds it: the map isn't for several threads. */
static pthread_mutex_t fonts_lock = PTHREAD_MUTEX_INITIALIZER;
static PangoFontMap *fonts;

static const char *const style_fonts[] = {
	[PDF_PLAIN] = "DejaVu Sans 9",
	[PDF_BOLD] = "DejaVu Sans Bold 9",
	[PDF_TITLE] = "DejaVu Sans Bold 16",
};

static PangoLayout *
layout_new(struct pdf *pdf, enum pdf_style style, const char *text, double width, bool right)
{
	PangoLayout *layout = pango_layout_new(pdf->context);
	PangoFontDescription *font = pango_font_description_from_string(style_fonts[style]);

	pango_layout_set_font_description(layout, font);
	pango_font_description_free(font);
	pango_layout_set_width(layout, (int)(width * PANGO_SCALE));
	pango_layout_set_wrap(layout, PANGO_WRAP_WORD_CHAR);
	/* Half a page: names of hundreds of lines don't make a document of nothing else. */
	pango_layout_set_height(layout, (int)((BOTTOM - TOP) / 2 * PANGO_SCALE));
	pango_layout_set_ellipsize(layout, PANGO_ELLIPSIZE_END);
	pango_layout_set_alignment(layout, right ? PANGO_ALIGN_RIGHT : PANGO_ALIGN_LEFT);
	if (right)
		pango_layout_set_auto_dir(layout, FALSE);
	pango_layout_set_text(layout, text, -1);
	return layout;
}

static double
layout_height(PangoLayout *layout)
{
	int width, height;

	pango_layout_get_size(layout, &width, &height);
	return (double)height / PANGO_SCALE;
}

static void
show(struct pdf *pdf, PangoLayout *layout, double x, double y)
{
	cairo_move_to(pdf->cairo, x, y);
	pango_cairo_show_layout(pdf->cairo, layout);
}

/* --- pages --- */

static void
end_page(struct pdf *pdf)
{
	char text[sizeof("Page 2147483647 of 2147483647")];
	PangoLayout *layout;

	if (pdf->pages > 1) {
		snprintf(text, sizeof(text), "Page %d of %d", pdf->page, pdf->pages);
		layout = layout_new(pdf, PDF_PLAIN, text, PDF_WIDTH, true);
		show(pdf, layout, LEFT, BOTTOM + 15);
		g_object_unref(layout);
	}
	cairo_show_page(pdf->cairo);
}

static void draw_row(struct pdf *pdf, enum pdf_style style, const struct pdf_column *columns, size_t count, const char *const *texts);

static void
draw_headings(struct pdf *pdf)
{
	draw_row(pdf, PDF_BOLD, pdf->columns, pdf->heading_count, pdf->headings);
	cairo_set_line_width(pdf->cairo, 0.5);
	cairo_move_to(pdf->cairo, LEFT, pdf->y);
	cairo_line_to(pdf->cairo, LEFT + PDF_WIDTH, pdf->y);
	cairo_stroke(pdf->cairo);
	pdf->y += ROW_GAP;
}

/* The next page, where height points more don't fit on this one. */
static void
make_room(struct pdf *pdf, double height)
{
	if (pdf->y + height <= BOTTOM || pdf->y <= TOP)
		return;
	if (pdf->page >= PDF_PAGES_MAX) {
		pdf->too_long = true;
		return;
	}
	end_page(pdf);
	pdf->page++;
	pdf->y = TOP;
	if (pdf->headings != NULL)
		draw_headings(pdf);
}

/* --- what is written --- */

void
pdf_text(struct pdf *pdf, enum pdf_style style, const char *text)
{
	pdf_row(pdf, style, &(struct pdf_column){ .width = PDF_WIDTH }, 1, &text);
}

void
pdf_space(struct pdf *pdf, double points)
{
	pdf->y += points;
}

#define COLUMNS_MAX 8

static void
draw_row(struct pdf *pdf, enum pdf_style style, const struct pdf_column *columns, size_t count, const char *const *texts)
{
	PangoLayout *layouts[COLUMNS_MAX] = { NULL };
	double highest = 0, x = LEFT;

	for (size_t i = 0; i < count; i++) {
		double height;

		if (texts[i] == NULL)
			continue;
		layouts[i] = layout_new(pdf, style, texts[i], columns[i].width - (i + 1 < count ? GAP : 0), columns[i].right);
		height = layout_height(layouts[i]);
		highest = height > highest ? height : highest;
	}
	make_room(pdf, highest);
	for (size_t i = 0; i < count; i++) {
		if (layouts[i] != NULL) {
			if (!pdf->too_long)
				show(pdf, layouts[i], x, pdf->y);
			g_object_unref(layouts[i]);
		}
		x += columns[i].width;
	}
	pdf->y += highest + ROW_GAP;
}

void
pdf_row(struct pdf *pdf, enum pdf_style style, const struct pdf_column *columns, size_t count, const char *const *texts)
{
	if (count <= COLUMNS_MAX && !pdf->too_long)
		draw_row(pdf, style, columns, count, texts);
}

void
pdf_table(struct pdf *pdf, const struct pdf_column *columns, size_t count, const char *const *headings)
{
	/* No headings at the foot of a page. */
	make_room(pdf, 60);
	pdf->columns = columns;
	pdf->headings = headings;
	pdf->heading_count = count;
	draw_headings(pdf);
}

void
pdf_table_end(struct pdf *pdf)
{
	pdf->headings = NULL;
}

/* --- the file --- */

static cairo_status_t
take_bytes(void *closure, const unsigned char *bytes, unsigned length)
{
	buf_add(closure, bytes, length);
	return CAIRO_STATUS_SUCCESS;
}

static void
set_metadata(cairo_surface_t *surface, const char *title, int64_t created_us)
{
	char created[sizeof("yyyy-mm-ddThh:mm:ssZ") + 8];
	time_t seconds = (time_t)(created_us / 1000000);
	struct tm tm;

	strftime(created, sizeof(created), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &tm));
	cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, title);
	cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, created);
}

/* With fonts_lock held; *pages becomes how many it has. */
static enum rc
write_once(struct ctx *cx, const char *title, int64_t created_us, void (*draw)(struct pdf *, const void *), const void *what,
    int *pages, struct buf *bytes)
{
	struct pdf pdf = { .y = TOP, .page = 1, .pages = *pages };
	cairo_status_t status;

	pdf.surface = cairo_pdf_surface_create_for_stream(take_bytes, bytes, PAGE_WIDTH, PAGE_HEIGHT);
	set_metadata(pdf.surface, title, created_us);
	pdf.cairo = cairo_create(pdf.surface);
	pdf.context = pango_font_map_create_context(fonts);
	pango_cairo_update_context(pdf.cairo, pdf.context);
	pango_cairo_context_set_resolution(pdf.context, 72); /* a point is a point */
	draw(&pdf, what);
	end_page(&pdf);
	cairo_surface_finish(pdf.surface);
	status = cairo_surface_status(pdf.surface);
	if (status == CAIRO_STATUS_SUCCESS)
		status = cairo_status(pdf.cairo);
	g_object_unref(pdf.context);
	cairo_destroy(pdf.cairo);
	cairo_surface_destroy(pdf.surface);
	*pages = pdf.page;
	if (pdf.too_long)
		return err_set(cx, RC_TOO_LARGE, "The document has more than %d pages", PDF_PAGES_MAX);
	if (status != CAIRO_STATUS_SUCCESS)
		return err_detail(cx, RC_INTERNAL, "cairo: %s", cairo_status_to_string(status));
	return RC_OK;
}

enum rc
pdf_make(struct ctx *cx, const char *title, int64_t created_us, void (*draw)(struct pdf *pdf, const void *what),
    const void *what, struct buf *ret_bytes)
{
	int pages = 0;
	enum rc rc;

	pthread_mutex_lock(&fonts_lock);
	if (fonts == NULL)
		fonts = pango_cairo_font_map_new_for_font_type(CAIRO_FONT_TYPE_FT);
	rc = fonts == NULL ? err_detail(cx, RC_INTERNAL, "pango has no fonts by FreeType") :
			     write_once(cx, title, created_us, draw, what, &pages, ret_bytes);
	if (rc == RC_OK && pages > 1) {
		ret_bytes->length = 0;
		rc = write_once(cx, title, created_us, draw, what, &pages, ret_bytes);
	}
	pthread_mutex_unlock(&fonts_lock);
	return rc;
}
