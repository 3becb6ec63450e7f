/* The linear rung of the ladder: what frames do when nothing but linear algebra is known.
 *
 * Principal components of the frames of training rollouts (pdgesvd) give each frame a few scores c_t, and dynamic mode
 * decomposition (Schmid, J. Fluid Mech. 656, 2010; with delays as in Arbabi and Mezic, SIAM J. Appl. Dyn. Syst. 16,
 * 2017) the matrix that carries K frames to the next by least squares (pdgels),
 *   c_{t+1} = a + A_1 c_t + ... + A_K c_{t-K+1},
 * which is applied again and again to predict. Its modes are the eigenvalues lambda of the companion matrix of A: of
 * angular frequency arg(lambda) / dt and growth ln|lambda| / dt. A motion whose frequency is the same at all energies,
 * as that of a mass on a spring, is linear in the space of images, however large the discs; one whose frequency depends
 * on the energy is not.
 */
#ifndef HGN_ANALYSIS_LINEAR_MODEL_H
#define HGN_ANALYSIS_LINEAR_MODEL_H

#include "analysis/matrix.h"
#include "base/arena.h"
#include "train/corpus.h"

enum {
  LINEAR_ROLLOUTS = 500,  /* training rollouts that are looked at, at most */
  LINEAR_SNAPSHOTS = 300, /* of their frames those that the components are made of */
  LINEAR_COMPONENTS = 48, /* at most, of those that hold LINEAR_SHARE of the variance */
  LINEAR_MODES = 400,     /* components * K, at most: all eigenvalues are computed on each rank */
  LINEAR_FRAMES = 5       /* K, where the model sees all frames */
};
#define LINEAR_SHARE 0.995

struct linear_model {
  int64_t rollouts;       /* of the training split, that it was fitted to */
  int64_t seen;           /* K */
  int64_t components;     /* numbers of c */
  double share;           /* of the variance of frames that they hold */
  int64_t modes;          /* components * seen */
  double *eigenvalue;     /* [modes][2]: real and imaginary part, the largest first */
  int64_t tested, frames; /* test rollouts; frames of each: 0..frames-1 */
  double *by_frame;       /* [frames]: pixel MSE of the prediction; of the K frames that are seen that of the
                               components alone */
  double mse, error;      /* over the frames that are not seen, and its standard error over rollouts */
  double reconstruction;  /* pixel MSE of all test frames in the components: no linear autoencoder of so many does
                               better */
  double mean_image;      /* pixel MSE of the mean of the training frames looked at, over the frames that are not
                               seen */
  struct arena arena;
};

/* Collective. seen: K, 0: LINEAR_FRAMES. tested: test rollouts, the first. STATUS_UNAVAILABLE when rollouts have no
 * frames beyond K, or there are too few to fit; those of source.h and matrix.h. Freed with linear_model_free(), after a
 * failure too. */
enum status linear_model_measure(struct grid *grid, struct corpus *corpus, int64_t seen, int64_t tested,
                                 struct linear_model *linear);
void linear_model_free(struct linear_model *linear);

/* Not collective. Of mode i: rad/s (>= 0 for one of each pair), and 1/s; dt in s. */
double linear_model_frequency(const struct linear_model *linear, int64_t i, double dt);
double linear_model_growth(const struct linear_model *linear, int64_t i, double dt);

#endif
