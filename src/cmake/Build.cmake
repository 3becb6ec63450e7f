# Writes base/build_info.h: compiler, flags, library versions and git state, renewed at every build.
execute_process(COMMAND ${MPI_C_COMPILER} --showme:version OUTPUT_VARIABLE HGN_MPI_TEXT ERROR_QUIET
  OUTPUT_STRIP_TRAILING_WHITESPACE)
string(REGEX MATCH "Open MPI [0-9.]+" HGN_MPI_VERSION "${HGN_MPI_TEXT}")
if(NOT HGN_MPI_VERSION)
  set(HGN_MPI_VERSION "MPI ${MPI_C_VERSION}")
endif()
if(DNNL_VERSION)
  set(HGN_ONEDNN_VERSION "${DNNL_VERSION}")
else()
  set(HGN_ONEDNN_VERSION "none")
endif()
string(TOUPPER "${CMAKE_BUILD_TYPE}" HGN_BUILD_UPPER)
get_target_property(HGN_OPTION_FLAGS hgn_options INTERFACE_COMPILE_OPTIONS)
list(JOIN HGN_OPTION_FLAGS " " HGN_OPTION_FLAGS)
string(STRIP "${CMAKE_C_FLAGS} ${CMAKE_C_FLAGS_${HGN_BUILD_UPPER}} ${HGN_OPTION_FLAGS}" HGN_FLAGS)
set(HGN_COMPILER "${CMAKE_C_COMPILER_ID} ${CMAKE_C_COMPILER_VERSION}")
foreach(item YAML HDF5 OPENBLAS SCALAPACK)
  set(HGN_${item}_VERSION "${${item}_VERSION}")
endforeach()
set(HGN_PNG_VERSION "${PNG_VERSION_STRING}")
set(HGN_GIF_VERSION "${GIF_VERSION}")

configure_file(${PROJECT_SOURCE_DIR}/src/cmake/build_info.h.in ${PROJECT_BINARY_DIR}/build_info.h.in @ONLY)
add_custom_target(hgn_build_info
  COMMAND ${CMAKE_COMMAND} -DSOURCE=${PROJECT_SOURCE_DIR} -DTEMPLATE=${PROJECT_BINARY_DIR}/build_info.h.in
          -DOUTPUT=${PROJECT_BINARY_DIR}/generated/base/build_info.h
          -P ${PROJECT_SOURCE_DIR}/src/cmake/GitState.cmake
  BYPRODUCTS ${PROJECT_BINARY_DIR}/generated/base/build_info.h
  COMMENT "Recording the state of the source")
