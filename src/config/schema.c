#include "config/schema.h"

#include "config/nearest.h"
#include "config/number.h"

#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NAME_OF(name, text) text,
static const char *const system_names[] = {SYSTEM_LIST(NAME_OF)};
static const char *const direction_names[] = {DIRECTION_LIST(NAME_OF)};
static const char *const renderer_names[] = {RENDERER_LIST(NAME_OF)};
static const char *const color_names[] = {COLOR_LIST(NAME_OF)};
static const char *const density_names[] = {DENSITY_LIST(NAME_OF)};
static const char *const model_names[] = {MODEL_LIST(NAME_OF)};
static const char *const preset_names[] = {PRESET_LIST(NAME_OF)};
static const char *const padding_names[] = {PADDING_LIST(NAME_OF)};
static const char *const activation_names[] = {ACTIVATION_LIST(NAME_OF)};
static const char *const scale_names[] = {SCALE_LIST(NAME_OF)};
static const char *const flow_names[] = {FLOW_LIST(NAME_OF)};
static const char *const initialization_names[] = {INITIALIZATION_LIST(NAME_OF)};
static const char *const output_names[] = {OUTPUT_LIST(NAME_OF)};
static const char *const protocol_names[] = {PROTOCOL_LIST(NAME_OF)};
static const char *const objective_names[] = {OBJECTIVE_LIST(NAME_OF)};
static const char *const schedule_names[] = {SCHEDULE_LIST(NAME_OF)};
static const char *const posterior_names[] = {POSTERIOR_LIST(NAME_OF)};
static const char *const final_names[] = {FINAL_LIST(NAME_OF)};
static const char *const divergence_names[] = {DIVERGENCE_LIST(NAME_OF)};
static const char *const synthetic_names[] = {SYNTHETIC_LIST(NAME_OF)};
static const char *const kinetic_names[] = {KINETIC_LIST(NAME_OF)};
#undef NAME_OF

#define BIT(name) (1u << SYSTEM_##name)
enum {
  SPRINGS = BIT(MASS_SPRING) | BIT(DAMPED_SPRING),
  PENDULUMS = BIT(PENDULUM) | BIT(DOUBLE_PENDULUM),
  BODIES = BIT(TWO_BODY) | BIT(THREE_BODY),
  ALL = (1u << SYSTEM_COUNT) - 1,
  ALL_DENSITIES = (1u << DENSITY_COUNT) - 1,
  ALL_MODELS = (1u << MODEL_COUNT) - 1,
  LEARNERS = ALL_MODELS & ~(1u << MODEL_SYNTHETIC),
  DENSITY_MODELS = 1u << MODEL_NHF | 1u << MODEL_RNVP
};

/* All kinds of each use. */
static const unsigned all_of[SCHEMA_USE_COUNT] = {
    [SCHEMA_DATA] = ALL, [SCHEMA_POINTS] = ALL_DENSITIES, [SCHEMA_TRAINING] = ALL_MODELS};

/* Upper bounds are not physics: they catch slips and keep every derived number finite. With the largest sizes a data
 * set of 12 coordinates is 1e9 * 1e6 * 12 * 8 = 9.6e16 bytes of states; config.c bounds its images. */
#define REAL_MAX 1e6
/* A key and its member have one name, since both are made of it. */
#define AT(member) offsetof(struct experiment, member)
#define DATA(key) .path = #key, .offset = AT(key)
#define POINTS(key, set) DATA(key), .kinds[SCHEMA_POINTS] = (unsigned)(set)
#define WORDS(names) .choices = (names), .choice_count = (int)(sizeof(names) / sizeof *(names))
#define INTEGER(lowest, highest) .type = SCHEMA_INTEGER, .least = (lowest), .most = (highest)
#define POSITIVE(kind) .type = (kind), .lower = 0, .upper = REAL_MAX, .above_lower = true
#define RANGE(lowest, highest) .type = SCHEMA_REAL, .lower = (lowest), .upper = (highest)
#define CHOICE(names) .type = SCHEMA_CHOICE, WORDS(names)
#define SYSTEMS(set) .kinds[SCHEMA_DATA] = (unsigned)(set)
#define DENSITY(name) (1u << DENSITY_##name)
#define EVERYWHERE SYSTEMS(ALL), .kinds[SCHEMA_POINTS] = (unsigned)ALL_DENSITIES

