// The one exchange on a rank's connection: who are you, and here is your memory.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <span>

#include "trusted/base/fd.hpp"
#include "trusted/guard/control.hpp"
#include "trusted/guard/memory.hpp"
#include "wire/greeting.hpp"

namespace sluice::guard {

/// What one packet on a connection amounts to.
struct Greeting {
  enum class Kind {
    nothing,  ///< no packet yet
    hello,    ///< `hello` is well formed; its fields are not yet checked against the subject
    ended,    ///< the peer has closed
    broken,   ///< something that is no Hello
  };
  Kind kind = Kind::nothing;
  wire::Hello hello{};
};

/// Reads at most one packet without waiting.
Greeting read_greeting(const Fd& connection) noexcept;

/// Accepts one connection without waiting; an invalid Fd if there is none.
Fd accept_connection(const Fd& listener) noexcept;

/// User id of the process that connected, as seen from the guard; nullopt if the kernel does not say.
std::optional<uid_t> peer_user(const Fd& connection) noexcept;

/// Checks `hello` against the subject: `ranks` ranks, `taken[r]` true where rank r has connected before.
wire::GreetingVerdict judge(const wire::Hello& hello, std::span<const bool> taken) noexcept;

/// What a verdict says of the subject; `none` for welcome.
Misbehaviour misbehaviour_of(wire::GreetingVerdict verdict) noexcept;

/// Sends the answer without waiting. With `welcome`, the descriptors go along; `inbound`: those after the fixed ones.
/// False if the peer did not take it.
bool answer(const Fd& connection, wire::GreetingVerdict verdict, const SubjectMemory& subject, std::uint32_t rank,
            std::span<const int> inbound) noexcept;

}  // namespace sluice::guard
