// A rank that joins the run by itself, without the library, and keeps everything that the guard hands it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "trusted/base/fd.hpp"
#include "untrusted/interpose/privilege_view.hpp"
#include "wire/mailbox.hpp"

namespace sluice::covert {

struct Membership {
  Fd socket;
  std::vector<Fd> descriptors;  ///< in the order of wire/greeting.hpp
  interpose::PrivilegeView table;
  std::byte* transmit = nullptr;
  wire::CursorPage* cursors = nullptr;
  std::vector<std::span<const std::byte>> mailboxes;  ///< in the order of the table's inflows

  /// Greets as the only rank of its subject, over the socket at `path`. Empty, or what went wrong.
  std::string join(const char* path);
};

}  // namespace sluice::covert
