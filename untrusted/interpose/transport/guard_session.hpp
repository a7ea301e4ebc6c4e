// The connection to the guard: greeting, and the memory that comes with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "untrusted/interpose/privilege_view.hpp"
#include "untrusted/interpose/transport/shared_path.hpp"
#include "wire/mailbox.hpp"

namespace sluice::interpose {

/// Descriptors and mappings of one rank. They live until the process ends or close() is called.
struct GuardSession {
  int socket = -1;    ///< its end tells that the guard is gone
  int doorbell = -1;  ///< eventfd: a frame is there
  int wake = -1;      ///< readable: mail is there
  PrivilegeView table;
  std::byte* transmit = nullptr;                        ///< wire::kTransmitAreaBytes
  wire::CursorPage* cursors = nullptr;                  ///< this rank's
  std::vector<std::span<const std::byte>> mailboxes{};  ///< in the order of the table's inflows
  std::vector<SharedMemory> shared{};

  /// Connects to the socket at `path` and greets as `host_rank` of `host_size`. Returns what went wrong, in words
  /// for the user, or an empty text. Waits at most half a minute.
  std::string open(const char* path, std::uint32_t host_rank, std::uint32_t host_size);

  /// Ends the connection: what is in the ring is still taken. The memory stays mapped.
  void close() noexcept;

  /// Whether the guard has ended the connection.
  [[nodiscard]] bool lost() const noexcept;

 private:
  std::string map_shared_paths(std::span<const int> descriptors);
  std::string map(std::span<const int> descriptors, std::uint64_t table_bytes);
};

}  // namespace sluice::interpose
