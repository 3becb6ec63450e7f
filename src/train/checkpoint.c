#include "train/checkpoint.h"

#include "base/arena.h"
#include "base/checksum.h"
#include "store/output.h"
#include "store/provenance.h"
#include "train/continuation.h"
#include "train/origin.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = GRAPH_NAME_MAX + 16 };

/* The numbers of a checkpoint by their names: the trainer's, then the learner's. */
struct number {
  struct learner_column column;
  double *value;
  bool measured;
};
enum { NUMBERS_MAX = 16 };

static int list_numbers(const struct learner_kind *kind, struct checkpoint *checkpoint,
                        struct number list[NUMBERS_MAX]) {
  const struct number own[] = {
#define NUMBER(name, unit, help) {{#name, unit, help}, &checkpoint->name, false},
      CHECKPOINT_LIST(NUMBER)
#undef NUMBER
#define NUMBER(name, unit, help) {{#name, unit, help}, &checkpoint->name, true},
          CHECKPOINT_MEASURED_LIST(NUMBER)
#undef NUMBER
  };
  _Static_assert(sizeof own / sizeof *own + LEARNER_SCALARS_MAX <= NUMBERS_MAX, "numbers have room");
  int count = (int)(sizeof own / sizeof *own);
  memcpy(list, own, sizeof own);
  for (int i = 0; i < kind->scalars; i++)
    list[count++] = (struct number){kind->scalar[i], &checkpoint->scalar[i], false};
  return count;
}

static void sum_numbers(const struct learner_kind *kind, const struct checkpoint *checkpoint, bool measured,
                        struct checksum *sum) {
  struct number list[NUMBERS_MAX];
  struct checkpoint copy = *checkpoint;
  const int count = list_numbers(kind, &copy, list);
  for (int i = 0; i < count; i++)
    if (list[i].measured == measured)
      checksum_add(sum, checksum_tag(list[i].column.name), 0, list[i].value, sizeof *list[i].value);
}

/* Every rank holds all of it, so none needs to be reduced. */
static struct checksum sum_all(const struct learner *learner, const struct checkpoint *checkpoint) {
  const size_t bytes = (size_t)layout_values(learner->layout) * sizeof(float);
  struct checksum sum = {{0, 0}};
  checksum_add(&sum, checksum_tag("parameters"), 0, checkpoint->parameters, bytes);
  checksum_add(&sum, checksum_tag("first"), 0, checkpoint->first, bytes);
  checksum_add(&sum, checksum_tag("second"), 0, checkpoint->second, bytes);
  checksum_add(&sum, checksum_tag("exponents"), 0, checkpoint->exponent,
               (size_t)learner->layout->tensors * sizeof *checkpoint->exponent);
  sum_numbers(learner->kind, checkpoint, false, &sum);
  checksum_add(&sum, checksum_tag("step"), 0, &checkpoint->step, sizeof checkpoint->step);
  return sum;
}

static struct checksum sum_measured(const struct learner *learner, const struct checkpoint *checkpoint) {
  struct checksum sum = {{0, 0}};
  sum_numbers(learner->kind, checkpoint, true, &sum);
  return sum;
}

/* What tells which model this is, before there is one: verified on its own. */
struct description {
  const char *config, *data_checksum, *numerics;
  int64_t size[LEARNER_SIZES_MAX];
  int sizes;
  double time_step[2]; /* s: in the latent space, in the data */
};

static void sum_description(const struct description *description, char text[CHECKSUM_TEXT]) {
  struct checksum sum = {{0, 0}};
  checksum_add(&sum, checksum_tag("config"), 0, description->config, strlen(description->config));
  checksum_add(&sum, checksum_tag("data"), 0, description->data_checksum, strlen(description->data_checksum));
  checksum_add(&sum, checksum_tag("numerics"), 0, description->numerics, strlen(description->numerics));
  checksum_add(&sum, checksum_tag("sizes"), 0, description->size, (size_t)description->sizes * sizeof(int64_t));
  checksum_add(&sum, checksum_tag("time step"), 0, description->time_step, sizeof description->time_step);
  checksum_text(&sum, text);
}

