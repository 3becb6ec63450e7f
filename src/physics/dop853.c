#include "physics/dop853.h"

#include <math.h>
#include <stddef.h>

#if defined(__GNUC__)
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#else
#define ALWAYS_INLINE static inline
#endif

enum { STAGES = 12 };

/* k[s] = field at state + h sum_j a_sj k[j]. In every stage the newest k, s - 1, has a coefficient; it is added last,
 * and h is multiplied in before, so that only one product and one sum wait for the field's result. */
#define STAGE(s, newest, others)                                                                                       \
  EACH y[i] = (state[i] + h[l] * (others)) + (h[l] * (newest)) * k[(s)-1][i];                                          \
  if (lanes == 1)                                                                                                      \
    system->field(parameters, y, k[s]);                                                                                \
  else                                                                                                                 \
    system->field_lanes(parameters, y, k[s])

/* Over coordinates c of lanes l, i = c * lanes + l. */
#define EACH                                                                                                           \
  for (int c = 0; c < n; c++)                                                                                          \
    for (int l = 0, i = c * lanes; l < lanes; l++, i++)

/* Inlined with constants n = 2 D and `lanes`, so that the loops over c unroll and those over l vectorise. Coefficients:
 * Hairer's, to the digits he gives; zeros are left out. */
ALWAYS_INLINE void take_step(const int n, const int lanes, const struct system *system,
                             const struct system_parameters *parameters, const double *h, double tolerance,
                             const double *state, const double *rate, double *next, double *error) {
  double k[STAGES][SYSTEM_STATE_MAX * SYSTEM_LANES], y[SYSTEM_STATE_MAX * SYSTEM_LANES] = {0};
  double rise[SYSTEM_STATE_MAX * SYSTEM_LANES];
  EACH k[0][i] = rate[i];
  STAGE(1, 5.26001519587677318785587544488e-2, 0);
  STAGE(2, 5.91751709536136983633785987549e-2, 1.97250569845378994544595329183e-2 * k[0][i]);
  STAGE(3, 8.87627564304205475450678981324e-2, 2.95875854768068491816892993775e-2 * k[0][i]);
  STAGE(4, 9.24834003261792003115737966543e-1,
        2.41365134159266685502369798665e-1 * k[0][i] - 8.84549479328286085344864962717e-1 * k[2][i]);
  STAGE(5, 1.25467687566822425016691814123e-1,
        3.7037037037037037037037037037e-2 * k[0][i] + 1.70828608729473871279604482173e-1 * k[3][i]);
  STAGE(6, -1.7578125e-2,
        3.7109375e-2 * k[0][i] + 1.70252211019544039314978060272e-1 * k[3][i] +
            6.02165389804559606850219397283e-2 * k[4][i]);
  STAGE(7, 8.27378916381402288758473766002e-3,
        3.70920001185047927108779319836e-2 * k[0][i] + 1.70383925712239993810214054705e-1 * k[3][i] +
            1.07262030446373284651809199168e-1 * k[4][i] - 1.53194377486244017527936158236e-2 * k[5][i]);
  STAGE(8, -4.34898841810699588477366255144e1,
        6.24110958716075717114429577812e-1 * k[0][i] - 3.36089262944694129406857109825 * k[3][i] -
            8.68219346841726006818189891453e-1 * k[4][i] + 2.75920996994467083049415600797e1 * k[5][i] +
            2.01540675504778934086186788979e1 * k[6][i]);
  STAGE(9, -2.03312017085086261358222928593e-2,
        4.77662536438264365890433908527e-1 * k[0][i] - 2.48811461997166764192642586468 * k[3][i] -
            5.90290826836842996371446475743e-1 * k[4][i] + 2.12300514481811942347288949897e1 * k[5][i] +
            1.52792336328824235832596922938e1 * k[6][i] - 3.32882109689848629194453265587e1 * k[7][i]);
  STAGE(10, -3.0467644718982195003823669022,
        -9.3714243008598732571704021658e-1 * k[0][i] + 5.18637242884406370830023853209 * k[3][i] +
            1.09143734899672957818500254654 * k[4][i] - 8.14978701074692612513997267357 * k[5][i] -
            1.85200656599969598641566180701e1 * k[6][i] + 2.27394870993505042818970056734e1 * k[7][i] +
            2.49360555267965238987089396762 * k[8][i]);
  STAGE(11, 6.43392746015763530355970484046e-1,
        2.27331014751653820792359768449 * k[0][i] - 1.05344954667372501984066689879e1 * k[3][i] -
            2.00087205822486249909675718444 * k[4][i] - 1.79589318631187989172765950534e1 * k[5][i] +
            2.79488845294199600508499808837e1 * k[6][i] - 2.85899827713502369474065508674 * k[7][i] -
            8.87285693353062954433549289258 * k[8][i] + 1.23605671757943030647266201528e1 * k[9][i]);
  EACH {
    rise[i] = 5.42937341165687622380535766363e-2 * k[0][i] + 4.45031289275240888144113950566 * k[5][i] +
              1.89151789931450038304281599044 * k[6][i] - 5.8012039600105847814672114227 * k[7][i] +
              3.1116436695781989440891606237e-1 * k[8][i] - 1.52160949662516078556178806805e-1 * k[9][i] +
              2.01365400804030348374776537501e-1 * k[10][i] + 4.47106157277725905176885569043e-2 * k[11][i];
    y[i] = state[i] + h[l] * rise[i];
  }
  double e5[SYSTEM_LANES] = {0}, e3[SYSTEM_LANES] = {0};
  EACH {
    double before = fabs(state[i]), after = fabs(y[i]);
    double scale = 1 / (tolerance * (1 + (before > after ? before : after))); /* fmax() would not vectorise */
    double five = 0.1312004499419488073250102996e-1 * k[0][i] - 0.1225156446376204440720569753e+1 * k[5][i] -
                  0.4957589496572501915214079952 * k[6][i] + 0.1664377182454986536961530415e+1 * k[7][i] -
                  0.3503288487499736816886487290 * k[8][i] + 0.3341791187130174790297318841 * k[9][i] +
                  0.8192320648511571246570742613e-1 * k[10][i] - 0.2235530786388629525884427845e-1 * k[11][i];
    double three = rise[i] - 0.244094488188976377952755905512 * k[0][i] - 0.733846688281611857341361741547 * k[8][i] -
                   0.220588235294117647058823529412e-1 * k[11][i];
    e5[l] += (five * scale) * (five * scale);
    e3[l] += (three * scale) * (three * scale);
  }
  EACH next[i] = y[i];
  for (int l = 0; l < lanes; l++) {
    double weight = e5[l] + 0.01 * e3[l];
    error[l] = weight == 0 ? 0 : fabs(h[l]) * e5[l] / sqrt(n * weight);
  }
}

