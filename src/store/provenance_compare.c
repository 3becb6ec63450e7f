#include "store/provenance_compare.h"

#include <stdlib.h>
#include <string.h>

void provenance_texts_free(struct provenance_texts *texts) {
  for (int i = 0; i < PROVENANCE_MACHINES; i++) free(texts->text[i]);
  *texts = (struct provenance_texts){.text = {NULL}};
}

enum status provenance_read(const struct store_file *file, struct provenance_texts *texts) {
  *texts = (struct provenance_texts){.text = {NULL}};
  for (int i = 0; i < PROVENANCE_MACHINES; i++) {
    const char *name = provenance_machine_name((enum provenance_machine)i);
    bool there;
    TRY(store_find(file, name, &there));
    if (there) TRY(store_read_text(file, name, &texts->text[i]));
  }
  return STATUS_OK;
}

enum status provenance_here(const struct comm *comm, struct provenance_texts *texts) {
  *texts = (struct provenance_texts){.text = {NULL}};
  for (int i = 0; i < PROVENANCE_MACHINES; i++)
    TRY(provenance_machine(comm, (enum provenance_machine)i, &texts->text[i]));
  return STATUS_OK;
}

/* Whether the text has this line, of so many bytes. */
static bool has_line(const char *text, const char *line, size_t length) {
  for (const char *at = text; *at;) {
    const size_t bytes = strcspn(at, "\n");
    if (bytes == length && strncmp(at, line, length) == 0) return true;
    at += bytes + (at[bytes] == '\n');
  }
  return false;
}

/* The lines that the other has not, behind each other. */
static void print_lines(const char *text, const char *other, FILE *out) {
  const char *between = "";
  for (const char *at = text; *at;) {
    const size_t bytes = strcspn(at, "\n");
    if (bytes > 0 && !has_line(other, at, bytes)) {
      fprintf(out, "%s%.*s", between, (int)bytes, at);
      between = ", ";
    }
    at += bytes + (at[bytes] == '\n');
  }
  if (!*between) fputs("nothing else", out);
  fputc('\n', out);
}

/* Texts end in a newline or not, as it was convenient. */
static bool same_text(const char *a, const char *b) {
  size_t of_a = strlen(a), of_b = strlen(b);
  while (of_a > 0 && a[of_a - 1] == '\n') of_a--;
  while (of_b > 0 && b[of_b - 1] == '\n') of_b--;
  return of_a == of_b && strncmp(a, b, of_a) == 0;
}

static void print_change(enum provenance_machine what, const char *of_a, const char *of_b, const char *a, const char *b,
                         FILE *out) {
  const char *title = provenance_machine_title(what);
  if (what == PROVENANCE_GIT_DIFF) { /* long, and in the file */
    fprintf(out, "other: %s\n  %s: %s\n  %s: %s\n", title, a, *of_a ? "some" : "none", b, *of_b ? "some" : "none");
    return;
  }
  fprintf(out, "other: %s\n  %s: ", title, a);
  print_lines(of_a, of_b, out);
  fprintf(out, "  %s: ", b);
  print_lines(of_b, of_a, out);
}

void provenance_print_changes(const struct provenance_texts *of_a, const struct provenance_texts *of_b, const char *a,
                              const char *b, FILE *out) {
  const char *between = "the same: ";
  bool same[PROVENANCE_MACHINES], known[PROVENANCE_MACHINES];
  for (int i = 0; i < PROVENANCE_MACHINES; i++) {
    known[i] = of_a->text[i] && of_b->text[i];
    same[i] = known[i] && same_text(of_a->text[i], of_b->text[i]);
    if (!same[i]) continue;
    fprintf(out, "%s%s", between, provenance_machine_title((enum provenance_machine)i));
    between = ", ";
  }
  if (strcmp(between, ", ") == 0) fputc('\n', out);
  for (int i = 0; i < PROVENANCE_MACHINES; i++)
    if (known[i] && !same[i]) print_change((enum provenance_machine)i, of_a->text[i], of_b->text[i], a, b, out);
}
