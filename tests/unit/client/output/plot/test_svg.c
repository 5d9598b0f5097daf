#include "unit.h"

#include <apr_strings.h>

#include "client/output/plot/svg.h"

static void names_are_no_markup(void **state)
{
    assert_string_equal(svg_escape("<a href=\"x\">&'", *state),
                        "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
    assert_string_equal(svg_escape("", *state), "");
    assert_string_equal(svg_escape("z\xc3\xbcrich", *state), "z\xc3\xbcrich");
}

static void what_xml_has_no_place_for_is_told_in_characters(void **state)
{
    assert_string_equal(svg_escape("a\033[31m\x01", *state), "a\\x1b[31m\\x01");
    assert_string_equal(svg_escape("\xff", *state), "\\xff");
    assert_string_equal(svg_escape("\xef\xbf\xbe.\xef\xbf\xbf.\xef\xbf\xbd", *state),
                        "\\ufffe.\\uffff.\xef\xbf\xbd");
}

static void a_document_is_whole(void **state)
{
    svg_t *svg = svg_create(*state);

    svg_text(svg, 1, 2.25, "fill=\"#333\"", "5 < 6");
    svg_line(svg, 0, 1, 2, 3, "");
    svg_rectangle(svg, 0, 1, 2, 3, "");
    svg_rectangle(svg, 0, 1, 0, 3, "");
    assert_string_equal(
        svg_document(svg, 10, 20, "a & b"),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" width=\"10\" height=\"20\" "
        "viewBox=\"0 0 10 20\" font-family=\"sans-serif\" font-size=\"12\">\n"
        "<title>a &amp; b</title>\n"
        "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
        "<text x=\"1.0\" y=\"2.3\" fill=\"#333\">5 &lt; 6</text>\n"
        "<line x1=\"0.0\" y1=\"1.0\" x2=\"2.0\" y2=\"3.0\" />\n"
        "<rect x=\"0.0\" y=\"1.0\" width=\"2.0\" height=\"3.0\" />\n"
        "</svg>\n");
}

static void it_grows_as_needed(void **state)
{
    svg_t *svg = svg_create(*state);

    for (unsigned i = 0; i < 10000; i++) {
        svg_add(svg, "M%u", i % 10);
    }
    assert_true(strlen(svg_document(svg, 1, 1, "")) > 20000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(names_are_no_markup),
        scene(what_xml_has_no_place_for_is_told_in_characters),
        scene(a_document_is_whole),
        scene(it_grows_as_needed),
    };

    return cmocka_run_group_tests_name("svg", tests, NULL, NULL);
}