static void tensor_name(const struct layout_tensor *tensor, char name[NAME_MAX_BYTES]) {
  snprintf(name, NAME_MAX_BYTES, "/parameters/%s", tensor->name);
}

/* "height, width, ..." */
static void name_sizes(const struct learner_kind *kind, char text[NAME_MAX_BYTES]) {
  int used = 0;
  text[0] = '\0';
  for (int i = 0; i < kind->sizes && used < NAME_MAX_BYTES; i++)
    used += snprintf(text + used, (size_t)(NAME_MAX_BYTES - used), "%s%s", i ? ", " : "", kind->size[i]);
}

static void number_name(const struct number *number, char name[NAME_MAX_BYTES]) {
  snprintf(name, NAME_MAX_BYTES, "/%s/%s", number->measured ? "measured" : "state", number->column.name);
}

static enum status make_state(struct store_file *file, const struct learner *learner) {
  const int64_t values = layout_values(learner->layout), tensors = learner->layout->tensors, one = 1;
  struct number list[NUMBERS_MAX];
  struct checkpoint unused;
  const int count = list_numbers(learner->kind, &unused, list);
  char name[NAME_MAX_BYTES];
  TRY(store_dataset(file, "/optimizer/first", STORE_F32, 1, &values, NULL, "Adam's first moment"));
  TRY(store_dataset(file, "/optimizer/second", STORE_F32, 1, &values, NULL, "Adam's second moment"));
  TRY(store_dataset(file, "/state/step", STORE_I64, 1, &one, NULL, "steps done"));
  for (int i = 0; i < count; i++) {
    number_name(&list[i], name);
    TRY(store_dataset(file, name, STORE_F64, 1, &one, list[i].column.unit, list[i].column.help));
  }
  return store_dataset(file, "/state/exponents", STORE_I64, 1, &tensors, NULL,
                       "binary exponents of the fixed-point sums of gradients, by tensor");
}

static enum status make_structure(struct store_file *file, const struct learner *learner,
                                  const struct description *description) {
  char sum[CHECKSUM_TEXT], name[NAME_MAX_BYTES];
  const int64_t sizes = description->sizes, two = 2;
  TRY(store_attribute_text(file, "format", CHECKPOINT_FORMAT));
  TRY(store_attribute_i64(file, "schema_version", CHECKPOINT_VERSION));
  sum_description(description, sum);
  TRY(store_text(file, "/config", description->config, 0));
  TRY(store_text(file, "/data_checksum", description->data_checksum, 0));
  TRY(store_text(file, "/numerics", description->numerics, 0));
  TRY(store_text(file, "/description_checksum", sum, 0));
  TRY(store_text(file, "/checksum", NULL, CHECKSUM_TEXT));
  TRY(store_text(file, "/measured/checksum", NULL, CHECKSUM_TEXT));
  name_sizes(learner->kind, name);
  TRY(store_dataset(file, "/sizes", STORE_I64, 1, &sizes, NULL, name));
  TRY(store_dataset(file, "/time_step", STORE_F64, 1, &two, "s",
                    "time between frames: in the latent space, in the data"));
  for (int i = 0; i < learner->layout->tensors; i++) {
    const struct layout_tensor *tensor = &learner->layout->tensor[i];
    tensor_name(tensor, name);
    TRY(store_dataset(file, name, STORE_F32, tensor->shape.rank, tensor->shape.dim, NULL, NULL));
  }
  TRY(make_state(file, learner));
  TRY(provenance_write(file));
  return store_seal(file);
}