const struct schema_row schema_rows[] = {
    {.path = "seed",
     .offset = AT(seed),
     INTEGER(0, INT64_MAX),
     .standard = "1",
     EVERYWHERE,
     .kinds[SCHEMA_TRAINING] = ALL_MODELS,
     .help = "Key of all randomness: the same file and seed give the same bits."},

    {DATA(system.name), CHOICE(system_names), SYSTEMS(ALL), .help = "The physical system."},
    {DATA(system.mass), POSITIVE(SCHEMA_REAL), .unit = "kg", SYSTEMS(ALL), .help = "Mass of each body."},
    {DATA(system.stiffness), POSITIVE(SCHEMA_REAL), .unit = "N/m", SYSTEMS(SPRINGS), .help = "Spring constant k."},
    {DATA(system.damping), RANGE(0, REAL_MAX), .unit = "1/s", SYSTEMS(BIT(DAMPED_SPRING)),
     .help = "True damping gamma: dp/dt = -k q - gamma p."},
    {DATA(system.length), POSITIVE(SCHEMA_REAL), .unit = "m", SYSTEMS(PENDULUMS), .help = "Length of each rod."},
    {DATA(system.gravity), POSITIVE(SCHEMA_REAL), .unit = "m/s^2 or m^3/(kg s^2)", SYSTEMS(PENDULUMS | BODIES),
     .help = "Pendulums: acceleration of free fall g, in m/s^2. n-body: gravitational constant G, in m^3/(kg s^2)."},

    {DATA(initial.radius), POSITIVE(SCHEMA_PAIR), .unit = "phase space or m", SYSTEMS(ALL),
     .help = "Bounds of the radius that is drawn uniformly: length of (q, p) for springs and pendulums, distance from "
             "the centre in m for n-body."},
    {DATA(initial.direction), CHOICE(direction_names), .standard = "uniform", SYSTEMS(ALL),
     .help =
         "uniform: every angle alike. square: the angle of a uniform point of a square, denser along the diagonals."},
    {DATA(initial.flip_probability), RANGE(0, 1), .standard = "0.5", SYSTEMS(BODIES),
     .help = "Chance that the orbit is turned clockwise."},
    {DATA(initial.velocity_noise), RANGE(0, REAL_MAX), .standard = "0", SYSTEMS(BODIES),
     .help = "Every velocity component is multiplied by 1 + velocity_noise U(-1, 1)."},

    {DATA(data.train), INTEGER(1, 1000000000), .unit = "rollouts", EVERYWHERE,
     .help = "Rollouts, or points, to train on."},
    {DATA(data.test), INTEGER(1, 1000000000), .unit = "rollouts", EVERYWHERE,
     .help = "Rollouts, or points, to test on."},
    {DATA(data.validation), INTEGER(0, 1000000000), .standard = "0", .unit = "rollouts", EVERYWHERE,
     .help = "Rollouts, or points, to choose models on. 0: a tenth of data.test, at least 100 where data.test is as "
             "many, else as "
             "many as data.test."},
    {DATA(data.frames), INTEGER(1, 1000000), .unit = "frames", SYSTEMS(ALL),
     .help = "Frames of a rollout; frame f is at time f dt."},
    {DATA(data.dt), POSITIVE(SCHEMA_REAL), .unit = "s", SYSTEMS(ALL), .help = "Time between frames."},
    {DATA(data.noise), RANGE(0, REAL_MAX), .unit = "phase space", SYSTEMS(ALL),
     .help = "Standard deviation of the observation noise on every phase coordinate of every frame, before rendering."},

    {DATA(render.renderer), CHOICE(renderer_names), SYSTEMS(ALL),
     .help =
         "soft: anti-aliased discs at sub-pixel positions. report2021: the reproduction's discs, cut to whole pixels "
         "and blurred twice."},
    {DATA(render.color), CHOICE(color_names), .standard = "rgb", SYSTEMS(ALL), .help = "Three channels or one."},
    {DATA(render.height), INTEGER(4, 1024), .standard = "32", .unit = "px", SYSTEMS(ALL), .help = "Rows of an image."},
    {DATA(render.width), INTEGER(4, 1024), .standard = "32", .unit = "px", SYSTEMS(ALL),
     .help = "Columns of an image."},
    {DATA(render.world), POSITIVE(SCHEMA_REAL), .unit = "m", SYSTEMS(ALL),
     .help = "Half the extent shown along the shorter side."},
    {DATA(render.radius), POSITIVE(SCHEMA_REAL), .unit = "m", SYSTEMS(ALL), .help = "Radius of a body's disc."},

    {DATA(ladder.input_frames), INTEGER(1, 1000000), .standard = "5", .unit = "frames", SYSTEMS(ALL),
     .help = "Frames seen before the last seen frame is held as the prediction; at most data.frames."},

    {POINTS(density.name, ALL_DENSITIES), CHOICE(density_names), .help = "The density that points are drawn from."},
    {POINTS(density.dimension, DENSITY(GAUSSIAN) | DENSITY(LOGISTIC)), INTEGER(1, 32),
     .help = "Numbers of a point. logistic: coefficients of the regression, the intercept among them."},
    {POINTS(density.modes, DENSITY(RING)), INTEGER(1, 64), .standard = "8",
     .help = "Gaussians on the circle; one more stands in its centre."},
    {POINTS(density.side, DENSITY(GRID)), INTEGER(1, 8), .standard = "3",
     .help = "Gaussians along a side of the grid."},
    {POINTS(density.spacing, DENSITY(RING) | DENSITY(GRID)), POSITIVE(SCHEMA_REAL),
     .help = "ring: radius of the circle. grid: distance of neighbours."},
    {POINTS(density.width, DENSITY(GAUSSIAN) | DENSITY(RING) | DENSITY(GRID) | DENSITY(MOONS)), POSITIVE(SCHEMA_REAL),
     .help = "Standard deviation of each Gaussian; of the noise around the moons."},
    {POINTS(density.observations, DENSITY(LOGISTIC)), INTEGER(1, 100000), .standard = "200",
     .help = "Observations that the posterior is conditioned on, made by the seed."},
    {POINTS(density.prior, DENSITY(LOGISTIC)), POSITIVE(SCHEMA_REAL), .standard = "2",
     .help = "Standard deviation of the prior of each coefficient."},
    {POINTS(hmc.chains, DENSITY(LOGISTIC)), INTEGER(2, 1024), .standard = "16",
     .help = "Chains of Hamiltonian Monte Carlo, of which each split takes its own part."},
    {POINTS(hmc.warmup, DENSITY(LOGISTIC)), INTEGER(10, 1000000), .standard = "1000", .unit = "iterations",
     .help = "Iterations of a chain that are thrown away; its step size is found in them."},
    {POINTS(hmc.thin, DENSITY(LOGISTIC)), INTEGER(1, 10000), .standard = "5", .unit = "iterations",
     .help = "Iterations from one point that is kept to the next."},
    {POINTS(hmc.leapfrogs, DENSITY(LOGISTIC)), INTEGER(1, 10000), .standard = "10",
     .help = "Leapfrog steps of an iteration, on average: their number is drawn."},
    {POINTS(hmc.acceptance, DENSITY(LOGISTIC)), RANGE(0.1, 0.99), .standard = "0.8",
     .help = "Share of accepted proposals that the step size aims at."},

#include "config/schema_training.inc"
};
const int schema_count = (int)(sizeof schema_rows / sizeof schema_rows[0]);

