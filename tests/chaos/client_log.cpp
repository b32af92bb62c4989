#include "tests/chaos/client_log.hpp"

#include <xxhash.h>

#include <cerrno>
#include <cinttypes>
#include <system_error>

namespace coppice::chaos {

namespace {

std::int64_t as_us(duration time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time).count();
}

std::int64_t now_us() { return as_us(now().time_since_epoch()); }

}  // namespace

client_log::client_log(const std::string& file) : file_{std::fopen(file.c_str(), "we")} {
  if (file_ == nullptr) throw std::system_error{errno, std::generic_category(), file};
}

client_log::~client_log() { std::fclose(file_); }

template <class... Args>
void client_log::write(const char* format, Args... args) {
  const std::lock_guard lock{mutex_};
  std::fprintf(file_, format, args...);
}

void client_log::sent(std::uint64_t number, std::string_view model, duration timeout,
                      std::uint64_t digest) {
  const auto at = now();
  write("S %" PRId64 " %" PRIu64 " %.*s %" PRId64 " %016" PRIx64 "\n", as_us(at.time_since_epoch()),
        number, static_cast<int>(model.size()), model.data(),
        as_us((at + timeout).time_since_epoch()), digest);
}

void client_log::answered(std::uint64_t number, std::uint64_t digest, std::uint32_t attempts) {
  write("O %" PRId64 " %" PRIu64 " ok %016" PRIx64 " %u\n", now_us(), number, digest, attempts);
}

void client_log::failed(std::uint64_t number, std::string_view code) {
  write("O %" PRId64 " %" PRIu64 " %.*s - 0\n", now_us(), number, static_cast<int>(code.size()),
        code.data());
}

void client_log::late(duration by) { write("L %" PRId64 " %" PRId64 "\n", now_us(), as_us(by)); }

void client_log::ended() {
  write("E %" PRId64 "\n", now_us());
  std::fflush(file_);
}

std::uint64_t digest_of(std::string_view bytes) { return XXH64(bytes.data(), bytes.size(), 0); }

}  // namespace coppice::chaos
