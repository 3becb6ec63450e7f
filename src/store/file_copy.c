#include "store/state.h"

#include <string.h>

struct copying {
  const struct store_file *from;
  struct store_file *to;
  const char *skip;
};

static herr_t copy_group(hid_t root, const char *name, const H5L_info_t *link, void *context) {
  (void)link;
  struct copying *copying = context;
  H5O_info_t info;
  if (strcmp(name, "provenance") == 0 || strcmp(name, copying->skip) == 0) return 0;
  if (H5Oget_info_by_name2(root, name, &info, H5O_INFO_BASIC, H5P_DEFAULT) < 0) return -1;
  if (info.type != H5O_TYPE_GROUP) return 0;
  return H5Ocopy(root, name, copying->to->id, name, H5P_DEFAULT, H5P_DEFAULT) < 0 ? -1 : 0;
}

enum status store_copy_groups(const struct store_file *from, struct store_file *to, const char *skip) {
  struct copying copying = {from, to, skip};
  hsize_t bytes = 0;
  enum status status = H5Fget_filesize(from->id, &bytes) < 0 ? store_fail(from, NULL) : STATUS_OK;
  TRY(store_reserve(to, skip, store_unsealed(to, skip, status), bytes));
  if (H5Literate(from->id, H5_INDEX_NAME, H5_ITER_INC, NULL, copy_group, &copying) < 0)
    status = status_raise(STATUS_FILE, "%s: groups cannot be copied to %s", from->path, to->path);
  return comm_agree(to->comm, status);
}
