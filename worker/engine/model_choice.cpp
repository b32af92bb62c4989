#include "worker/engine/model_choice.hpp"

#include "base/log.hpp"
#include "worker/model/builtin_spec.hpp"

#include <algorithm>
#include <optional>

namespace coppice::worker {

namespace {

bool names_version(const std::string& wanted, const model_spec& spec) {
  return wanted == spec.name || wanted == spec.name + ":" + std::to_string(spec.version);
}

bool is_wanted(const model_choice& choice, const model_spec& spec) {
  return choice.serve.empty() ||
         std::any_of(choice.serve.begin(), choice.serve.end(),
                     [&](const auto& wanted) { return names_version(wanted, spec); });
}

/// Whether some version of the model is wanted.
bool is_wanted(const model_choice& choice, const std::string& model) {
  return choice.serve.empty() ||
         std::any_of(choice.serve.begin(), choice.serve.end(), [&](const std::string& wanted) {
           return wanted.substr(0, wanted.find(':')) == model;
         });
}

std::optional<finding> reason_to_give_up(const model_choice& choice, const repository& found) {
  for (const auto& each : found.findings) {
    const auto inside = each.file.lexically_relative(choice.models);
    const auto model = inside.empty() ? std::string{"."} : inside.begin()->string();
    if (model == "." || is_wanted(choice, model)) return each;
    log(log_level::warn, "model_not_usable", {kv("finding", as_text(each))});
  }
  return std::nullopt;
}

/// @error for the first wanted name that no spec answers to.
expected<void> check_all_found(const model_choice& choice, const std::vector<model_spec>& specs) {
  for (const auto& wanted : choice.serve)
    if (std::none_of(specs.begin(), specs.end(),
                     [&](const auto& spec) { return names_version(wanted, spec); }))
      return fail(errc::invalid, "'" + choice.models + "' holds no model '" + wanted +
                                     "'. Add it, or take it out of 'serve'.");
  return {};
}

}  // namespace

std::string as_text(const finding& each) {
  const auto line = each.line > 0 ? ":" + std::to_string(each.line) : "";
  return each.file.string() + line + ": " + each.problem + " " + each.remedy;
}

expected<std::vector<model_spec>> choose_models(const model_choice& choice) {
  std::vector<model_spec> specs;
  for (const auto& name : choice.builtins) {
    auto spec = builtin_spec(name);
    if (!spec) return tl::unexpected(spec.error());
    specs.push_back(std::move(*spec));
  }
  if (!choice.models.empty()) {
    auto found = read_repository(choice.models);
    if (const auto reason = reason_to_give_up(choice, found))
      return fail(errc::invalid, as_text(*reason));
    for (auto& spec : found.specs)
      if (is_wanted(choice, spec)) specs.push_back(std::move(spec));
  }
  if (auto all = check_all_found(choice, specs); !all) return tl::unexpected(all.error());
  if (choice.threads > 0)
    for (auto& spec : specs) spec.threads = choice.threads;
  return specs;
}

}  // namespace coppice::worker
