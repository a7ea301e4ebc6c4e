// A bounded queue between the thread that drains a subject and a thread that writes somewhere that may be stuck.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace sluice::launcher {

enum class Stream { out, err };

struct Piece {
  Stream stream;
  std::string bytes;
};

/// Never makes the pushing side wait: what does not fit is dropped and counted.
class LineQueue {
 public:
  explicit LineQueue(std::size_t limit_bytes) : limit_(limit_bytes) {}

  /// `lines`: how many lines these bytes are, to be counted where they do not fit.
  void push(Stream stream, std::string bytes, std::uint64_t lines = 1) {
    const std::lock_guard lock(mutex_);
    if (size_ + bytes.size() > limit_) {
      dropped_ += lines;
      return;
    }
    size_ += bytes.size();
    pieces_.push_back({stream, std::move(bytes)});
    ready_.notify_one();
  }

  /// No push follows.
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    ready_.notify_one();
  }

  struct Taken {
    std::vector<Piece> pieces;
    std::uint64_t dropped = 0;  ///< lines that did not fit since the last take; they came after `pieces`
    bool closed = false;        ///< nothing will follow
  };

  /// All there is now.
  Taken take() {
    const std::lock_guard lock(mutex_);
    return take_locked();
  }

  /// Waits until there is something.
  Taken wait() {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [this] { return !pieces_.empty() || closed_ || dropped_ > 0; });
    return take_locked();
  }

 private:
  Taken take_locked() {
    Taken taken{std::move(pieces_), dropped_, closed_};
    pieces_.clear();
    size_ = 0;
    dropped_ = 0;
    return taken;
  }

  const std::size_t limit_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::vector<Piece> pieces_;
  std::size_t size_ = 0;
  std::uint64_t dropped_ = 0;
  bool closed_ = false;
};

}  // namespace sluice::launcher