#define IS_INT(type) (sizeof(enum type) == sizeof(int))
_Static_assert(IS_INT(system_kind) && IS_INT(direction_kind) && IS_INT(renderer_kind) && IS_INT(color_kind) &&
                   IS_INT(model_kind) && IS_INT(preset_kind) && IS_INT(padding_kind) && IS_INT(activation_kind) &&
                   IS_INT(scale_kind) && IS_INT(flow_kind) && IS_INT(initialization_kind) && IS_INT(output_kind) &&
                   IS_INT(protocol_kind) && IS_INT(objective_kind) && IS_INT(schedule_kind) && IS_INT(posterior_kind) &&
                   IS_INT(divergence_kind) && IS_INT(density_kind) && IS_INT(kinetic_kind),
               "a choice is stored as an int");

const char *experiment_system_name(enum system_kind kind) {
  return (unsigned)kind < SYSTEM_COUNT ? system_names[kind] : NULL;
}

const char *experiment_density_name(enum density_kind kind) {
  return (unsigned)kind < DENSITY_COUNT ? density_names[kind] : NULL;
}

const char *experiment_model_name(enum model_kind kind) {
  return (unsigned)kind < MODEL_COUNT ? model_names[kind] : NULL;
}

const char *experiment_renderer_name(enum renderer_kind kind) {
  return (unsigned)kind < RENDERER_COUNT ? renderer_names[kind] : NULL;
}