static enum status write_state(struct store_file *file, const struct learner *learner,
                               const struct checkpoint *checkpoint) {
  struct number list[NUMBERS_MAX];
  struct checkpoint copy = *checkpoint;
  const int count = list_numbers(learner->kind, &copy, list);
  TRY(store_write_independent(file, "/optimizer/first", 0, layout_values(learner->layout), checkpoint->first));
  TRY(store_write_independent(file, "/optimizer/second", 0, layout_values(learner->layout), checkpoint->second));
  TRY(store_write_independent(file, "/state/step", 0, 1, &checkpoint->step));
  for (int i = 0; i < count; i++) {
    char name[NAME_MAX_BYTES];
    number_name(&list[i], name);
    TRY(store_write_independent(file, name, 0, 1, list[i].value));
  }
  return STATUS_OK;
}

/* The root writes: some MB. */
static enum status write_values(struct store_file *file, const struct learner *learner,
                                const struct description *description, const struct checkpoint *checkpoint) {
  if (description->sizes) TRY(store_write_independent(file, "/sizes", 0, description->sizes, description->size));
  TRY(store_write_independent(file, "/time_step", 0, 2, description->time_step));
  for (int i = 0; i < learner->layout->tensors; i++) {
    const struct layout_tensor *tensor = &learner->layout->tensor[i];
    char name[NAME_MAX_BYTES];
    tensor_name(tensor, name);
    TRY(store_write_independent(file, name, 0, tensor->shape.dim[0], checkpoint->parameters + tensor->offset));
    const int64_t exponent = checkpoint->exponent[i];
    TRY(store_write_independent(file, "/state/exponents", i, 1, &exponent));
  }
  return write_state(file, learner, checkpoint);
}

/* Root only. Whether what is there may be replaced: nothing, one of this run, or one that is damaged; of other kinds of
 * file store_create_at() says what they are. */
static enum status check_place(const char *path, const struct checkpoint_owner *owner) {
  bool there;
  TRY(output_exists(path, &there));
  enum status status = there ? checkpoint_check_owner(path, owner) : STATUS_OK;
  if (status != STATUS_FILE || store_trouble()) return status;
  status_clear();
  return STATUS_OK;
}

enum status checkpoint_write(const struct comm *comm, const char *path, const struct store_lock *lock,
                             const struct checkpoint_owner *owner, const struct learner *learner,
                             const struct checkpoint *checkpoint) {
  const struct store_place place = {.replaces = CHECKPOINT_FORMAT, .damaged = true, .named_by_hgn = true, .lock = lock};
  struct store_file file;
  char *text = NULL, sum[CHECKSUM_TEXT], measured_sum[CHECKSUM_TEXT];
  TRY(comm_agree(comm, comm->rank == 0 ? check_place(path, owner) : STATUS_OK));
  TRY(comm_agree(comm, config_text(owner->config, &text)));
  struct description description = {.config = text,
                                    .data_checksum = owner->data_checksum,
                                    .numerics = owner->numerics,
                                    .sizes = learner->kind->sizes,
                                    .time_step = {learner->dt, learner->interval}};
  memcpy(description.size, learner->size, sizeof description.size);
  enum status status = store_create_at(comm, path, &place, &file);
  if (status == STATUS_OK) {
    const struct checksum all = sum_all(learner, checkpoint), measured = sum_measured(learner, checkpoint);
    checksum_text(&all, sum);
    checksum_text(&measured, measured_sum);
    status = make_structure(&file, learner, &description);
    if (status == STATUS_OK)
      status = comm_agree(comm, comm->rank == 0 ? write_values(&file, learner, &description, checkpoint) : STATUS_OK);
    if (status == STATUS_OK) status = store_write_text(&file, "/measured/checksum", measured_sum);
    if (status == STATUS_OK) status = store_write_text(&file, "/checksum", sum);
    if (status == STATUS_OK) status = store_commit(&file);
    store_close(&file);
  }
  free(text);
  return status;
}

/* ---- Reading ---- */

enum { SIZES_PRODUCT_MAX = 1 << 27 }; /* of all sizes of the data: as many values as a rollout has, at most */

