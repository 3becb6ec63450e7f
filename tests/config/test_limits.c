/* Bombs, depth, cycles, size, and text that is not YAML: an error with its place, at once. */
#include "config/document.h"
#include "sample.h"

#include <time.h>

static void refuse_document(const char *text, size_t bytes, const char *message) {
  struct document *document;
  status_clear();
  assert_status(STATUS_CONFIG, document_parse("b.yaml", true, text, bytes, &document));
  assert_null(document);
  assert_string_equal(status_message(), message);
}

static void refuse_text(const char *text, const char *message) { refuse_document(text, strlen(text), message); }

/* Ten to the ninth nodes in ten lines. */
static void alias_bomb(void **state) {
  (void)state;
  refuse_text("a: &a [x,x,x,x,x,x,x,x,x,x]\n"
              "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
              "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
              "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
              "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n"
              "f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n",
              "b.yaml:5:29: more than 100000 nodes once aliases are written out");
}

static void merge_bomb(void **state) {
  (void)state;
  char *text = malloc(400000);
  assert_non_null(text);
  strcpy(text, "a: &a {");
  size_t used = strlen(text);
  for (int i = 0; i < 1000; ++i) used += (size_t)sprintf(text + used, "k%d: 1, ", i);
  used += (size_t)sprintf(text + used, "}\n");
  for (int i = 0; i < 1000; ++i) used += (size_t)sprintf(text + used, "m%d: {<<: *a}\n", i);
  refuse_text(text, "b.yaml:50:11: more than 100000 nodes once aliases are written out");
  free(text);
}

static void cycles(void **state) {
  (void)state;
  refuse_text("a: &a [1, *a]\n", "b.yaml:1:11: alias \"*a\" stands inside what it names");
  refuse_text("&r\nb: {c: *r}\n", "b.yaml:2:8: alias \"*r\" stands inside what it names");
  refuse_text("a: &a\n  <<: *a\n", "b.yaml:2:7: alias \"*a\" stands inside what it names");
}

static void depth(void **state) {
  (void)state;
  char text[256];
  struct document *document;
  for (int levels = 30; levels <= 34; ++levels) {
    memset(text, '[', (size_t)levels);
    memset(text + levels, ']', (size_t)levels);
    text[2 * levels] = '\0';
    if (levels <= 32) {
      assert_ok(document_parse("b.yaml", true, text, strlen(text), &document));
      assert_int_equal(document->nodes[document->root].height, levels);
      document_destroy(&document);
    } else {
      refuse_text(text, "b.yaml:1:33: nested more than 32 deep");
    }
  }
}

/* An alias brings its own depth. */
static void depth_through_alias(void **state) {
  (void)state;
  refuse_text("a: &a [[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]\n"
              "b: [[[[[[[[[[[[[[[*a]]]]]]]]]]]]]]]\n",
              "b.yaml:2:19: nested more than 32 deep");
  struct document *document;
  const char *fits = "a: &a [[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]\n"
                     "b: [[[[[[[[[[[[[[*a]]]]]]]]]]]]]]\n";
  assert_ok(document_parse("b.yaml", true, fits, strlen(fits), &document));
  assert_int_equal(document->nodes[document->root].height, 32);
  document_destroy(&document);
}

static char *repeat(const char *unit, size_t bytes) {
  char *text = malloc(bytes + 1);
  assert_non_null(text);
  const size_t length = strlen(unit);
  for (size_t i = 0; i < bytes; ++i) text[i] = unit[i % length];
  text[bytes] = '\0';
  return text;
}

/* The longest texts of each kind that is slow to naive readers: under a second each, also with sanitizers. */
static void long_texts(void **state) {
  (void)state;
  const char *units[] = {"[",  "{",    "- ",  "a: ",  "&a ", "*a ", "\"", "#",
                         "? ", "[a, ", "!x ", "--- ", "a\n", "\n",  ": "};
  for (size_t i = 0; i < sizeof units / sizeof *units; ++i) {
    char *text = repeat(units[i], DOCUMENT_BYTES_MAX);
    struct document *document;
    const clock_t start = clock();
    const enum status status = document_parse("b.yaml", true, text, DOCUMENT_BYTES_MAX, &document);
    const double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    assert_true(status == STATUS_OK || status == STATUS_CONFIG);
    if (seconds > 5) fail_msg("%s repeated: %g s", units[i], seconds);
    document_destroy(&document);
    free(text);
  }
}