int64_t experiment_validation(const struct data_settings *data) {
  const int64_t least = data->test < 100 ? data->test : 100, tenth = data->test / 10;
  if (data->validation > 0) return data->validation;
  return tenth > least ? tenth : least;
}

int64_t experiment_dimension(const struct density_settings *density) {
  return density->dimension > 0 ? density->dimension : 2;
}

bool schema_used(const struct schema_row *row, enum schema_use use) { return row->kinds[use] != 0; }

int schema_find(const char *path, enum schema_use use) {
  for (int row = 0; row < schema_count; ++row)
    if (schema_used(&schema_rows[row], use) && strcmp(schema_rows[row].path, path) == 0) return row;
  return -1;
}

bool schema_is_section(const char *path, enum schema_use use) {
  const size_t length = strlen(path);
  for (int row = 0; row < schema_count; ++row)
    if (schema_used(&schema_rows[row], use) && strncmp(schema_rows[row].path, path, length) == 0 &&
        schema_rows[row].path[length] == '.')
      return true;
  return false;
}

int schema_kind_row(enum schema_use use) {
  static const char *const path[SCHEMA_USE_COUNT] = {
      [SCHEMA_DATA] = "system.name", [SCHEMA_POINTS] = "density.name", [SCHEMA_TRAINING] = "model.name"};
  return schema_find(path[use], use);
}

bool schema_applies(const struct schema_row *row, enum schema_use use, int kind) {
  const unsigned kinds = row->kinds[use];
  return schema_used(row, use) && (kind < 0 ? kinds == all_of[use] : (kinds >> kind & 1u) != 0);
}

static const char *last_component(const char *path) {
  const char *dot = strrchr(path, '.');
  return dot ? dot + 1 : path;
}

static bool same_section(const char *a, const char *b) {
  const size_t n = (size_t)(last_component(a) - a);
  return n == (size_t)(last_component(b) - b) && strncmp(a, b, n) == 0;
}

struct guess {
  int distance;
  bool close;
  char path[SCHEMA_PATH_MAX];
};

