#include "trusted/launcher/digest.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <span>

#include "trusted/base/fd.hpp"
#include "trusted/launcher/operator_text.hpp"

namespace sluice::launcher {
namespace {

using Digest = std::array<unsigned char, EVP_MAX_MD_SIZE>;

}  // namespace

std::string sha256(std::string_view text) {
  Digest digest{};
  unsigned int length = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_sha256(), nullptr) != 1) return {};
  return hexadecimal(std::span(digest).first(length));
}

std::string sha256_of_file(const std::filesystem::path& path) {
  const Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  if (!file || !context || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1) return {};
  std::array<char, 65536> block;
  ssize_t got = 0;
  while ((got = read(file.get(), block.data(), block.size())) > 0) {
    if (EVP_DigestUpdate(context.get(), block.data(), static_cast<std::size_t>(got)) != 1) return {};
  }
  Digest digest{};
  unsigned int length = 0;
  if (got < 0 || EVP_DigestFinal_ex(context.get(), digest.data(), &length) != 1) return {};
  return hexadecimal(std::span(digest).first(length));
}

}  // namespace sluice::launcher
