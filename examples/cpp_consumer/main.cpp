#include "client/client.hpp"

#include <cstdio>

/// Sends four bytes to the built-in echo of the gateway named on the command line.
int main(int argc, char** argv) {
  if (argc < 2) return std::puts("usage: consumer tcp://GATEWAY:PORT") < 0;
  coppice::client::client cluster{{{argv[1]}}};
  const auto result = cluster.infer({.model = "echo", .inputs = {{"x", "UINT8", {4}, "abcd"}}});
  if (!result) return std::fprintf(stderr, "%s\n", result.error().message.c_str()), 1;
  std::printf("%s: %s\n", result->model.c_str(), result->outputs.front().bytes.c_str());
}
