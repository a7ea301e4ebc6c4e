// System calls that are denied while somebody listens: who makes one waits until the listener has answered.
#pragma once

#include <functional>

#include "trusted/base/fd.hpp"
#include "trusted/base/result.hpp"
#include "trusted/sandbox/problem.hpp"

namespace sluice::sandbox {

/// Loads the program at offset 0 of `program` (FilterOptions::tell_denials) into this process, and returns what its
/// denials are heard by. Precondition: no_new_privs.
Result<Fd, Problem> load_heard_filter(const Fd& program);

/// The same without a listener.
Status<Problem> load_filter(const Fd& program);

/// Sends a descriptor over a Unix socket, and takes one; none if the other end has closed it without.
[[nodiscard]] bool send_listener(const Fd& socket, const Fd& listener);
[[nodiscard]] Fd receive_listener(const Fd& socket);

/// Answers each denied call with EPERM and tells `heard` its number, until no process is left that could make one or
/// `stop` can be read. Who calls waits for that and for nothing else.
void answer_denials(const Fd& listener, const Fd& stop, const std::function<void(int number)>& heard);

/// Whether this host lets a process have a listener: a container may have one already.
bool can_listen();

}  // namespace sluice::sandbox
