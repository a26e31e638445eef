/* Loops that call other engines' C functions batch by batch, so that no time of Python is counted as theirs. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { FLOAT64 = 1, ROW_MAJOR = 1, RAW_SCORE = 1 };

typedef int (*lightgbm_matrix)(void *, const void *, int, int32_t, int32_t, int, int, int, int, const char *, int64_t *,
                               double *);
typedef int (*lightgbm_row)(void *, const void *, int64_t *, double *);
typedef void (*lleaves_batch)(const void *, void *, int, int);
typedef union { int missing; double value; int rank; } tl2cgen_value;
typedef void (*tl2cgen_row)(tl2cgen_value *, int, double *);

int score_lightgbm(void *function, void *booster, const double *rows, int width, long count, int batch,
                   const char *parameters, double *scores) {
  for (long row = 0; row < count; row += batch) {
    int64_t written;
    int failed = ((lightgbm_matrix)function)(booster, rows + row * width, FLOAT64, batch, width, ROW_MAJOR, RAW_SCORE, 0,
                                             -1, parameters, &written, scores + row);
    if (failed) return failed;
  }
  return 0;
}

int score_lightgbm_rows(void *function, void *prepared, const double *rows, int width, long count, double *scores) {
  for (long row = 0; row < count; row++) {
    int64_t written;
    int failed = ((lightgbm_row)function)(prepared, rows + row * width, &written, scores + row);
    if (failed) return failed;
  }
  return 0;
}

void score_lleaves(void *function, const char *rows, int value_bytes, int width, long count, int batch, char *scores) {
  for (long row = 0; row < count; row += batch)
    ((lleaves_batch)function)(rows + (size_t)row * width * value_bytes, scores + (size_t)row * value_bytes, 0, batch);
}

/* A row's values are replaced by their ranks in the call, so it gets a copy. */
void score_tl2cgen(void *function, const double *rows, int width, long count, tl2cgen_value *copy, double *scores) {
  for (long row = 0; row < count; row++) {
    memcpy(copy, rows + row * width, sizeof(double) * (size_t)width);
    scores[row] = 0;
    ((tl2cgen_row)function)(copy, 1, scores + row);
  }
}
