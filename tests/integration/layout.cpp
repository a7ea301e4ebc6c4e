#include "tests/integration/layout.hpp"

#include <cstring>

namespace sluice::testing {
namespace {

constexpr std::byte kGuardPattern{0xa5};
constexpr std::size_t kSlack = 64;  ///< guard bytes after the last piece

int as_int(std::size_t value) { return static_cast<int>(value); }

}  // namespace

Layout::Layout(Content content, std::size_t bytes, std::mt19937_64& random) {
  if (content == Content::bytes) {
    make_bytes(bytes);
  } else if (content == Content::pairs) {
    make_pairs(bytes / kPairBytes, random() % 2 == 0);
  } else {
    const std::size_t ints = bytes / sizeof(int);
    switch (random() % 4) {
      case 0:
        make_contiguous(ints);
        break;
      case 1:
        make_vector(ints);
        break;
      case 2:
        make_indexed(ints);
        break;
      default:
        type_ = MPI_INT;
        count_ = as_int(ints);
        pieces_.push_back({0, bytes});
    }
  }
  const std::size_t end = pieces_.empty() ? 0 : pieces_.back().offset + pieces_.back().bytes;
  memory_.assign(end + kSlack, kGuardPattern);
}

Layout::Layout(Layout&& other) noexcept
    : memory_(std::move(other.memory_)),
      pieces_(std::move(other.pieces_)),
      type_(other.type_),
      count_(other.count_),
      derived_(std::exchange(other.derived_, false)) {}

Layout::~Layout() {
  if (derived_) MPI_Type_free(&type_);
}

void Layout::commit() {
  MPI_Type_commit(&type_);
  derived_ = true;
}

void Layout::make_bytes(std::size_t bytes) {
  count_ = as_int(bytes);
  pieces_.push_back({0, bytes});
}

void Layout::make_contiguous(std::size_t ints) {
  MPI_Type_contiguous(as_int(ints), MPI_INT, &type_);
  commit();
  count_ = 1;
  pieces_.push_back({0, ints * sizeof(int)});
}

void Layout::make_vector(std::size_t ints) {
  constexpr std::size_t kStride = kIntBlock + 3;
  const std::size_t blocks = ints / kIntBlock;
  MPI_Type_vector(as_int(blocks), as_int(kIntBlock), as_int(kStride), MPI_INT, &type_);
  commit();
  count_ = 1;
  for (std::size_t i = 0; i < blocks; ++i) pieces_.push_back({i * kStride * sizeof(int), kIntBlock * sizeof(int)});
}

void Layout::make_indexed(std::size_t ints) {
  std::vector<int> lengths;
  std::vector<int> places;
  std::size_t place = 1;
  for (std::size_t done = 0; done < ints;) {
    const std::size_t length = std::min<std::size_t>(1 + done % 5, ints - done);
    lengths.push_back(as_int(length));
    places.push_back(as_int(place));
    pieces_.push_back({place * sizeof(int), length * sizeof(int)});
    done += length;
    place += length + 1 + done % 3;
  }
  MPI_Type_indexed(as_int(lengths.size()), lengths.data(), places.data(), MPI_INT, &type_);
  commit();
  count_ = 1;
}

void Layout::make_pairs(std::size_t pairs, bool packed) {
  const MPI_Aint second = packed ? MPI_Aint{sizeof(int)} : MPI_Aint{2 * sizeof(double)};
  const MPI_Aint extent = packed ? MPI_Aint{kPairBytes} : MPI_Aint{4 * sizeof(double)};
  const int lengths[2] = {1, 1};
  const MPI_Aint places[2] = {0, second};
  const MPI_Datatype types[2] = {MPI_INT, MPI_DOUBLE};
  MPI_Datatype one = MPI_DATATYPE_NULL;
  MPI_Type_create_struct(2, lengths, places, types, &one);
  MPI_Type_create_resized(one, 0, extent, &type_);
  MPI_Type_free(&one);
  commit();
  count_ = as_int(pairs);
  for (std::size_t i = 0; i < pairs; ++i) {
    const std::size_t start = i * static_cast<std::size_t>(extent);
    pieces_.push_back({start, sizeof(int)});
    pieces_.push_back({start + static_cast<std::size_t>(second), sizeof(double)});
  }
}

void Layout::put(const std::vector<std::byte>& message) {
  std::size_t at = 0;
  for (const Piece& piece : pieces_) {
    if (piece.bytes != 0) std::memcpy(memory_.data() + piece.offset, message.data() + at, piece.bytes);
    at += piece.bytes;
  }
}

std::vector<std::byte> Layout::take() const {
  std::vector<std::byte> message;
  for (const Piece& piece : pieces_) {
    const std::byte* start = memory_.data() + piece.offset;
    message.insert(message.end(), start, start + piece.bytes);
  }
  return message;
}

bool Layout::gaps_untouched() const {
  std::size_t at = 0;
  const auto untouched = [&](std::size_t end) {
    for (; at < end; ++at) {
      if (memory_[at] != kGuardPattern) return false;
    }
    return true;
  };
  for (const Piece& piece : pieces_) {
    if (!untouched(piece.offset)) return false;
    at = piece.offset + piece.bytes;
  }
  return untouched(memory_.size());
}

}  // namespace sluice::testing
