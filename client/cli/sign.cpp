#include "client/cli/cluster.hpp"
#include "client/cli/verbs.hpp"
#include "keys/signed_folder.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <memory>

namespace coppice::cli {

using json = nlohmann::ordered_json;

namespace {

struct sign_options {
  std::string folder, key;
  std::vector<std::string> trusted;
  bool as_json = false;
};

int make_key(const sign_options& options) {
  if (auto written = signing_key::make().write(options.key); !written)
    return report_failure(written.error());
  std::printf(
      "%s is for whoever signs, and for nobody else; %s.pub is for workers' trusted_keys.\n",
      options.key.c_str(), options.key.c_str());
  return 0;
}

int sign(const sign_options& options) {
  const auto key = signing_key::read(options.key);
  if (!key) return report_failure(key.error());
  const auto made = sign_folder(options.folder, *key);
  if (!made) return report_failure(made.error());
  if (options.as_json)
    std::printf("%s", made->text().c_str());
  else
    std::printf("%s: %zu files are listed and signed.\n", options.folder.c_str(),
                made->files().size());
  return 0;
}

int verify(const sign_options& options) {
  std::vector<trusted_key> keys;
  for (const auto& each : options.trusted) {
    auto key = trusted_key::read(each);
    if (!key) return report_failure(key.error());
    keys.push_back(std::move(*key));
  }
  const auto files = open_signed_folder(options.folder, keys);
  if (options.as_json)
    std::printf("%s\n", json{{"folder", options.folder},
                             {"good", files.has_value()},
                             {"files", files ? files->size() : 0},
                             {"problem", files ? "" : files.error().message}}
                            .dump(2)
                            .c_str());
  else if (files)
    std::printf("%s: %zu files are what was signed.\n", options.folder.c_str(), files->size());
  else
    report(files.error());
  return files ? 0 : exit_failure;
}

}  // namespace

void add_sign(CLI::App& app, int& exit_code) {
  auto* verb = app.add_subcommand("sign", "Signs model repositories, for workers that ask for it");
  verb->require_subcommand(1);
  auto options = std::make_shared<sign_options>();
  auto* making = verb->add_subcommand("new", "Makes a key pair: KEY and KEY.pub");
  making->add_option("key", options->key, "File to make, for its owner alone")->required();
  making->callback([options, &exit_code] { exit_code = make_key(*options); });
  auto* signing = verb->add_subcommand(
      "folder", "Lists a folder's files with their digests, and signs the list");
  signing->add_option("folder", options->folder, "A model repository")->required();
  signing->add_option("--key", options->key, "The private key")->required();
  signing->callback([options, &exit_code] { exit_code = sign(*options); });
  auto* verifying = verb->add_subcommand("verify", "Checks a signed folder, as a worker does");
  verifying->add_option("folder", options->folder, "A model repository")->required();
  verifying
      ->add_option("--trust", options->trusted, "Public keys, one of which must have signed it")
      ->required();
  verifying->callback([options, &exit_code] { exit_code = verify(*options); });
  for (auto* each : {signing, verifying}) each->add_flag("--json", options->as_json, "As JSON");
}

}  // namespace coppice::cli
