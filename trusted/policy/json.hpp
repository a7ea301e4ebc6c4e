// Writes JSON (RFC 8259), compactly and in order.
#pragma once

#include <concepts>
#include <string>
#include <string_view>

namespace sluice::policy {

class Json {
 public:
  Json& open_object() { return open('{'); }
  Json& close_object() { return close('}'); }
  Json& open_list() { return open('['); }
  Json& close_list() { return close(']'); }
  Json& key(std::string_view name);
  Json& text(std::string_view value);
  Json& boolean(bool value) { return raw(value ? "true" : "false"); }
  Json& number(std::unsigned_integral auto value) { return raw(std::to_string(value)); }
  Json& null() { return raw("null"); }

  /// The document, with a line end.
  [[nodiscard]] std::string take() && { return std::move(out_) + "\n"; }

 private:
  Json& open(char bracket);
  Json& close(char bracket);
  Json& raw(std::string_view value);
  void separate();

  std::string out_;
  bool first_ = true;  ///< nothing written yet in the innermost object or list
};

}  // namespace sluice::policy