static enum status open_checkpoint(const struct comm *comm, const char *path, struct store_file *file) {
  TRY(store_open(comm, path, file));
  enum status status = comm_agree(comm, store_check_format(file, CHECKPOINT_FORMAT, CHECKPOINT_VERSION));
  if (status != STATUS_OK) store_close(file);
  return status;
}

static enum status refuse_damaged(const struct store_file *file) {
  return status_raise(STATUS_FILE, "%s: is damaged: its contents do not have the checksum that it was written with",
                      file->path);
}

static enum status verify_description(const struct store_file *file, const struct description *description) {
  char sum[CHECKSUM_TEXT], *written = NULL;
  TRY(store_read_text(file, "/description_checksum", &written));
  sum_description(description, sum);
  const bool same = strcmp(sum, written) == 0;
  free(written);
  return same ? STATUS_OK : refuse_damaged(file);
}

/* Texts of the description, owned. */
struct texts {
  char *config, *data, *numerics;
};

static void free_texts(struct texts *texts) {
  free(texts->config);
  free(texts->data);
  free(texts->numerics);
}

static enum status read_sizes(const struct store_file *file, struct description *description) {
  int64_t extent[STORE_RANK_MAX];
  enum store_type type;
  int rank;
  TRY(store_extent(file, "/sizes", &rank, extent, &type));
  REQUIRE(rank == 1 && extent[0] <= LEARNER_SIZES_MAX, STATUS_FILE, "%s: /sizes has the wrong shape", file->path);
  description->sizes = (int)extent[0];
  if (description->sizes == 0) return STATUS_OK;
  return store_read_values(file, "/sizes", STORE_I64, extent[0], description->size);
}

/* Verified. */
static enum status read_texts(const struct store_file *file, struct texts *texts, struct description *description) {
  *texts = (struct texts){.config = NULL};
  *description = (struct description){.config = NULL};
  TRY(read_sizes(file, description));
  TRY(store_read_values(file, "/time_step", STORE_F64, 2, description->time_step));
  enum status status = store_read_text(file, "/config", &texts->config);
  if (status == STATUS_OK) status = store_read_text(file, "/data_checksum", &texts->data);
  if (status == STATUS_OK) status = store_read_text(file, "/numerics", &texts->numerics);
  description->config = texts->config;
  description->data_checksum = texts->data;
  description->numerics = texts->numerics;
  if (status == STATUS_OK) status = verify_description(file, description);
  if (status != STATUS_OK) free_texts(texts);
  return status;
}

/* A model is made of them. */
static enum status check_sizes(const struct store_file *file, const struct description *description) {
  int64_t left = SIZES_PRODUCT_MAX;
  for (int i = 0; i < description->sizes; i++) {
    REQUIRE(description->size[i] > 0 && description->size[i] <= left, STATUS_FILE,
            "%s: /sizes are not those of a model", file->path);
    left /= description->size[i];
  }
  return STATUS_OK;
}

static enum status read_description(const struct store_file *file, struct checkpoint_about *about) {
  struct description description;
  struct texts texts;
  TRY(read_texts(file, &texts, &description));
  enum status status = check_sizes(file, &description);
  if (status == STATUS_OK) status = store_parse_config(file, texts.config, SCHEMA_USE(SCHEMA_TRAINING), &about->config);
  if (status == STATUS_OK && learner_require(config_experiment(about->config)) != STATUS_OK)
    status = status_context(STATUS_FILE, "%s", file->path);
  if (status == STATUS_OK) {
    const struct learner_kind *kind = learner_find(config_experiment(about->config)->training.model.name);
    if (kind->sizes != description.sizes)
      status = status_raise(STATUS_FILE, "%s: /sizes is not that of a model \"%s\"", file->path, kind->name);
  }
  memcpy(about->size, description.size, sizeof about->size);
  about->dt = description.time_step[0];
  about->interval = description.time_step[1];
  snprintf(about->data_checksum, sizeof about->data_checksum, "%s", texts.data);
  free_texts(&texts);
  return status;
}

