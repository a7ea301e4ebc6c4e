// The one error idiom of trusted code: a value or an error enum, which the caller may not ignore.
#pragma once

#include <cstdlib>
#include <utility>
#include <variant>

namespace sluice {

/// Either a value of type T or an error of type E (one enum per room, or a struct around it).
template <typename T, typename E>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Result(E error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool ok() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }

  /// Precondition: ok(); otherwise the process aborts.
  [[nodiscard]] T& value() & { return *checked(std::get_if<0>(&state_)); }
  [[nodiscard]] const T& value() const& { return *checked(std::get_if<0>(&state_)); }
  [[nodiscard]] T&& value() && { return std::move(*checked(std::get_if<0>(&state_))); }

  /// Precondition: !ok(); otherwise the process aborts.
  [[nodiscard]] const E& error() const { return *checked(std::get_if<1>(&state_)); }

 private:
  template <typename P>
  static P* checked(P* pointer) noexcept {
    if (pointer == nullptr) std::abort();
    return pointer;
  }

  std::variant<T, E> state_;
};

struct Unit {};

/// Success without a value.
template <typename E>
using Status = Result<Unit, E>;

}  // namespace sluice
