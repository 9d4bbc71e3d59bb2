// TensorFlow's libraries log through absl while they are being loaded, before anything of theirs can be called, and
// at that moment they do not look at TF_CPP_MIN_LOG_LEVEL. This addon opens the smaller one of the two libraries, which
// holds absl, with standard error closed to what its static initialisers say, and then sets the level there; the larger
// library finds it set. What fails in opening is not lost: the binding, opened next, reports it as an error.
#include <dlfcn.h>
#include <fcntl.h>
#include <node_api.h>
#include <unistd.h>

// Mangled, because no header of absl's is at hand: absl::SetMinLogLevel(absl::LogSeverityAtLeast) of the release that
// TensorFlow 2.21 is built with.
static const char* kSetMinLogLevel = "_ZN4absl12lts_2025081414SetMinLogLevelENS0_18LogSeverityAtLeastE";

// Opens a library; from level 1 (warnings) on, with standard error sent nowhere meanwhile.
static void* Open(const char* library, int32_t level) {
  const int saved = level > 0 ? dup(STDERR_FILENO) : -1;
  const int nowhere = saved >= 0 ? open("/dev/null", O_WRONLY) : -1;
  if (nowhere >= 0) dup2(nowhere, STDERR_FILENO);
  void* handle = dlopen(library, RTLD_LAZY | RTLD_LOCAL);
  if (nowhere >= 0) {
    dup2(saved, STDERR_FILENO);
    close(nowhere);
  }
  if (saved >= 0) close(saved);
  return handle;
}

// setMinLogLevel(library: string, level: number): boolean, false where the library does not offer it.
static napi_value SetMinLogLevel(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2];
  char library[4096];
  int32_t level = 0;
  bool done = false;
  if (napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr) == napi_ok && count == 2 &&
      napi_get_value_string_utf8(env, arguments[0], library, sizeof library, nullptr) == napi_ok &&
      napi_get_value_int32(env, arguments[1], &level) == napi_ok) {
    // Never closed: the binding uses the same library next.
    void* handle = Open(library, level);
    void* symbol = handle == nullptr ? nullptr : dlsym(handle, kSetMinLogLevel);
    if (symbol != nullptr) {
      reinterpret_cast<void (*)(int)>(symbol)(level);
      done = true;
    }
  }
  napi_value result;
  napi_get_boolean(env, done, &result);
  return result;
}

NAPI_MODULE_INIT() {
  napi_value function;
  napi_create_function(env, "setMinLogLevel", NAPI_AUTO_LENGTH, SetMinLogLevel, nullptr, &function);
  napi_set_named_property(env, exports, "setMinLogLevel", function);
  return exports;
}