/* A word counts as near by its whole path, or by its last component, where another section is one more slip. */
static void try_guess(struct guess *best, const char *path, const char *candidate) {
  const int whole = nearest_distance(path, candidate);
  const int slip = same_section(path, candidate) ? 0 : 1;
  const int last = nearest_distance(last_component(path), last_component(candidate));
  const int distance = last + slip < whole ? last + slip : whole;
  if (distance >= best->distance) return;
  best->distance = distance;
  best->close = nearest_close(last, last_component(candidate)) || nearest_close(whole, last_component(candidate));
  snprintf(best->path, sizeof best->path, "%s", candidate);
}

bool schema_nearest(const char *path, enum schema_use use, char *meant) {
  struct guess best = {.distance = INT_MAX};
  for (int row = 0; row < schema_count; ++row) {
    const char *candidate = schema_rows[row].path;
    if (!schema_used(&schema_rows[row], use)) continue;
    try_guess(&best, path, candidate);
    for (const char *dot = strchr(candidate, '.'); dot; dot = strchr(dot + 1, '.')) {
      char section[SCHEMA_PATH_MAX];
      snprintf(section, sizeof section, "%.*s", (int)(dot - candidate), candidate);
      try_guess(&best, path, section);
    }
  }
  snprintf(meant, SCHEMA_PATH_MAX, "%s", best.path);
  return best.close;
}

static void append(char *text, const char *format, ...) STATUS_PRINTF(2, 3);

static void append(char *text, const char *format, ...) {
  const size_t used = strlen(text);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text + used, SCHEMA_TEXT_MAX - used, format, arguments);
  va_end(arguments);
}

void schema_range(const struct schema_row *row, char text[SCHEMA_TEXT_MAX]) {
  text[0] = '\0';
  if (row->type == SCHEMA_INTEGER || row->type == SCHEMA_LIST) {
    append(text, "%" PRId64 " to %" PRId64, row->least, row->most);
  } else if (row->type == SCHEMA_REAL || row->type == SCHEMA_PAIR) {
    char lower[NUMBER_TEXT_MAX], upper[NUMBER_TEXT_MAX];
    number_print(row->lower, lower);
    number_print(row->upper, upper);
    append(text, "%s %s, <= %s", row->above_lower ? ">" : ">=", lower, upper);
  }
}

void schema_expected(const struct schema_row *row, char text[SCHEMA_TEXT_MAX]) {
  char range[SCHEMA_TEXT_MAX];
  schema_range(row, range);
  text[0] = '\0';
  switch (row->type) {
  case SCHEMA_INTEGER:
    for (int i = 0; i < row->choice_count; ++i) append(text, "%s, ", row->choices[i]);
    append(text, "%sa whole number in plain decimal digits, %s", row->choice_count ? "or " : "", range);
    break;
  case SCHEMA_REAL:
    append(text, "a real number %s", range);
    break;
  case SCHEMA_PAIR:
    append(text, "a pair of real numbers [lower, upper], lower <= upper, each %s", range);
    break;
  case SCHEMA_SWITCH:
    append(text, "true or false");
    break;
  case SCHEMA_TEXT:
    append(text, "a text of 1 to %d bytes", (int)TRAINING_TEXT_MAX - 1);
    break;
  case SCHEMA_LIST:
    append(text, "a sequence of at most %d whole numbers, each %s", (int)TRAINING_LIST_MAX, range);
    break;
  case SCHEMA_CHOICES:
  case SCHEMA_CHOICE:
    append(text, row->type == SCHEMA_CHOICE ? "one of " : "a sequence of ");
    for (int i = 0; i < row->choice_count; ++i) append(text, "%s%s", i ? ", " : "", row->choices[i]);
    break;
  }
  if (row->unit) append(text, " [%s]", row->unit);
}

void schema_kinds(const struct schema_row *row, enum schema_use use, char text[SCHEMA_TEXT_MAX]) {
  const struct schema_row *names = &schema_rows[schema_kind_row(use)];
  text[0] = '\0';
  for (int kind = 0; kind < names->choice_count; ++kind)
    if (schema_applies(row, use, kind)) append(text, "%s%s", text[0] ? ", " : "", names->choices[kind]);
}
