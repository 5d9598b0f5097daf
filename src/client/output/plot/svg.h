#ifndef UDPECHO_SVG_H
#define UDPECHO_SVG_H

/* Writes SVG 1.1 (W3C Recommendation, 16 August 2011) into memory. Coordinates are in pixels, y
 * grows downwards. One thread at a time. */

#include <apr_pools.h>

typedef struct svg svg_t;

/* Lives as long as `pool`. */
svg_t *svg_create(apr_pool_t *pool);

/* A text that may hold anything, as the content of an XML element or an attribute in quotes. What
 * no XML document may hold (XML 1.0 section 2.2), and bytes that are not UTF-8, are written as
 * \xNN. From `pool`. */
const char *svg_escape(const char *text, apr_pool_t *pool);

/* Adds markup, as printf(3) does. Text in it must be escaped. */
void svg_add(svg_t *svg, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds text at (x, y), its baseline; `style` holds attributes, or is "". The text is escaped. */
void svg_text(svg_t *svg, double x, double y, const char *style, const char *text);

/* Adds a line; `style` as above. */
void svg_line(svg_t *svg, double x1, double y1, double x2, double y2, const char *style);

/* Adds a rectangle; `style` as above. Nothing if it has no width. */
void svg_rectangle(svg_t *svg, double x, double y, double width, double height, const char *style);

/* The whole document with all that was added so far, in a white rectangle of that size. Escapes the
 * title. From the pool of `svg`. */
const char *svg_document(const svg_t *svg, double width, double height, const char *title);

#endif
