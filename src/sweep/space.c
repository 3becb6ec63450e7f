#include "sweep/space.h"

#include "base/elementary.h"
#include "config/number.h"

#include <assert.h>
#include <string.h>

/* Whole numbers up to here are f64 without gaps. */
static const int64_t whole_most = INT64_C(1) << 53;

/* Of a parameter whose conditions look at parameters that are settled. */
static bool participates(const struct space_parameter *parameter, const double *point) {
  for (int c = 0; c < parameter->conditions; c++) {
    const struct space_condition *condition = &parameter->condition[c];
    bool holds = false;
    for (int64_t v = 0; v < condition->count && !holds; v++)
      holds = point[condition->parameter] == condition->value[v]; /* NaN is equal to nothing */
    if (!holds) return false;
  }
  return true;
}

void space_settle(const struct space *space, double *point) {
  for (int i = 0; i < space->count; i++) {
    int p = space->order[i];
    if (!participates(&space->parameter[p], point)) point[p] = (double)NAN;
  }
}

void space_point(const struct space *space, const double *u, double *point) {
  for (int i = 0; i < space->count; i++) point[i] = distribution_quantile(&space->parameter[i].distribution, u[i]);
  space_settle(space, point);
}

void space_coordinates(const struct space *space, const double *point, double *u) {
  for (int i = 0; i < space->count; i++) u[i] = distribution_coordinate(&space->parameter[i].distribution, point[i]);
}

bool space_equal(const struct space *space, const double *a, const double *b) {
  for (int i = 0; i < space->count; i++)
    if (a[i] != b[i] && !(isnan(a[i]) && isnan(b[i]))) return false;
  return true;
}

/* The mixing function of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014). */
static uint64_t mix(uint64_t word) {
  word = (word ^ word >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  word = (word ^ word >> 27) * UINT64_C(0x94d049bb133111eb);
  return word ^ word >> 31;
}

uint64_t space_hash(const struct space *space, const double *point) {
  uint64_t hash = 0;
  for (int i = 0; i < space->count; i++) {
    uint64_t bits = isnan(point[i]) ? UINT64_C(0x7ff8000000000000) : elementary_bits(point[i] + 0.0); /* -0 as 0 */
    hash = mix((hash ^ bits) + UINT64_C(0x9e3779b97f4a7c15));
  }
  return hash;
}

static const struct space_choice *choice_at(const struct space_parameter *parameter, double value) {
  assert(value >= 0.0 && value < (double)parameter->distribution.count);
  return &parameter->choice[(int64_t)value];
}

double space_number(const struct space *space, const double *point, int parameter) {
  const struct space_parameter *p = &space->parameter[parameter];
  double value = point[parameter];
  return p->choice && !isnan(value) ? choice_at(p, value)->number : value;
}

/* Reads back with equal bits; a whole number without point or exponent, as integer keys want it. */
static void print_value(double value, char text[SPACE_WORD_MAX]) {
  if (value == floor(value) && fabs(value) < 0x1p+63)
    snprintf(text, SPACE_WORD_MAX, "%.0f", value + 0.0);
  else
    number_print(value, text);
}

enum status space_word(const struct space *space, const double *point, int parameter, char word[SPACE_WORD_MAX],
                       bool *takes_part) {
  const struct space_parameter *p = &space->parameter[parameter];
  double value = point[parameter];
  REQUIRE(!isinf(value), STATUS_NUMERIC, "%s: a value that is not finite was drawn from %s", p->name,
          distribution_name(p->distribution.kind));
  *takes_part = !isnan(value);
  if (!*takes_part) return STATUS_OK;
  char number[SPACE_WORD_MAX];
  if (!p->choice) print_value(value, number);
  int length = snprintf(word, SPACE_WORD_MAX, "%s=%s", p->name, p->choice ? choice_at(p, value)->text : number);
  REQUIRE(length >= 0 && length < SPACE_WORD_MAX, STATUS_CONFIG, "%s: a value of more than %d characters", p->name,
          SPACE_WORD_MAX - (int)strlen(p->name) - 2);
  return STATUS_OK;
}

/* a * b, -1 when either is -1 or the product is more than `most`. */
static int64_t product(int64_t a, int64_t b, int64_t most) {
  if (a < 0 || b < 0) return -1;
  return b > 0 && a > most / b ? -1 : a * b;
}

/* Whether a parameter from place `first` of the order on has a condition on `parameter`. */
static bool is_looked_at(const struct space *space, int first, int parameter) {
  for (int i = first; i < space->count; i++) {
    const struct space_parameter *p = &space->parameter[space->order[i]];
    for (int c = 0; c < p->conditions; c++)
      if (p->condition[c].parameter == parameter) return true;
  }
  return false;
}

/* Points of the parameters from `place` of the order on, when those before are as in `point`. Values that no condition
 * looks at are counted, the others gone through: each has a point at least, so that never more than `most` are. */
static int64_t count_from(const struct space *space, int place, double *point, int64_t most) {
  if (place == space->count) return most < 1 ? -1 : 1;
  int p = space->order[place];
  const struct space_parameter *parameter = &space->parameter[p];
  point[p] = (double)NAN;
  if (!participates(parameter, point)) return count_from(space, place + 1, point, most);
  int64_t values = distribution_values(&parameter->distribution);
  if (values < 0 || values > most) return -1;
  if (!is_looked_at(space, place + 1, p)) return product(values, count_from(space, place + 1, point, most), most);
  int64_t sum = 0;
  for (int64_t v = 0; v < values; v++) {
    point[p] = distribution_value(&parameter->distribution, v);
    int64_t more = count_from(space, place + 1, point, most - sum);
    if (more < 0) return -1;
    sum += more;
  }
  return sum;
}

int64_t space_points(const struct space *space, int64_t most) {
  double point[SPACE_PARAMETERS_MAX];
  return count_from(space, 0, point, most);
}

int64_t space_grid(const struct space *space) {
  int64_t size = 1;
  for (int i = 0; i < space->count; i++)
    size = product(size, distribution_values(&space->parameter[i].distribution), whole_most);
  return size;
}

void space_grid_point(const struct space *space, int64_t index, double *point) {
  for (int i = space->count - 1; i >= 0; i--) {
    const struct distribution *distribution = &space->parameter[i].distribution;
    int64_t values = distribution_values(distribution);
    point[i] = distribution_value(distribution, index % values);
    index /= values;
  }
  space_settle(space, point);
}