/* As many different keys as there may be nodes: looked up by a table, not one by one. */
static void many_keys(void **state) {
  (void)state;
  char *text = malloc(DOCUMENT_BYTES_MAX);
  assert_non_null(text);
  size_t used = 0;
  for (int i = 0; i < 49999; ++i) used += (size_t)sprintf(text + used, "k%d: 1\n", i);
  struct document *document;
  const clock_t start = clock();
  assert_ok(document_parse("b.yaml", true, text, used, &document));
  assert_int_equal(document->nodes[document->root].count, 49999);
  assert_int_equal(document->nodes[document->root].expanded, 99999);
  document_destroy(&document);
  used += (size_t)sprintf(text + used, "k7: 1\n");
  refuse_document(text, used, "b.yaml:50000:5: more than 100000 nodes once aliases are written out");
  assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 10);
  free(text);
}

static void many_anchors(void **state) {
  (void)state;
  char text[32768];
  size_t used = 0;
  for (int i = 0; i < 1001; ++i) used += (size_t)sprintf(text + used, "k%d: &k%d 1\n", i, i);
  refuse_document(text, used, "b.yaml:1001:8: more than 1000 anchors");
}

static void size(void **state) {
  (void)state;
  char *text = repeat("# \n", DOCUMENT_BYTES_MAX + 1);
  refuse_document(text, DOCUMENT_BYTES_MAX + 1, "b.yaml: more than 1048576 bytes");
  struct document *document;
  assert_ok(document_parse("b.yaml", true, text, DOCUMENT_BYTES_MAX, &document));
  assert_int_equal(document->root, -1);
  document_destroy(&document);
  free(text);
}

static void not_text(void **state) {
  (void)state;
  refuse_document("a: 1\nb: \0\n", 10, "b.yaml:2:4: a NUL byte: not a text file");
  refuse_text("a: 1\nb\xc3\xa4: \xff\n", "b.yaml:2:5: invalid leading UTF-8 octet: expected UTF-8 text");
  refuse_text("a: \x01\n", "b.yaml:1:4: control characters are not allowed: expected UTF-8 text");
  refuse_document("\xff\xfe"
                  "a\0",
                  4, "b.yaml: is UTF-16: save it as UTF-8");
  refuse_document("\xfe\xff\0a", 4, "b.yaml: is UTF-16: save it as UTF-8");
  refuse_document("\xff\xfe\0\0a\0\0\0", 8, "b.yaml: is UTF-32: save it as UTF-8");
  refuse_document("a\0:\0 \0b\0", 8, "b.yaml: is UTF-16: save it as UTF-8"); /* without a mark */
  refuse_document("\0a\0:\0 \0b", 8, "b.yaml: is UTF-16: save it as UTF-8");
  refuse_document("a\0\0\0:\0\0\0", 8, "b.yaml: is UTF-32: save it as UTF-8");
  refuse_document("\0\0\0a\0\0\0:", 8, "b.yaml: is UTF-32: save it as UTF-8");
  refuse_document("a\0b: c", 6, "b.yaml:1:2: a NUL byte: not a text file");
  refuse_text("\xff\xfe", "b.yaml: is UTF-16: save it as UTF-8");
  refuse_text("a: \"x\\0y\"\n", "b.yaml:1:4: text with a NUL character");
  struct document *document; /* a byte order mark is no part of the first key */
  assert_ok(document_parse("b.yaml", true,
                           "\xef\xbb\xbf"
                           "a: 1\nb: 2\n", /* and moves no column, or the second key would be further out */
                           13, &document));
  assert_int_equal(document->nodes[document->root].count, 2);
  assert_string_equal(document_text(document, document_entry(document, document->root, 0)->key), "a");
  document_destroy(&document);
  refuse_text("\xef\xbb\xbf"
              "a: \x01\n",
              "b.yaml:1:4: control characters are not allowed: expected UTF-8 text");
}

static void not_yaml(void **state) {
  (void)state;
  refuse_text("a:\n\tb: 1\n",
              "b.yaml:2:1: while scanning for the next token, found character that cannot start any token");
  refuse_text("a: [1, 2\n", "b.yaml:2:1: while parsing a flow sequence, did not find expected ',' or ']'");
  refuse_text("a: \"x\n", "b.yaml:2:1: while scanning a quoted scalar, found unexpected end of stream");
  refuse_text("a: 1\n b: 2\n", "b.yaml:2:3: mapping values are not allowed in this context");
  refuse_text("a: 1\n---\nb: 1\n", "b.yaml:2:1: a second document starts here; one a file");
  refuse_text("a: !!int 3\n", "b.yaml:1:4: tags such as \"tag:yaml.org,2002:int\" are not allowed");
  refuse_text("a: !x [3]\n", "b.yaml:1:4: tags such as \"!x\" are not allowed");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(alias_bomb),
      cmocka_unit_test(merge_bomb),
      cmocka_unit_test(cycles),
      cmocka_unit_test(depth),
      cmocka_unit_test(depth_through_alias),
      cmocka_unit_test(long_texts),
      cmocka_unit_test(many_keys),
      cmocka_unit_test(many_anchors),
      cmocka_unit_test(size),
      cmocka_unit_test(not_text),
      cmocka_unit_test(not_yaml),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