/* With the numbers of coordinates that there are as constants. */
ALWAYS_INLINE void take_step_of(const int lanes, const struct system *system,
                                const struct system_parameters *parameters, const double *h, double tolerance,
                                const double *state, const double *rate, double *next, double *error) {
  switch (system->freedom) {
  case 1:
    take_step(2, lanes, system, parameters, h, tolerance, state, rate, next, error);
    break;
  case 2:
    take_step(4, lanes, system, parameters, h, tolerance, state, rate, next, error);
    break;
  case 4:
    take_step(8, lanes, system, parameters, h, tolerance, state, rate, next, error);
    break;
  case 6:
    take_step(12, lanes, system, parameters, h, tolerance, state, rate, next, error);
    break;
  default:
    take_step(2 * system->freedom, lanes, system, parameters, h, tolerance, state, rate, next, error);
  }
}

double dop853_step(const struct system *system, const struct system_parameters *parameters, double h, double tolerance,
                   const double *state, const double *rate, double *next) {
  double error;
  take_step_of(1, system, parameters, &h, tolerance, state, rate, next, &error);
  return error;
}

void dop853_step_lanes(const struct system *system, const struct system_parameters *parameters, const double *h,
                       double tolerance, const double *state, const double *rate, double *next, double *error) {
  take_step_of(SYSTEM_LANES, system, parameters, h, tolerance, state, rate, next, error);
}

/* Root mean square in units of the tolerance; of a - b when b is given. */
static double weigh(int n, double tolerance, const double *state, const double *a, const double *b) {
  double sum = 0;
  for (int i = 0; i < n; i++) {
    double value = (a[i] - (b ? b[i] : 0)) / (tolerance * (1 + fabs(state[i])));
    sum += value * value;
  }
  return sqrt(sum / n);
}

double dop853_first(const struct system *system, const struct system_parameters *parameters, double tolerance,
                    const double *state, const double *rate) {
  int n = 2 * system->freedom;
  double y[SYSTEM_STATE_MAX] = {0}, k[SYSTEM_STATE_MAX];
  double d0 = weigh(n, tolerance, state, state, NULL), d1 = weigh(n, tolerance, state, rate, NULL);
  double h0 = d0 < 1e-5 || d1 < 1e-5 ? 1e-6 : 0.01 * (d0 / d1);
  for (int i = 0; i < n; i++) y[i] = state[i] + h0 * rate[i];
  system->field(parameters, y, k);
  double d2 = weigh(n, tolerance, state, k, rate) / h0, most = fmax(d1, d2);
  double h1 = most <= 1e-15 ? fmax(1e-6, h0 * 1e-3) : sqrt(sqrt(sqrt(0.01 / most)));
  return fmin(100 * h0, h1);
}
