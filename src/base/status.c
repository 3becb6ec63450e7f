#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char message[STATUS_MESSAGE_MAX];

static const char *const texts[STATUS_COUNT] = {
#define STATUS_TEXT(name, exit_status, text) [STATUS_##name] = text,
    STATUS_LIST(STATUS_TEXT)
#undef STATUS_TEXT
};

static const int exits[STATUS_COUNT] = {
#define STATUS_EXIT(name, exit_status, text) [STATUS_##name] = exit_status,
    STATUS_LIST(STATUS_EXIT)
#undef STATUS_EXIT
};

enum status status_raise(enum status code, const char *format, ...) {
  /* Through a buffer of its own: an argument may be status_message() itself. */
  char text[STATUS_MESSAGE_MAX];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  memcpy(message, text, sizeof message);
  return code;
}

enum status status_context(enum status code, const char *format, ...) {
  if (code == STATUS_OK) return code;
  char text[STATUS_MESSAGE_MAX];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  strncat(text, ": ", sizeof text - 1 - strlen(text));
  strncat(text, message, sizeof text - 1 - strlen(text));
  memcpy(message, text, sizeof message);
  return code;
}

const char *status_message(void) { return message; }

void status_clear(void) { message[0] = '\0'; }

const char *status_text(enum status code) { return (unsigned)code < STATUS_COUNT ? texts[code] : "unknown status"; }

int status_exit(enum status code) { return (unsigned)code < STATUS_COUNT ? exits[code] : exits[STATUS_ARGUMENT]; }
