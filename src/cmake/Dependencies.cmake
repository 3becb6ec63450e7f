# What the project stands on. Every item becomes one imported target, hgn_dep_<name> or the package's own.
find_package(PkgConfig REQUIRED)
find_package(MPI REQUIRED COMPONENTS C)

# Parallel HDF5. Debian's name first; elsewhere `hdf5` may be the parallel build: the header tells.
pkg_check_modules(HDF5 IMPORTED_TARGET GLOBAL hdf5-openmpi)
if(NOT HDF5_FOUND)
  pkg_check_modules(HDF5 REQUIRED IMPORTED_TARGET GLOBAL hdf5)
endif()
include(CheckCSourceCompiles)
set(CMAKE_REQUIRED_LIBRARIES PkgConfig::HDF5 MPI::MPI_C)
check_c_source_compiles("
#include <hdf5.h>
#ifndef H5_HAVE_PARALLEL
#error serial
#endif
int main(void) { return H5Pset_fapl_mpio(0, MPI_COMM_SELF, MPI_INFO_NULL) < 0; }" HGN_HDF5_PARALLEL)
unset(CMAKE_REQUIRED_LIBRARIES)
if(NOT HGN_HDF5_PARALLEL)
  message(FATAL_ERROR "HDF5 is not a parallel build (Debian: libhdf5-openmpi-dev; Spack: hdf5 +mpi)")
endif()

pkg_check_modules(YAML REQUIRED IMPORTED_TARGET GLOBAL yaml-0.1)
pkg_check_modules(OPENBLAS REQUIRED IMPORTED_TARGET GLOBAL openblas)
pkg_check_modules(SCALAPACK IMPORTED_TARGET GLOBAL scalapack-openmpi)
if(NOT SCALAPACK_FOUND)
  pkg_check_modules(SCALAPACK REQUIRED IMPORTED_TARGET GLOBAL scalapack)
endif()
find_package(PNG REQUIRED)
find_package(GIF REQUIRED)

find_path(RANDOM123_INCLUDE_DIR Random123/philox.h)
if(NOT RANDOM123_INCLUDE_DIR)
  message(FATAL_ERROR "Random123/philox.h not found (Debian: librandom123-dev; Spack: random123)")
endif()
add_library(hgn_dep_random123 INTERFACE)
target_include_directories(hgn_dep_random123 SYSTEM INTERFACE ${RANDOM123_INCLUDE_DIR})

# oneDNN, optional. By hand: the config package of Debian's 2.6 insists on OpenCL, which nothing here uses.
if(HGN_ONEDNN)
  find_path(DNNL_INCLUDE_DIR dnnl.h)
  find_library(DNNL_LIBRARY dnnl)
  if(DNNL_INCLUDE_DIR AND DNNL_LIBRARY)
    file(STRINGS ${DNNL_INCLUDE_DIR}/oneapi/dnnl/dnnl_version.h lines REGEX "define DNNL_VERSION_(MAJOR|MINOR|PATCH)")
    string(REGEX REPLACE "[^0-9;]" "" parts "${lines}")
    list(JOIN parts "." DNNL_VERSION)
    add_library(hgn_dep_dnnl INTERFACE)
    target_include_directories(hgn_dep_dnnl SYSTEM INTERFACE ${DNNL_INCLUDE_DIR})
    target_link_libraries(hgn_dep_dnnl INTERFACE ${DNNL_LIBRARY})
  endif()
endif()

if(HGN_TESTS)
  pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET GLOBAL cmocka)
  find_program(H5DIFF h5diff REQUIRED)
endif()
