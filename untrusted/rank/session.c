/* Preloaded into MPICH's launcher (mpiexec and its proxies, never the ranks): a process group instead of a session.
 *
 * Hydra gives each proxy and each rank a session of its own, so that it can signal one rank's process group. The group
 * is enough for that. Sessions would do harm: where the kernel groups processes by session (sched_autogroup), yielding
 * does not give way across them, and ranks that wait for each other's messages would each keep their time slice.
 */
#include <sys/types.h>
#include <unistd.h>

pid_t setsid(void) { return setpgid(0, 0) == 0 ? getpid() : -1; }
