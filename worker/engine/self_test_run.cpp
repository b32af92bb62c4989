#include "worker/engine/self_test_run.hpp"

#include "worker/engine/element_value.hpp"
#include "worker/engine/input_check.hpp"
#include "worker/engine/input_data.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace coppice::worker {

namespace {

tl::unexpected<error> differs(const std::string& output, const std::string& how) {
  return fail(errc::model_error, "output " + shown_name(output) + " " + how + ".");
}

/// How far apart two numbers are; no number is as far away as can be from any other.
long double distance(long double a, long double b) {
  if (a == b || (std::isnan(a) && std::isnan(b))) return 0;
  const auto apart = std::fabs(a - b);
  return std::isnan(apart) ? std::numeric_limits<long double>::infinity() : apart;
}

/// The indices of an element, by its number.
std::vector<std::int64_t> place_of(std::size_t element, const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> indices(shape.size());
  auto rest = static_cast<std::int64_t>(element);
  for (auto i = shape.size(); i-- > 0; rest /= shape[i]) indices[i] = rest % shape[i];
  return indices;
}

/// @param wanted  of the same datatype and shape.
expected<void> compare_numbers(const host_tensor& got, const host_tensor& wanted,
                               double tolerance) {
  const auto elements = wanted.bytes.size() / std::max<std::size_t>(1, datatype_size(wanted.type));
  std::size_t worst = 0;
  long double by = 0;
  for (std::size_t i = 0; i < elements; ++i)
    if (const auto d = distance(element_value(got, i), element_value(wanted, i)); d > by)
      by = d, worst = i;
  if (by <= tolerance) return {};
  return differs(got.name,
                 fmt::format("differs by {:.6g} at [{}]: it is {:.9g}, and {:.9g} is "
                             "wanted; the tolerance is {}",
                             by, fmt::join(place_of(worst, wanted.shape), ", "),
                             element_value(got, worst), element_value(wanted, worst), tolerance));
}

expected<void> compare(const host_tensor& got, const host_tensor& wanted, double tolerance) {
  if (got.type != wanted.type)
    return differs(got.name, fmt::format("is {}, not {}", datatype_name(got.type),
                                         datatype_name(wanted.type)));
  if (got.shape != wanted.shape)
    return differs(got.name, fmt::format("has shape [{}], not [{}]", fmt::join(got.shape, ", "),
                                         fmt::join(wanted.shape, ", ")));
  if (got.type != datatype::bytes) return compare_numbers(got, wanted, tolerance);
  if (std::ranges::equal(got.bytes, wanted.bytes)) return {};
  return differs(got.name, "has other bytes than are wanted");
}

/// What a test wants of an output.
expected<host_tensor> tensor_of(const proto::tensor& wanted) {
  const auto type = *datatype_from_name(wanted.datatype);
  const auto elements = element_count(wanted.name, wanted.shape);
  if (!elements) return tl::unexpected(elements.error());
  auto raw = raw_elements(wanted, type, *elements);
  if (!raw) return tl::unexpected(raw.error());
  const auto owned = std::make_shared<const std::string>(std::move(*raw));
  return host_tensor{wanted.name, type, wanted.shape, std::as_bytes(std::span{*owned}), owned};
}

expected<void> compare_all(const item_outputs& outputs, const self_test& test) {
  for (const auto& each : test.outputs) {
    const auto wanted = tensor_of(each);
    if (!wanted) return tl::unexpected(wanted.error());
    const auto got = std::ranges::find(outputs, each.name, &host_tensor::name);
    if (got == outputs.end()) return differs(each.name, "is missing");
    if (auto same = compare(*got, *wanted, test.tolerance); !same) return same;
  }
  return {};
}

expected<void> run_one(model& instance, const model_spec& spec, const self_test& test) {
  proto::link_request request;
  request.inputs = test.inputs;
  const auto item = check_inputs(spec, request, {});
  if (!item) return tl::unexpected(item.error());
  const auto ran = instance.run({&*item, 1});
  if (!ran) return tl::unexpected(ran.error());
  return ran->empty() ? compare_all({}, test) : compare_all(ran->front(), test);
}

}  // namespace

expected<void> run_self_tests(model& instance, const model_spec& spec) {
  for (std::size_t i = 0; i < spec.self_tests.size(); ++i)
    if (auto passed = run_one(instance, spec, spec.self_tests[i]); !passed)
      return fail(passed.error().code,
                  fmt::format("self_test {}: {}", i + 1, passed.error().message));
  return {};
}

}  // namespace coppice::worker