static enum status compare_texts(const struct store_file *file, const struct texts *texts,
                                 const struct checkpoint_owner *owner) {
  struct config *config = NULL;
  char differences[512];
  TRY(store_parse_config(file, texts->config, SCHEMA_USE(SCHEMA_TRAINING), &config));
  const int count =
      owner->begins ? config_differences_of(config, owner->config, origin_has_to_agree, differences, sizeof differences)
                    : continuation_differences(config, owner->config, differences, sizeof differences);
  config_destroy(&config);
  REQUIRE(count == 0 || !owner->begins, STATUS_CONFIG,
          "%s: is no state that this run can begin from, since more differs than how it learns (%s)", file->path,
          differences);
  REQUIRE(count == 0, STATUS_CONFIG, "%s: is of another run (%s): move it away", file->path, differences);
  REQUIRE(strcmp(texts->data, owner->data_checksum) == 0, STATUS_CONFIG, "%s: is of a run on other data: move it away",
          file->path);
  REQUIRE(strcmp(texts->numerics, owner->numerics) == 0, STATUS_CONFIG,
          "%s: is of a run with other arithmetic (\"%s\", not \"%s\"): move it away", file->path, texts->numerics,
          owner->numerics);
  return STATUS_OK;
}

static enum status compare_owner(const struct store_file *file, const struct checkpoint_owner *owner) {
  struct description description;
  struct texts texts;
  if (store_check_format(file, CHECKPOINT_FORMAT, CHECKPOINT_VERSION) != STATUS_OK)
    return store_trouble() ? STATUS_FILE : STATUS_CONFIG; /* of another program */
  TRY(read_texts(file, &texts, &description));
  enum status status = compare_texts(file, &texts, owner);
  free_texts(&texts);
  return status;
}

enum status checkpoint_check_owner(const char *path, const struct checkpoint_owner *owner) {
  struct comm self;
  struct store_file file;
  TRY(comm_open(MPI_COMM_SELF, &self));
  enum status status = store_open(&self, path, &file);
  if (status == STATUS_OK) {
    status = compare_owner(&file, owner);
    store_close(&file);
  }
  comm_close(&self);
  return status;
}

enum status checkpoint_describe(const struct comm *comm, const char *path, struct checkpoint_about *about) {
  struct store_file file;
  *about = (struct checkpoint_about){.config = NULL};
  TRY(open_checkpoint(comm, path, &file));
  enum status status = comm_agree(comm, read_description(&file, about));
  if (status != STATUS_OK) config_destroy(&about->config);
  store_close(&file);
  return status;
}

static enum status read_tensor(const struct store_file *file, const struct layout_tensor *tensor, float *parameters) {
  char name[NAME_MAX_BYTES];
  int rank;
  int64_t extent[STORE_RANK_MAX];
  enum store_type type;
  tensor_name(tensor, name);
  TRY(store_extent(file, name, &rank, extent, &type));
  bool same = rank == tensor->shape.rank;
  for (int i = 0; same && i < rank; i++) same = extent[i] == tensor->shape.dim[i];
  REQUIRE(same, STATUS_FILE, "%s: %s has another shape than the model", file->path, name);
  return store_read(file, name, STORE_F32, 0, extent[0], parameters + tensor->offset);
}

static enum status read_exponents(const struct store_file *file, int tensors, int32_t *exponent) {
  int64_t *wide = malloc((size_t)tensors * sizeof *wide);
  REQUIRE(wide, STATUS_MEMORY, "%s: out of memory", file->path);
  enum status status = store_read_values(file, "/state/exponents", STORE_I64, tensors, wide);
  for (int i = 0; i < tensors && status == STATUS_OK; i++) exponent[i] = (int32_t)wide[i];
  free(wide);
  return status;
}

