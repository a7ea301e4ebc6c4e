// The same message in different memory: derived datatypes of one type signature.
#pragma once

#include <mpi.h>

#include <cstddef>
#include <random>
#include <utility>
#include <vector>

namespace sluice::testing {

/// What a message consists of: the signature that sender and receiver agree on.
enum class Content {
  bytes,  ///< MPI_BYTE
  ints,   ///< MPI_INT, a multiple of kIntBlock of them
  pairs,  ///< one MPI_INT and one MPI_DOUBLE, repeated
};

inline constexpr std::size_t kIntBlock = 4;
inline constexpr std::size_t kPairBytes = sizeof(int) + sizeof(double);

/// A buffer, the datatype that describes it, and where the message's bytes lie in it.
class Layout {
 public:
  /// One of the layouts that carry `bytes` bytes of `content`, chosen by `random`. Pads and gaps hold a guard pattern.
  Layout(Content content, std::size_t bytes, std::mt19937_64& random);
  Layout(const Layout&) = delete;
  Layout& operator=(const Layout&) = delete;
  Layout(Layout&& other) noexcept;
  Layout& operator=(Layout&&) = delete;
  ~Layout();

  [[nodiscard]] void* buffer() { return memory_.data(); }
  [[nodiscard]] MPI_Datatype type() const { return type_; }
  [[nodiscard]] int count() const { return count_; }

  void put(const std::vector<std::byte>& message);
  [[nodiscard]] std::vector<std::byte> take() const;

  /// Whether every byte that does not belong to the message still has the guard pattern.
  [[nodiscard]] bool gaps_untouched() const;

 private:
  void make_bytes(std::size_t bytes);
  void make_contiguous(std::size_t ints);
  void make_vector(std::size_t ints);
  void make_indexed(std::size_t ints);
  void make_pairs(std::size_t pairs, bool packed);
  void commit();

  struct Piece {
    std::size_t offset;
    std::size_t bytes;
  };
  std::vector<std::byte> memory_;
  std::vector<Piece> pieces_;  ///< in the order of the message
  MPI_Datatype type_ = MPI_BYTE;
  int count_ = 0;
  bool derived_ = false;
};

}  // namespace sluice::testing
