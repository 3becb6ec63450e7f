#include "train/difference.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static double number_of(uint64_t bits) {
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

bool difference_of_numbers(uint64_t a, uint64_t b) { return a != b && !(isnan(number_of(a)) && isnan(number_of(b))); }

/* Gradients before parameters, which follow from them; lanes before sums over lanes; within a kind in the order in
 * which they come. */
void difference_add(struct difference_list *differences, const struct difference *difference) {
  int at = differences->listed;
  differences->count += 1;
  if (at == DIFFERENCE_LIST_MAX) return;
  for (; at > 0 && differences->list[at - 1].kind > difference->kind; at--)
    differences->list[at] = differences->list[at - 1];
  differences->list[at] = *difference;
  differences->listed += 1;
}

static void print_value(const struct difference *difference, const uint64_t bits[2], FILE *out) {
  if (difference->kind == DIFFERENCE_GRADIENT || difference->kind == DIFFERENCE_PARAMETERS)
    fprintf(out, "0x%016" PRIx64 "%016" PRIx64, bits[0], bits[1]);
  else
    fprintf(out, "0x%016" PRIx64 " (%.9g)", bits[0], isnan(number_of(bits[0])) ? NAN : number_of(bits[0]));
}

void difference_print(const struct difference_list *differences, const char *a, const char *b, FILE *out) {
  enum { NAMED = 4, SHOWN = 8 };
  fprintf(out, "first difference at step %lld%s%s:", (long long)differences->step, *differences->where ? ", " : "",
          differences->where);
  for (int i = 0; i < differences->listed && i < NAMED; i++)
    fprintf(out, "%s %s", i ? ";" : "", differences->list[i].name);
  if (differences->count > NAMED) fprintf(out, "; %lld more", (long long)(differences->count - NAMED));
  fputc('\n', out);
  for (int i = 0; i < differences->listed && i < SHOWN; i++) {
    const struct difference *difference = &differences->list[i];
    fprintf(out, "  %s: %s ", difference->name, a);
    print_value(difference, difference->a, out);
    fprintf(out, ", %s ", b);
    print_value(difference, difference->b, out);
    fputc('\n', out);
  }
}
