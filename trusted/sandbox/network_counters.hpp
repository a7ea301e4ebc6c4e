// /proc/PID/net shows, beside what belongs to a network namespace, counters of the whole host.
#pragma once

#include <sys/types.h>

namespace sluice::sandbox {

/// Takes away every right to the files of the network namespace of `process`, but those of a short list which show
/// nothing of others: softnet_stat counts the packets of every namespace, sockstat and protocols their memory. Lasts as
/// long as the namespace, in every /proc. Nobody in the sandbox has the right to undo it. To be called before anything
/// has looked there from inside. False where this is not the host's root, who alone may.
[[nodiscard]] bool hide_network_counters(pid_t process);

}  // namespace sluice::sandbox
