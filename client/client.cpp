#include "client/client.hpp"

#include "base/clock.hpp"
#include "client/client_loop.hpp"
#include "client/request_forms.hpp"
#include "keys/key_pair.hpp"

#include <future>
#include <stdexcept>

namespace coppice::client {

namespace {

template <class T>
T or_throw(expected<T> value) {
  if (!value) throw std::invalid_argument{value.error().message};
  return std::move(*value);
}

}  // namespace

client::client(client_options options) {
  if (options.endpoints.empty())
    throw std::invalid_argument{"A client needs a gateway's endpoint."};
  std::vector<named_endpoint> gateways;
  for (const auto& each : options.endpoints) gateways.push_back(or_throw(connection::check(each)));
  login as{
      options.user, options.password,
      or_throw(options.key_file.empty() ? key_pair::make() : key_pair::read(options.key_file))};
  loop_ = std::make_unique<loop>(std::move(options), std::move(gateways), std::move(as));
}
client::~client() = default;

client::ticket client::submit(infer_request request, std::function<void(answer)> done) {
  auto open = as_open(std::move(request));
  open.done = [done = std::move(done)](expected<answer_parts> got) {
    if (got)
      done(as_infer_result(std::move(*got)));
    else
      done(tl::unexpected(std::move(got.error())));
  };
  return loop_->add(std::move(open));
}

client::ticket client::generate(
    generate_request request,
    std::function<void(std::uint64_t, std::span<const std::int32_t>)> chunk,
    std::function<void(expected<generate_result>)> done) {
  auto open = as_open(std::move(request));
  open.stream = std::make_unique<token_stream>();
  open.stream->deliver = std::move(chunk);
  open.done = [done = std::move(done)](expected<answer_parts> got) {
    if (!got) return done(tl::unexpected(std::move(got.error())));
    done(as_generate_result(std::move(*got)));
  };
  return loop_->add(std::move(open));
}

void client::cancel(ticket request) { loop_->cancel(request); }

client::answer client::infer(infer_request request) {
  std::promise<answer> promise;
  auto future = promise.get_future();
  submit(std::move(request), [&](answer got) { promise.set_value(std::move(got)); });
  return future.get();
}

expected<proto::reply> client::call(proto::request header, std::chrono::milliseconds timeout) {
  std::promise<expected<proto::reply>> promise;
  auto future = promise.get_future();
  open_request open;
  open.header = std::move(header);
  open.deadline = now() + timeout;
  open.done = [&](expected<answer_parts> got) {
    if (got)
      promise.set_value(std::move(got->header));
    else
      promise.set_value(tl::unexpected(std::move(got.error())));
  };
  loop_->add(std::move(open));
  return future.get();
}

}  // namespace coppice::client
