#include "config/nearest.h"

#include <limits.h>
#include <stddef.h>
#include <string.h>

enum { WORD_MAX = 63 };

static int least(int a, int b) { return a < b ? a : b; }

static int length_of(const char *word) {
  int length = 0;
  while (length < WORD_MAX && word[length]) ++length;
  return length;
}

int nearest_distance(const char *a, const char *b) {
  const int n = length_of(a), m = length_of(b);
  int rows[3][WORD_MAX + 1]; /* of prefixes of a with i-2, i-1 and i letters */
  int *before = rows[0], *above = rows[1], *row = rows[2];
  memset(before, 0, sizeof rows[0]);
  for (int j = 0; j <= m; ++j) row[j] = j;
  for (int i = 1; i <= n; ++i) {
    int *free_row = before;
    before = above;
    above = row;
    row = free_row;
    row[0] = i;
    for (int j = 1; j <= m; ++j) {
      const int substitution = above[j - 1] + (a[i - 1] != b[j - 1]);
      row[j] = least(substitution, 1 + least(above[j], row[j - 1]));
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = least(row[j], before[j - 2] + 1);
    }
  }
  return row[m];
}

bool nearest_close(int distance, const char *meant) {
  const int length = length_of(meant);
  return distance <= (length < 4 ? 1 : length < 8 ? 2 : 3);
}

const char *nearest_word(const char *text, const char *const *words, int count) {
  int best = INT_MAX, meant = -1;
  for (int i = 0; i < count; ++i) {
    const int distance = nearest_distance(text, words[i]);
    if (distance >= best) continue;
    best = distance;
    meant = i;
  }
  return meant >= 0 && nearest_close(best, words[meant]) ? words[meant] : NULL;
}
