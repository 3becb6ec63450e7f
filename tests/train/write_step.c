/* write_step PRESET FILE.h5: a training step's inputs, parameters, losses and gradients at full size, for
 * tests/peer/hgn_torch.py to compare. */
#include "scene.h"
#include "store/file.h"

enum { BATCH = 2, CHUNK = 15 };

static const struct comm *world;
static struct store_file file;

static void put(const char *name, enum store_type type, int rank, const int64_t *extent, const void *data) {
  assert_ok(store_dataset(&file, name, type, rank, extent, NULL, NULL));
  assert_ok(store_write_independent(&file, name, 0, extent[0], data));
}

static void put_number(const char *name, double number) { put(name, STORE_F64, 1, (const int64_t[]){1}, &number); }

static void put_tensors(const char *group, const struct model *model, const float *block) {
  for (int i = 0; i < model->layout.tensors; i++) {
    char name[128];
    snprintf(name, sizeof name, "/%s/%s", group, model->layout.tensor[i].name);
    put(name, STORE_F32, model->layout.tensor[i].shape.rank, model->layout.tensor[i].shape.dim,
        block + model->layout.tensor[i].offset);
  }
}

static void put_inputs(struct scene *scene, const struct hgn_lane *lane, const struct hgn_task *task) {
  const int64_t frames = scene->data.frames, image = model_image_values(scene->model);
  float *images = malloc((size_t)(BATCH * frames * image) * sizeof *images);
  for (int b = 0; b < BATCH; b++)
    assert_ok(source_frames(&scene->source, SPLIT_TRAIN, lane->rollouts[b], 0, frames, images + b * frames * image));
  put("/frames", STORE_F32, 5, (const int64_t[]){BATCH, frames, 32, 32, 3}, images);
  free(images);
  const struct model_map *latent = &scene->model->latent;
  if (model_latents(scene->model))
    put("/noise", STORE_F32, 4, (const int64_t[]){BATCH, latent->height, latent->width, latent->channels},
        lane->shared->noise);
  put_number("/dt", task->dt);
  put_number("/error_weight", task->error_weight);
  put_number("/kl_weight", task->kl_weight);
}

static void write_step(const char *preset, const char *path) {
  struct scene scene = {.model = NULL};
  struct pass *pass;
  struct hgn_shared *shared;
  struct hgn_lane lane;
  struct hgn_loss loss;
  const int64_t rollouts[BATCH] = {1, 0};
  char word[64];
  snprintf(word, sizeof word, "model.preset=%s", preset);
  scene_data(&scene, BATCH, 34);
  scene_model(&scene, (const char *const[]){word}, 1, 0, GRAPH_F32);
  const int64_t targets = scene.protocol.target_count;
  assert_ok(pass_create(scene.model, BATCH, CHUNK, scene.parameters, &pass));
  assert_ok(hgn_lane_share(scene.model, pass, &scene.source, BATCH, CHUNK, targets, HGN_KEPT_BYTES, &shared));
  assert_ok(hgn_lane_create(shared, 0, targets, &lane));
  lane.rollouts = rollouts;
  const struct hgn_task task = {
      .protocol = scene.protocol, .seed = 3, .dt = 0.125, .error_weight = 1, .kl_weight = 0.01, .batch = BATCH};
  float *gradient = calloc((size_t)scene.model->layout.part[MODEL_PARTS], sizeof *gradient);
  assert_ok(hgn_lane_encode(&lane, &task));
  assert_ok(hgn_lane_unroll(&lane, &task));
  assert_ok(hgn_lane_draw(&lane, &task, &loss, gradient, NULL, NULL));
  assert_ok(hgn_lane_unroll_back(&lane, &task, gradient, NULL, NULL));
  assert_ok(hgn_lane_encode_back(&lane, &task, gradient));

  assert_ok(store_create(world, path, &file));
  assert_ok(store_attribute_text(&file, "preset", preset));
  assert_ok(store_attribute_i64(&file, "input_frames", scene.protocol.input_count));
  assert_ok(store_attribute_i64(&file, "frames", targets));
  put_inputs(&scene, &lane, &task);
  put_tensors("parameters", scene.model, scene.parameters);
  put_tensors("gradients", scene.model, gradient);
  put_number("/error", loss.error);
  put_number("/kl", loss.kl);
  assert_ok(store_commit(&file));
  free(gradient);
  hgn_lane_close(&lane);
  hgn_lane_unshare(&shared);
  pass_destroy(&pass);
  scene_close(&scene);
}

int main(int argc, char **argv) {
  struct comm comm;
  if (argc != 3) return 2;
  MPI_Init(&argc, &argv);
  assert_ok(comm_open(MPI_COMM_WORLD, &comm));
  world = &comm;
  write_step(argv[1], argv[2]);
  comm_close(&comm);
  MPI_Finalize();
  return 0;
}