static enum status read_state(const struct store_file *file, const struct learner *learner, struct checkpoint *all) {
  struct number list[NUMBERS_MAX];
  const int count = list_numbers(learner->kind, all, list);
  TRY(store_read_values(file, "/optimizer/first", STORE_F32, layout_values(learner->layout), all->first));
  TRY(store_read_values(file, "/optimizer/second", STORE_F32, layout_values(learner->layout), all->second));
  TRY(store_read_values(file, "/state/step", STORE_I64, 1, &all->step));
  for (int i = 0; i < count; i++) {
    char name[NAME_MAX_BYTES];
    number_name(&list[i], name);
    TRY(store_read_values(file, name, STORE_F64, 1, list[i].value));
  }
  return STATUS_OK;
}

static enum status verify_sum(const struct store_file *file, const char *name, const char *found) {
  char *text = NULL;
  TRY(store_read_text(file, name, &text));
  const bool same = strcmp(text, found) == 0;
  free(text);
  return same ? STATUS_OK : refuse_damaged(file);
}

/* found: the checksum of what was read. */
static enum status read_values(const struct store_file *file, const struct learner *learner, struct checkpoint *all,
                               char found[CHECKSUM_TEXT]) {
  char found_measured[CHECKSUM_TEXT];
  for (int i = 0; i < learner->layout->tensors; i++)
    TRY(read_tensor(file, &learner->layout->tensor[i], all->parameters));
  TRY(read_exponents(file, learner->layout->tensors, all->exponent));
  TRY(read_state(file, learner, all));
  const struct checksum sum = sum_all(learner, all), measured = sum_measured(learner, all);
  checksum_text(&sum, found);
  checksum_text(&measured, found_measured);
  TRY(verify_sum(file, "/checksum", found));
  return verify_sum(file, "/measured/checksum", found_measured);
}

/* Whole, whatever the caller wants of it: only the whole can be verified. */
static enum status allocate(const struct layout *layout, struct arena *arena, struct checkpoint *all) {
  all->parameters = arena_array(arena, layout_values(layout), sizeof(float));
  all->first = arena_array(arena, layout_values(layout), sizeof(float));
  all->second = arena_array(arena, layout_values(layout), sizeof(float));
  all->exponent = arena_array(arena, layout->tensors, sizeof *all->exponent);
  return arena_check(arena, "a checkpoint");
}

/* What the caller has no array for is left out. */
static void hand_over(const struct layout *layout, const struct checkpoint *all, struct checkpoint *checkpoint) {
  const size_t bytes = (size_t)layout_values(layout) * sizeof(float);
  const struct checkpoint to = *checkpoint;
  if (to.parameters) memcpy(to.parameters, all->parameters, bytes);
  if (to.first) memcpy(to.first, all->first, bytes);
  if (to.second) memcpy(to.second, all->second, bytes);
  if (to.exponent) memcpy(to.exponent, all->exponent, (size_t)layout->tensors * sizeof *all->exponent);
  *checkpoint = *all;
  checkpoint->parameters = to.parameters;
  checkpoint->first = to.first;
  checkpoint->second = to.second;
  checkpoint->exponent = to.exponent;
}

enum status checkpoint_read(const struct comm *comm, const char *path, const struct learner *learner,
                            struct checkpoint *checkpoint) {
  struct store_file file;
  struct checkpoint all = {.step = 0};
  struct arena arena = {.last = NULL};
  TRY(open_checkpoint(comm, path, &file));
  enum status status = allocate(learner->layout, &arena, &all);
  char found[CHECKSUM_TEXT] = "";
  if (status == STATUS_OK) status = read_values(&file, learner, &all, found);
  status = comm_agree(comm, status);
  if (status == STATUS_OK) status = store_agree(&file, "a checkpoint", found, sizeof found);
  store_close(&file);
  if (status == STATUS_OK) hand_over(learner->layout, &all, checkpoint);
  arena_free(&arena);
  return status;
}
