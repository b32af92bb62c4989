#include "worker/engine/instance_thread.hpp"

#include <cstring>

namespace coppice::worker {

void finished_queue::push(std::size_t instance, finished_batch&& done) {
  const std::lock_guard lock{mutex_};
  const bool first = entries_.empty();
  entries_.push_back({instance, std::move(done)});
  if (first) wake_.ring();
}

std::vector<finished_queue::entry> finished_queue::take() {
  std::vector<entry> taken;
  const std::lock_guard lock{mutex_};
  if (!entries_.empty()) wake_.clear();
  taken.swap(entries_);
  return taken;
}

namespace {

std::vector<std::int64_t> warm_up_shape(const model_spec& spec, const tensor_rule& rule) {
  const auto chosen = spec.warm_up_shape.find(rule.spec.name);
  std::vector<std::int64_t> shape;
  if (spec.batchable) shape.push_back(spec.warm_up_rows);
  std::size_t variable = 0;
  for (const auto size : rule.spec.shape) {
    const bool named =
        size < 0 && chosen != spec.warm_up_shape.end() && variable < chosen->second.size();
    shape.push_back(size >= 0 ? size : named ? chosen->second[variable] : 1);
    if (size < 0) ++variable;
  }
  return shape;
}

template <class T>
void fill_as(std::vector<std::byte>& bytes, double value) {
  const auto element = static_cast<T>(value);
  for (std::size_t at = 0; at + sizeof element <= bytes.size(); at += sizeof element)
    std::memcpy(bytes.data() + at, &element, sizeof element);
}

/// Sets every element of the usual datatypes; others stay zero.
void fill(std::vector<std::byte>& bytes, datatype type, double value) {
  if (type == datatype::int64) fill_as<std::int64_t>(bytes, value);
  if (type == datatype::int32) fill_as<std::int32_t>(bytes, value);
  if (type == datatype::fp32) fill_as<float>(bytes, value);
  if (type == datatype::fp64) fill_as<double>(bytes, value);
}

}  // namespace

batch_item warm_up_item(const model_spec& spec) {
  batch_item item;
  item.rows = spec.batchable ? spec.warm_up_rows : 1;
  for (const auto& rule : spec.inputs) {
    host_tensor tensor;
    tensor.name = rule.spec.name;
    tensor.type = *datatype_from_name(rule.spec.datatype);
    tensor.shape = warm_up_shape(spec, rule);
    std::size_t bytes = tensor.type == datatype::bytes ? 4 : datatype_size(tensor.type);
    for (const auto size : tensor.shape) bytes *= static_cast<std::size_t>(size);
    const auto zeros = std::make_shared<std::vector<std::byte>>(bytes);
    if (const auto value = spec.warm_up_value.find(rule.spec.name);
        value != spec.warm_up_value.end())
      fill(*zeros, tensor.type, value->second);
    tensor.bytes = *zeros;
    tensor.owner = zeros;
    item.inputs.push_back(std::move(tensor));
  }
  return item;
}

instance_thread::instance_thread(std::size_t instance, const model_spec& spec, model_loader load,
                                 std::string device, progress_page::lane& page,
                                 finished_queue& finished)
    : instance_{instance},
      spec_{spec},
      load_{load},
      device_{std::move(device)},
      lane_{&page, step_limits{spec.steady}},
      finished_{finished},
      thread_{[this] { run(); }} {}

instance_thread::~instance_thread() {
  {
    const std::lock_guard lock{mutex_};
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

expected<void> instance_thread::wait_ready() {
  std::unique_lock lock{mutex_};
  changed_.wait(lock, [this] { return ready_.has_value(); });
  return *ready_;
}

void instance_thread::start(batch&& next) {
  {
    const std::lock_guard lock{mutex_};
    next_ = std::move(next);
  }
  changed_.notify_all();
}

expected<std::unique_ptr<model>> instance_thread::load_and_warm_up() try {
  auto instance = load_(spec_, device_);
  if (!instance || spec_.inputs.empty()) return instance;
  const auto item = warm_up_item(spec_);
  // The second run is the one that counts: libtorch optimises a graph after the first.
  for (int i = 0; i < 3; ++i)
    if (auto ran = (*instance)->run({&item, 1}); !ran)
      return fail(ran.error().code, "The warm-up with zeros failed: " + ran.error().message +
                                        " Check the inputs and 'warm_up' of model.yml.");
  return instance;
} catch (const std::exception& failure) {
  return fail(errc::invalid, std::string{"Loading failed: "} + failure.what());
}

void instance_thread::run() {
  auto instance = load_and_warm_up();
  std::unique_lock lock{mutex_};
  ready_ = instance ? expected<void>{} : tl::unexpected(instance.error());
  changed_.notify_all();
  while (instance) {
    changed_.wait(lock, [this] { return stop_ || next_; });
    if (!next_) return;
    auto running = std::move(*next_);
    next_.reset();
    lock.unlock();
    finished_.push(instance_, run_step(**instance, std::move(running), lane_));
    lock.lock();
  }
}

}  // namespace coppice::worker
