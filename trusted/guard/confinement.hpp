// What the guard gives up before it meets a subject.
#pragma once

namespace sluice::guard {

/// Gives up every system call that a running guard does not need, for all its threads, and the right to be traced or
/// dumped. False if the kernel refuses: then the guard must not start.
[[nodiscard]] bool confine_self() noexcept;

}  // namespace sluice::guard
