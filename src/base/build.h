/* What this binary was built from. Strings are static. Not collective. */
#ifndef HGN_BASE_BUILD_H
#define HGN_BASE_BUILD_H

const char *build_version(void);  /* "0.1.0" */
const char *build_git(void);      /* git describe, "-dirty" when it was */
const char *build_git_diff(void); /* "" when clean; cut, with its SHA-256, when long */
const char *build_compiler(void);
const char *build_flags(void);
const char *build_type(void);
const char *build_system(void);
const char *build_libraries(void); /* one "NAME VERSION" a line, as configured */

#endif
