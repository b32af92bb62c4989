#include "tests/worker/tensor/torch/builders.hpp"

#include <gtest/gtest.h>

namespace coppice::worker {

namespace {

TEST(LoadTorch, RefusesADeviceThatThisLibtorchHasNot) {
  const auto loaded = load_torch(model_spec{}, "cuda:0");

  if (loaded || loaded.error().message.find("without it") == std::string::npos)
    GTEST_SKIP() << "this libtorch has CUDA";
  EXPECT_EQ(loaded.error().code, errc::invalid);
  EXPECT_NE(loaded.error().message.find("COPPICE_LIBTORCH"), std::string::npos);
}

TEST(LoadTorch, RefusesWhatIsNoDevice) {
  EXPECT_EQ(load_torch(model_spec{}, "tpu7").error().message,
            "'tpu7' is no device. Use cpu, cpu:N or cuda:N.");
}

TEST(LoadTorch, RefusesBytesTensors) {
  model_spec spec;
  spec.inputs = {{{"text", "BYTES", {1}}, {}, 0}};

  EXPECT_EQ(load_torch(spec, "cpu").error().code, errc::invalid);
}

TEST(LoadTorch, NamesAFileThatCannotBeRead) {
  model_spec spec;
  spec.backend = backend_kind::torchscript;
  spec.file = "/nonexistent/model.pt";

  const auto loaded = load_torch(spec, "cpu");

  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().message.find("/nonexistent/model.pt"), std::string::npos);
  EXPECT_EQ(loaded.error().message.find('\n'), std::string::npos);
}

}  // namespace

}  // namespace coppice::worker
