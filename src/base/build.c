#include "base/build.h"

#include "base/build_info.h"

const char *build_version(void) { return BUILD_VERSION; }
const char *build_git(void) { return BUILD_GIT; }
const char *build_git_diff(void) { return BUILD_GIT_DIFF; }
const char *build_compiler(void) { return BUILD_COMPILER; }
const char *build_flags(void) { return BUILD_FLAGS; }
const char *build_type(void) { return BUILD_TYPE; }
const char *build_system(void) { return BUILD_SYSTEM; }

const char *build_libraries(void) {
  return "MPI " BUILD_MPI "\nHDF5 " BUILD_HDF5 "\nlibyaml " BUILD_YAML "\nOpenBLAS " BUILD_OPENBLAS
         "\nScaLAPACK " BUILD_SCALAPACK "\noneDNN " BUILD_ONEDNN "\nlibpng " BUILD_PNG "\ngiflib " BUILD_GIF "\n";
}
