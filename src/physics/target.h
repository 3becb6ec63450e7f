/* Densities in few dimensions that models are fitted to: their logs, exact, their draws and their modes.
 *
 *   gaussian      N(0, width^2 I)
 *   ring          `modes` equal Gaussians N(., width^2 I) on a circle of radius `spacing`, the first on the x axis, and
 *                 one in the centre; all of equal weight
 *   grid          side x side equal Gaussians, neighbours `spacing` apart, centred
 *   arcs          Rezende and Mohamed, ICML 2015, table 1, U1: exp(-U), U = ((|x| - 2) / 0.4)^2 / 2
 *                 - log(exp(-((x_0 - 2) / 0.6)^2 / 2) + exp(-((x_0 + 2) / 0.6)^2 / 2)); normalised by quadrature
 *   cross         four equal Gaussians with their centres at distance 1.5 on the diagonals, standard deviation 0.6
 *                 along the diagonal and 0.15 across it: an X
 *   moons         a point of one of two half circles of radius 1, uniform in angle, (cos t, sin t) or
 *                 (1 - cos t, 1/2 - sin t), 0 <= t <= pi, with noise N(0, width^2 I) (scikit-learn's make_moons)
 *   checkerboard  uniform on the fields of [-2, 2]^2, of side 1, whose column and row have an even sum
 *   logistic      posterior of coefficients b: prior N(0, prior^2 I), `observations` times y ~ Bernoulli(1 / (1 +
 *                 exp(-x.b))), x = (1, N(0, I)), y made by a b of the prior, all functions of the seed. Its normaliser
 *                 is estimated by importance sampling, and its draws are made by Monte Carlo (physics/hmc.h):
 *                 target_draw() does not apply.
 *
 * All functions: Not collective. The same bits on every machine.
 */
#ifndef HGN_PHYSICS_TARGET_H
#define HGN_PHYSICS_TARGET_H

#include "base/status.h"
#include "config/experiment.h"

enum { TARGET_DIMENSION_MAX = 32, TARGET_MODES_MAX = 65 };

struct target;

/* experiment: of a data set of points; what is needed of it is copied. STATUS_MEMORY; STATUS_CONFIG where the density
 * cannot be computed, STATUS_NUMERIC where its normaliser cannot be estimated. On failure *target is NULL. */
enum status target_open(const struct experiment *experiment, struct target **target);
void target_close(struct target **target);

int64_t target_dimension(const struct target *target);

/* log of the density at x[D], nat: normalised; -infinity where there is none; NaN only where x has one. */
double target_log_density(const struct target *target, const double *x);
/* d log density / dx[D]. Only of logistic and the mixtures of Gaussians; STATUS_UNAVAILABLE for others. */
enum status target_gradient(const struct target *target, const double *x, double *gradient);
/* Standard error of the log of the normaliser that target_log_density() has, nat; 0 where it is exact. */
double target_normaliser_error(const struct target *target);

/* Whether target_draw() applies; and point `index` of the stream of a seed, x[D]. */
bool target_draws(const struct target *target);
void target_draw(const struct target *target, uint64_t seed, uint64_t index, double *x);

/* Separate modes; and which of them x belongs to, the nearest, or -1 where it is beyond what all but a ten thousandth,
 * or fewer, of the density's own draws keep to. */
int target_modes(const struct target *target);
int target_mode(const struct target *target, const double *x);

/* Where all but about 1e-6 of the density is: a box, lower[D] and upper[D]. */
void target_box(const struct target *target, double *lower, double *upper);

#endif
