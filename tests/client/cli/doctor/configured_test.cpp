#include "client/cli/doctor/configured.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <unistd.h>

namespace coppice::cli::doctor {

namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Configured : ::testing::Test {
  std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("coppice-configured-" + std::to_string(::getpid()));
  Configured() { std::filesystem::create_directory(folder); }
  ~Configured() override { std::filesystem::remove_all(folder); }

  std::filesystem::path write(const std::string& name, const std::string& text) const {
    std::ofstream{folder / name} << text;
    return folder / name;
  }
};

TEST_F(Configured, HasThePortsOfAGateway) {
  const auto found = read_configured(write("gateway.yml",
                                           "door: tcp://0.0.0.0:5555\n"
                                           "metrics: 127.0.0.1:0\n"
                                           "embedded_scheduler: {listen: \"10.0.0.1:4800\"}\n"));

  ASSERT_EQ(found.ports.size(), 2u);
  EXPECT_EQ(found.ports[0].port, 5555);
  EXPECT_EQ(found.ports[0].key, "door");
  EXPECT_EQ(found.ports[0].file, "gateway.yml");
  EXPECT_EQ(found.ports[1].address, "10.0.0.1:4800");
}

TEST_F(Configured, HasTheDevicesOfAWorker) {
  const auto found = read_configured(
      write("worker.yml", "engines: [{device: cpu}, {device: \"cuda:1\"}]\nmodels: /srv/models\n"));

  EXPECT_THAT(found.devices, ElementsAre("cpu", "cuda:1"));
  EXPECT_EQ(found.models, "/srv/models");
}

TEST_F(Configured, HasFilesWithSecretsAndKnowsIfItIsOne) {
  const auto users = write("users.yml", "ann: {password: x}\n");
  const auto key = write("mesh.key", "k");
  const auto found = read_configured(
      write("gateway.yml", "users_file: users.yml\nmesh: {private_key: mesh.key, ca: none.pem}\n"));

  EXPECT_THAT(found.secrets, ::testing::UnorderedElementsAre(users, key));
  EXPECT_FALSE(found.holds_passwords);
  EXPECT_TRUE(read_configured(write("g.yml", "users: {ann: {password: x}}\n")).holds_passwords);
}

TEST_F(Configured, IsNothingIfTheFileIsNoYaml) {
  EXPECT_THAT(read_configured(write("gateway.yml", "a: [")).ports, IsEmpty());
  EXPECT_THAT(read_configured(folder / "absent.yml").ports, IsEmpty());
}

}  // namespace

}  // namespace coppice::cli::doctor
