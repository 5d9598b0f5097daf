#include "client/output/plot/svg.h"

#include <apr_strings.h>
#include <apr_tables.h>
#include <stdarg.h>
#include <string.h>

#include "common/json_text.h"

#define CAPACITY_FIRST 16384

struct svg {
    char *text;
    apr_size_t length, capacity;
    apr_pool_t *pool;
    apr_pool_t *scratch; /* cleared after each call */
};

svg_t *svg_create(apr_pool_t *pool)
{
    svg_t *svg = apr_pcalloc(pool, sizeof *svg);

    svg->capacity = CAPACITY_FIRST;
    svg->text = apr_palloc(pool, svg->capacity);
    svg->text[0] = '\0';
    svg->pool = pool;
    apr_pool_create(&svg->scratch, pool);
    return svg;
}

/* U+FFFE and U+FFFF are UTF-8, but not XML. */
static int is_noncharacter(const char *text)
{
    return strncmp(text, "\xef\xbf\xbe", 3) == 0 || strncmp(text, "\xef\xbf\xbf", 3) == 0;
}

static const char *escaped_character(const char *at, apr_pool_t *pool)
{
    switch (*at) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return apr_pstrmemdup(pool, at, 1);
    }
}

const char *svg_escape(const char *text, apr_pool_t *pool)
{
    const char *printable = printable_text(text, pool);
    apr_array_header_t *parts = apr_array_make(pool, (int)strlen(printable) + 1, sizeof(char *));

    for (const char *at = printable; *at != '\0'; at++) {
        if (is_noncharacter(at)) {
            APR_ARRAY_PUSH(parts, const char *) = at[2] == '\xbe' ? "\\ufffe" : "\\uffff";
            at += 2;
            continue;
        }
        APR_ARRAY_PUSH(parts, const char *) = escaped_character(at, pool);
    }
    return apr_array_pstrcat(pool, parts, 0);
}

static void append(svg_t *svg, const char *text)
{
    apr_size_t length = strlen(text);

    if (svg->length + length >= svg->capacity) {
        apr_size_t capacity = 2 * svg->capacity + length;
        char *larger = apr_palloc(svg->pool, capacity);

        memcpy(larger, svg->text, svg->length);
        svg->text = larger;
        svg->capacity = capacity;
    }
    memcpy(svg->text + svg->length, text, length + 1);
    svg->length += length;
}

void svg_add(svg_t *svg, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    append(svg, apr_pvsprintf(svg->scratch, format, arguments));
    va_end(arguments);
    apr_pool_clear(svg->scratch);
}

void svg_text(svg_t *svg, double x, double y, const char *style, const char *text)
{
    append(svg, apr_psprintf(svg->scratch, "<text x=\"%.1f\" y=\"%.1f\" %s>%s</text>\n", x, y,
                             style, svg_escape(text, svg->scratch)));
    apr_pool_clear(svg->scratch);
}

void svg_line(svg_t *svg, double x1, double y1, double x2, double y2, const char *style)
{
    svg_add(svg, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" %s/>\n", x1, y1, x2, y2,
            style);
}

void svg_rectangle(svg_t *svg, double x, double y, double width, double height, const char *style)
{
    if (width > 0) {
        svg_add(svg, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" %s/>\n", x, y,
                width, height, style);
    }
}

const char *svg_document(const svg_t *svg, double width, double height, const char *title)
{
    const char *head = apr_psprintf(
        svg->pool,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" width=\"%.0f\" height=\"%.0f\" "
        "viewBox=\"0 0 %.0f %.0f\" font-family=\"sans-serif\" font-size=\"12\">\n"
        "<title>%s</title>\n"
        "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
        width, height, width, height, svg_escape(title, svg->pool));

    return apr_pstrcat(svg->pool, head, svg->text, "</svg>\n", NULL);
}
