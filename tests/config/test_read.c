/* Reading files: what cannot be read says why; every preset of data/ is valid. */
#include "sample.h"

#include <dirent.h>
#include <math.h>

static const char *data_folder;

static void unreadable(void **state) {
  (void)state;
  char *text = (char *)&text;
  size_t bytes;
  assert_status(STATUS_CONFIG, config_read("no/such.yaml", &text, &bytes));
  assert_null(text);
  assert_string_equal(status_message(), "no/such.yaml: cannot open: No such file or directory");
  assert_status(STATUS_CONFIG, config_read(".", &text, &bytes));
  assert_string_equal(status_message(), ".: cannot read: Is a directory");
  FILE *zero = fopen("/dev/zero", "rb"); /* without end */
  if (zero) {
    fclose(zero);
    assert_status(STATUS_CONFIG, config_read("/dev/zero", &text, &bytes));
    assert_string_equal(status_message(), "/dev/zero: more than 1048576 bytes, too long for a configuration");
  }
}

static struct config *load_file(const char *name) {
  char path[4096], *text;
  size_t bytes;
  snprintf(path, sizeof path, "%s/%s", data_folder, name);
  assert_ok(config_read(path, &text, &bytes));
  assert_int_equal(text[bytes], 0);
  struct config *config;
  assert_ok(config_parse(name, text, bytes, NULL, 0, &config));
  free(text);
  return config;
}

/* Named after its density. */
static void check_points(const char *name, const struct experiment *e) {
  char expected[64];
  snprintf(expected, sizeof expected, "%s.yaml", experiment_density_name(e->density.name));
  assert_string_equal(name, expected);
  assert_true(e->data.train >= 20000 && e->data.test == 10000 && e->data.validation == 2000);
}

/* Named after its system, and one of three kinds. */
static void check_rollouts(const char *name, const struct experiment *e) {
  const char *system = experiment_system_name(e->system.name);
  const size_t length = strlen(system);
  assert_memory_equal(name, system, length);
  const char *kind = name + length;
  const bool paper = strcmp(kind, "_hgn2020.yaml") == 0, report = strcmp(kind, "_report2021.yaml") == 0;
  assert_true(paper || report || strcmp(kind, ".yaml") == 0);
  assert_true(e->data.train == 50000 && e->data.test == 10000 && e->data.dt == 0.125);
  assert_int_equal(e->data.frames, paper ? 30 : 34);
  assert_string_equal(experiment_renderer_name(e->render.renderer), report ? "report2021" : "soft");
  assert_int_equal(e->initial.direction, report ? DIRECTION_SQUARE : DIRECTION_UNIFORM);
  if (!paper && !report) assert_true(e->data.noise == 0.02);
}

static enum schema_use check_preset(const char *name) {
  struct config *config = load_file(name);
  const enum schema_use use = config_use(config);
  if (use == SCHEMA_POINTS)
    check_points(name, config_experiment(config));
  else
    check_rollouts(name, config_experiment(config));
  config_destroy(&config);
  return use;
}

static void presets(void **state) {
  (void)state;
  DIR *folder = opendir(data_folder);
  assert_non_null(folder);
  int count[SCHEMA_USE_COUNT] = {0};
  for (const struct dirent *entry; (entry = readdir(folder));) {
    const char *dot = strrchr(entry->d_name, '.');
    if (!dot || strcmp(dot, ".yaml") != 0 || strcmp(entry->d_name, "claims.yaml") == 0) continue; /* no experiment */
    count[check_preset(entry->d_name)] += 1;
  }
  closedir(folder);
  assert_int_equal(count[SCHEMA_DATA], 3 * SYSTEM_COUNT);
  assert_int_equal(count[SCHEMA_POINTS], DENSITY_COUNT);
}

/* Radii of the reproduction in whole pixels of a 32 pixel image. */
static void report_discs(void **state) {
  (void)state;
  const struct {
    const char *name;
    int pixels;
  } discs[] = {{"mass_spring", 4},     {"damped_spring", 4}, {"pendulum", 4},
               {"double_pendulum", 2}, {"two_body", 2},      {"three_body", 1}};
  for (size_t i = 0; i < sizeof discs / sizeof *discs; ++i) {
    char name[64];
    snprintf(name, sizeof name, "%s_report2021.yaml", discs[i].name);
    struct config *config = load_file(name);
    const struct render_settings *render = &config_experiment(config)->render;
    assert_int_equal((int)floor(render->radius / (2 * render->world / 32)), discs[i].pixels);
    config_destroy(&config);
  }
}

/* The defects that are reproduced, and those that are not. */
static void report_defects(void **state) {
  (void)state;
  struct config *config = load_file("damped_spring_report2021.yaml");
  assert_true(config_experiment(config)->system.damping == 1.2);
  assert_true(config_experiment(config)->initial.radius[0] == 0.1 && config_experiment(config)->initial.radius[1] == 1);
  config_destroy(&config);
  config = load_file("two_body_report2021.yaml");
  /* Phi(1/2) = (1 + erf(1/sqrt 8)) / 2 */
  assert_true(fabs(config_experiment(config)->initial.flip_probability - 0.5 * (1 + erf(sqrt(0.125)))) < 1e-15);
  config_destroy(&config);
  config = load_file("pendulum_hgn2020.yaml");
  assert_true(config_experiment(config)->system.gravity == 6);
  config_destroy(&config);
  config = load_file("damped_spring_hgn2020.yaml");
  assert_true(config_experiment(config)->system.damping == 0.3);
  config_destroy(&config);
}

int main(int argc, char **argv) {
  data_folder = argc > 1 ? argv[1] : "data";
  const struct CMUnitTest tests[] = {cmocka_unit_test(unreadable), cmocka_unit_test(presets),
                                     cmocka_unit_test(report_discs), cmocka_unit_test(report_defects)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
