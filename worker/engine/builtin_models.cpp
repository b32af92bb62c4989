#include "proto/codec/codec.hpp"
#include "worker/engine/pause.hpp"
#include "worker/model/model.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>
#include <unistd.h>

namespace coppice::worker {

namespace {

/// What the built-in models read of a request's parameters.
struct builtin_parameters {
  /// sleep: milliseconds.
  double ms = 1;
  /// crash: the signal it dies by, or with `exit` the status it exits with.
  std::uint32_t signal = SIGSEGV;
  std::optional<std::uint32_t> exit;
  /// hang: false echoes instead.
  bool hang = true;

  static constexpr auto fields() {
    using proto::field;
    return std::tuple{
        field{"ms", &builtin_parameters::ms}, field{"signal", &builtin_parameters::signal},
        field{"exit", &builtin_parameters::exit}, field{"hang", &builtin_parameters::hang}};
  }
};

expected<builtin_parameters> read_parameters(const proto::raw_value& raw) {
  if (raw.empty()) return builtin_parameters{};
  return proto::decode<builtin_parameters>(raw.bytes);
}

/// Returns its inputs under their own names.
class echo_model : public model {
 public:
  expected<std::vector<item_outputs>> run(std::span<const batch_item> batch) override {
    std::vector<item_outputs> outputs;
    outputs.reserve(batch.size());
    for (const auto& item : batch) outputs.push_back(item.inputs);
    return outputs;
  }
};

/// Returns its inputs with every bit inverted (the contents, not the lengths, of BYTES): what comes
/// back is not what was sent.
class flip_model : public model {
 public:
  expected<std::vector<item_outputs>> run(std::span<const batch_item> batch) override {
    std::vector<item_outputs> outputs;
    for (const auto& item : batch) {
      auto& tensors = outputs.emplace_back(item.inputs);
      for (auto& tensor : tensors) flip(tensor);
    }
    return outputs;
  }

 private:
  static void flip(host_tensor& tensor) {
    const auto flipped =
        std::make_shared<std::vector<std::byte>>(tensor.bytes.begin(), tensor.bytes.end());
    const std::span<std::byte> all{*flipped};
    if (tensor.type == datatype::bytes)
      for_each_element(all, invert);
    else
      invert(all);
    tensor.bytes = all;
    tensor.owner = flipped;
  }

  static void invert(std::span<std::byte> bytes) {
    for (auto& each : bytes) each = ~each;
  }

  /// BYTES: the contents of each element, not its length. The layout was checked before.
  static void for_each_element(std::span<std::byte> bytes, void (*visit)(std::span<std::byte>)) {
    while (bytes.size() >= sizeof(std::uint32_t)) {
      std::uint32_t size = 0;
      std::memcpy(&size, bytes.data(), sizeof size);
      bytes = bytes.subspan(sizeof size);
      size = static_cast<std::uint32_t>(std::min<std::size_t>(size, bytes.size()));
      visit(bytes.first(size));
      bytes = bytes.subspan(size);
    }
  }
};

/// Takes `ms` milliseconds of nothing, then echoes.
class sleep_model : public echo_model {
 public:
  sleep_model() { pause_exactly(); }

  expected<std::vector<item_outputs>> run(std::span<const batch_item> batch) override {
    for (const auto& item : batch) {
      const auto parameters = read_parameters(item.parameters);
      if (!parameters) return tl::unexpected(parameters.error());
      if (!(parameters->ms >= 0 && parameters->ms <= 3.6e6))
        return fail(errc::invalid, "Parameter 'ms' must be 0 to 3600000.");
      pause_for(std::chrono::duration_cast<duration>(
          std::chrono::duration<double, std::milli>(parameters->ms)));
    }
    return echo_model::run(batch);
  }
};

/// Ends its process: by a signal, or with an exit status.
class crash_model : public model {
 public:
  expected<std::vector<item_outputs>> run(std::span<const batch_item> batch) override {
    const auto parameters = read_parameters(batch.front().parameters);
    if (!parameters) return tl::unexpected(parameters.error());
    if (parameters->exit) ::_exit(static_cast<int>(*parameters->exit));
    std::signal(static_cast<int>(parameters->signal), SIG_DFL);
    std::raise(static_cast<int>(parameters->signal));
    return fail(errc::model_error, "The signal did not end the process.");
  }
};

/// Never returns, unless told to echo.
class hang_model : public echo_model {
 public:
  expected<std::vector<item_outputs>> run(std::span<const batch_item> batch) override {
    const auto parameters = read_parameters(batch.front().parameters);
    if (!parameters) return tl::unexpected(parameters.error());
    while (parameters->hang) ::pause();
    return echo_model::run(batch);
  }
};

}  // namespace

expected<std::unique_ptr<model>> load_builtin(const model_spec& spec, const std::string&) {
  const auto& name = spec.builtin;
  if (name == "echo") return std::make_unique<echo_model>();
  if (name == "flip") return std::make_unique<flip_model>();
  if (name == "sleep") return std::make_unique<sleep_model>();
  if (name == "crash") return std::make_unique<crash_model>();
  if (name == "hang") return std::make_unique<hang_model>();
  return fail(errc::invalid, "No built-in model is called '" + name +
                                 "'; there are echo, sleep, crash, hang and flip.");
}

}  // namespace coppice::worker
