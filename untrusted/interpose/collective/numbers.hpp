// Counts and displacements of a collective call: int, or MPI_Count and MPI_Aint in the forms for large counts.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace sluice::interpose {

/// One number for each rank or neighbour, in the program's memory; or null.
class Numbers {
 public:
  Numbers(std::nullptr_t) noexcept {}  // NOLINT(google-explicit-constructor): stands for an argument
  template <std::signed_integral Number>
  requires(sizeof(Number) == sizeof(std::int32_t) || sizeof(Number) == sizeof(std::int64_t))
      Numbers(const Number* first)
  noexcept  // NOLINT(google-explicit-constructor)
      : first_(first), wide_(sizeof(Number) == sizeof(std::int64_t)) {}

  [[nodiscard]] bool null() const noexcept { return first_ == nullptr; }

  /// Precondition: not null, and the program's array has it.
  [[nodiscard]] std::int64_t operator[](int i) const noexcept {
    return wide_ ? read<std::int64_t>(i) : read<std::int32_t>(i);
  }

 private:
  template <typename Number>
  [[nodiscard]] Number read(int i) const noexcept {
    Number number;
    std::memcpy(&number, static_cast<const std::byte*>(first_) + static_cast<std::size_t>(i) * sizeof number,
                sizeof number);
    return number;
  }

  const void* first_ = nullptr;
  bool wide_ = false;
};

}  // namespace sluice::interpose
