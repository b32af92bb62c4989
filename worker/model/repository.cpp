#include "worker/model/repository.hpp"

#include "worker/model/model_file.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace coppice::worker {

namespace fs = std::filesystem;

namespace {

std::optional<std::uint32_t> version_of(const fs::path& folder) {
  const auto name = folder.filename().string();
  std::uint32_t version = 0;
  const auto* end = name.data() + name.size();
  const auto [stop, failed] = std::from_chars(name.data(), end, version);
  if (failed != std::errc{} || stop != end || version == 0) return std::nullopt;
  return version;
}

void add_version(const fs::path& folder, std::uint32_t version, model_spec spec, repository& out) {
  spec.version = version;
  const auto script = folder / "model.pt", package = folder / "model.pt2";
  const bool is_package = fs::exists(package);
  if (!is_package && !fs::exists(script)) {
    out.findings.push_back({folder, 0, "there is neither model.pt nor model.pt2.",
                            "Export the model into this folder, or remove it."});
    return;
  }
  spec.file = is_package ? package : script;
  spec.backend = is_package ? backend_kind::aotinductor : backend_kind::torchscript;
  out.specs.push_back(std::move(spec));
}

/// A folder with a model.yml, or with a version and so meant to have one.
bool is_model(const fs::directory_entry& entry) {
  if (!entry.is_directory()) return false;
  if (fs::exists(entry.path() / "model.yml")) return true;
  return std::any_of(
      fs::directory_iterator{entry.path()}, fs::directory_iterator{},
      [](const auto& inside) { return inside.is_directory() && version_of(inside.path()); });
}

void read_model(const fs::path& folder, repository& out) {
  const auto file = folder / "model.yml";
  if (!fs::exists(file)) {
    out.findings.push_back({file, 0, "the file is missing.", "Write one with inputs and outputs."});
    return;
  }
  auto spec = read_model_file(file, folder.filename().string(), out.findings);
  if (!spec) return;
  if (spec->backend == backend_kind::builtin) {
    out.specs.push_back(std::move(*spec));
    return;
  }
  bool any = false;
  for (const auto& entry : fs::directory_iterator{folder})
    if (const auto version = version_of(entry.path()); version && entry.is_directory()) {
      any = true;
      add_version(entry.path(), *version, *spec, out);
    }
  if (!any)
    out.findings.push_back({folder, 0, "the model has no version.",
                            "Put model.pt or model.pt2 into a folder named 1."});
}

}  // namespace

repository read_repository(const fs::path& folder) try {
  repository out;
  if (!fs::is_directory(folder)) {
    out.findings.push_back(
        {folder, 0, "there is no such folder.", "Name the folder of the models."});
    return out;
  }
  for (const auto& entry : fs::directory_iterator{folder})
    if (is_model(entry)) read_model(entry.path(), out);
  std::sort(out.specs.begin(), out.specs.end(), [](const model_spec& a, const model_spec& b) {
    return std::pair{a.name, a.version} < std::pair{b.name, b.version};
  });
  return out;
} catch (const fs::filesystem_error& failure) {
  return {{}, {{folder, 0, failure.what(), "Check the folder's rights."}}};
}

}  // namespace coppice::worker
